/* SPDX-License-Identifier: Apache-2.0
 * A bearer token and the set of keys that it is checked against: the first line is a token, the
 * rest a set; and the token once more against a set that has keys for sure. */
#include <stdlib.h>

#include "identity/jwt.h"
#include "identity/oidc.h"

#include "fuzz.h"

/* RFC 7515 A.3, and its key without a kid. */
static const char known[] =
    "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRV"
    "EU\",\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}]}";
static const char signed_by_it[] =
    "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvb"
    "S9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKT"
    "UJqPP3-Kg6NU1Q";

static void check(struct view token, const struct jwks *keys, struct arena *arena, bool of_known)
{
    static const struct view projects[] = {{"p", 1}};
    const struct oidc_settings settings = {.issuer = VIEW("joe"),
                                           .audience = VIEW("us"),
                                           .user_claim = VIEW("sub"),
                                           .groups_claim = VIEW("groups"),
                                           .projects = projects,
                                           .project_count = 1};
    const struct oidc_question question = {.keys = keys, .token = token, .path_project = VIEW("p")};
    struct identified who;
    struct reason why = {.row = NULL};
    struct jdoc claims;
    bool unknown, good = identity_oidc(&settings, &question, arena, &who, &why, &unknown);

    REQUIRE(good || (why.row != NULL && why.message.ptr != NULL));
    REQUIRE(good == ((who.subject.known & SUBJECT_USER) != 0));
    REQUIRE(!good || (who.expires_us > 0 && oidc_is_jwt(token)));
    /* Nobody here has the private key: the one token it signed is the only good one. Its signature
     * may be told in another form, (r, -s), which is as good. */
    if (of_known && jwt_read(token, OIDC_TOKEN_MAX, keys, arena, &claims) == JWT_GOOD)
        REQUIRE(view_starts(token, view_of(signed_by_it, sizeof signed_by_it - 1 - 86)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct jwks *ours;
    char *exact = calloc(1, size + 1);
    struct view all = view_of(exact, size), token, json;
    struct jwks *keys = NULL;
    struct arena arena;
    struct err err;
    size_t line;

    REQUIRE(exact != NULL);
    if (ours == NULL)
        REQUIRE(jwks_read(view_str(known), &ours, &err) == STATUS_OK);
    memcpy(exact, data, size);
    line = view_find(all, '\n');
    token = view_of(all.ptr, line);
    json = view_from(all, line == size ? size : line + 1);
    fuzz_arena(&arena);
    check(token, ours, &arena, true);
    if (jwks_read(json, &keys, &err) == STATUS_OK) {
        REQUIRE(jwks_count(keys) > 0 && jwks_count(keys) <= JWKS_KEYS_MAX);
        check(token, keys, &arena, false);
    }
    jwks_unref(&keys);
    arena_done(&arena);
    free(exact);
    return 0;
}
