/* SPDX-License-Identifier: Apache-2.0
 * Members of a line: each of the table is found, and nothing else is taken for one. */
#include "support/test.h"

#include "trail/row.h"

#define HEAD \
    "{\"v\":1,\"seq\":7,\"prev\":\"00\",\"time\":\"2026-01-02T03:04:05.123456Z\",\"event\":\"x\""

static struct arena arena;

static int setup(void **state)
{
    (void)state;
    arena_init(&arena, 4096, 1 << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

static struct row read_well(const char *line)
{
    struct row row;
    const char *why;

    if (row_read(view_str(line), &arena, &row, &why) != STATUS_OK)
        fail_msg("%s: %s", line, why);
    return row;
}

static void members_are_found(void **state)
{
    struct row row = read_well(
        HEAD
        ",\"id\":\"1f\",\"operation\":\"demanager.create\",\"class\":\"create\",\"method\":"
        "\"POST\","
        "\"path\":\"/"
        "p\",\"project\":\"p\",\"user\":{\"id\":\"u1\",\"name\":\"al\\u0069ce\",\"domain\":\"d\","
        "\"domain_id\":\"di\",\"project_name\":\"pn\","
        "\"roles\":[\"r\"],\"groups\":[]},\"credential\":{\"kind\":\"token\",\"digest\":\"abc\","
        "\"verified\":\"iam\"},\"client\":\"1.2.3.4:5\",\"request_id\":\"q\",\"instance\":{\"id\":"
        "\"i\","
        "\"name\":\"n\",\"flavor\":\"f\",\"workspace\":\"0\",\"pool\":\"\",\"profile\":\"pr\","
        "\"storage\":[\"/a/"
        "\"],\"auto_stop_s\":3600},\"decision\":\"rewrite\",\"would\":{\"decision\":"
        "\"refuse\"},\"policies\":[\"one\",\"two\"],\"exceptions\":[\"e\"],\"reasons\":[{\"code\":"
        "\"flavor.not_allowed\"}],\"edits\":[{\"op\":\"set\"}],\"policy_set\":\"s\","
        "\"request_sha256\":\"h\",\"reservation\":\"1f\",\"outcome\":\"created\",\"status\":200,"
        "\"error_code\":\"E.1\",\"upstream_request_id\":\"w\",\"duration_us\":15,\"actor\":\"uid:"
        "0\","
        "\"error\":\"none\",\"count\":3,\"durability\":\"sync\",\"request\":{\"spec\":{}},"
        "\"query\":\"a=b\",\"stored\":{},\"redacted\":[\"/x\"],\"head\":"
        "\"00\","
        "\"key\":\"k\",\"signature\":\"sig\",\"open\":[]}");

    (void)state;
    for (size_t i = 0; i < ROW_MEMBERS; i++)
        assert_row(row.at[i] != JREF_NONE, row_member_name((enum row_member)i));
    assert_int_equal(row.seq, 7);
    assert_int_equal(row.time_us, 1767323045123456);
    assert_view(row_text(&row, ROW_USER_NAME), "alice");
    assert_view(row_text(&row, ROW_USER_ID), "u1");
    assert_view(row_text(&row, ROW_ID), "1f");
    assert_view(row_text(&row, ROW_INSTANCE_NAME), "n");
    assert_view(row_text(&row, ROW_POOL), "");
    assert_view(row_text(&row, ROW_CREDENTIAL_VERIFIED), "iam");
    assert_int_equal(row_number(&row, ROW_AUTO_STOP_S, -1), 3600);
    assert_int_equal(row_number(&row, ROW_STATUS, -1), 200);
    assert_string_equal(row_member_name(ROW_USER_NAME), "user.name");
    assert_string_equal(row_member_name(ROW_OUTCOME), "outcome");
    JDOC_EACH(&row.doc, row_list(&row, ROW_REASONS), reason)
    assert_view(row_text_in(&row, reason, VIEW("code")), "flavor.not_allowed");
    JDOC_EACH(&row.doc, row_list(&row, ROW_EXCEPTIONS), element)
    assert_view(row_text_of(&row, element), "e");
    assert_false(row.failed);
}

static void what_is_absent_or_of_another_kind(void **state)
{
    struct row row =
        read_well(HEAD ",\"user\":[\"id\"],\"status\":\"200\",\"policies\":\"one\",\"id\":5}");

    (void)state;
    assert_null(row_text(&row, ROW_USER_ID).ptr);
    assert_null(row_text(&row, ROW_ID).ptr);
    assert_null(row_text(&row, ROW_OUTCOME).ptr);
    assert_int_equal(row_number(&row, ROW_STATUS, -1), -1);
    assert_int_equal(row_list(&row, ROW_POLICIES), JREF_NONE);
    assert_null(row_text_in(&row, JREF_NONE, VIEW("code")).ptr);
    assert_null(row_text_of(&row, JREF_NONE).ptr);
}

/* A name of no letters isn't the line itself, and members of other objects aren't the line's. */
static void objects_keep_their_members(void **state)
{
    struct row row = read_well(
        HEAD ",\"\":{\"id\":\"no\",\"seq\":9},\"other\":{\"event\":\"no\",\"name\":\"no\"},"
             "\"user\":{\"event\":\"no\",\"flavor\":\"no\"}}");

    (void)state;
    assert_int_equal(row.seq, 7);
    assert_null(row_text(&row, ROW_ID).ptr);
    assert_null(row_text(&row, ROW_FLAVOR).ptr);
    assert_view(row_text(&row, ROW_EVENT), "x");
}

static void any_order_and_later_members(void **state)
{
    struct row row =
        read_well("{\"later\":{\"a\":1},\"outcome\":\"done\",\"event\":\"outcome\",\"seq\":1,"
                  "\"user\":{\"name\":\"b\",\"id\":\"a\"},\"v\":1}");

    (void)state;
    assert_view(row_text(&row, ROW_OUTCOME), "done");
    assert_view(row_text(&row, ROW_USER_NAME), "b");
    assert_view(row_text(&row, ROW_USER_ID), "a");
    assert_int_equal(row.time_us, 0);
}

static void what_is_no_line(void **state)
{
    static const char *const object = "it isn't one JSON object without duplicate members";
    static const struct {
        const char *line, *why;
    } rows[] = {
        {"", "object"},
        {"[]", "object"},
        {"{\"v\":1,\"seq\":1,\"event\":\"x\"", "object"},
        {"{\"v\":1,\"seq\":1,\"event\":\"x\"}{}", "object"},
        {"{\"v\":1,\"seq\":1,\"event\":\"x\",\"seq\":1}", "object"},
        {"{\"v\":1,\"seq\":1,\"event\":\"x\",\"\\u0073eq\":1}", "object"},
        {"{\"v\":1,\"seq\":1,\"event\":\"x\",\"user\":{\"id\":\"a\",\"id\":\"a\"}}", "object"},
        {"{\"v\":1,\"seq\":1,\"event\":\"\xff\"}", "object"},
        {"{\"seq\":1,\"event\":\"x\"}", "its \"v\" isn't 1"},
        {"{\"v\":2,\"seq\":1,\"event\":\"x\"}", "its \"v\" isn't 1"},
        {"{\"v\":1,\"event\":\"x\"}", "its \"seq\" isn't a positive integer"},
        {"{\"v\":1,\"seq\":0,\"event\":\"x\"}", "its \"seq\" isn't a positive integer"},
        {"{\"v\":1,\"seq\":1.0,\"event\":\"x\"}", "its \"seq\" isn't a positive integer"},
        {"{\"v\":1,\"seq\":1}", "it has no \"event\""},
        {"{\"v\":1,\"seq\":1,\"event\":1}", "it has no \"event\""},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *why = NULL, *want = strcmp(rows[i].why, "object") == 0 ? object : rows[i].why;
        struct row row;

        assert_row(row_read(view_str(rows[i].line), &arena, &row, &why) == STATUS_SYNTAX,
                   rows[i].line);
        assert_string_equal(why, want);
    }
}

static void memory_that_is_out_shows(void **state)
{
    struct arena small;
    struct row row;
    const char *why;

    (void)state;
    arena_init(&small, 64, 64);
    assert_int_equal(row_read(VIEW(HEAD "}"), &small, &row, &why), STATUS_NOMEM);
    arena_done(&small);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(members_are_found),
        TEST(what_is_absent_or_of_another_kind),
        TEST(objects_keep_their_members),
        TEST(any_order_and_later_members),
        TEST(what_is_no_line),
        TEST(memory_that_is_out_shows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
