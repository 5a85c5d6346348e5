/* SPDX-License-Identifier: Apache-2.0
 * `postern explain`: the production judgement over one request, without gateway or cloud. */
#include "commands/explain.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>

#include "base/clock.h"
#include "commands/period_options.h"
#include "judging/whole.h"

enum { NAMES_MAX = 256 };

struct wanted {
    const char *conf, *request, *instance;
    struct view user, user_id, project, domain, query;
    const struct operation *operation;
    struct view roles[NAMES_MAX], groups[NAMES_MAX];
    size_t role_count, group_count;
    int64_t at_us;
    bool json;
};

static int add_name(const struct command *command, struct view *names, size_t *count)
{
    if (*count == NAMES_MAX)
        return command_usage(command, "more than %d names", NAMES_MAX);
    names[(*count)++] = view_str(optarg);
    return -1;
}

static int take_operation(const struct command *command, struct wanted *w)
{
    w->operation = operation_find(view_str(optarg));
    if (w->operation == NULL)
        return command_usage(command, "\"%s\" is not an operation", optarg);
    if (!operation_is_judged(w->operation))
        return command_usage(command, "\"%s\" is never judged", optarg);
    return -1;
}

/* One option; -1 to go on. */
static int take_option(const struct command *command, int option, struct wanted *w, char **argv)
{
    switch (option) {
    case 'c':
        w->conf = optarg;
        return -1;
    case 'u':
        w->user = view_str(optarg);
        return -1;
    case 'i':
        w->user_id = view_str(optarg);
        return -1;
    case 'p':
        w->project = view_str(optarg);
        return -1;
    case 'd':
        w->domain = view_str(optarg);
        return -1;
    case 'r':
        return add_name(command, w->roles, &w->role_count);
    case 'g':
        return add_name(command, w->groups, &w->group_count);
    case 'o':
        return take_operation(command, w);
    case 'I':
        w->instance = optarg;
        return -1;
    case 'q':
        w->query = view_str(optarg);
        return -1;
    case 't':
        return command_time(command, "at", optarg, &w->at_us);
    case 'j':
        w->json = true;
        return -1;
    case 'h':
        return command_help(command);
    default:
        return command_bad_option(command, option, argv);
    }
}

static int parse_options(const struct command *command, int argc, char **argv, struct wanted *w)
{
    static const struct option options[] = {
        {"conf", required_argument, NULL, 'c'},     {"user", required_argument, NULL, 'u'},
        {"user-id", required_argument, NULL, 'i'},  {"project", required_argument, NULL, 'p'},
        {"domain", required_argument, NULL, 'd'},   {"role", required_argument, NULL, 'r'},
        {"group", required_argument, NULL, 'g'},    {"operation", required_argument, NULL, 'o'},
        {"instance", required_argument, NULL, 'I'}, {"query", required_argument, NULL, 'q'},
        {"at", required_argument, NULL, 't'},       {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},           {NULL, 0, NULL, 0},
    };
    int option, result;

    result = command_check_once(command, argc, argv, options, "rg");
    if (result >= 0)
        return result;
    opterr = 0;
    // NOLINTNEXTLINE(concurrency-mt-unsafe): before any thread
    while ((option = getopt_long(argc, argv, ":c:h", options, NULL)) != -1) {
        result = take_option(command, option, w, argv);
        if (result >= 0)
            return result;
    }
    if (w->user.ptr == NULL || w->project.ptr == NULL)
        return command_usage(command, "--user and --project are needed");
    if (optind + 1 < argc)
        return command_usage(command, "\"%s\" is one word too many", argv[optind + 1]);
    w->request = optind < argc ? argv[optind] : NULL;
    if (modelarts_needs_stored(w->operation) && w->instance == NULL)
        return command_usage(command,
                             "%s is judged by what the instance is: name a file with the cloud's "
                             "answer to its GET by --instance",
                             w->operation->name);
    return -1;
}

/* The subject that a token of that user would give. */
static struct subject subject_of(const struct wanted *w)
{
    return (struct subject){
        .known = SUBJECT_USER | SUBJECT_PROJECT | SUBJECT_ROLES |
                 (w->domain.ptr != NULL ? SUBJECT_DOMAIN : 0) |
                 (w->group_count > 0 ? SUBJECT_GROUPS : 0),
        .user_name = w->user,
        .user_id = w->user_id,
        .domain_name = w->domain,
        .project_id = w->project,
        .roles = w->roles,
        .role_count = w->role_count,
        .groups = w->groups,
        .group_count = w->group_count,
    };
}

static enum status read_stdin(struct arena *arena, size_t max, struct view *ret, struct err *err)
{
    struct buf text;
    char piece[4096];
    size_t got;

    buf_init(&text, max);
    while ((got = fread(piece, 1, sizeof piece, stdin)) > 0)
        buf_add(&text, view_of(piece, got));
    *ret = arena_copy(arena, buf_view(&text));
    if (ferror(stdin) || text.failed != STATUS_OK || ret->ptr == NULL) {
        buf_done(&text);
        return err_set(err, STATUS_LIMIT, "standard input can't be read, or is over limits.body");
    }
    buf_done(&text);
    return STATUS_OK;
}

/* Where a body may be left out, it is read only if it was named. */
static enum status read_request(const struct wanted *w, const struct conf *conf,
                                struct arena *arena, struct view *ret, struct err *err)
{
    if (w->request != NULL)
        return file_read(w->request, (size_t)conf->limits.body, arena, ret, err);
    *ret = VIEW("");
    if (modelarts_needs_stored(w->operation))
        return STATUS_OK;
    return read_stdin(arena, (size_t)conf->limits.body, ret, err);
}

static enum status read_instance(const struct wanted *w, const struct conf *conf,
                                 struct arena *arena, struct view *ret, struct err *err)
{
    if (w->instance == NULL)
        return STATUS_OK;
    return file_read(w->instance, (size_t)conf->limits.answer, arena, ret, err);
}

bool explained_refused(const struct explained *e)
{
    return e->judging.reason_count > 0;
}

static int print(const struct explained *e, bool json)
{
    struct buf out;

    buf_init(&out, 16 << 20);
    if (json) {
        explain_print_json(e, &out);
        command_print(&out);
    } else {
        explain_print_text(e, &out);
        command_print_lines(&out);
    }
    buf_done(&out);
    return explained_refused(e) ? RESULT_NO : RESULT_WELL;
}

static int run(const struct wanted *w, struct arena *arena, const struct conf *conf,
               const struct policy_set *set)
{
    const struct judging_settings settings = conf_judging(conf);
    const struct subject subject = subject_of(w);
    struct explained e = {.arena = arena, .subject = &subject, .set = set};
    struct view received, stored = VIEW_NONE;
    enum judging_flow flow;
    struct err err = {0};
    int result;

    if (read_request(w, conf, arena, &received, &err) != STATUS_OK ||
        read_instance(w, conf, arena, &stored, &err) != STATUS_OK) {
        (void)fprintf(stderr, "postern explain: %s\n", err.text);
        return RESULT_CANNOT;
    }
    judging_init(&e.judging, &settings, arena);
    e.judging.op = w->operation;
    e.judging.project = w->project;
    e.judging.query = w->query;
    flow = judging_whole(&e.judging, &(struct judging_whole){.received = received,
                                                             .stored = stored,
                                                             .set = set,
                                                             .subject = &subject,
                                                             .at_us = w->at_us,
                                                             .with_trace = true});
    if (flow == JUDGING_FAILED)
        (void)fputs("postern explain: the request can't be judged: it does not fit into memory\n",
                    stderr);
    result = flow == JUDGING_FAILED ? RESULT_CANNOT : print(&e, w->json);
    judging_done(&e.judging);
    return result;
}

int command_explain(const struct command *command, int argc, char **argv)
{
    struct wanted w = {.conf = DEFAULT_CONF,
                       .operation = &operations[OP_DEMANAGER_CREATE],
                       .at_us = clock_now_us()};
    struct loaded_policies loaded = {0};
    struct arena arena;
    struct conf conf;
    int result = parse_options(command, argc, argv, &w);

    if (result >= 0)
        return result;
    arena_init(&arena, LOAD_ARENA_BLOCK, LOAD_ARENA_MAX);
    result = RESULT_CANNOT;
    if (command_load(w.conf, &arena, &conf, &loaded))
        result = run(&w, &arena, &conf, loaded.set);
    policy_set_unref(&loaded.set);
    arena_done(&arena);
    return result;
}
