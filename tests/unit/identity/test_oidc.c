/* SPDX-License-Identifier: Apache-2.0
 * Bearer tokens of an OpenID provider: the examples of RFC 7515, tokens made by OpenSSL, and all
 * that must not pass for one. */
#include "support/test.h"

#include <pthread.h>

#include "base/buffer.h"
#include "identity/jwt.h"
#include "identity/oidc.h"

#include "jwt_support.h"

#define PROJECT "0123456789abcdef0123456789abcdef"
#define NOW_S   1800000000

/* RFC 7515 A.2 and A.3. */
#define RFC_PAYLOAD                                                                           \
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp" \
    "0cnVlfQ"
#define RFC_RS256                                                                              \
    "eyJhbGciOiJSUzI1NiJ9." RFC_PAYLOAD                                                        \
    ".cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8" \
    "W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvk" \
    "SjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCn" \
    "vWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"
#define RFC_ES256                       \
    "eyJhbGciOiJFUzI1NiJ9." RFC_PAYLOAD \
    ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
#define RFC_RSA                                                                                 \
    "{\"kty\":\"RSA\",\"n\":\"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp" \
    "-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGz"  \
    "jb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uD"  \
    "Zlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9g"  \
    "b54h4FRWyuXpoQ\",\"e\":\"AQAB\"}"
#define RFC_EC                                                                  \
    "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8" \
    "Tus9uPHvRVEU\",\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}"

static EVP_PKEY *rsa, *other_rsa, *ec, *other_ec, *weak;
static struct arena arena;
static const struct view projects[] = {{PROJECT, 32}};

static int make_keys(void **state)
{
    (void)state;
    rsa = jwt_key(2048);
    other_rsa = jwt_key(2048);
    ec = jwt_key(0);
    other_ec = jwt_key(0);
    weak = jwt_key(1024);
    return 0;
}

static int free_keys(void **state)
{
    (void)state;
    EVP_PKEY_free(rsa);
    EVP_PKEY_free(other_rsa);
    EVP_PKEY_free(ec);
    EVP_PKEY_free(other_ec);
    EVP_PKEY_free(weak);
    return 0;
}

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, 65536, 64 << 20);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

static const char *jwk(EVP_PKEY *key, const char *more)
{
    return arena_strdup(&arena, jwt_jwk(&arena, key, more));
}

static struct jwks *set_of(const char *a, const char *b)
{
    struct view json = arena_printf(&arena, "{\"keys\":[%s%s%s]}", a, *b == 0 ? "" : ",", b);
    struct jwks *set = NULL;
    struct err err = {0};

    if (jwks_read(json, &set, &err) != STATUS_OK)
        fail_msg("%s", err.text);
    return set;
}

static enum jwt_verdict read_token(struct view token, const struct jwks *keys)
{
    struct jdoc claims;

    return jwt_read(token, OIDC_TOKEN_MAX, keys, &arena, &claims);
}

/* ---- signatures ---- */

static void the_examples_of_the_standard_hold(void **state)
{
    struct jwks *keys = set_of(RFC_RSA, RFC_EC);

    (void)state;
    assert_int_equal(jwks_count(keys), 2);
    assert_int_equal(read_token(VIEW(RFC_RS256), keys), JWT_GOOD);
    assert_int_equal(read_token(VIEW(RFC_ES256), keys), JWT_GOOD);
    jwks_unref(&keys);
}

/* Each character of the token to another: none passes, also where it changes only bits that nobody
 * reads. */
static void no_character_may_change(void **state)
{
    static const char *const tokens[] = {RFC_RS256, RFC_ES256};
    struct jwks *keys = set_of(RFC_RSA, RFC_EC);

    (void)state;
    for (size_t t = 0; t < ARRAY_LEN(tokens); t++) {
        char *text = arena_strdup(&arena, view_str(tokens[t]));
        const size_t len = strlen(text), begin = len - (strlen(strrchr(text, '.')) - 1);

        for (size_t i = 0; i < len; i++) {
            static const char others[] = "ABCDEQUYZabcghw048_-=+/. \n";
            const char was = text[i];

            for (const char *c = others; *c != 0; c++) {
                struct arena own;
                struct jdoc claims;

                /* The end of the signature, where bits are left over, all; elsewhere some. */
                if (*c == was || (i < begin && c - others > 3 && *c != '.' && *c != '='))
                    continue;
                text[i] = *c;
                arena_init(&own, 4096, 1 << 20);
                if (jwt_read(view_of(text, len), OIDC_TOKEN_MAX, keys, &own, &claims) == JWT_GOOD)
                    fail_msg("token %zu, character %zu as '%c'", t, i, *c);
                arena_done(&own);
            }
            text[i] = was;
        }
        for (size_t cut = 0; cut < len; cut++)
            assert_int_not_equal(read_token(view_of(text, cut), keys), JWT_GOOD);
        assert_int_not_equal(read_token(arena_printf(&arena, "%s=", text), keys), JWT_GOOD);
        assert_int_not_equal(read_token(arena_printf(&arena, "%s.", text), keys), JWT_GOOD);
        assert_int_not_equal(read_token(arena_printf(&arena, " %s", text), keys), JWT_GOOD);
    }
    jwks_unref(&keys);
}

static void the_algorithm_is_one_of_two_and_the_keys_own(void **state)
{
    struct jwks *both = set_of(jwk(rsa, ""), jwk(ec, ""));
    struct jwks *only_rsa = set_of(jwk(rsa, ",\"kid\":\"a\""), "");
    struct jwks *only_ec = set_of(jwk(ec, ",\"kid\":\"a\""), "");
    static const char *const others[] = {
        "none", "None", "", "HS256", "RS384", "RS512", "PS256", "ES384", "rs256", "EdDSA", "RS256 ",
    };
    struct view secrets[4];

    (void)state;
    assert_int_equal(read_token(jwt_make(&arena, "{\"alg\":\"RS256\"}", "{}", rsa), both),
                     JWT_GOOD);
    assert_int_equal(read_token(jwt_make(&arena, "{\"alg\":\"ES256\"}", "{}", ec), both), JWT_GOOD);
    assert_int_equal(read_token(jwt_make(&arena, "{\"alg\":\"ES256\"}", "{}", rsa), both),
                     JWT_FORGED);
    assert_int_equal(read_token(jwt_make(&arena, "{\"alg\":\"RS256\"}", "{}", ec), both),
                     JWT_FORGED);
    /* kid finds a key of the algorithm's kind only. */
    assert_int_equal(
        read_token(jwt_make(&arena, "{\"alg\":\"ES256\",\"kid\":\"a\"}", "{}", rsa), only_rsa),
        JWT_UNKNOWN_KEY);
    assert_int_equal(
        read_token(jwt_make(&arena, "{\"alg\":\"RS256\",\"kid\":\"a\"}", "{}", ec), only_ec),
        JWT_UNKNOWN_KEY);
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        struct view header = arena_printf(&arena, "{\"alg\":\"%s\"}", others[i]);
        struct view token = jwt_make(&arena, header.ptr, "{}", rsa);
        struct view bare = view_of(token.ptr, (size_t)(strrchr(token.ptr, '.') - token.ptr) + 1);

        assert_row(read_token(token, both) == JWT_ALGORITHM, others[i]);
        assert_row(read_token(bare, both) == JWT_MALFORMED, others[i]);
    }
    /* The public key is no secret of an HMAC. */
    secrets[0] = jwt_pem(&arena, rsa);
    secrets[1] = view_of(secrets[0].ptr, secrets[0].len - 1);
    secrets[2] = jwt_jwk(&arena, rsa, "");
    secrets[3] = VIEW("");
    for (size_t i = 0; i < ARRAY_LEN(secrets); i++) {
        assert_int_equal(
            read_token(jwt_make_hmac(&arena, "{\"alg\":\"HS256\"}", "{}", secrets[i]), both),
            JWT_ALGORITHM);
        assert_int_equal(
            read_token(jwt_make_hmac(&arena, "{\"alg\":\"RS256\"}", "{}", secrets[i]), both),
            JWT_FORGED);
    }
    jwks_unref(&both);
    jwks_unref(&only_rsa);
    jwks_unref(&only_ec);
}

static void kid_picks_the_key(void **state)
{
    struct jwks *two = set_of(jwk(rsa, ",\"kid\":\"a\""), jwk(other_rsa, ",\"kid\":\"b\""));
    struct jwks *one = set_of(jwk(rsa, ",\"kid\":\"a\""), jwk(ec, ",\"kid\":\"a\""));
    struct jwks *nameless = set_of(jwk(rsa, ""), "");
    static const struct {
        const char *header;
        bool other;
        enum jwt_verdict two, one, nameless;
    } rows[] = {
        {"{\"alg\":\"RS256\",\"kid\":\"a\"}", false, JWT_GOOD, JWT_GOOD, JWT_UNKNOWN_KEY},
        {"{\"alg\":\"RS256\",\"kid\":\"\\u0061\"}", false, JWT_GOOD, JWT_GOOD, JWT_UNKNOWN_KEY},
        {"{\"alg\":\"RS256\",\"kid\":\"b\"}", false, JWT_FORGED, JWT_UNKNOWN_KEY, JWT_UNKNOWN_KEY},
        {"{\"alg\":\"RS256\",\"kid\":\"b\"}", true, JWT_GOOD, JWT_UNKNOWN_KEY, JWT_UNKNOWN_KEY},
        {"{\"alg\":\"RS256\"}", false, JWT_MANY_KEYS, JWT_GOOD, JWT_GOOD},
        {"{\"alg\":\"RS256\",\"kid\":\"A\"}", false, JWT_UNKNOWN_KEY, JWT_UNKNOWN_KEY,
         JWT_UNKNOWN_KEY},
        {"{\"alg\":\"RS256\",\"kid\":\"\"}", false, JWT_UNKNOWN_KEY, JWT_UNKNOWN_KEY,
         JWT_UNKNOWN_KEY},
        {"{\"alg\":\"RS256\",\"kid\":null}", false, JWT_MALFORMED, JWT_MALFORMED, JWT_MALFORMED},
        {"{\"alg\":\"RS256\",\"kid\":[\"a\"]}", false, JWT_MALFORMED, JWT_MALFORMED, JWT_MALFORMED},
        {"{\"alg\":\"RS256\",\"kid\":\"a\",\"kid\":\"b\"}", false, JWT_MALFORMED, JWT_MALFORMED,
         JWT_MALFORMED},
        {"{\"alg\":\"RS256\",\"kid\":\"../../dev/null\"}", false, JWT_UNKNOWN_KEY, JWT_UNKNOWN_KEY,
         JWT_UNKNOWN_KEY},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct view token = jwt_make(&arena, rows[i].header, "{}", rows[i].other ? other_rsa : rsa);

        assert_row(read_token(token, two) == rows[i].two, rows[i].header);
        assert_row(read_token(token, one) == rows[i].one, rows[i].header);
        assert_row(read_token(token, nameless) == rows[i].nameless, rows[i].header);
    }
    jwks_unref(&two);
    jwks_unref(&one);
    jwks_unref(&nameless);
}

static void a_header_brings_no_key_and_nothing_critical(void **state)
{
    struct jwks *keys = set_of(jwk(rsa, ",\"kid\":\"a\""), "");
    struct view own = jwt_jwk(&arena, other_rsa, "");
    struct view with_own =
        arena_printf(&arena, "{\"alg\":\"RS256\",\"kid\":\"a\",\"jwk\":%.*s,\"jku\":\"https://x\"}",
                     VIEW_ARGS(own));
    static const struct {
        const char *header;
        enum jwt_verdict want;
    } rows[] = {
        {"{\"alg\":\"RS256\",\"crit\":[\"exp\"]}", JWT_ALGORITHM},
        {"{\"alg\":\"RS256\",\"crit\":[]}", JWT_ALGORITHM},
        {"{\"alg\":\"RS256\",\"b64\":false}", JWT_ALGORITHM},
        {"{\"alg\":\"RS256\",\"typ\":\"logout+jwt\"}", JWT_ALGORITHM},
        {"{\"alg\":\"RS256\",\"typ\":\"dpop+jwt\"}", JWT_ALGORITHM},
        {"{\"alg\":\"RS256\",\"typ\":\"JWT\"}", JWT_GOOD},
        {"{\"alg\":\"RS256\",\"typ\":\"at+jwt\"}", JWT_GOOD},
        {"{\"alg\":\"HS256\",\"alg\":\"RS256\"}", JWT_MALFORMED},
        {"{\"alg\":[\"RS256\"]}", JWT_MALFORMED},
        {"{}", JWT_ALGORITHM},
        {"[\"RS256\"]", JWT_MALFORMED},
        {"\"RS256\"", JWT_MALFORMED},
        {"{\"alg\":\"RS256\"} {}", JWT_MALFORMED},
        {"{\"alg\":\"RS256\",}", JWT_MALFORMED},
    };

    (void)state;
    assert_int_equal(read_token(jwt_make(&arena, with_own.ptr, "{}", other_rsa), keys), JWT_FORGED);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_row(read_token(jwt_make(&arena, rows[i].header, "{}", rsa), keys) == rows[i].want,
                   rows[i].header);
    /* Claims too are an object, strictly. */
    assert_int_equal(read_token(jwt_make(&arena, "{\"alg\":\"RS256\"}", "[]", rsa), keys),
                     JWT_MALFORMED);
    assert_int_equal(
        read_token(jwt_make(&arena, "{\"alg\":\"RS256\"}", "{\"a\":1,\"a\":2}", rsa), keys),
        JWT_MALFORMED);
    jwks_unref(&keys);
}

/* ---- keys ---- */

static void what_is_no_set_is_refused(void **state)
{
    const char *good = jwk(rsa, ",\"kid\":\"a\"");
    const struct {
        const char *json;
        enum status want;
    } rows[] = {
        {"", STATUS_SYNTAX},
        {"[]", STATUS_SYNTAX},
        {"{}", STATUS_SYNTAX},
        {"{\"keys\":{}}", STATUS_SYNTAX},
        {"{\"keys\":[]}", STATUS_INVALID},
        {"{\"keys\":[1]}", STATUS_SYNTAX},
        {"{\"keys\":[{}]}", STATUS_SYNTAX},
        {"{\"keys\":[],\"keys\":[]}", STATUS_SYNTAX},
        {"{\"keys\":[{\"kty\":\"oct\",\"k\":\"AAAA\"}]}", STATUS_INVALID},
        {"{\"keys\":[{\"kty\":\"RSA\",\"e\":\"AQAB\"}]}", STATUS_SYNTAX},
        {"{\"keys\":[{\"kty\":\"RSA\",\"n\":\"A\",\"e\":\"AQAB\"}]}", STATUS_SYNTAX},
        {"{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AAAA\",\"y\":\"AAAA\"}]}",
         STATUS_SYNTAX},
        {"{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":"
         "\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\",\"y\":"
         "\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\"}]}",
         STATUS_SYNTAX}, /* not on the curve */
        {"{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-384\",\"x\":\"AAAA\",\"y\":\"AAAA\"}]}",
         STATUS_INVALID},
        {arena_printf(&arena, "{\"keys\":[%s,%s]}", good, good).ptr, STATUS_INVALID},
        {arena_printf(&arena, "{\"keys\":[%s]}", jwk(weak, "")).ptr, STATUS_INVALID},
        {arena_printf(&arena, "{\"keys\":[%s]}", jwk(rsa, ",\"use\":\"enc\"")).ptr, STATUS_INVALID},
        {arena_printf(&arena, "{\"keys\":[%s]}", jwk(rsa, ",\"alg\":\"RS512\"")).ptr,
         STATUS_INVALID},
        {arena_printf(&arena, "{\"keys\":[%s]}", jwk(rsa, ",\"key_ops\":[\"encrypt\"]")).ptr,
         STATUS_INVALID},
        {arena_printf(&arena, "{\"keys\":[%s]}", jwk(rsa, ",\"kid\":7")).ptr, STATUS_SYNTAX},
        {arena_printf(&arena, "{\"keys\":[%s,%s]}", jwk(weak, ""), good).ptr, STATUS_OK},
        {arena_printf(&arena, "{\"keys\":[%s]}",
                      jwk(rsa, ",\"use\":\"sig\",\"alg\":\"RS256\",\"key_ops\":[\"verify\"],"
                               "\"x5c\":[]"))
             .ptr,
         STATUS_OK},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct jwks *set = NULL;
        struct err err = {0};

        assert_row(jwks_read(view_str(rows[i].json), &set, &err) == rows[i].want, rows[i].json);
        assert_row((set != NULL) == (rows[i].want == STATUS_OK), rows[i].json);
        jwks_unref(&set);
    }
}

static void sets_are_bounded(void **state)
{
    struct jwks *set = NULL;
    struct err err;
    struct buf many;
    char *blank = arena_alloc(&arena, JWKS_BYTES_MAX + 1);

    (void)state;
    buf_init(&many, 1 << 20);
    buf_add_str(&many, "{\"keys\":[{\"kty\":\"oct\"}");
    for (unsigned i = 0; i < JWKS_KEYS_MAX; i++)
        buf_add_str(&many, ",{\"kty\":\"oct\"}");
    buf_add_str(&many, "]}");
    assert_int_equal(jwks_read(buf_view(&many), &set, &err), STATUS_LIMIT);
    buf_done(&many);
    memset(blank, ' ', JWKS_BYTES_MAX + 1);
    assert_int_not_equal(jwks_read(view_of(blank, JWKS_BYTES_MAX + 1), &set, &err), STATUS_OK);
    assert_int_equal(jwks_load("/nowhere/keys", &set, &err), STATUS_IO);
    assert_int_equal(jwks_load("/dev/null", &set, &err), STATUS_INVALID);
}

/* ---- claims ---- */

static const struct oidc_settings settings = {
    .issuer = {"https://issuer", 14},
    .audience = {"us", 2},
    .user_claim = {"sub", 3},
    .groups_claim = {"groups", 6},
    .projects = projects,
    .project_count = 1,
};

#define BASE "\"iss\":\"https://issuer\",\"aud\":\"us\",\"sub\":\"alice\""
#define EXP  ",\"exp\":1800000001"

static void claims_decide(void **state)
{
    static const struct {
        const char *claims;
        const char *want; /* NULL: good */
    } rows[] = {
        {"{" BASE EXP "}", NULL},
        {"{" BASE "}", "identity.oidc_claims"},
        {"{" BASE ",\"exp\":1800000000}", "identity.oidc_expired"},
        {"{" BASE ",\"exp\":1}", "identity.oidc_expired"},
        {"{" BASE ",\"exp\":-1}", "identity.oidc_claims"},
        {"{" BASE ",\"exp\":\"1800000001\"}", "identity.oidc_claims"},
        {"{" BASE ",\"exp\":1.9e9}", "identity.oidc_claims"},
        {"{" BASE ",\"exp\":null}", "identity.oidc_claims"},
        {"{" BASE ",\"exp\":9223372036854775807}", NULL},
        {"{" BASE ",\"exp\":92233720368547758070}", "identity.oidc_malformed"},
        {"{" BASE EXP ",\"nbf\":1800000060}", NULL},
        {"{" BASE EXP ",\"nbf\":1800000061}", "identity.oidc_expired"},
        {"{" BASE EXP ",\"iat\":1800000060}", NULL},
        {"{" BASE EXP ",\"iat\":1800000061}", "identity.oidc_expired"},
        {"{" BASE EXP ",\"iat\":\"x\"}", "identity.oidc_claims"},
        {"{\"aud\":\"us\",\"sub\":\"alice\"" EXP "}", "identity.oidc_claims"},
        {"{\"iss\":\"https://issuer/\",\"aud\":\"us\",\"sub\":\"alice\"" EXP "}",
         "identity.oidc_claims"},
        {"{\"iss\":[\"https://issuer\"],\"aud\":\"us\",\"sub\":\"alice\"" EXP "}",
         "identity.oidc_claims"},
        {"{\"iss\":\"https://issuer\",\"sub\":\"alice\"" EXP "}", "identity.oidc_claims"},
        {"{\"iss\":\"https://issuer\",\"aud\":\"US\",\"sub\":\"alice\"" EXP "}",
         "identity.oidc_claims"},
        {"{\"iss\":\"https://issuer\",\"aud\":\"us \",\"sub\":\"alice\"" EXP "}",
         "identity.oidc_claims"},
        {"{\"iss\":\"https://issuer\",\"aud\":[],\"sub\":\"alice\"" EXP "}",
         "identity.oidc_claims"},
        {"{\"iss\":\"https://issuer\",\"aud\":[\"them\",\"us\"],\"sub\":\"alice\"" EXP "}", NULL},
        {"{\"iss\":\"https://issuer\",\"aud\":[\"them\",[\"us\"]],\"sub\":\"alice\"" EXP "}",
         "identity.oidc_claims"},
        {"{\"iss\":\"https://issuer\",\"aud\":{\"us\":1},\"sub\":\"alice\"" EXP "}",
         "identity.oidc_claims"},
        {"{\"iss\":\"https://issuer\",\"aud\":\"us\"" EXP "}", "identity.oidc_claims"},
        {"{\"iss\":\"https://issuer\",\"aud\":\"us\",\"sub\":\"\"" EXP "}", "identity.oidc_claims"},
        {"{\"iss\":\"https://issuer\",\"aud\":\"us\",\"sub\":7" EXP "}", "identity.oidc_claims"},
        {"{\"iss\":\"https://issuer\",\"aud\":\"us\",\"sub\":\"a\\nb\"" EXP "}",
         "identity.oidc_claims"},
        {"{\"iss\":\"https://issuer\",\"aud\":\"us\",\"sub\":\"a\\u0000b\"" EXP "}",
         "identity.oidc_malformed"},
        {"{\"iss\":\"https://issuer\",\"aud\":\"us\",\"sub\":\"a\\u202eb\"" EXP "}",
         "identity.oidc_claims"},
        {"{" BASE EXP ",\"sub\":\"bob\"}", "identity.oidc_malformed"},
        {"{" BASE EXP ",\"groups\":\"admins\"}", "identity.oidc_claims"},
        {"{" BASE EXP ",\"groups\":[1]}", "identity.oidc_claims"},
        {"{" BASE EXP ",\"groups\":[\"\"]}", "identity.oidc_claims"},
        {"{" BASE EXP ",\"groups\":[]}", NULL},
    };
    struct jwks *keys = set_of(jwk(ec, ""), "");

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct oidc_question question = {
            .keys = keys,
            .token = jwt_make(&arena, "{\"alg\":\"ES256\"}", rows[i].claims, ec),
            .path_project = VIEW(PROJECT),
            .now_us = INT64_C(1000000) * NOW_S};
        struct identified who;
        struct reason why;
        bool unknown, good = identity_oidc(&settings, &question, &arena, &who, &why, &unknown);

        assert_row(good == (rows[i].want == NULL), rows[i].claims);
        assert_row(good || strcmp(why.row->code, rows[i].want) == 0, rows[i].claims);
        assert_row(strcmp(who.credential.verified, good ? "signature" : "none") == 0,
                   rows[i].claims);
        assert_row((who.subject.known != 0) == good, rows[i].claims);
        assert_false(unknown);
    }
    jwks_unref(&keys);
}

static bool ask(const char *claims, struct view project, struct identified *who, struct reason *why)
{
    struct jwks *keys = set_of(jwk(rsa, ",\"kid\":\"k\""), "");
    const struct oidc_question question = {
        .keys = keys,
        .token = jwt_make(&arena, "{\"alg\":\"RS256\",\"kid\":\"k\"}", claims, rsa),
        .path_project = project,
        .now_us = INT64_C(1000000) * NOW_S};
    char hex[DIGEST_HEX_BYTES];
    bool unknown, good;

    assert_true(oidc_is_jwt(question.token));
    good = identity_oidc(&settings, &question, &arena, who, why, &unknown);
    digest_sha256_hex(question.token, hex);
    assert_memory_equal(who->credential.digest, hex, 12);
    assert_string_equal(who->credential.kind, "oidc");
    jwks_unref(&keys);
    return good;
}

static void tells_user_groups_and_project(void **state)
{
    struct identified who;
    struct reason why;

    (void)state;
    assert_true(ask("{" BASE EXP ",\"groups\":[\"a\",\"b c\"]}", VIEW(PROJECT), &who, &why));
    assert_int_equal(who.subject.known, SUBJECT_USER | SUBJECT_PROJECT | SUBJECT_GROUPS);
    assert_view(who.subject.user_name, "alice");
    assert_view(who.subject.user_id, "alice");
    assert_view(who.subject.project_id, PROJECT);
    assert_int_equal(who.subject.group_count, 2);
    assert_view(who.subject.groups[1], "b c");
    assert_int_equal(who.expires_us, INT64_C(1800000001000000));
    assert_true(ask("{" BASE EXP "}", VIEW_NONE, &who, &why));
    assert_int_equal(who.subject.known, SUBJECT_USER);
    assert_false(ask("{" BASE EXP "}", VIEW("1123456789abcdef0123456789abcdef"), &who, &why));
    assert_string_equal(why.row->code, "identity.project_mismatch");
}

static void without_keys_nobody_is_known(void **state)
{
    struct oidc_question question = {
        .token = jwt_make(&arena, "{\"alg\":\"RS256\",\"kid\":\"new\"}", "{" BASE EXP "}", rsa)};
    struct jwks *keys = set_of(jwk(rsa, ",\"kid\":\"k\""), "");
    struct identified who;
    struct reason why;
    bool unknown;

    (void)state;
    assert_false(identity_oidc(&settings, &question, &arena, &who, &why, &unknown));
    assert_string_equal(why.row->code, "identity.unavailable");
    assert_int_equal(why.row->status, 503);
    assert_false(unknown);
    question.keys = keys;
    assert_false(identity_oidc(&settings, &question, &arena, &who, &why, &unknown));
    assert_string_equal(why.row->code, "identity.oidc_key");
    assert_true(unknown);
    jwks_unref(&keys);
}

static void out_of_memory_is_no_answer(void **state)
{
    struct jwks *keys = set_of(jwk(ec, ""), "");
    const struct oidc_question question = {
        .keys = keys,
        .token = jwt_make(&arena, "{\"alg\":\"ES256\"}", "{" BASE EXP ",\"groups\":[\"a\"]}", ec),
        .path_project = VIEW(PROJECT),
        .now_us = INT64_C(1000000) * NOW_S};
    bool good = false;
    unsigned refused = 0;

    (void)state;
    for (size_t max = 1; !good; max += 16) {
        struct identified who;
        struct reason why;
        struct arena small;
        bool unknown;

        arena_init(&small, 1, max);
        good = identity_oidc(&settings, &question, &small, &who, &why, &unknown);
        if (!good) {
            assert_string_equal(why.row->code, "identity.unavailable");
            assert_int_equal(who.subject.known, 0);
            refused++;
        }
        arena_done(&small);
        assert_true(max < 1 << 20);
    }
    assert_true(refused > 5);
    jwks_unref(&keys);
}

struct asker {
    pthread_t thread;
    struct jwks *keys;
    struct view good, bad;
    unsigned wrong;
};

static void *ask_often(void *user)
{
    struct asker *const a = user;

    for (unsigned i = 0; i < 200; i++) {
        struct jdoc claims;
        struct arena own;

        arena_init(&own, 4096, 1 << 20);
        a->wrong += jwt_read(a->good, OIDC_TOKEN_MAX, a->keys, &own, &claims) != JWT_GOOD;
        a->wrong += jwt_read(a->bad, OIDC_TOKEN_MAX, a->keys, &own, &claims) != JWT_FORGED;
        arena_done(&own);
    }
    jwks_unref(&a->keys);
    return NULL;
}

static void workers_share_a_set(void **state)
{
    struct jwks *keys = set_of(jwk(rsa, ""), jwk(ec, ""));
    struct asker askers[4];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(askers); i++) {
        const char *header = i % 2 == 0 ? "{\"alg\":\"RS256\"}" : "{\"alg\":\"ES256\"}";

        askers[i] = (struct asker){
            .keys = jwks_ref(keys),
            .good = jwt_make(&arena, header, "{}", i % 2 == 0 ? rsa : ec),
            .bad = jwt_make(&arena, header, "{}", i % 2 == 0 ? other_rsa : other_ec)};
    }
    jwks_unref(&keys);
    for (size_t i = 0; i < ARRAY_LEN(askers); i++)
        assert_int_equal(pthread_create(&askers[i].thread, NULL, ask_often, &askers[i]), 0);
    for (size_t i = 0; i < ARRAY_LEN(askers); i++) {
        assert_int_equal(pthread_join(askers[i].thread, NULL), 0);
        assert_int_equal(askers[i].wrong, 0);
    }
}

static void a_token_is_bounded(void **state)
{
    char *claims = arena_alloc(&arena, 20000);
    struct jwks *keys = set_of(jwk(ec, ""), "");

    (void)state;
    memset(claims, 0, 20000);
    memcpy(claims, "{\"a\":\"", 6);
    memset(claims + 6, 'x', 12000);
    memcpy(claims + 12006, "\"}", 2);
    assert_int_equal(read_token(jwt_make(&arena, "{\"alg\":\"ES256\"}", claims, ec), keys),
                     JWT_GOOD);
    memset(claims + 6, 'x', 13000);
    memcpy(claims + 13006, "\"}", 2);
    assert_int_equal(read_token(jwt_make(&arena, "{\"alg\":\"ES256\"}", claims, ec), keys),
                     JWT_MALFORMED);
    jwks_unref(&keys);
}

static void a_jwt_is_told_from_a_token_of_iam(void **state)
{
    (void)state;
    assert_true(oidc_is_jwt(VIEW(RFC_RS256)));
    assert_true(oidc_is_jwt(VIEW("eyJ.a.b")));
    assert_false(oidc_is_jwt(VIEW("MIIFvgYJKoZIhvcNAQcC")));
    assert_false(oidc_is_jwt(VIEW("eyJhbGciOiJSUzI1NiJ9")));
    assert_false(oidc_is_jwt(VIEW("eyJ.a")));
    assert_false(oidc_is_jwt(VIEW("eyJ.a.b.c")));
    assert_false(oidc_is_jwt(VIEW("eyJ.a.b.c.d")));
    assert_false(oidc_is_jwt(VIEW("MII.a.b")));
    assert_false(oidc_is_jwt(VIEW("")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_examples_of_the_standard_hold, set_up, tear_down),
        cmocka_unit_test_setup_teardown(no_character_may_change, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_algorithm_is_one_of_two_and_the_keys_own, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(kid_picks_the_key, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_header_brings_no_key_and_nothing_critical, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_is_no_set_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(sets_are_bounded, set_up, tear_down),
        cmocka_unit_test_setup_teardown(claims_decide, set_up, tear_down),
        cmocka_unit_test_setup_teardown(tells_user_groups_and_project, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_keys_nobody_is_known, set_up, tear_down),
        cmocka_unit_test_setup_teardown(out_of_memory_is_no_answer, set_up, tear_down),
        cmocka_unit_test_setup_teardown(workers_share_a_set, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_token_is_bounded, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_jwt_is_told_from_a_token_of_iam, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, make_keys, free_keys);
}
