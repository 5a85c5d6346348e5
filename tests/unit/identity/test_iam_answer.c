/* SPDX-License-Identifier: Apache-2.0
 * What IAM answers about a token. */
#include "support/test.h"

#include "identity/iam_answer.h"

#define USER \
    "\"user\":{\"id\":\"u1\",\"name\":\"alice\",\"domain\":{\"id\":\"d1\",\"name\":\"org\"}"
#define EXPIRES "\"expires_at\":\"2026-01-03T03:04:05.000000Z\""

static struct arena arena;

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, 1 << 14, 1 << 22);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

static void test_federated(void **state)
{
    struct token_facts facts;

    (void)state;
    assert_int_equal(
        iam_answer_read(VIEW("{\"token\":{\"methods\":[\"mapped\"]," EXPIRES
                             ",\"mfa_authn_at\":\"2026-01-02T03:04:05.000000Z\"," USER
                             ",\"password_expires_at\":\"\",\"OS-FEDERATION\":{\"groups\":[{\"id\":"
                             "\"g\",\"name\":\"team\"}],\"protocol\":{\"id\":\"saml\"}}},"
                             "\"project\":{\"id\":\"p1\",\"name\":\"eu-de\"},\"roles\":[],"
                             "\"catalog\":[{\"type\":\"iam\",\"endpoints\":[{\"url\":\"x\"}]}]}}"),
                        &arena, &facts),
        STATUS_OK);
    assert_int_equal(facts.subject.known, SUBJECT_USER | SUBJECT_DOMAIN | SUBJECT_PROJECT |
                                              SUBJECT_ROLES | SUBJECT_GROUPS);
    assert_int_equal(facts.subject.role_count, 0);
    assert_view(facts.subject.groups[0], "team");
    assert_view(facts.subject.project_id, "p1");
}

static void test_broken(void **state)
{
    static const char *const rows[] = {
        "",
        "[]",
        "{\"token\":null}",
        "{\"token\":{" EXPIRES "}}",
        "{\"token\":{" USER "}}}",
        "{\"token\":{" EXPIRES "," USER "},\"roles\":{}}}",
        "{\"token\":{" EXPIRES "," EXPIRES "," USER "}}}",
        "{\"token\":{" EXPIRES "," USER "}}} x",
    };
    struct token_facts facts;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_row(iam_answer_read(view_str(rows[i]), &arena, &facts) == STATUS_SYNTAX, rows[i]);
}

/* With a catalog an answer is longer than a token can be. */
static void test_long(void **state)
{
    char *filling = arena_alloc(&arena, IAM_ANSWER_BYTES_MAX + 1);
    struct token_facts facts;
    struct view body;

    (void)state;
    assert_non_null(filling);
    memset(filling, 'x', (size_t)2 * TOKEN_BYTES_MAX);
    body =
        arena_printf(&arena, "{\"token\":{%s,%s},\"catalog\":[\"%s\"]}}", EXPIRES, USER, filling);
    assert_int_equal(iam_answer_read(body, &arena, &facts), STATUS_OK);
    memset(filling, 'x', IAM_ANSWER_BYTES_MAX);
    body =
        arena_printf(&arena, "{\"token\":{%s,%s},\"catalog\":[\"%s\"]}}", EXPIRES, USER, filling);
    assert_int_equal(iam_answer_read(body, &arena, &facts), STATUS_SYNTAX);
}

static void test_about(void **state)
{
    (void)state;
    assert_true(iam_answer_is_about(VIEW("a"), 0, VIEW_NONE));
    assert_true(iam_answer_is_about(VIEW("a"), 1, VIEW("a")));
    assert_false(iam_answer_is_about(VIEW("a"), 1, VIEW("A")));
    assert_false(iam_answer_is_about(VIEW("a"), 1, VIEW("")));
    assert_false(iam_answer_is_about(VIEW("a"), 2, VIEW("a")));
}

static void test_verdict(void **state)
{
    static const struct {
        const char *body;
        bool verdict;
    } rows[] = {
        {"{\"error\":{\"code\":404,\"message\":\"x\",\"title\":\"Not Found\"}}", true},
        {"{\"error_msg\":\"x\",\"error_code\":\"IAM.0004\"}", true},
        {"{\"error_msg\":\"x\",\"error_code\":\"APIG.0101\"}", false},
        {"{\"error\":\"not found\"}", false},
        {"{\"error_code\":404}", false},
        {"{}", false},
        {"[]", false},
        {"", false},
        {"<html></html>", false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_row(iam_answer_is_verdict(view_str(rows[i].body), &arena) == rows[i].verdict,
                   rows[i].body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_federated, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_broken, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_long, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_about, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_verdict, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
