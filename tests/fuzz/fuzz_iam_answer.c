/* SPDX-License-Identifier: Apache-2.0
 * What IAM answers about a token: the body of a 200 or of a 404. */
#include <stdlib.h>

#include "identity/iam_answer.h"
#include "identity/shared_cache.h"

#include "fuzz.h"

static bool same_texts(const struct view *a, size_t a_count, const struct view *b, size_t b_count)
{
    bool same = a_count == b_count;

    for (size_t i = 0; same && i < a_count; i++)
        same = view_eq(a[i], b[i]);
    return same;
}

static void check_same(const struct token_facts *a, const struct token_facts *b)
{
    const struct subject *s = &a->subject, *t = &b->subject;

    REQUIRE(s->known == t->known && a->expires_us == b->expires_us);
    REQUIRE(view_eq(s->user_id, t->user_id) && view_eq(s->user_name, t->user_name));
    REQUIRE(view_eq(s->domain_id, t->domain_id) && view_eq(s->domain_name, t->domain_name));
    REQUIRE(view_eq(s->project_id, t->project_id) && view_eq(s->project_name, t->project_name));
    REQUIRE(same_texts(s->roles, s->role_count, t->roles, t->role_count));
    REQUIRE(same_texts(s->groups, s->group_count, t->groups, t->group_count));
}

/* Half an identity is none. */
static void check_facts(const struct token_facts *facts)
{
    const struct subject *s = &facts->subject;

    REQUIRE((s->known & SUBJECT_USER) != 0 && s->user_id.len > 0 && s->user_name.len > 0);
    REQUIRE((s->known & SUBJECT_DOMAIN) == 0 || s->domain_id.len > 0);
    REQUIRE((s->known & SUBJECT_PROJECT) == 0 || s->project_id.len > 0);
    REQUIRE((s->known & SUBJECT_ROLES) != 0 || s->role_count == 0);
    REQUIRE((s->known & SUBJECT_GROUPS) != 0 || s->group_count == 0);
}

/* What the cache gives back is what it was given, in memory of its own. */
static void check_cached(const struct token_facts *facts, struct arena *arena)
{
    static const unsigned char digest[DIGEST_BYTES] = {7};
    struct shared_cache *cache = shared_cache_new(1, (size_t)64 << 20);
    struct token_facts again;

    REQUIRE(cache != NULL);
    shared_cache_add(cache, digest, facts, 0, 1);
    REQUIRE(shared_cache_find(cache, digest, 0, arena, &again));
    check_same(facts, &again);
    REQUIRE(again.subject.user_id.ptr != facts->subject.user_id.ptr);
    REQUIRE(!shared_cache_find(cache, digest, 1, arena, &again));
    shared_cache_free(&cache);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *exact = calloc(1, size + (size == 0));
    struct view body = view_of(exact, size);
    struct token_facts facts, by_token;
    struct arena arena;
    enum status status;

    REQUIRE(exact != NULL);
    if (size > 0)
        memcpy(exact, data, size);
    fuzz_arena(&arena);
    status = iam_answer_read(body, &arena, &facts);
    REQUIRE(status == STATUS_OK || status == STATUS_SYNTAX);
    if (status == STATUS_OK) {
        check_facts(&facts);
        check_cached(&facts, &arena);
    }
    /* The document in a token is read the same way. */
    if (size <= TOKEN_BYTES_MAX) {
        REQUIRE(token_read_json(body, &arena, &by_token) == status);
        if (status == STATUS_OK)
            check_same(&facts, &by_token);
    }
    if (iam_answer_is_verdict(body, &arena))
        REQUIRE(size > 2 && memchr(exact, '{', size) != NULL);
    arena_done(&arena);
    free(exact);
    return 0;
}
