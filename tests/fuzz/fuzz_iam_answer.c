/* SPDX-License-Identifier: Apache-2.0
 * What IAM answers about a token: the body of a 200 or of a 404. */
#include <stdlib.h>

#include "identity/iam_answer.h"
#include "identity/shared_cache.h"

#include "facts.h"
#include "fuzz.h"

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
