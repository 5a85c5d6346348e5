/* SPDX-License-Identifier: Apache-2.0
 * The token is taken apart and judged here; cjose only does the cryptography, by the algorithm that
 * was allowed and the key whose kind is the algorithm's. What the header says of keys (jwk, jku,
 * x5c, x5u) is never believed. */
#include "identity/jwt.h"

#include <cjose/jws.h>

#include "identity/base64url.h"
#include "identity/jwk.h"

struct parts {
    struct view header, payload, signature; /* as they stand, then decoded */
};

struct header {
    enum jwk_kind kind;
    struct view kid; /* ptr NULL: none */
};

/* What stands before the next dot; *rest is what stands behind it. */
static bool cut(struct view *rest, struct view *ret)
{
    size_t dot = view_find(*rest, '.');

    if (dot == rest->len)
        return false;
    *ret = view_of(rest->ptr, dot);
    *rest = view_from(*rest, dot + 1);
    return true;
}

static bool split(struct view token, struct parts *ret)
{
    struct view rest = token;

    if (!cut(&rest, &ret->header) || !cut(&rest, &ret->payload))
        return false;
    ret->signature = rest;
    return view_find(rest, '.') == rest.len;
}

/* In place. */
static enum status decode(struct parts *parts, struct arena *arena)
{
    struct view *const all[] = {&parts->header, &parts->payload, &parts->signature};

    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        enum status status = base64url_read(*all[i], arena, all[i]);

        if (status != STATUS_OK)
            return status;
        if (all[i]->len == 0)
            return STATUS_SYNTAX;
    }
    return STATUS_OK;
}

/* STATUS_SYNTAX: no object, or not strictly one. */
static enum status read_object(struct view json, struct arena *arena, struct jdoc *ret)
{
    const struct jlimits limits = {.bytes = json.len, .depth = 16, .members = 4096};
    struct jfault fault;
    enum status status = jdoc_read(json, &limits, arena, ret, &fault);

    return status == STATUS_OK && jdoc_kind(ret, 0) != JKIND_OBJECT ? STATUS_SYNTAX : status;
}

/* False: it is there, but no text; or memory is out. */
static bool text_of(const struct jdoc *doc, struct view name, struct arena *arena, struct view *ret)
{
    jref member = jdoc_member(doc, 0, name);

    *ret = VIEW_NONE;
    if (member == JREF_NONE)
        return true;
    if (jdoc_kind(doc, member) != JKIND_STRING)
        return false;
    *ret = jdoc_text(doc, member, arena);
    return ret->ptr != NULL;
}

/* A token for something else must not pass for one that says who is calling (RFC 8725 3.11). */
static bool is_type(struct view type)
{
    return type.ptr == NULL || view_eq_nocase(type, VIEW("JWT")) ||
           view_eq_nocase(type, VIEW("at+jwt")) || view_eq_nocase(type, VIEW("application/jwt")) ||
           view_eq_nocase(type, VIEW("application/at+jwt"));
}

static enum jwt_verdict read_header(struct view json, struct arena *arena, struct header *ret)
{
    struct jdoc doc;
    struct view algorithm, type;
    enum status status = read_object(json, arena, &doc);

    if (status != STATUS_OK)
        return status == STATUS_NOMEM ? JWT_NO_MEMORY : JWT_MALFORMED;
    if (!text_of(&doc, VIEW("alg"), arena, &algorithm) ||
        !text_of(&doc, VIEW("typ"), arena, &type) ||
        !text_of(&doc, VIEW("kid"), arena, &ret->kid) || ret->kid.len > JWKS_KID_MAX)
        return JWT_MALFORMED;
    if (jdoc_member(&doc, 0, VIEW("crit")) != JREF_NONE ||
        jdoc_member(&doc, 0, VIEW("b64")) != JREF_NONE || !is_type(type))
        return JWT_ALGORITHM;
    if (view_eq(algorithm, VIEW("RS256")))
        ret->kind = JWK_RSA;
    else if (view_eq(algorithm, VIEW("ES256")))
        ret->kind = JWK_P256;
    else
        return JWT_ALGORITHM;
    return JWT_GOOD;
}

static bool is_signed(struct view token, struct view payload, const struct jwk *key)
{
    cjose_jws_t *jws = cjose_jws_import(token.ptr, token.len, NULL);
    uint8_t *content = NULL;
    size_t len = 0;
    bool good;

    if (jws == NULL)
        return false;
    /* That both read the same payload hangs on nothing but care, so it is asked. */
    good = cjose_jws_verify(jws, key->key, NULL) &&
           cjose_jws_get_plaintext(jws, &content, &len, NULL) && len == payload.len &&
           memcmp(content, payload.ptr, len) == 0;
    cjose_jws_release(jws);
    return good;
}

static enum jwt_verdict check_signature(struct view token, const struct parts *decoded,
                                        const struct header *header, const struct jwks *keys)
{
    bool many;
    const struct jwk *key = jwks_find(keys, header->kind, header->kid, &many);

    if (key == NULL)
        return many ? JWT_MANY_KEYS : JWT_UNKNOWN_KEY;
    if (decoded->signature.len != key->signature_bytes || !is_signed(token, decoded->payload, key))
        return JWT_FORGED;
    return JWT_GOOD;
}

enum jwt_verdict jwt_read(struct view token, size_t bytes_max, const struct jwks *keys,
                          struct arena *arena, struct jdoc *ret)
{
    struct parts parts = {.header = VIEW_NONE};
    struct header header = {.kid = VIEW_NONE};
    enum jwt_verdict verdict;
    enum status status;

    if (token.len > bytes_max || !split(token, &parts))
        return JWT_MALFORMED;
    status = decode(&parts, arena);
    if (status != STATUS_OK)
        return status == STATUS_NOMEM ? JWT_NO_MEMORY : JWT_MALFORMED;
    verdict = read_header(parts.header, arena, &header);
    if (verdict == JWT_GOOD)
        verdict = check_signature(token, &parts, &header, keys);
    if (verdict != JWT_GOOD)
        return verdict;
    status = read_object(parts.payload, arena, ret);
    if (status != STATUS_OK)
        return status == STATUS_NOMEM ? JWT_NO_MEMORY : JWT_MALFORMED;
    return JWT_GOOD;
}
