/* SPDX-License-Identifier: Apache-2.0
 * A small client of the admin socket, and what the commands that use it have in common. */
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "commands/internal.h"
#include "http1/head.h"

enum { ANSWER_MAX = 8 << 20 };

static int connect_admin(const char *path, int seconds, struct err *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const struct timeval limit = {.tv_sec = seconds};
    int fd;

    if (strlen(path) >= sizeof address.sun_path) {
        (void)err_set(err, STATUS_INVALID, "the path is too long");
        return -1;
    }
    memcpy(address.sun_path, path, strlen(path) + 1);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) != 0 ||
        connect(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
        (void)err_set_errno(
            err, errno,
            errno == EACCES
                ? "only root and the gateway's own user may ask it"
                : "no gateway answers (is one running with these settings? -c names them)");
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
static unsigned ask(const char *socket_path, const struct command_call *call, struct arena *arena,
                    struct buf *answer, struct err *err)
{
    char request[256];
    int fd = connect_admin(socket_path, call->seconds, err);
    int len = snprintf(
        request, sizeof request,
        "%s %s HTTP/1.1\r\nHost: postern\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
        call->method, call->path);
    unsigned status = 0;

    if (fd < 0)
        return 0;
    if (send(fd, request, (size_t)len, MSG_NOSIGNAL) == len && read_answer(fd, answer))
        status = take_head(answer, view_str(call->method), arena);
    (void)close(fd);
    if (status == 0)
        (void)err_set(err, STATUS_PEER, "the gateway's answer broke off, or did not come in %ds",
                      call->seconds);
    return status;
}

int command_ask(const char *conf_path, const struct command_call *call)
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
        status = ask(conf.admin_socket, call, &arena, &answer, &err);
        if (status == 0)
            (void)fprintf(stderr, "postern %s: admin socket %s: %s\n", call->name,
                          conf.admin_socket, err.text);
        else
            result = call->finish(call, status, &answer);
    }
    buf_done(&answer);
    arena_done(&arena);
    return result;
}
