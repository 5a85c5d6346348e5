/* SPDX-License-Identifier: Apache-2.0
 * What the document in a token says, and what it leaves unknown. */
#include "support/test.h"

#include "base/clock.h"
#include "identity/identity.h"
#include "identity/token.h"

#define USER \
    "\"user\":{\"id\":\"u1\",\"name\":\"alice\",\"domain\":{\"id\":\"d1\",\"name\":\"org\"}}"
#define EXPIRES "\"expires_at\":\"2026-01-03T03:04:05.000000Z\""
#define PROJECT \
    "\"project\":{\"id\":\"p1\",\"name\":\"eu-de\",\"domain\":{\"id\":\"d1\",\"name\":\"org\"}}"

static const unsigned everything_but_groups =
    SUBJECT_USER | SUBJECT_DOMAIN | SUBJECT_PROJECT | SUBJECT_ROLES;

static struct arena arena;

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, 1 << 14, 1 << 20);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

static void test_usual_token(void **state)
{
    struct view json = VIEW("{\"token\":{\"methods\":[\"password\"],\"catalog\":[]," EXPIRES
                            ",\"issued_at\":\"2026-01-02T03:04:05.000000Z\","
                            "\"roles\":[{\"name\":\"te_admin\",\"id\":\"0\"},{\"id\":\"1\","
                            "\"name\":\"op_\\u00e9\"}]," PROJECT "," USER "}}\n");
    struct token_facts facts;
    char text[CLOCK_TEXT_BYTES];

    (void)state;
    assert_int_equal(token_read_json(json, &arena, &facts), STATUS_OK);
    assert_int_equal(facts.subject.known, everything_but_groups);
    assert_view(facts.subject.user_id, "u1");
    assert_view(facts.subject.user_name, "alice");
    assert_view(facts.subject.domain_id, "d1");
    assert_view(facts.subject.domain_name, "org");
    assert_view(facts.subject.project_id, "p1");
    assert_view(facts.subject.project_name, "eu-de");
    assert_int_equal(facts.subject.role_count, 2);
    assert_view(facts.subject.roles[0], "te_admin");
    assert_view(facts.subject.roles[1], "op_\xC3\xA9");
    assert_int_equal(facts.subject.group_count, 0);
    assert_view(clock_format(facts.expires_us, text), "2026-01-03T03:04:05.000000Z");
}

static void test_federated_token(void **state)
{
    struct view json =
        VIEW("{\"token\":{" EXPIRES "," PROJECT ",\"roles\":[],\"user\":{\"OS-FEDERATION\":{"
             "\"identity_provider\":{\"id\":\"idp\"},\"protocol\":{\"id\":\"saml\"},\"groups\":["
             "{\"id\":\"g1\",\"name\":\"admins\"},{\"id\":\"g2\",\"name\":\"users\"}]},"
             "\"id\":\"u1\",\"name\":\"alice\",\"domain\":{\"id\":\"d1\",\"name\":\"org\"}}}}");
    struct token_facts facts;

    (void)state;
    assert_int_equal(token_read_json(json, &arena, &facts), STATUS_OK);
    assert_int_equal(facts.subject.known, everything_but_groups | SUBJECT_GROUPS);
    assert_int_equal(facts.subject.role_count, 0);
    assert_int_equal(facts.subject.group_count, 2);
    assert_view(facts.subject.groups[0], "admins");
    assert_view(facts.subject.groups[1], "users");
}

/* Known and empty is not unknown. */
static const struct {
    const char *name, *json;
    unsigned known;
} parts[] = {
    {"no roles member", "{\"token\":{" EXPIRES "," PROJECT "," USER "}}",
     SUBJECT_USER | SUBJECT_DOMAIN | SUBJECT_PROJECT},
    {"empty roles", "{\"token\":{" EXPIRES ",\"roles\":[]," PROJECT "," USER "}}",
     everything_but_groups},
    {"for a domain",
     "{\"token\":{" EXPIRES ",\"roles\":[],\"domain\":{\"id\":\"d1\",\"name\":\"org\"}," USER "}}",
     SUBJECT_USER | SUBJECT_DOMAIN | SUBJECT_ROLES},
    {"no domain of the user",
     "{\"token\":{" EXPIRES ",\"user\":{\"id\":\"u1\",\"name\":\"alice\"}}}", SUBJECT_USER},
    {"federated without groups",
     "{\"token\":{" EXPIRES ",\"user\":{\"id\":\"u1\",\"name\":\"alice\",\"OS-FEDERATION\":{}}}}",
     SUBJECT_USER},
    {"federated with no group",
     "{\"token\":{" EXPIRES
     ",\"user\":{\"id\":\"u1\",\"name\":\"alice\",\"OS-FEDERATION\":{\"groups\":[]}}}}",
     SUBJECT_USER | SUBJECT_GROUPS},
    {"a group without a name",
     "{\"token\":{" EXPIRES
     ",\"user\":{\"id\":\"u1\",\"name\":\"alice\",\"OS-FEDERATION\":{\"groups\":["
     "{\"id\":\"g1\",\"name\":\"a\"},{\"id\":\"g2\"}]}}}}",
     SUBJECT_USER},
};

static void test_known_parts(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        struct token_facts facts;

        assert_row(token_read_json(view_str(parts[i].json), &arena, &facts) == STATUS_OK,
                   parts[i].name);
        assert_row(facts.subject.known == parts[i].known, parts[i].name);
        assert_row(facts.subject.group_count == 0, parts[i].name);
    }
}

static const struct {
    const char *name, *json;
} bad[] = {
    {"no JSON", "token"},
    {"an array", "[]"},
    {"empty", "{}"},
    {"token is null", "{\"token\":null}"},
    {"token twice", "{\"token\":{" EXPIRES "," USER "},\"token\":{" EXPIRES "," USER "}}"},
    {"user twice", "{\"token\":{" EXPIRES "," USER "," USER "}}"},
    {"no expiry", "{\"token\":{" USER "}}"},
    {"expiry is a number", "{\"token\":{\"expires_at\":1767409445," USER "}}"},
    {"expiry is empty", "{\"token\":{\"expires_at\":\"\"," USER "}}"},
    {"expiry without zone", "{\"token\":{\"expires_at\":\"2026-01-03T03:04:05\"," USER "}}"},
    {"expiry in another zone",
     "{\"token\":{\"expires_at\":\"2026-01-03T03:04:05+01:00\"," USER "}}"},
    {"expiry is no date", "{\"token\":{\"expires_at\":\"2026-02-30T03:04:05Z\"," USER "}}"},
    {"no user", "{\"token\":{" EXPIRES "," PROJECT "}}"},
    {"user is a text", "{\"token\":{" EXPIRES ",\"user\":\"alice\"}}"},
    {"user without id", "{\"token\":{" EXPIRES ",\"user\":{\"name\":\"alice\"}}}"},
    {"user without name", "{\"token\":{" EXPIRES ",\"user\":{\"id\":\"u1\"}}}"},
    {"user with empty name", "{\"token\":{" EXPIRES ",\"user\":{\"id\":\"u1\",\"name\":\"\"}}}"},
    {"user with a number", "{\"token\":{" EXPIRES ",\"user\":{\"id\":1,\"name\":\"alice\"}}}"},
    {"domain is null",
     "{\"token\":{" EXPIRES ",\"user\":{\"id\":\"u1\",\"name\":\"a\",\"domain\":null}}}"},
    {"domain without name",
     "{\"token\":{" EXPIRES ",\"user\":{\"id\":\"u1\",\"name\":\"a\",\"domain\":{\"id\":\"d\"}}}}"},
    {"project without id", "{\"token\":{" EXPIRES "," USER ",\"project\":{\"name\":\"eu-de\"}}}"},
    {"project is a text", "{\"token\":{" EXPIRES "," USER ",\"project\":\"p1\"}}"},
    {"roles is an object", "{\"token\":{" EXPIRES "," USER ",\"roles\":{}}}"},
    {"a role is a text", "{\"token\":{" EXPIRES "," USER ",\"roles\":[\"te_admin\"]}}"},
    {"a role without name", "{\"token\":{" EXPIRES "," USER ",\"roles\":[{\"id\":\"0\"}]}}"},
    {"a role with a number", "{\"token\":{" EXPIRES "," USER ",\"roles\":[{\"name\":0}]}}"},
    {"federation is a list",
     "{\"token\":{" EXPIRES ",\"user\":{\"id\":\"u1\",\"name\":\"a\",\"OS-FEDERATION\":[]}}}"},
    {"groups is an object",
     "{\"token\":{" EXPIRES
     ",\"user\":{\"id\":\"u1\",\"name\":\"a\",\"OS-FEDERATION\":{\"groups\":{}}}}}"},
    {"a group's name is empty",
     "{\"token\":{" EXPIRES ",\"user\":{\"id\":\"u1\",\"name\":\"a\",\"OS-FEDERATION\":{\"groups\":"
     "[{\"id\":\"g\",\"name\":\"\"}]}}}}"},
    {"NUL in a name", "{\"token\":{" EXPIRES ",\"user\":{\"id\":\"u1\",\"name\":\"a\\u0000\"}}}"},
    {"too deep", "{\"token\":{\"x\":[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]," EXPIRES "," USER "}}"},
};

static void test_half_an_identity_is_none(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct token_facts facts = {.expires_us = 7};

        assert_row(token_read_json(view_str(bad[i].json), &arena, &facts) == STATUS_SYNTAX,
                   bad[i].name);
        assert_row(facts.expires_us == 7, bad[i].name);
    }
}

/* Whatever the memory, it is refused cleanly or read wholly. */
static void test_out_of_memory_at_every_step(void **state)
{
    struct view json =
        VIEW("{\"token\":{" EXPIRES "," PROJECT ",\"roles\":[{\"name\":\"\\u0061\"}],\"user\":{"
             "\"id\":\"\\u0062\",\"name\":\"\\u0063\",\"OS-FEDERATION\":{\"groups\":["
             "{\"name\":\"\\u0064\"}]}}}}");
    bool read = false;

    (void)state;
    for (size_t bytes = 0; !read; bytes += 16) {
        struct token_facts facts;
        struct arena small;
        enum status status;

        assert_true(bytes < 10000);
        arena_init(&small, 16, bytes);
        status = token_read_json(json, &small, &facts);
        read = status == STATUS_OK;
        if (read)
            assert_view(facts.subject.groups[0], "d");
        else
            assert_int_equal(status, STATUS_NOMEM);
        arena_done(&small);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_usual_token, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_federated_token, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_known_parts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_half_an_identity_is_none, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_out_of_memory_at_every_step, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
