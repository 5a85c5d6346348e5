/* SPDX-License-Identifier: Apache-2.0
 * Edits of every judged call but the create of the demanager family (test_render.c): which places
 * change, in body and query, and that the edited request, read again, shows the edited value and
 * no further change. */
#include "base/attr.h"

#include "bodies.h"

enum { SECONDS = 3600, MS = 3600000 };

static struct arena arena;
static struct buf body;
static struct buf query;

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, 65536, (size_t)64 << 20);
    buf_init(&body, (size_t)1 << 20);
    buf_init(&query, (size_t)1 << 20);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    buf_done(&body);
    buf_done(&query);
    arena_done(&arena);
    return 0;
}

static const struct edit stop = {
    .op = EDIT_CAP, .field = EDIT_AUTO_STOP, .seconds = SECONDS, .policy = {"p", 1}};

static struct edit label_edit(const char *key, const char *value)
{
    return (struct edit){.op = EDIT_SET,
                         .field = EDIT_ANNOTATION,
                         .key = view_str(key),
                         .value = view_str(value),
                         .policy = VIEW("q")};
}

struct call {
    struct jdoc doc;
    struct raw_request raw;
    struct instance_request request;
};

/* text ptr NULL: no body */
static struct call *read_call(enum operation_id op, struct view text, struct view of_query)
{
    struct call *call = ARENA_NEW(&arena, struct call);
    struct body_faults faults;

    assert_non_null(call);
    if (text.ptr != NULL)
        call->doc = doc_of(text, &arena);
    call->raw = raw_of(op, text.ptr == NULL ? NULL : &call->doc, NULL);
    call->raw.query = of_query;
    if (modelarts_read(&call->raw, UNKNOWN_PASS, &arena, &call->request, &faults) != STATUS_OK) {
        print_error("%.*s %.*s: %.*s\n", VIEW_ARGS(text), VIEW_ARGS(of_query),
                    VIEW_ARGS(faults.items[0].message));
        fail();
    }
    return call;
}

/* One line of the changes: "op path old>new;", "-" for what wasn't there. */
static struct view changes_text(const struct change *changes, size_t count)
{
    static char text[4096];
    size_t len = 0;

    for (size_t i = 0; i < count; i++) {
        struct view old = changes[i].old_json.ptr == NULL ? VIEW("-") : changes[i].old_json;

        len += (size_t)snprintf(text + len, sizeof text - len, "%s %.*s %.*s>%.*s;",
                                edit_op_name(changes[i].op), VIEW_ARGS(changes[i].path),
                                VIEW_ARGS(old), VIEW_ARGS(changes[i].new_json));
    }
    return view_of(text, len);
}

/* What the edits make of the call, read again. */
static struct call *edit_call(const struct call *call, const struct edit *edits, size_t count)
{
    struct view text;

    assert_int_equal(
        modelarts_apply(&call->raw, &call->request, edits, count, &arena, &body, &query),
        STATUS_OK);
    assert_true(call->raw.doc != NULL || body.len == 0);
    text = call->raw.doc == NULL ? VIEW_NONE : arena_copy(&arena, buf_view(&body));
    return read_call(call->raw.op->id, text, arena_copy(&arena, buf_view(&query)));
}

/* The edited request is as it was meant, and editing it anew changes nothing. */
static void check_converges(const struct call *call, const struct edit *edits, size_t count,
                            const char *name)
{
    struct call *again = edit_call(call, edits, count);
    struct view edited = arena_copy(&arena, buf_view(&body));
    struct view of_query = arena_copy(&arena, buf_view(&query));
    const struct change *changes;
    size_t change_count = 99;

    assert_row(again->request.stop_count > 0, name);
    for (size_t i = 0; i < again->request.stop_count; i++) {
        const struct stop_request *s = &again->request.stops[i];

        assert_row(s->enable && s->has_duration && s->duration_ms == MS, name);
    }
    assert_row(!again->request.stops[0].misplaced, name);
    assert_row(modelarts_render(&again->raw, &again->request, edits, count, &arena, &changes,
                                &change_count) == STATUS_OK,
               name);
    assert_row(change_count == 0, name);
    (void)edit_call(again, edits, count);
    assert_row(view_eq(edited, buf_view(&body)) && view_eq(of_query, buf_view(&query)), name);
}

struct row {
    enum operation_id op;
    const char *body, *query, *edited, *edited_query, *changes;
};

#define UPDATE(from, to, changes)                            \
    {                                                        \
        OP_DEMANAGER_UPDATE, from, "a=b", to, "a=b", changes \
    }
#define CREATE(from, to, changes)                        \
    {                                                    \
        OP_NOTEBOOKS_CREATE, from, NULL, to, "", changes \
    }
#define ON        "{\"enable\":true,\"duration\":3600}"
#define NEW_QUERY "cap ?duration ->3600000;"

static const struct row rows[] = {
    UPDATE("{\"spec\":{\"auto_stop\":{\"enable\":false}}}", "{\"spec\":{\"auto_stop\":" ON "}}",
           "cap /spec/auto_stop/enable false>true;cap /spec/auto_stop/duration ->3600;"),
    UPDATE("{\"spec\":{\"auto_stop\":{\"duration\":90000}}}",
           "{\"spec\":{\"auto_stop\":{\"duration\":3600,\"enable\":true}}}",
           "cap /spec/auto_stop/enable ->true;cap /spec/auto_stop/duration 90000>3600;"),
    UPDATE("{\"spec\":{}}", "{\"spec\":{\"auto_stop\":" ON "}}", "cap /spec/auto_stop ->" ON ";"),
    UPDATE("{\"description\":\"d\"}", "{\"description\":\"d\",\"spec\":{\"auto_stop\":" ON "}}",
           "cap /spec ->{\"auto_stop\":" ON "};"),
    UPDATE("{}", "{\"spec\":{\"auto_stop\":" ON "}}", "cap /spec ->{\"auto_stop\":" ON "};"),
    UPDATE("{\"spec\":null}", "{\"spec\":{\"auto_stop\":" ON "}}",
           "cap /spec null>{\"auto_stop\":" ON "};"),
    UPDATE("{\"auto_stop\":{\"enable\":false},\"description\":\"d\"}",
           "{\"auto_stop\":" ON ",\"description\":\"d\",\"spec\":{\"auto_stop\":" ON "}}",
           "cap /spec ->{\"auto_stop\":" ON "};cap /auto_stop/enable false>true;"
           "cap /auto_stop/duration ->3600;"),

    CREATE("{}", "{\"duration\":3600000}", "cap /duration ->3600000;"),
    CREATE("{ \"duration\" : null }", "{ \"duration\" : 3600000 }", "cap /duration null>3600000;"),
    CREATE("{\"duration\":-1,\"x\":1.50}", "{\"duration\":3600000,\"x\":1.50}",
           "cap /duration -1>3600000;"),
    CREATE("{\"duration\":3600000}", "{\"duration\":3600000}", ""),
    CREATE("{\"duration\":-1,\"lease\":{\"duration\":-1,\"type\":\"IDLE\"}}",
           "{\"duration\":3600000,\"lease\":{\"duration\":3600000,\"type\":\"IDLE\"}}",
           "cap /duration -1>3600000;cap /lease/duration -1>3600000;"),
    CREATE("{\"duration\":3600000,\"lease\":{\"duration\":null}}",
           "{\"duration\":3600000,\"lease\":{\"duration\":null}}", ""),
    CREATE("{\"duration\":1,\"lease\":{}}", "{\"duration\":3600000,\"lease\":{}}",
           "cap /duration 1>3600000;"),
    CREATE("{\"lease\":{\"duration\":7,\"type\":\"TIMING\"}}",
           "{\"lease\":{\"duration\":3600000,\"type\":\"TIMING\"}}",
           "cap /lease/duration 7>3600000;"),
    CREATE("{\"lease\":{\"type\":\"TIMING\"}}",
           "{\"lease\":{\"type\":\"TIMING\",\"duration\":3600000}}",
           "cap /lease/duration ->3600000;"),
    CREATE("{\"duration\":null,\"lease\":{}}",
           "{\"duration\":null,\"lease\":{\"duration\":3600000}}",
           "cap /lease/duration ->3600000;"),
    CREATE("{\"lease\":null}", "{\"lease\":null,\"duration\":3600000}", "cap /duration ->3600000;"),
    CREATE("{\"l\\u0065ase\":{\"dur\\u0061tion\":0}}",
           "{\"l\\u0065ase\":{\"dur\\u0061tion\":3600000}}", "cap /lease/duration 0>3600000;"),
    {OP_NOTEBOOKS_CREATE, "{\"duration\":-1}", "x=%41&&", "{\"duration\":3600000}", "x=%41&&",
     "cap /duration -1>3600000;"},

    {OP_NOTEBOOKS_START, NULL, NULL, "", "duration=3600000", NEW_QUERY},
    {OP_NOTEBOOKS_START, NULL, "", "", "duration=3600000", NEW_QUERY},
    {OP_NOTEBOOKS_START, "{ }", "type=IDLE", "{ }", "duration=3600000&type=IDLE", NEW_QUERY},
    {OP_NOTEBOOKS_START, NULL, "duration=-1", "", "duration=3600000", "cap ?duration -1>3600000;"},
    {OP_NOTEBOOKS_START, NULL, "type=TIMING&duration=-1", "", "duration=3600000&type=TIMING",
     "cap ?duration -1>3600000;"},
    {OP_NOTEBOOKS_START, NULL, "duration=3600000", "", "duration=3600000", ""},
    {OP_NOTEBOOKS_START_GET, NULL, NULL, "", "duration=3600000", NEW_QUERY},
    {OP_NOTEBOOKS_LEASE, NULL, NULL, "", "duration=3600000", NEW_QUERY},
    {OP_NOTEBOOKS_LEASE, "{}", NULL, "{}", "duration=3600000", NEW_QUERY},
    {OP_NOTEBOOKS_LEASE, "{\"duration\":null}", NULL, "{\"duration\":null}", "duration=3600000",
     NEW_QUERY},
    {OP_NOTEBOOKS_LEASE, "{\"duration\":9}", NULL, "{\"duration\":3600000}", "",
     "cap /duration 9>3600000;"},
    {OP_NOTEBOOKS_LEASE, "{\"duration\":9}", "type=IDLE", "{\"duration\":3600000}", "type=IDLE",
     "cap /duration 9>3600000;"},
    {OP_NOTEBOOKS_LEASE, "{\"duration\":9,\"type\":\"IDLE\"}", "duration=9&type=idle",
     "{\"duration\":3600000,\"type\":\"IDLE\"}", "duration=3600000&type=idle",
     "cap /duration 9>3600000;cap ?duration 9>3600000;"},
    {OP_NOTEBOOKS_LEASE, "{\"type\":\"IDLE\"}", "duration=9", "{\"type\":\"IDLE\"}",
     "duration=3600000", "cap ?duration 9>3600000;"},
};

static void test_auto_stop(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct row *row = &rows[i];
        const char *name = row->body == NULL ? row->query : row->body;
        struct call *call = read_call(row->op, view_str(row->body), view_str(row->query));
        const struct change *changes = NULL;
        size_t count = 99;

        name = name == NULL ? call->raw.op->name : name;
        assert_row(modelarts_render(&call->raw, &call->request, &stop, 1, &arena, &changes,
                                    &count) == STATUS_OK,
                   name);
        check_views(changes_text(changes, count), view_str(row->changes), name, __FILE__, __LINE__);
        (void)edit_call(call, &stop, 1);
        check_views(buf_view(&body), view_str(row->edited), name, __FILE__, __LINE__);
        check_views(buf_view(&query), view_str(row->edited_query), name, __FILE__, __LINE__);
        check_converges(call, &stop, 1, name);
    }
}

/* A spec that isn't there is brought by the first change; the next ones go into it. */
static void test_an_update_without_spec(void **state)
{
    const struct edit edits[] = {label_edit("a/b", "1"), stop, label_edit("c", "\"")};
    const struct edit labels[] = {label_edit("a", "1"), label_edit("c", "2")};
    struct call *call = read_call(OP_DEMANAGER_UPDATE, VIEW("{\"spec\":null}"), VIEW_NONE);
    const struct change *changes;
    size_t count;

    (void)state;
    assert_int_equal(
        modelarts_render(&call->raw, &call->request, edits, 3, &arena, &changes, &count),
        STATUS_OK);
    check_views(changes_text(changes, count),
                VIEW("cap /spec null>{\"auto_stop\":" ON
                     "};set /spec/annotations ->{\"a/b\":\"1\"};"
                     "set /spec/annotations/c ->\"\\\"\";"),
                "all", __FILE__, __LINE__);
    assert_view(changes[0].policy, "p");
    assert_view(changes[1].policy, "q");
    (void)edit_call(call, edits, 3);
    assert_view(buf_view(&body),
                "{\"spec\":{\"auto_stop\":" ON ",\"annotations\":{\"a/b\":\"1\",\"c\":\"\\\"\"}}}");
    check_converges(call, edits, 3, "all");

    call = read_call(OP_DEMANAGER_UPDATE, VIEW("{\"annotations\":{\"a\":\"0\"}}"), VIEW_NONE);
    assert_int_equal(
        modelarts_render(&call->raw, &call->request, labels, 2, &arena, &changes, &count),
        STATUS_OK);
    check_views(changes_text(changes, count),
                VIEW("set /spec ->{\"annotations\":{\"a\":\"1\"}};set /spec/annotations/c ->\"2\";"
                     "set /annotations/a \"0\">\"1\";set /annotations/c ->\"2\";"),
                "labels", __FILE__, __LINE__);
    call = edit_call(call, labels, 2);
    assert_int_equal(call->request.annotation_count, 2);
    assert_int_equal(call->request.stray_annotation_count, 2);
}

/* Bytes and query are what they were, but for a query that is judged: that is written anew. */
static void test_no_edits(void **state)
{
    static const struct row none[] = {
        {OP_DEMANAGER_UPDATE, " {\"x\" : 1e2 }\n", "a=%20b&", " {\"x\" : 1e2 }\n", "a=%20b&", ""},
        {OP_DEMANAGER_START, "{\"action\":\"start\"}", "a", "{\"action\":\"start\"}", "a", ""},
        {OP_DEMANAGER_START, NULL, NULL, "", "", ""},
        {OP_NOTEBOOKS_CREATE, "{\"x\":[]}", NULL, "{\"x\":[]}", "", ""},
        {OP_NOTEBOOKS_MOUNT, "{\"uri\":\"x\"}", "?", "{\"uri\":\"x\"}", "?", ""},
        {OP_NOTEBOOKS_START, NULL, NULL, "", "", ""},
        {OP_NOTEBOOKS_START, "{}", "", "{}", "", ""},
        {OP_NOTEBOOKS_START, NULL, "type=A&duration=-0", "", "duration=0&type=A", ""},
        {OP_NOTEBOOKS_LEASE, "{\"type\":\"A\"}", "duration=5", "{\"type\":\"A\"}", "duration=5",
         ""},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(none); i++) {
        struct call *call = read_call(none[i].op, view_str(none[i].body), view_str(none[i].query));
        const struct change *changes;
        size_t count = 99;

        assert_int_equal(
            modelarts_render(&call->raw, &call->request, NULL, 0, &arena, &changes, &count),
            STATUS_OK);
        assert_int_equal(count, 0);
        (void)edit_call(call, NULL, 0);
        check_views(buf_view(&body), view_str(none[i].edited), call->raw.op->name, __FILE__,
                    __LINE__);
        check_views(buf_view(&query), view_str(none[i].edited_query), call->raw.op->name, __FILE__,
                    __LINE__);
    }
}

static void check_impossible(const struct call *call, const struct edit *edit)
{
    const struct change *changes = NULL;
    size_t count = 99;

    assert_row(modelarts_render(&call->raw, &call->request, edit, 1, &arena, &changes, &count) ==
                   STATUS_INVALID,
               call->raw.op->name);
    assert_row(changes == NULL && count == 99, call->raw.op->name);
    assert_row(modelarts_apply(&call->raw, &call->request, edit, 1, &arena, &body, &query) ==
                   STATUS_INVALID,
               call->raw.op->name);
}

static void test_edits_without_a_place(void **state)
{
    static const enum operation_id unlabelled[] = {OP_DEMANAGER_START,  OP_NOTEBOOKS_CREATE,
                                                   OP_NOTEBOOKS_UPDATE, OP_NOTEBOOKS_START,
                                                   OP_NOTEBOOKS_LEASE,  OP_NOTEBOOKS_MOUNT};
    static const enum operation_id unstopped[] = {OP_DEMANAGER_START, OP_NOTEBOOKS_UPDATE,
                                                  OP_NOTEBOOKS_MOUNT};
    const struct edit label = label_edit("k", "v");
    struct call *call;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(unlabelled); i++)
        check_impossible(read_call(unlabelled[i], VIEW("{}"), VIEW_NONE), &label);
    for (size_t i = 0; i < ARRAY_LEN(unstopped); i++)
        check_impossible(read_call(unstopped[i], VIEW("{}"), VIEW_NONE), &stop);
    call = read_call(OP_DEMANAGER_UPDATE, VIEW("{}"), VIEW_NONE);
    call->request.stops_stored = true;
    check_impossible(call, &stop);
}

static void test_requests_that_were_never_read(void **state)
{
    struct call *call = read_call(OP_NOTEBOOKS_START, VIEW_NONE, VIEW_NONE);
    struct call *other = read_call(OP_NOTEBOOKS_CREATE, VIEW("{}"), VIEW_NONE);
    struct jdoc list = doc_of(VIEW("[]"), &arena);

    (void)state;
    call->raw.query = VIEW("duration=x");
    check_impossible(call, &stop);
    call->raw.query = VIEW_NONE;
    call->raw.doc = &list;
    check_impossible(call, &stop);
    other->raw.doc = NULL;
    check_impossible(other, &stop);
    other->raw.doc = &other->doc;
    other->raw.op = &operations[OP_NOTEBOOKS_UPDATE];
    check_impossible(other, &stop);
    other->raw.op = &operations[OP_NOTEBOOKS_STOP];
    check_impossible(other, &stop);
}

/* The largest second count ends at the largest millisecond. */
static void test_large_seconds(void **state)
{
    const struct edit edit = {.op = EDIT_SET, .field = EDIT_AUTO_STOP, .seconds = INT64_MAX};
    struct call *call = read_call(OP_NOTEBOOKS_LEASE, VIEW("{\"duration\":1}"), VIEW("duration=1"));

    (void)state;
    call = edit_call(call, &edit, 1);
    assert_int_equal(call->request.stops[0].duration_ms, INT64_MAX);
    assert_int_equal(call->request.stops[1].duration_ms, INT64_MAX);
}

static void test_out_is_too_small(void **state)
{
    struct call *call = read_call(OP_NOTEBOOKS_LEASE, VIEW("{\"duration\":1}"), VIEW("duration=1"));
    CLEANUP(buf_done) struct buf small;

    (void)state;
    buf_init(&small, 15);
    assert_int_equal(modelarts_apply(&call->raw, &call->request, &stop, 1, &arena, &small, &query),
                     STATUS_LIMIT);
    assert_int_equal(modelarts_apply(&call->raw, &call->request, &stop, 1, &arena, &body, &small),
                     STATUS_LIMIT);
}

static void check_memory(const struct call *call, const struct edit *edits, size_t count)
{
    bool was_out = false;
    bool was_well = false;

    for (size_t bytes = 0; bytes < 16384; bytes += 64) {
        struct arena small;
        enum status status;

        arena_init(&small, 64, bytes);
        status = modelarts_apply(&call->raw, &call->request, edits, count, &small, &body, &query);
        assert_row(status == STATUS_OK || status == STATUS_NOMEM, call->raw.op->name);
        was_out = was_out || status == STATUS_NOMEM;
        was_well = was_well || status == STATUS_OK;
        arena_done(&small);
    }
    assert_row(was_out && was_well, call->raw.op->name);
}

static void test_memory_runs_out(void **state)
{
    const struct edit edits[] = {stop, label_edit("k", "v"), label_edit("x", "b")};

    (void)state;
    check_memory(read_call(OP_DEMANAGER_UPDATE, VIEW("{\"auto_stop\":{}}"), VIEW("x")), edits, 3);
    check_memory(read_call(OP_DEMANAGER_UPDATE, VIEW("{}"), VIEW_NONE), edits + 1, 2);
    check_memory(read_call(OP_NOTEBOOKS_CREATE, VIEW("{\"duration\":1,\"lease\":{\"duration\":1}}"),
                           VIEW_NONE),
                 &stop, 1);
    check_memory(read_call(OP_NOTEBOOKS_LEASE, VIEW("{\"duration\":1}"), VIEW("type=A&duration=1")),
                 &stop, 1);
}

/* Bodies and queries from parts: every way in which they can stand together. */

static void check_parts(enum operation_id op, const char *const *bodies, size_t body_count,
                        const char *const *queries, size_t query_count)
{
    for (size_t i = 0; i < body_count; i++) {
        for (size_t j = 0; j < query_count; j++) {
            struct call *call = read_call(op, view_str(bodies[i]), view_str(queries[j]));

            check_converges(call, &stop, 1, bodies[i] == NULL ? "" : bodies[i]);
            arena_reset(&arena);
        }
    }
}

static void test_every_combination(void **state)
{
    static const char *const tops[] = {"", ",\"duration\":null", ",\"duration\":-1",
                                       ",\"duration\":3600000", ",\"dur\\u0061tion\":5"};
    static const char *const leases[] = {"",
                                         ",\"lease\":null",
                                         ",\"lease\":{}",
                                         ",\"lease\":{\"type\":\"IDLE\"}",
                                         ",\"lease\":{\"duration\":null}",
                                         ",\"lease\":{\"duration\":-1,\"x\":{}}",
                                         ",\"lease\":{\"duration\":3600000}"};
    static const char *const queries[] = {
        NULL, "", "type=A", "duration=9", "duration=9&type=a", "type=a&duration=9"};
    static const char *const lease_bodies[] = {NULL, "{}", "{\"duration\":9}",
                                               "{\"duration\":null,\"type\":\"A\"}", "{\"x\":1}"};
    char text[256];
    const char *one = text;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(tops); i++) {
        for (size_t j = 0; j < ARRAY_LEN(leases); j++) {
            (void)snprintf(text, sizeof text, "{\"x\":1%s%s}", tops[i], leases[j]);
            check_parts(OP_NOTEBOOKS_CREATE, &one, 1, queries, 1);
            (void)snprintf(text, sizeof text, "{\"x\":1%s%s}", leases[j], tops[i]);
            check_parts(OP_NOTEBOOKS_CREATE, &one, 1, queries, 1);
        }
    }
    check_parts(OP_NOTEBOOKS_LEASE, lease_bodies, ARRAY_LEN(lease_bodies), queries,
                ARRAY_LEN(queries));
    check_parts(OP_NOTEBOOKS_START, lease_bodies, 2, queries, ARRAY_LEN(queries));
    check_parts(OP_NOTEBOOKS_START_GET, lease_bodies, 1, queries, ARRAY_LEN(queries));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_auto_stop),
        cmocka_unit_test(test_an_update_without_spec),
        cmocka_unit_test(test_no_edits),
        cmocka_unit_test(test_edits_without_a_place),
        cmocka_unit_test(test_requests_that_were_never_read),
        cmocka_unit_test(test_large_seconds),
        cmocka_unit_test(test_out_is_too_small),
        cmocka_unit_test(test_memory_runs_out),
        cmocka_unit_test(test_every_combination),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
