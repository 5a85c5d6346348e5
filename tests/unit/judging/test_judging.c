/* SPDX-License-Identifier: Apache-2.0
 * From received bytes to the bytes that may go, for each judged operation: a table of requests with
 * what comes of them. What comes out is judged once more and must be allowed as it is. */
#include "support/test.h"

#include "judging/judging.h"

#define PROJECT "0123456789abcdef0123456789abcdef"
#define NOW_MS  1800000000000
#define NOW_US  (NOW_MS * 1000)

static const char policies[] =
    "version: 1\n"
    "policies:\n"
    "  - name: p\n"
    "    flavors: {allow: [small]}\n"
    "    workspaces: {allow: [\"0\"]}\n"
    "    storage: {types: [obs, evs], obs_prefixes: [/aaa/], max_size_gb: 100}\n"
    "    auto_stop: {required: true, default: 1h, max: 4h}\n"
    "    annotations: {set: {team: a}}\n"
    "    hooks: refuse\n";

static const struct judging_settings settings = {
    .body = {.bytes = 4096, .depth = 16, .members = 256},
    .answer = {.bytes = 8192, .depth = 16, .members = 512},
    .unknown = UNKNOWN_REFUSE,
};

static const struct subject subject = {.known = SUBJECT_USER, .user_name = {"alice", 5}};

static struct policy_set *set;

static int set_up(void **state)
{
    const struct policy_file file = {"p.yaml", view_str(policies)};
    const struct policy_options options = {.now_us = NOW_US};
    struct arena arena;
    struct diag diag;

    (void)state;
    arena_init(&arena, 65536, (size_t)64 << 20);
    diag_init(&diag, &arena);
    assert_int_equal(policy_set_load(&file, 1, &options, &diag, &set), STATUS_OK);
    arena_done(&arena);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    policy_set_unref(&set);
    return 0;
}

struct row {
    const char *name;
    enum operation_id op;
    const char *query;  /* NULL: none */
    const char *body;   /* NULL: none */
    const char *stored; /* what the cloud answers, NULL: not asked */
    const char *result; /* "allow", "rewrite", or the code of the first reason */
    const char *sent_query, *sent_body;
};

static enum judging_flow run(struct judging *j, const struct row *row, struct arena *arena)
{
    enum judging_flow flow;

    judging_init(j, &settings, arena);
    j->op = &operations[row->op];
    j->project = VIEW(PROJECT);
    j->instance = row->stored == NULL ? VIEW_NONE : VIEW("i");
    j->query = view_str(row->query);
    flow = judging_body(j, row->body == NULL ? VIEW("") : view_str(row->body));
    if (flow == JUDGING_GOES_ON && row->op == OP_DEMANAGER_START)
        flow = judging_action(j);
    if (flow == JUDGING_GOES_ON)
        flow = judging_read(j);
    if (flow == JUDGING_GOES_ON && row->stored != NULL)
        flow = judging_stored(j, view_str(row->stored), NOW_US);
    if (flow == JUDGING_GOES_ON)
        flow = judging_decide(j, set, &subject, NOW_US, false);
    return flow;
}

static const char *result_of(const struct judging *j, enum judging_flow flow)
{
    if (flow == JUDGING_FAILED)
        return "failed";
    return flow == JUDGING_REFUSED ? j->reasons[0].row->code
                                   : verdict_name(j->decision->judgement.verdict);
}

#define LABELS  ",\"annotations\":{\"team\":\"a\"}"
#define STORAGE "\"storage\":{\"type\":\"obs\",\"location\":{\"path\":\"/aaa/x/\"}}"
#define CREATE(stop)                                                                               \
    "{\"name\":\"n\",\"profile_id\":\"x\",\"flavor\":\"small\",\"spec\":{" STORAGE stop LABELS "}" \
    "}"
#define STOP(seconds) ",\"auto_stop\":{\"enable\":true,\"duration\":" #seconds "}"
#define DE(flavor, stop)                                \
    "{\"id\":\"i\",\"name\":\"n\",\"flavor\":\"" flavor \
    "\",\"unheard_of\":[1],\"spec\":{" STORAGE stop "}}"
#define NB(flavor, lease)                                                                       \
    "{\"id\":\"i\",\"name\":\"n\",\"flavor\":\"" flavor "\",\"workspace_id\":\"0\",\"image\":{" \
    "\"id\":\"m\"},\"volume\":{\"category\":\"EVS\",\"capacity\":50}" lease "}"
#define LEASE(began) ",\"lease\":{\"create_at\":" #began ",\"duration\":3600000}"
#define NB_CREATE(more)                                                                 \
    "{\"name\":\"n\",\"flavor\":\"small\",\"image_id\":\"m\",\"volume\":{\"category\":" \
    "\"evs\"}" more "}"

static const struct row rows[] = {
    {"create", OP_DEMANAGER_CREATE, NULL, CREATE(STOP(3600)), NULL, "allow", NULL,
     CREATE(STOP(3600))},
    {"create over max", OP_DEMANAGER_CREATE, NULL, CREATE(STOP(86400)), NULL, "rewrite", NULL,
     CREATE(STOP(14400))},
    {"create refused", OP_DEMANAGER_CREATE, NULL, "{\"flavor\":\"large\",\"spec\":{}}", NULL,
     "flavor.not_allowed", NULL, NULL},
    {"not JSON", OP_DEMANAGER_CREATE, NULL, "{", NULL, "json.syntax", NULL, NULL},
    {"no body", OP_DEMANAGER_CREATE, NULL, NULL, NULL, "body.missing", NULL, NULL},
    {"update of nothing judged", OP_DEMANAGER_UPDATE, NULL, "{ \"description\":\"d\"}", NULL,
     "allow", NULL, "{ \"description\":\"d\"}"},
    {"update off", OP_DEMANAGER_UPDATE, NULL, "{\"spec\":{\"auto_stop\":{\"enable\":false}}}", NULL,
     "rewrite", NULL, "{\"spec\":{\"auto_stop\":{\"enable\":true,\"duration\":3600}}}"},
    {"update completed", OP_DEMANAGER_UPDATE, NULL,
     "{\"spec\":{\"auto_stop\":{\"duration\":7200}}}", NULL, "rewrite", NULL,
     "{\"spec\":{\"auto_stop\":{\"duration\":7200,\"enable\":true}}}"},
    {"start", OP_DEMANAGER_START, NULL, "{\"action\":\"start\"}", DE("small", STOP(3600)), "allow",
     NULL, "{\"action\":\"start\"}"},
    {"action without a body", OP_DEMANAGER_START, NULL, NULL, DE("small", STOP(3600)),
     "body.missing", NULL, NULL},
    {"start of another flavor", OP_DEMANAGER_START, NULL, "{\"action\":\"restart\"}",
     DE("large", STOP(3600)), "flavor.not_allowed", NULL, NULL},
    {"start of what never stops", OP_DEMANAGER_START, NULL, "{\"action\":\"queue\"}",
     DE("small", ""), "auto_stop.required", NULL, NULL},
    {"start of another instance", OP_DEMANAGER_START, NULL, "{\"action\":\"start\"}",
     "{\"id\":\"j\"}", "instance.unreadable", NULL, NULL},
    {"start of no JSON", OP_DEMANAGER_START, NULL, "{\"action\":\"start\"}", "<html>",
     "instance.unreadable", NULL, NULL},
    {"notebook", OP_NOTEBOOKS_CREATE, NULL, NB_CREATE(",\"duration\":7200000"), NULL, "allow", NULL,
     NB_CREATE(",\"duration\":7200000")},
    {"notebook for ever", OP_NOTEBOOKS_CREATE, NULL, NB_CREATE(",\"duration\":-1"), NULL, "rewrite",
     NULL, NB_CREATE(",\"duration\":3600000")},
    {"notebook without a time", OP_NOTEBOOKS_CREATE, NULL, NB_CREATE(""), NULL, "rewrite", NULL,
     NB_CREATE(",\"duration\":3600000")},
    {"notebook with hooks", OP_NOTEBOOKS_CREATE, NULL, NB_CREATE(",\"duration\":1,\"hooks\":{}"),
     NULL, "hooks.refused", NULL, NULL},
    {"notebook with a further volume only", OP_NOTEBOOKS_CREATE, NULL,
     "{\"name\":\"n\",\"flavor\":\"small\",\"image_id\":\"m\",\"duration\":3600000,"
     "\"data_volumes\":[{\"category\":\"OBS\",\"uri\":\"obs://aaa/x/\"}]}",
     NULL, "storage.missing", NULL, NULL},
    {"notebook update", OP_NOTEBOOKS_UPDATE, NULL, "{\"storage_new_size\":4096}", NULL,
     "storage.too_large", NULL, NULL},
    {"notebook start", OP_NOTEBOOKS_START, "duration=7200000", NULL, NB("small", ""), "allow",
     "duration=7200000", ""},
    {"notebook start, the other way round", OP_NOTEBOOKS_START, "type=timing&duration=7200000",
     NULL, NB("small", ""), "allow", "duration=7200000&type=timing", ""},
    {"notebook start for ever", OP_NOTEBOOKS_START, "duration=-1&type=TIMING", NULL,
     NB("small", ""), "rewrite", "duration=3600000&type=TIMING", ""},
    {"notebook start without a query", OP_NOTEBOOKS_START, NULL, "{}", NB("small", ""), "rewrite",
     "duration=3600000", "{}"},
    {"notebook start of another flavor", OP_NOTEBOOKS_START, "duration=3600000", NULL,
     NB("large", ""), "flavor.not_allowed", NULL, NULL},
    {"notebook start, doubtful", OP_NOTEBOOKS_START, "duration=1&duration=2", NULL, NB("small", ""),
     "request.query", NULL, NULL},
    {"lease", OP_NOTEBOOKS_LEASE, "duration=3600000", NULL, NB("large", LEASE(1799996400000)),
     "allow", "duration=3600000", ""},
    {"lease beyond what is left", OP_NOTEBOOKS_LEASE, "duration=14400000", NULL,
     NB("large", LEASE(1799996400000)), "rewrite", "duration=10800000", ""},
    {"lease in the body", OP_NOTEBOOKS_LEASE, NULL, "{\"duration\":14400000}",
     NB("large", LEASE(1799996400000)), "rewrite", NULL, "{\"duration\":10800000}"},
    {"lease used up", OP_NOTEBOOKS_LEASE, "duration=3600000", NULL,
     NB("small", LEASE(1799985600000)), "auto_stop.over_max", NULL, NULL},
    {"lease of no beginning", OP_NOTEBOOKS_LEASE, "duration=3600000", NULL, NB("small", ""),
     "instance.unreadable", NULL, NULL},
    {"mount", OP_NOTEBOOKS_MOUNT, NULL, "{\"category\":\"OBS\",\"uri\":\"obs://aaa/x/\"}", NULL,
     "allow", NULL, "{\"category\":\"OBS\",\"uri\":\"obs://aaa/x/\"}"},
    {"mount elsewhere", OP_NOTEBOOKS_MOUNT, NULL, "{\"category\":\"OBS\",\"uri\":\"obs://bbb/x/\"}",
     NULL, "obs.prefix_not_allowed", NULL, NULL},
};

/* What is sent, sent again as a request: allowed, and not changed any more. */
static void check_again(const struct row *row, const struct judging *first, struct arena *arena)
{
    struct row next = *row;
    struct judging again;

    next.body = first->has_body ? arena_strdup(arena, first->sent_body) : NULL;
    next.query = first->sent_query.ptr == NULL ? NULL : arena_strdup(arena, first->sent_query);
    assert_row(run(&again, &next, arena) == JUDGING_GOES_ON, row->name);
    assert_row(again.decision->judgement.verdict == VERDICT_ALLOW, row->name);
    assert_row(view_eq(again.sent_body, first->sent_body), row->name);
    judging_done(&again);
}

static void requests_become_what_may_be_sent(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct row *row = &rows[i];
        struct judging j;
        struct arena arena;
        enum judging_flow flow;

        arena_init(&arena, 65536, (size_t)64 << 20);
        flow = run(&j, row, &arena);
        if (strcmp(result_of(&j, flow), row->result) != 0)
            print_error("got %s\n", result_of(&j, flow));
        assert_row(strcmp(result_of(&j, flow), row->result) == 0, row->name);
        if (flow == JUDGING_GOES_ON) {
            if (!view_eq(j.sent_body, view_str(row->sent_body)))
                print_error("got %.*s\n", VIEW_ARGS(j.sent_body));
            assert_row(view_eq(j.sent_body, view_str(row->sent_body)), row->name);
            assert_row(view_eq(j.sent_query, view_str(row->sent_query)), row->name);
            check_again(row, &j, &arena);
        }
        judging_done(&j);
        arena_done(&arena);
    }
}

/* The run time is that of what is sent; -1: nothing says one. */
static void run_times_are_those_of_what_is_sent(void **state)
{
    static const struct {
        const char *name; /* of the row */
        int64_t run_s;
    } times[] = {
        {"create", 3600},
        {"create over max", 14400},
        {"create refused", -1},
        {"not JSON", -1},
        {"update of nothing judged", -1},
        {"update off", 3600},
        {"update completed", 7200},
        {"start", 3600},
        {"start of what never stops", -1},
        {"notebook", 7200},
        {"notebook for ever", 3600},
        {"notebook start", 7200},
        {"notebook start for ever", 3600},
        {"notebook start without a query", 3600},
        {"lease", 3600},
        {"lease beyond what is left", 10800},
        {"mount", -1},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(times); i++) {
        const struct row *row = rows;
        struct judging j;
        struct arena arena;

        while (row < rows + ARRAY_LEN(rows) && strcmp(row->name, times[i].name) != 0)
            row++;
        assert_row(row < rows + ARRAY_LEN(rows), times[i].name);
        arena_init(&arena, 65536, (size_t)64 << 20);
        (void)run(&j, row, &arena);
        assert_row(j.run_s == times[i].run_s, times[i].name);
        judging_done(&j);
        arena_done(&arena);
    }
}

/* However little memory there is: as with plenty, or JUDGING_FAILED, never another verdict. */
static void little_memory_never_changes_a_verdict(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        for (size_t bytes = 256; bytes < 65536; bytes += 509) {
            struct judging j;
            struct arena arena;
            enum judging_flow flow;

            arena_init(&arena, 256, bytes);
            flow = run(&j, &rows[i], &arena);
            assert_row(flow == JUDGING_FAILED || strcmp(result_of(&j, flow), rows[i].result) == 0,
                       rows[i].name);
            judging_done(&j);
            arena_done(&arena);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_become_what_may_be_sent),
        cmocka_unit_test(run_times_are_those_of_what_is_sent),
        cmocka_unit_test(little_memory_never_changes_a_verdict),
    };

    return cmocka_run_group_tests_name("judging", tests, set_up, tear_down);
}
