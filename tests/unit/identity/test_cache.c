/* SPDX-License-Identifier: Apache-2.0
 * The token cache: what comes back is what went in, in memory of its own; the oldest goes; verdicts
 * are never cached. */
#include "support/callers.h"
#include "support/test.h"

#include <stdlib.h>

#include "base/clock.h"
#include "identity/cache.h"

#include "token_support.h"

#define PROJECT "0123456789abcdef0123456789abcdef"

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

static void digest_of(unsigned number, unsigned char out[DIGEST_BYTES])
{
    digest_sha256(view_of((const char *)&number, sizeof number), out);
}

static struct token_facts facts_of(unsigned number)
{
    struct view *roles = arena_array(&arena, 2, sizeof *roles);
    struct view *groups = arena_array(&arena, 1, sizeof *groups);

    assert_non_null(roles);
    assert_non_null(groups);
    roles[0] = VIEW("te_admin");
    roles[1] = arena_printf(&arena, "role-%u", number);
    groups[0] = arena_printf(&arena, "group-%u", number);
    return (struct token_facts){
        .subject = {.known = SUBJECT_USER | SUBJECT_ROLES | SUBJECT_GROUPS,
                    .user_id = arena_printf(&arena, "u%u", number),
                    .user_name = VIEW("alice"),
                    .roles = roles,
                    .role_count = 2,
                    .groups = groups,
                    .group_count = 1},
        .expires_us = number,
    };
}

static void add(struct identity_cache *cache, unsigned number)
{
    unsigned char digest[DIGEST_BYTES];
    struct token_facts facts = facts_of(number);

    digest_of(number, digest);
    cache_add(cache, digest, &facts);
}

static bool find(struct identity_cache *cache, unsigned number, struct token_facts *ret)
{
    unsigned char digest[DIGEST_BYTES];

    digest_of(number, digest);
    return cache_find(cache, digest, &arena, ret);
}

static void test_what_went_in_comes_out(void **state)
{
    struct identity_cache *cache = identity_cache_new(4);
    struct token_facts got = {.expires_us = -1};

    (void)state;
    assert_non_null(cache);
    assert_false(find(cache, 1, &got));
    assert_int_equal(got.expires_us, -1);
    add(cache, 1);
    /* What was given is gone. */
    arena_reset(&arena);
    assert_true(find(cache, 1, &got));
    assert_false(find(cache, 2, &got));
    /* So is the cache: what was found is a copy. */
    identity_cache_free(&cache);
    assert_null(cache);
    assert_int_equal(got.expires_us, 1);
    assert_int_equal(got.subject.known, SUBJECT_USER | SUBJECT_ROLES | SUBJECT_GROUPS);
    assert_view(got.subject.user_id, "u1");
    assert_view(got.subject.user_name, "alice");
    assert_null(got.subject.domain_id.ptr);
    assert_int_equal(got.subject.role_count, 2);
    assert_view(got.subject.roles[0], "te_admin");
    assert_view(got.subject.roles[1], "role-1");
    assert_int_equal(got.subject.group_count, 1);
    assert_view(got.subject.groups[0], "group-1");
    identity_cache_free(&cache);
}

static void test_the_least_recently_used_goes(void **state)
{
    struct identity_cache *cache = identity_cache_new(3);
    struct token_facts got;

    (void)state;
    add(cache, 1);
    add(cache, 2);
    add(cache, 3);
    assert_true(find(cache, 1, &got));
    add(cache, 4);
    assert_true(find(cache, 1, &got));
    assert_false(find(cache, 2, &got));
    assert_true(find(cache, 3, &got));
    assert_true(find(cache, 4, &got));
    identity_cache_free(&cache);
}

static void test_at_the_limit(void **state)
{
    struct identity_cache *cache = identity_cache_new(IDENTITY_CACHE_ENTRIES);
    struct token_facts got;

    (void)state;
    for (unsigned i = 0; i <= IDENTITY_CACHE_ENTRIES; i++)
        add(cache, i);
    assert_false(find(cache, 0, &got));
    for (unsigned i = 1; i <= IDENTITY_CACHE_ENTRIES; i++) {
        assert_true(find(cache, i, &got));
        assert_int_equal(got.expires_us, i);
    }
    identity_cache_free(&cache);
}

static void test_a_subject_of_nothing(void **state)
{
    unsigned char digest[DIGEST_BYTES] = {0};
    struct identity_cache *cache = identity_cache_new(1);
    struct token_facts nothing = {.expires_us = 5}, got;

    (void)state;
    assert_false(cache_find(cache, digest, &arena, &got));
    cache_add(cache, digest, &nothing);
    assert_true(cache_find(cache, digest, &arena, &got));
    assert_int_equal(got.subject.role_count, 0);
    assert_null(got.subject.user_id.ptr);
    identity_cache_free(&cache);
}

static void test_a_full_arena_is_a_miss(void **state)
{
    struct identity_cache *cache = identity_cache_new(1);
    unsigned char digest[DIGEST_BYTES];
    struct token_facts got = {.expires_us = -1};
    struct arena small;

    (void)state;
    add(cache, 1);
    digest_of(1, digest);
    arena_init(&small, 16, 16);
    assert_false(cache_find(cache, digest, &small, &got));
    assert_int_equal(got.expires_us, -1);
    arena_done(&small);
    identity_cache_free(&cache);
}

static struct view make_token(const char *user)
{
    return token_make(
        arena_printf(&arena,
                     "{\"token\":{\"expires_at\":\"2026-01-02T03:04:05Z\",\"project\":{\"id\":"
                     "\"" PROJECT "\",\"name\":\"eu-de\"},\"user\":{\"id\":\"u1\",\"name\":\"%s\"},"
                     "\"roles\":[{\"name\":\"te_admin\"}]}}",
                     user),
        &arena);
}

/* credentials, cache: as the callers below name them. */
#define JUDGED(given, kept, path_project, at, who)                   \
    caller_is_known(&(struct caller_case){.verify = VERIFY_DECODE,   \
                                          .credentials = (given),    \
                                          .project = (path_project), \
                                          .judged = true,            \
                                          .now_us = (at),            \
                                          .cache = (kept)},          \
                    &arena, (who), &why)

static void test_verdicts_are_made_anew(void **state)
{
    const struct credentials credentials = {.token = make_token("alice"), .token_count = 1};
    struct identity_cache *cache;
    struct identified first, second;
    struct reason why;
    int64_t expires;

    (void)state;
    assert_true(clock_parse(VIEW("2026-01-02T03:04:05Z"), &expires));
    cache = identity_cache_new(2);
    assert_true(JUDGED(&credentials, cache, VIEW(PROJECT), expires - 1, &first));
    assert_true(JUDGED(&credentials, cache, VIEW(PROJECT), expires - 1, &second));
    assert_view(second.subject.user_name, "alice");
    assert_view(second.subject.roles[0], "te_admin");
    assert_true(second.subject.roles != first.subject.roles);
    assert_string_equal(second.credential.verified, "decoded");
    assert_string_equal(second.credential.digest, first.credential.digest);
    assert_false(JUDGED(&credentials, cache, VIEW(PROJECT), expires, &second));
    assert_ptr_equal(why.row, &identity_reasons[IDENTITY_TOKEN_EXPIRED]);
    assert_false(JUDGED(&credentials, cache, VIEW("other"), expires - 1, &second));
    assert_ptr_equal(why.row, &identity_reasons[IDENTITY_PROJECT_MISMATCH]);
    identity_cache_free(&cache);
}

/* The key is the whole token: a token that differs in its last letter only is another one. */
static void test_tokens_are_told_apart(void **state)
{
    struct identity_cache *cache = identity_cache_new(4);
    static const char *const users[] = {"alice", "bob", "alice", "carol", "bob"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(users); i++) {
        struct credentials credentials = {.token = make_token(users[i]), .token_count = 1};
        struct view cut = view_of(credentials.token.ptr, credentials.token.len - 1);
        struct identified who;
        struct reason why;

        assert_true(JUDGED(&credentials, cache, VIEW(PROJECT), 0, &who));
        assert_row(view_eq(who.subject.user_name, view_str(users[i])), users[i]);
        credentials.token = cut;
        assert_false(JUDGED(&credentials, cache, VIEW(PROJECT), 0, &who));
        assert_ptr_equal(why.row, &identity_reasons[IDENTITY_TOKEN_MALFORMED]);
    }
    identity_cache_free(&cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_what_went_in_comes_out, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_least_recently_used_goes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_at_the_limit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_subject_of_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_full_arena_is_a_miss, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_verdicts_are_made_anew, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_tokens_are_told_apart, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, token_signer_setup, token_signer_teardown);
}
