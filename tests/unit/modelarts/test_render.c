/* SPDX-License-Identifier: Apache-2.0
 * Edits of create bodies: which places change, what the body looks like afterwards, and that the
 * edited body, read again, asks for exactly what the edits wanted, for many random bodies. */
#include <stdlib.h>

#include "base/attr.h"
#include "json/write.h"
#include "modelarts/changes.h"

#include "bodies.h"

static struct arena arena;
static struct buf out;
static struct buf query;

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, 65536, (size_t)64 << 20);
    buf_init(&out, (size_t)1 << 20);
    buf_init(&query, (size_t)1 << 20);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    buf_done(&out);
    buf_done(&query);
    arena_done(&arena);
    return 0;
}

static struct edit stop_edit(int64_t seconds)
{
    return (struct edit){
        .op = EDIT_CAP, .field = EDIT_AUTO_STOP, .seconds = seconds, .policy = VIEW("p")};
}

static struct edit label_edit(const char *key, const char *value)
{
    return (struct edit){.op = EDIT_SET,
                         .field = EDIT_ANNOTATION,
                         .key = view_str(key),
                         .value = view_str(value),
                         .policy = VIEW("q")};
}

static enum status render(const struct jdoc *doc, const struct instance_request *request,
                          const struct edit *edits, size_t count, const struct change **ret,
                          size_t *ret_count)
{
    const struct raw_request raw = raw_of(OP_DEMANAGER_CREATE, doc, NULL);

    return modelarts_render(&raw, request, edits, count, &arena, ret, ret_count);
}

static enum status apply(const struct jdoc *doc, const struct instance_request *request,
                         const struct edit *edits, size_t count, struct buf *ret)
{
    const struct raw_request raw = raw_of(OP_DEMANAGER_CREATE, doc, NULL);

    return modelarts_apply(&raw, request, edits, count, &arena, ret, &query);
}

static struct instance_request read_again(const struct jdoc *doc)
{
    struct instance_request request = {0};
    struct body_faults faults;

    if (read_create(doc, UNKNOWN_PASS, &arena, &request, &faults) != STATUS_OK) {
        print_error("%.*s: %.*s\n", VIEW_ARGS(doc->bytes), VIEW_ARGS(faults.items[0].message));
        fail();
    }
    return request;
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

struct row {
    const char *body, *edited, *changes;
};

static void check_row(const struct row *row, const struct edit *edits, size_t count)
{
    struct jdoc doc = doc_of(view_str(row->body), &arena);
    struct instance_request request = read_again(&doc);
    const struct change *changes = NULL;
    size_t change_count = 99;

    assert_row(render(&doc, &request, edits, count, &changes, &change_count) == STATUS_OK,
               row->body);
    check_views(changes_text(changes, change_count), view_str(row->changes), row->body, __FILE__,
                __LINE__);
    assert_row(apply(&doc, &request, edits, count, &out) == STATUS_OK, row->body);
    check_views(buf_view(&out), view_str(row->edited), row->body, __FILE__, __LINE__);
}

static const struct row stops[] = {
    {BODY(""), BODY_SPEC(",\"auto_stop\":{\"enable\":true,\"duration\":3600}"),
     "cap /spec/auto_stop ->{\"enable\":true,\"duration\":3600};"},
    {BODY_SPEC(",\"auto_stop\":null"),
     BODY_SPEC(",\"auto_stop\":{\"enable\":true,\"duration\":3600}"),
     "cap /spec/auto_stop null>{\"enable\":true,\"duration\":3600};"},
    {BODY_SPEC(",\"auto_stop\":{}"),
     BODY_SPEC(",\"auto_stop\":{\"enable\":true,\"duration\":3600}"),
     "cap /spec/auto_stop/enable ->true;cap /spec/auto_stop/duration ->3600;"},
    {BODY_SPEC(",\"auto_stop\":{\"enable\":true,\"duration\":3600}"),
     BODY_SPEC(",\"auto_stop\":{\"enable\":true,\"duration\":3600}"), ""},
    {BODY_SPEC(",\"auto_stop\":{\"enable\":true,\"duration\":90000}"),
     BODY_SPEC(",\"auto_stop\":{\"enable\":true,\"duration\":3600}"),
     "cap /spec/auto_stop/duration 90000>3600;"},
    {BODY_SPEC(", \"auto_stop\" : { \"duration\" : 90000 , \"prompt\":true, \"enable\" : false }"),
     BODY_SPEC(", \"auto_stop\" : { \"duration\" : 3600 , \"prompt\":true, \"enable\" : true }"),
     "cap /spec/auto_stop/enable false>true;cap /spec/auto_stop/duration 90000>3600;"},
    {BODY_SPEC(",\"auto_stop\":{\"enable\":true}"),
     BODY_SPEC(",\"auto_stop\":{\"enable\":true,\"duration\":3600}"),
     "cap /spec/auto_stop/duration ->3600;"},
    {BODY_SPEC(",\"auto_stop\":{\"duration\":-1}"),
     BODY_SPEC(",\"auto_stop\":{\"duration\":3600,\"enable\":true}"),
     "cap /spec/auto_stop/enable ->true;cap /spec/auto_stop/duration -1>3600;"},
    {BODY_SPEC(",\"auto_stop\":{\"enable\":null,\"duration\":null}"),
     BODY_SPEC(",\"auto_stop\":{\"enable\":true,\"duration\":3600}"),
     "cap /spec/auto_stop/enable null>true;cap /spec/auto_stop/duration null>3600;"},
    {BODY(",\"auto_stop\":{\"enable\":false}"),
     "{" NAMES ",\"spec\":{" STORAGE ",\"auto_stop\":{\"enable\":true,\"duration\":3600}}"
     ",\"auto_stop\":{\"enable\":true,\"duration\":3600}}",
     "cap /spec/auto_stop ->{\"enable\":true,\"duration\":3600};cap /auto_stop/enable false>true;"
     "cap /auto_stop/duration ->3600;"},
    {BODY(",\"auto_stop\":{\"enable\":true,\"duration\":90000,\"prompt\":false}"),
     "{" NAMES ",\"spec\":{" STORAGE ",\"auto_stop\":{\"enable\":true,\"duration\":3600}}"
     ",\"auto_stop\":{\"enable\":true,\"duration\":3600,\"prompt\":false}}",
     "cap /spec/auto_stop ->{\"enable\":true,\"duration\":3600};"
     "cap /auto_stop/duration 90000>3600;"},
    {BODY(",\"auto_stop\":null"),
     "{" NAMES ",\"spec\":{" STORAGE ",\"auto_stop\":{\"enable\":true,\"duration\":3600}}"
     ",\"auto_stop\":null}",
     "cap /spec/auto_stop ->{\"enable\":true,\"duration\":3600};"},
    {"{" NAMES
     ",\"auto_stop\":{\"enable\":false,\"duration\":9},\"spec\":{\"auto_stop\":{\"enable\":"
     "false,\"duration\":9}," STORAGE "}}",
     "{" NAMES
     ",\"auto_stop\":{\"enable\":true,\"duration\":3600},\"spec\":{\"auto_stop\":{\"enable\":"
     "true,\"duration\":3600}," STORAGE "}}",
     "cap /spec/auto_stop/enable false>true;cap /spec/auto_stop/duration 9>3600;"
     "cap /auto_stop/enable false>true;cap /auto_stop/duration 9>3600;"},
    /* escaped names, and numbers of unknown members, stay as they came */
    {BODY_SPEC(",\"auto\\u005fstop\":{\"en\\u0061ble\":false,\"x\":1.50e2}"),
     BODY_SPEC(",\"auto\\u005fstop\":{\"en\\u0061ble\":true,\"x\":1.50e2,\"duration\":3600}"),
     "cap /spec/auto_stop/enable false>true;cap /spec/auto_stop/duration ->3600;"},
};

static void test_auto_stop(void **state)
{
    const struct edit edit = stop_edit(3600);

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(stops); i++)
        check_row(&stops[i], &edit, 1);
}

static const struct row labels[] = {
    {BODY(""), BODY_SPEC(",\"annotations\":{\"cost-centre\":\"4711\"}"),
     "set /spec/annotations ->{\"cost-centre\":\"4711\"};"},
    {BODY_SPEC(",\"annotations\":null"), BODY_SPEC(",\"annotations\":{\"cost-centre\":\"4711\"}"),
     "set /spec/annotations null>{\"cost-centre\":\"4711\"};"},
    {BODY_SPEC(",\"annotations\":{}"), BODY_SPEC(",\"annotations\":{\"cost-centre\":\"4711\"}"),
     "set /spec/annotations/cost-centre ->\"4711\";"},
    {BODY_SPEC(",\"annotations\":{\"a\":\"b\"}"),
     BODY_SPEC(",\"annotations\":{\"a\":\"b\",\"cost-centre\":\"4711\"}"),
     "set /spec/annotations/cost-centre ->\"4711\";"},
    {BODY_SPEC(",\"annotations\":{\"cost-centre\":\"1\",\"a\":\"b\"}"),
     BODY_SPEC(",\"annotations\":{\"cost-centre\":\"4711\",\"a\":\"b\"}"),
     "set /spec/annotations/cost-centre \"1\">\"4711\";"},
    {BODY_SPEC(",\"annotations\":{\"cost-centre\":null}"),
     BODY_SPEC(",\"annotations\":{\"cost-centre\":\"4711\"}"),
     "set /spec/annotations/cost-centre null>\"4711\";"},
    {BODY_SPEC(",\"annotations\":{\"cost-centre\":\"\\u0034711\"}"),
     BODY_SPEC(",\"annotations\":{\"cost-centre\":\"\\u0034711\"}"), ""},
    {BODY(",\"annotations\":{\"a\":\"b\"}"),
     "{" NAMES ",\"spec\":{" STORAGE ",\"annotations\":{\"cost-centre\":\"4711\"}}"
     ",\"annotations\":{\"a\":\"b\",\"cost-centre\":\"4711\"}}",
     "set /spec/annotations ->{\"cost-centre\":\"4711\"};set /annotations/cost-centre ->\"4711\";"},
    {BODY(",\"annotations\":null"),
     "{" NAMES ",\"spec\":{" STORAGE
     ",\"annotations\":{\"cost-centre\":\"4711\"}},\"annotations\":null}",
     "set /spec/annotations ->{\"cost-centre\":\"4711\"};"},
};

static void test_annotations(void **state)
{
    const struct edit edit = label_edit("cost-centre", "4711");

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(labels); i++)
        check_row(&labels[i], &edit, 1);
}

/* The changes could be applied one after another: the first brings the map, the next a member of
 * it. */
static void test_several_edits(void **state)
{
    const struct edit edits[] = {label_edit("a/b", "1\"\n"), stop_edit(60),
                                 label_edit("c~d", "\xc3\xa4")};
    const struct row row = {
        BODY(""),
        BODY_SPEC(",\"auto_stop\":{\"enable\":true,\"duration\":60},\"annotations\":{\"a/b\":"
                  "\"1\\\"\\n\",\"c~d\":\"\xc3\xa4\"}"),
        "cap /spec/auto_stop ->{\"enable\":true,\"duration\":60};"
        "set /spec/annotations ->{\"a/b\":\"1\\\"\\n\"};set /spec/annotations/c~0d "
        "->\"\xc3\xa4\";"};

    (void)state;
    check_row(&row, edits, ARRAY_LEN(edits));
}

static void test_no_edits(void **state)
{
    const struct row row = {" " BODY(", \"x\" : 1e2 ") "\n", " " BODY(", \"x\" : 1e2 ") "\n", ""};

    (void)state;
    check_row(&row, NULL, 0);
}

static void test_changes_name_their_policy(void **state)
{
    struct jdoc doc = doc_of(VIEW(BODY(",\"auto_stop\":{}")), &arena);
    struct instance_request request = read_again(&doc);
    const struct edit edits[] = {stop_edit(60), label_edit("k", "v")};
    const struct change *changes = NULL;
    size_t count = 0;

    (void)state;
    assert_int_equal(render(&doc, &request, edits, 2, &changes, &count), STATUS_OK);
    assert_int_equal(count, 4);
    assert_view(changes[0].policy, "p");
    assert_view(changes[1].policy, "q");
    assert_int_equal(changes[1].op, EDIT_SET);
    assert_view(changes[3].policy, "p");
}

static void test_written_changes(void **state)
{
    const struct change changes[] = {
        {EDIT_DEFAULT, VIEW("/spec/auto_stop"), VIEW_NONE, VIEW("{\"enable\":true}"), VIEW("p")},
        {EDIT_CAP, VIEW("/a"), VIEW("1"), VIEW("2"), VIEW_NONE},
    };
    struct jwriter writer;

    (void)state;
    buf_clear(&out);
    jwriter_init(&writer, &out);
    modelarts_write_changes(&writer, changes, 2);
    assert_view(buf_view(&out),
                "[{\"op\":\"default\",\"path\":\"/spec/auto_stop\",\"new\":{\"enable\":true},"
                "\"policy\":\"p\"},{\"op\":\"cap\",\"path\":\"/a\",\"old\":1,\"new\":2}]");
}

static void test_limits(void **state)
{
    static struct edit edits[EDITS_MAX + 1];
    static char keys[EDITS_MAX + 1][8];
    struct jdoc doc = doc_of(VIEW(BODY("")), &arena);
    struct jdoc both = doc_of(VIEW(BODY(",\"annotations\":{}")), &arena);
    struct instance_request request = read_again(&doc);
    const struct change *changes = NULL;
    size_t count = 0;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(edits); i++) {
        (void)snprintf(keys[i], sizeof keys[i], "k%zu", i);
        edits[i] = label_edit(keys[i], "v");
    }
    assert_int_equal(render(&doc, &request, edits, EDITS_MAX, &changes, &count), STATUS_OK);
    assert_int_equal(count, EDITS_MAX);
    assert_int_equal(render(&doc, &request, edits, EDITS_MAX + 1, &changes, &count), STATUS_LIMIT);
    assert_int_equal(apply(&doc, &request, edits, EDITS_MAX + 1, &out), STATUS_LIMIT);
    /* two places a key */
    assert_int_equal(render(&both, &request, edits, EDITS_MAX / 2, &changes, &count), STATUS_OK);
    assert_int_equal(render(&both, &request, edits, EDITS_MAX / 2 + 1, &changes, &count),
                     STATUS_LIMIT);
    assert_int_equal(apply(&both, &request, edits, EDITS_MAX / 2 + 1, &out), STATUS_LIMIT);
}

static void test_edits_that_clash(void **state)
{
    struct jdoc doc = doc_of(VIEW(BODY("")), &arena);
    struct instance_request request = read_again(&doc);
    const struct edit two_stops[] = {stop_edit(60), stop_edit(60)};
    const struct edit two_labels[] = {label_edit("k", "1"), stop_edit(1), label_edit("k", "2")};

    (void)state;
    assert_int_equal(apply(&doc, &request, two_stops, 2, &out), STATUS_INVALID);
    assert_int_equal(apply(&doc, &request, two_labels, 3, &out), STATUS_INVALID);
}

static void test_bodies_that_were_never_read(void **state)
{
    static const char *const bodies[] = {"{}", "[]", "{\"spec\":1}", "{\"spec\":null}"};
    const struct instance_request request = {.op = &operations[OP_DEMANAGER_CREATE]};
    const struct instance_request other = {.op = &operations[OP_NOTEBOOKS_CREATE]};
    const struct edit edit = stop_edit(60);
    struct jdoc good = doc_of(VIEW(BODY("")), &arena);

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        struct jdoc doc = doc_of(view_str(bodies[i]), &arena);

        assert_row(apply(&doc, &request, &edit, 1, &out) == STATUS_INVALID, bodies[i]);
    }
    assert_int_equal(apply(&good, &other, &edit, 1, &out), STATUS_INVALID);
}

static void test_out_is_too_small(void **state)
{
    struct jdoc doc = doc_of(VIEW(BODY("")), &arena);
    struct instance_request request = read_again(&doc);
    const struct edit edit = stop_edit(60);
    CLEANUP(buf_done) struct buf small;

    (void)state;
    buf_init(&small, doc.bytes.len);
    assert_int_equal(apply(&doc, &request, &edit, 1, &small), STATUS_LIMIT);
}

static void test_memory_runs_out(void **state)
{
    struct jdoc doc =
        doc_of(VIEW(BODY(",\"annotations\":{\"x\":\"\\u0061\"},\"auto_stop\":{}")), &arena);
    struct instance_request request = read_again(&doc);
    const struct edit edits[] = {stop_edit(60), label_edit("k", "v"), label_edit("x", "b")};
    const struct raw_request raw = raw_of(OP_DEMANAGER_CREATE, &doc, NULL);
    bool was_out = false;
    bool was_well = false;

    (void)state;
    for (size_t bytes = 0; bytes < 16384; bytes += 64) {
        struct arena small;
        enum status status;

        arena_init(&small, 64, bytes);
        status = modelarts_apply(&raw, &request, edits, 3, &small, &out, &query);
        assert_true(status == STATUS_OK || status == STATUS_NOMEM);
        was_out = was_out || status == STATUS_NOMEM;
        was_well = was_well || status == STATUS_OK;
        arena_done(&small);
    }
    assert_true(was_out && was_well);
}

/* Random bodies. A small generator of our own: the same bodies on every machine. */

static uint32_t seed;

static uint32_t dice(uint32_t sides)
{
    seed = seed * 1664525U + 1013904223U;
    return (seed >> 8U) % sides;
}

static const char *any(const char *const *texts, size_t count)
{
    return texts[dice((uint32_t)count)];
}

static void random_stop(struct buf *b)
{
    static const char *const texts[] = {
        "null",
        "{}",
        "{\"enable\":true}",
        "{\"enable\":false,\"duration\":1}",
        "{\"duration\":-1}",
        "{ \"duration\" : 90000, \"enable\" : true }",
        "{\"enable\":null,\"prompt\":true}",
        "{\"enable\":true,\"duration\":3600}",
        "{\"x\":[1,{\"y\":2}],\"\\u0065nable\":true}",
        "{\"enable\":true,\"duration\":null,\"prompt\":false}",
    };

    buf_add_str(b, any(texts, ARRAY_LEN(texts)));
}

static void random_labels(struct buf *b)
{
    static const char *const texts[] = {
        "null",
        "{}",
        "{\"k1\":\"v1\"}",
        "{\"k1\":\"other\",\"a\":\"b\"}",
        "{ \"k2\" : null }",
        "{\"\\u006b1\":\"x\",\"k3\":\"\\ud83d\\ude00\"}",
        "{\"a\":\"1\",\"b\":\"2\",\"k2\":\"3\"}",
    };

    buf_add_str(b, any(texts, ARRAY_LEN(texts)));
}

/* In one body a right and a misplaced copy would have to be equal: only one of them, or both the
 * same. */
static void random_body(struct buf *b)
{
    static const char *const spaces[] = {"", " ", "\n\t"};
    static const char *const extras[] = {"", ",\"x\":1.0", ",\"y\":{\"z\":[]}",
                                         ",\"w\":\"\\u00e4\""};
    bool stop_in_body = dice(2) == 0;
    bool labels_in_body = dice(2) == 0;

    buf_clear(b);
    buf_add_str(b, "{" NAMES);
    if (stop_in_body) {
        buf_add_str(b, ",\"auto_stop\":");
        random_stop(b);
    }
    buf_add_str(b, any(extras, ARRAY_LEN(extras)));
    buf_add_str(b, any(spaces, ARRAY_LEN(spaces)));
    buf_add_str(b, ",\"spec\":{" STORAGE);
    if (!stop_in_body && dice(3) > 0) {
        buf_add_str(b, ",\"auto_stop\":");
        random_stop(b);
    }
    if (!labels_in_body && dice(3) > 0) {
        buf_add_str(b, ",\"annotations\":");
        random_labels(b);
    }
    buf_add_str(b, any(spaces, ARRAY_LEN(spaces)));
    buf_add_str(b, "}");
    if (labels_in_body) {
        buf_add_str(b, ",\"annotations\":");
        random_labels(b);
    }
    buf_add_str(b, "}");
}

static bool has_pair(const struct pair *pairs, size_t count, const struct edit *edit)
{
    for (size_t i = 0; i < count; i++) {
        if (view_eq(pairs[i].key, edit->key) && view_eq(pairs[i].value, edit->value))
            return true;
    }
    return false;
}

static void check_kept(const struct pair *before, size_t before_count, const struct pair *after,
                       size_t after_count, const struct edit *edits)
{
    for (size_t i = 0; i < before_count; i++) {
        const struct edit same = {.key = before[i].key, .value = before[i].value};

        if (view_eq(same.key, edits[1].key) || view_eq(same.key, edits[2].key))
            continue;
        assert_true(has_pair(after, after_count, &same));
    }
}

static void check_random(struct view text)
{
    const struct edit edits[] = {stop_edit(7200), label_edit("k1", "v1"), label_edit("k2", "v2")};
    struct jdoc doc = doc_of(text, &arena);
    struct instance_request before = read_again(&doc);
    struct instance_request after;
    struct view edited;
    size_t count = 99;
    const struct change *changes;

    assert_int_equal(apply(&doc, &before, edits, 3, &out), STATUS_OK);
    edited = arena_copy(&arena, buf_view(&out));
    doc = doc_of(edited, &arena);
    after = read_again(&doc);
    assert_true(after.stop_count >= 1 && !after.stops[0].misplaced);
    assert_true(after.stop_count >= before.stop_count);
    for (size_t i = 0; i < after.stop_count; i++)
        assert_true(after.stops[i].enable && after.stops[i].has_duration &&
                    after.stops[i].duration_ms == 7200000);
    assert_true(has_pair(after.annotations, after.annotation_count, &edits[1]));
    assert_true(has_pair(after.annotations, after.annotation_count, &edits[2]));
    check_kept(before.annotations, before.annotation_count, after.annotations,
               after.annotation_count, edits);
    check_kept(before.stray_annotations, before.stray_annotation_count, after.stray_annotations,
               after.stray_annotation_count, edits);
    assert_view_eq(after.name.value, before.name.value);
    assert_int_equal(after.storage_count, before.storage_count);
    /* no further edit: nothing changes a second time */
    assert_int_equal(render(&doc, &after, edits, 3, &changes, &count), STATUS_OK);
    assert_int_equal(count, 0);
    assert_int_equal(apply(&doc, &after, edits, 3, &out), STATUS_OK);
    assert_view_eq(buf_view(&out), edited);
}

static void test_random_bodies(void **state)
{
    CLEANUP(buf_done) struct buf text;

    (void)state;
    buf_init(&text, 65536);
    for (seed = 1; seed < 20000; seed += 7) {
        uint32_t start = seed;

        random_body(&text);
        check_random(buf_view(&text));
        arena_reset(&arena);
        seed = start;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_auto_stop),
        cmocka_unit_test(test_annotations),
        cmocka_unit_test(test_several_edits),
        cmocka_unit_test(test_no_edits),
        cmocka_unit_test(test_changes_name_their_policy),
        cmocka_unit_test(test_written_changes),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_edits_that_clash),
        cmocka_unit_test(test_bodies_that_were_never_read),
        cmocka_unit_test(test_out_is_too_small),
        cmocka_unit_test(test_memory_runs_out),
        cmocka_unit_test(test_random_bodies),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
