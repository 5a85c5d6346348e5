/* SPDX-License-Identifier: Apache-2.0
 * `postern explain`: the production judgement over one request, without gateway or cloud. */
#include "commands/explain.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>

#include "base/clock.h"
#include "commands/internal.h"

enum { NAMES_MAX = 256 };

struct wanted {
    const char *conf, *request;
    struct view user, user_id, project, domain;
    const struct operation *operation;
    struct view roles[NAMES_MAX], groups[NAMES_MAX];
    size_t role_count, group_count;
    int64_t at_us;
    bool json;
};

static bool parse_time(const char *text, int64_t *ret_us)
{
    return clock_parse(view_str(text), ret_us) || clock_parse_date(view_str(text), ret_us);
}

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
    if (w->operation->id != OP_DEMANAGER_CREATE)
        return command_usage(command, "this version judges demanager.create only, not \"%s\"",
                             optarg);
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
    case 't':
        return parse_time(optarg, &w->at_us)
                   ? -1
                   : command_usage(command, "--at %s: want 2026-12-31 or 2026-12-31T12:00:00Z",
                                   optarg);
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
        {"conf", required_argument, NULL, 'c'},    {"user", required_argument, NULL, 'u'},
        {"user-id", required_argument, NULL, 'i'}, {"project", required_argument, NULL, 'p'},
        {"domain", required_argument, NULL, 'd'},  {"role", required_argument, NULL, 'r'},
        {"group", required_argument, NULL, 'g'},   {"operation", required_argument, NULL, 'o'},
        {"at", required_argument, NULL, 't'},      {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},          {NULL, 0, NULL, 0},
    };
    int option, result;

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

static enum status read_request(const struct wanted *w, const struct conf *conf,
                                struct arena *arena, struct view *ret, struct err *err)
{
    if (w->request != NULL)
        return file_read(w->request, (size_t)conf->limits.body, arena, ret, err);
    return read_stdin(arena, (size_t)conf->limits.body, ret, err);
}

static enum status note_json_fault(struct explained *e, const struct jfault *fault)
{
    struct reason *reason = ARENA_NEW(e->arena, struct reason);

    if (reason == NULL)
        return STATUS_NOMEM;
    reason->row = fault->row;
    reason->message =
        arena_printf(e->arena, "line %u, column %u: %s", fault->line, fault->column, fault->text);
    e->faults = reason;
    e->fault_count = 1;
    return STATUS_OK;
}

static enum status note_faults(struct explained *e, const struct body_faults *faults)
{
    struct reason *kept = arena_array(e->arena, faults->count, sizeof *kept);

    if (kept == NULL)
        return STATUS_NOMEM;
    memcpy(kept, faults->items, faults->count * sizeof *kept);
    e->faults = kept;
    e->fault_count = faults->count;
    return STATUS_OK;
}

/* The edited body, if the decision edits; else the body as it is. */
static enum status fill_body(struct explained *e, const struct jdoc *doc, struct view received)
{
    const struct judgement *j = &e->decision->judgement;
    struct buf edited;
    enum status status;

    if (j->verdict == VERDICT_REFUSE)
        return STATUS_OK;
    if (j->verdict == VERDICT_ALLOW) {
        e->body = received;
        return STATUS_OK;
    }
    buf_init(&edited, 4 << 20);
    status = modelarts_apply(doc, e->request, j->edits, j->edit_count, e->arena, &edited);
    if (status == STATUS_OK)
        e->body = arena_copy(e->arena, buf_view(&edited));
    buf_done(&edited);
    return status;
}

static enum status judge(struct explained *e, const struct jdoc *doc, struct view received,
                         int64_t at_us)
{
    const struct judgement *j;
    const struct judgement *would;
    enum status status =
        policy_judge(e->set, e->request, e->subject, at_us, true, e->arena, &e->decision);

    if (status != STATUS_OK)
        return status;
    j = &e->decision->judgement;
    would = &e->decision->would;
    status = modelarts_render(doc, e->request, j->edits, j->edit_count, e->arena, &e->changes,
                              &e->change_count);
    if (status == STATUS_OK && e->decision->has_would)
        status = modelarts_render(doc, e->request, would->edits, would->edit_count, e->arena,
                                  &e->would_changes, &e->would_count);
    return status == STATUS_OK ? fill_body(e, doc, received) : status;
}

static enum status explain(struct explained *e, const struct conf *conf, struct view received,
                           int64_t at_us)
{
    const struct jlimits limits = {.bytes = (size_t)conf->limits.body,
                                   .depth = (unsigned)conf->limits.json_depth,
                                   .members = (unsigned)conf->limits.json_members};
    struct instance_request *request = ARENA_NEW(e->arena, struct instance_request);
    struct body_faults faults = {0};
    struct jfault fault;
    struct jdoc doc;
    enum status status;

    if (request == NULL)
        return STATUS_NOMEM;
    status = jdoc_read(received, &limits, e->arena, &doc, &fault);
    if (status == STATUS_SYNTAX)
        return note_json_fault(e, &fault);
    if (status == STATUS_OK)
        status = modelarts_read_create(&doc, e->project, conf->unknown_fields, e->arena, request,
                                       &faults);
    if (status == STATUS_INVALID)
        return note_faults(e, &faults);
    if (status != STATUS_OK)
        return status;
    e->request = request;
    return judge(e, &doc, received, at_us);
}

bool explained_refused(const struct explained *e)
{
    return e->decision == NULL || e->decision->judgement.verdict == VERDICT_REFUSE;
}

static int print(const struct explained *e, bool json)
{
    struct buf out;

    buf_init(&out, 16 << 20);
    if (json)
        explain_print_json(e, &out);
    else
        explain_print_text(e, &out);
    command_print(&out);
    buf_done(&out);
    return explained_refused(e) ? RESULT_NO : RESULT_WELL;
}

static int run(const struct wanted *w, struct arena *arena, const struct conf *conf,
               const struct policy_set *set)
{
    const struct subject subject = subject_of(w);
    struct explained e = {.arena = arena,
                          .subject = &subject,
                          .project = w->project,
                          .operation = w->operation,
                          .set = set};
    struct view received;
    struct err err = {0};

    if (read_request(w, conf, arena, &received, &err) != STATUS_OK) {
        (void)fprintf(stderr, "postern explain: %s\n", err.text);
        return RESULT_CANNOT;
    }
    if (explain(&e, conf, received, w->at_us) != STATUS_OK) {
        (void)fputs("postern explain: the request can't be judged: it does not fit into memory\n",
                    stderr);
        return RESULT_CANNOT;
    }
    return print(&e, w->json);
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
