/* SPDX-License-Identifier: Apache-2.0
 * `postern status` and `postern reload`: small clients of the admin socket. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <jansson.h>

#include "commands/internal.h"
#include "http1/head.h"

enum { ANSWER_MAX = 2 << 20, ANSWER_SECONDS = 30 };

static int connect_admin(const char *path, struct err *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const struct timeval limit = {.tv_sec = ANSWER_SECONDS};
    int fd;

    if (strlen(path) >= sizeof address.sun_path) {
        (void)err_set(err, STATUS_INVALID, "the path is too long");
        return -1;
    }
    memcpy(address.sun_path, path, strlen(path) + 1);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) != 0 ||
        connect(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
        (void)err_set_errno(err, errno, "no gateway answers");
        if (fd >= 0)
            (void)close(fd);
        return -1;
    }
    return fd;
}

static bool read_answer(int fd, struct buf *answer)
{
    char piece[4096];
    ssize_t got;

    while ((got = recv(fd, piece, sizeof piece, 0)) > 0)
        buf_add(answer, view_of(piece, (size_t)got));
    return got == 0 && answer->failed == STATUS_OK;
}

/* Takes the head off; its status, or 0 if it isn't HTTP. */
static unsigned take_head(struct buf *answer, struct view method, struct arena *arena)
{
    static const struct http1_limits limits = {
        .head = 65536, .uri = 1024, .header_value = 8192, .headers = 64};
    struct http1_response response;
    struct http1_fault fault;
    size_t scanned = 0, head = http1_find_head(buf_view(answer), &limits, &scanned, &fault);

    if (head == 0 || head == SIZE_MAX ||
        http1_parse_response(view_of(answer->ptr, head), method, &limits, arena, &response,
                             &fault) != STATUS_OK)
        return 0;
    buf_drop(answer, head);
    return response.status;
}

/* One call; the body of the answer is left in `answer`. Gives its status, or 0 with err. */
static unsigned ask(const char *socket_path, const char *method, const char *path,
                    struct arena *arena, struct buf *answer, struct err *err)
{
    char request[256];
    int fd = connect_admin(socket_path, err);
    int len = snprintf(
        request, sizeof request,
        "%s %s HTTP/1.1\r\nHost: postern\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", method,
        path);
    unsigned status = 0;

    if (fd < 0)
        return 0;
    if (send(fd, request, (size_t)len, MSG_NOSIGNAL) == len && read_answer(fd, answer))
        status = take_head(answer, view_str(method), arena);
    (void)close(fd);
    if (status == 0)
        (void)err_set(err, STATUS_PEER, "the gateway's answer broke off");
    return status;
}

/* "journal.seq: 17", nested members with dots. */
static void print_members(json_t *object, const char *prefix)
{
    const char *key;
    json_t *value;
    char name[128];

    json_object_foreach (object, key, value) {
        (void)snprintf(name, sizeof name, "%s%s%s", prefix, prefix[0] == '\0' ? "" : ".", key);
        if (json_is_object(value))
            print_members(value, name);
        else if (json_is_string(value))
            (void)printf("%s: %s\n", name, json_string_value(value));
        else if (json_is_integer(value))
            (void)printf("%s: %lld\n", name, (long long)json_integer_value(value));
        else
            (void)printf("%s: %s\n", name, json_is_true(value) ? "yes" : "no");
    }
}

static int print_status(const struct buf *answer, bool as_json)
{
    json_t *state;

    if (as_json) {
        command_print(answer);
        return RESULT_WELL;
    }
    state = json_loadb(answer->ptr, answer->len, JSON_REJECT_DUPLICATES, NULL);
    if (state == NULL) {
        (void)fputs("postern status: the gateway's answer is not JSON\n", stderr);
        return RESULT_CANNOT;
    }
    print_members(state, "");
    json_decref(state);
    return RESULT_WELL;
}

struct call {
    const char *command, *method, *path;
    bool as_json;
};

static int finish(const struct call *call, unsigned status, const struct buf *answer)
{
    if (strcmp(call->command, "status") == 0)
        return status == 200 ? print_status(answer, call->as_json) : RESULT_CANNOT;
    command_print(answer);
    return status == 200 ? RESULT_WELL : RESULT_NO;
}

static int run(const char *conf_path, const struct call *call)
{
    struct arena arena;
    struct conf conf;
    struct buf answer;
    struct err err = {0};
    unsigned status;
    int result = RESULT_CANNOT;

    arena_init(&arena, LOAD_ARENA_BLOCK, LOAD_ARENA_MAX);
    buf_init(&answer, ANSWER_MAX);
    if (command_load(conf_path, &arena, &conf, NULL)) {
        status = ask(conf.admin_socket, call->method, call->path, &arena, &answer, &err);
        if (status == 0)
            (void)fprintf(stderr, "postern %s: admin socket %s: %s\n", call->command,
                          conf.admin_socket, err.text);
        else
            result = finish(call, status, &answer);
    }
    buf_done(&answer);
    arena_done(&arena);
    return result;
}

int command_reload(const struct command *command, int argc, char **argv)
{
    static const struct call call = {.command = "reload", .method = "POST", .path = "/v1/reload"};
    const char *path;
    int result = command_conf_option(command, argc, argv, &path);

    return result >= 0 ? result : run(path, &call);
}

int command_status(const struct command *command, int argc, char **argv)
{
    static const struct option options[] = {{"conf", required_argument, NULL, 'c'},
                                            {"json", no_argument, NULL, 'j'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    struct call call = {.command = "status", .method = "GET", .path = "/v1/status"};
    const char *path = DEFAULT_CONF;
    int option;

    opterr = 0;
    // NOLINTNEXTLINE(concurrency-mt-unsafe): before any thread
    while ((option = getopt_long(argc, argv, ":c:h", options, NULL)) != -1) {
        switch (option) {
        case 'c':
            path = optarg;
            break;
        case 'j':
            call.as_json = true;
            break;
        case 'h':
            return command_help(command);
        default:
            return command_bad_option(command, option, argv);
        }
    }
    if (optind < argc)
        return command_usage(command, "\"%s\" is one word too many", argv[optind]);
    return run(path, &call);
}
