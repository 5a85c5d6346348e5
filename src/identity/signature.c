/* SPDX-License-Identifier: Apache-2.0
 * Signed requests: reading the header fields, then making the signature anew and comparing. */
#include "identity/signature.h"

#include <stdlib.h>

#include <openssl/crypto.h>

#include "base/clock.h"
#include "identity/refuse.h"

#define ALGORITHM "SDK-HMAC-SHA256"

/* ---- Authorization ---- */

static bool refuse_shape(struct reason *why)
{
    return identity_refuse(
        why, IDENTITY_SIGNATURE_MALFORMED,
        VIEW("Authorization must be \"" ALGORITHM " Access=KEY, SignedHeaders=NAME;NAME, "
             "Signature=64 hex digits\", or have Credential=KEY/DATE/REGION/SERVICE/sdk_request "
             "instead of Access="));
}

/* Other algorithms by their names; what begins otherwise was never meant as a signature. */
static bool refuse_algorithm(struct view authorization, struct arena *arena, struct reason *why)
{
    static const char *const others[] = {"SDK-HMAC-SM3", "SDK-ECDSA-P256-SHA256", "SDK-SM2-SM3",
                                         "V11-HMAC-SHA256"};
    struct view word = view_of(authorization.ptr, view_find(authorization, ' '));

    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        if (view_eq_nocase(word, view_str(others[i])))
            return identity_refuse(why, IDENTITY_SIGNATURE_ALGORITHM,
                                   arena_printf(arena,
                                                "signatures with %s are not taken; sign with "
                                                "" ALGORITHM,
                                                others[i]));
    }
    return identity_refuse(why, IDENTITY_SIGNATURE_ALGORITHM,
                           VIEW("Authorization must begin with \"" ALGORITHM " \""));
}

/* Takes the prefix off. */
static bool take(struct view *rest, struct view prefix)
{
    if (!view_starts(*rest, prefix))
        return false;
    *rest = view_from(*rest, prefix.len);
    return true;
}

/* Takes what is in front of the separator off, and the separator. */
static bool take_until(struct view *rest, struct view separator, struct view *ret)
{
    for (size_t i = 0; i + separator.len <= rest->len; i++) {
        if (!view_starts(view_from(*rest, i), separator))
            continue;
        *ret = view_of(rest->ptr, i);
        *rest = view_from(*rest, i + separator.len);
        return true;
    }
    return false;
}

static bool is_made_of(struct view v, const char *more, bool upper)
{
    for (size_t i = 0; i < v.len; i++) {
        char c = v.ptr[i];
        bool plain =
            (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (upper && c >= 'A' && c <= 'Z');

        if (!plain && (c == 0 || strchr(more, c) == NULL))
            return false;
    }
    return true;
}

static bool is_access_key(struct view v)
{
    return v.len > 0 && v.len <= SIGNATURE_ACCESS_MAX && is_made_of(v, "-_.", true);
}

static bool is_digits(struct view v)
{
    for (size_t i = 0; i < v.len; i++) {
        if (v.ptr[i] < '0' || v.ptr[i] > '9')
            return false;
    }
    return true;
}

static bool is_lower_hex(struct view v)
{
    for (size_t i = 0; i < v.len; i++) {
        if ((v.ptr[i] < '0' || v.ptr[i] > '9') && (v.ptr[i] < 'a' || v.ptr[i] > 'f'))
            return false;
    }
    return true;
}

/* KEY/DATE/REGION/SERVICE/sdk_request */
static bool read_credential(struct view text, struct signature *ret)
{
    struct canonical_scope *scope = &ret->scope;

    return take_until(&text, VIEW("/"), &ret->access_key) &&
           take_until(&text, VIEW("/"), &scope->date) && scope->date.len == 8 &&
           is_digits(scope->date) && take_until(&text, VIEW("/"), &scope->region) &&
           scope->region.len <= SIGNATURE_NAME_MAX && is_made_of(scope->region, "-_.", true) &&
           take_until(&text, VIEW("/"), &scope->service) &&
           scope->service.len <= SIGNATURE_NAME_MAX && is_made_of(scope->service, "-_.", true) &&
           view_eq(text, VIEW("sdk_request"));
}

/* names: the text of SignedHeaders. */
static bool read_authorization(struct view rest, struct signature *ret, struct view *ret_names)
{
    struct view credential;

    if (take(&rest, VIEW("Access="))) {
        ret->form = CANONICAL_ACCESS;
        if (!take_until(&rest, VIEW(", "), &ret->access_key))
            return false;
    } else if (take(&rest, VIEW("Credential="))) {
        ret->form = CANONICAL_CREDENTIAL;
        if (!take_until(&rest, VIEW(", "), &credential) || !read_credential(credential, ret))
            return false;
    } else {
        return false;
    }
    if (!is_access_key(ret->access_key) || !take(&rest, VIEW("SignedHeaders=")) ||
        !take_until(&rest, VIEW(", "), ret_names) || !take(&rest, VIEW("Signature=")))
        return false;
    ret->hex = rest;
    return rest.len == DIGEST_HEX_BYTES && is_lower_hex(rest);
}

/* ---- fields ---- */

static const struct http1_field *find_named(const struct http1_request *request, struct view name,
                                            unsigned *ret_count)
{
    const struct http1_field *found = NULL;

    *ret_count = 0;
    for (unsigned i = 0; i < request->count; i++) {
        if (!view_eq_nocase(request->fields[i].name, name))
            continue;
        found = &request->fields[i];
        (*ret_count)++;
    }
    return found;
}

static bool refuse_header(struct view name, unsigned count, struct arena *arena, struct reason *why)
{
    return identity_refuse(why, IDENTITY_SIGNATURE_HEADER,
                           arena_printf(arena,
                                        count == 0 ? "SignedHeaders names %.*s, which isn't there"
                                                   : "%.*s stands more than once",
                                        VIEW_ARGS(name)));
}

/* Lower case, each once, in order: so do the clients write it, and so each list has one form. */
static bool read_name(struct view name, struct view last)
{
    return name.len > 0 && name.len <= SIGNATURE_NAME_MAX &&
           is_made_of(name, "!#$%&'*+-.^`|~", false) && view_cmp(last, name) < 0 &&
           !view_eq(name, VIEW("authorization"));
}

static bool read_fields(const struct http1_request *request, struct view names, struct arena *arena,
                        struct signature *ret, struct reason *why)
{
    struct canonical_field *fields = arena_array(arena, SIGNATURE_HEADERS_MAX, sizeof *fields);
    struct view last = VIEW("");

    if (fields == NULL)
        return identity_refuse(why, IDENTITY_UNAVAILABLE, VIEW("there is no memory left now"));
    ret->fields = fields;
    for (bool more = true; more;) {
        size_t len = view_find(names, ';');
        struct view name = view_of(names.ptr, len);
        const struct http1_field *field;
        unsigned count;

        if (ret->count == SIGNATURE_HEADERS_MAX || !read_name(name, last))
            return identity_refuse(
                why, IDENTITY_SIGNATURE_MALFORMED,
                VIEW("SignedHeaders must be at most 32 names in lower case, sorted, each once, "
                     "without authorization"));
        field = find_named(request, name, &count);
        if (count != 1)
            return refuse_header(name, count, arena, why);
        fields[ret->count++] = (struct canonical_field){name, field->value};
        last = name;
        more = len < names.len;
        names = view_from(names, more ? len + 1 : len);
    }
    return true;
}

static bool is_signed(const struct signature *signature, struct view name)
{
    for (size_t i = 0; i < signature->count; i++) {
        if (view_eq(signature->fields[i].name, name))
            return true;
    }
    return false;
}

/* "20260102T030405Z" */
static bool read_date_text(struct view v, int64_t *ret_us)
{
    char text[] = "0000-00-00T00:00:00Z";
    size_t from = 0;

    if (v.len != 16 || v.ptr[8] != 'T' || v.ptr[15] != 'Z')
        return false;
    for (size_t i = 0; i < sizeof text - 1; i++) {
        if (text[i] != '-' && text[i] != ':')
            text[i] = v.ptr[from++];
    }
    return clock_parse(view_of(text, sizeof text - 1), ret_us);
}

static bool read_date(const struct http1_request *request, struct arena *arena,
                      struct signature *ret, struct reason *why)
{
    unsigned count;
    const struct http1_field *field =
        http1_find_field(request->fields, request->count, HTTP1_X_SDK_DATE, &count);

    if (count > 1)
        return refuse_header(VIEW("X-Sdk-Date"), count, arena, why);
    if (field == NULL || !is_signed(ret, VIEW("x-sdk-date")))
        return identity_refuse(why, IDENTITY_SIGNATURE_HEADER,
                               VIEW("X-Sdk-Date must be there, and x-sdk-date in SignedHeaders"));
    ret->date = field->value;
    if (!read_date_text(ret->date, &ret->date_us))
        return identity_refuse(why, IDENTITY_SIGNATURE_MALFORMED,
                               VIEW("X-Sdk-Date must be a time in UTC like 20260102T030405Z"));
    if (ret->form == CANONICAL_CREDENTIAL && !view_eq(ret->scope.date, view_of(ret->date.ptr, 8)))
        return identity_refuse(why, IDENTITY_SIGNATURE_MALFORMED,
                               VIEW("the date in Credential must be the day of X-Sdk-Date"));
    return true;
}

/* A field that needn't be signed and may be left out, but never stands twice. */
static bool read_optional(const struct http1_request *request, enum http1_field_id id,
                          struct view *ret, struct arena *arena, struct reason *why)
{
    unsigned count;
    const struct http1_field *field = http1_find_field(request->fields, request->count, id, &count);

    if (count > 1)
        return refuse_header(id == HTTP1_X_SECURITY_TOKEN ? VIEW("X-Security-Token")
                                                          : VIEW("X-Sdk-Content-Sha256"),
                             count, arena, why);
    *ret = field == NULL ? VIEW_NONE : field->value;
    return true;
}

bool signature_read(const struct http1_request *request, struct arena *arena, struct signature *ret,
                    struct reason *ret_why)
{
    unsigned count;
    const struct http1_field *field =
        http1_find_field(request->fields, request->count, HTTP1_AUTHORIZATION, &count);
    struct view rest, names;

    *ret = (struct signature){.form = CANONICAL_ACCESS};
    if (count > 1)
        return identity_refuse(ret_why, IDENTITY_AMBIGUOUS,
                               VIEW("Authorization stands more than once"));
    if (field == NULL)
        return identity_refuse(ret_why, IDENTITY_MISSING, VIEW("the request has no Authorization"));
    rest = field->value;
    if (!take(&rest, VIEW(ALGORITHM " ")))
        return refuse_algorithm(rest, arena, ret_why);
    if (!read_authorization(rest, ret, &names))
        return refuse_shape(ret_why);
    return read_fields(request, names, arena, ret, ret_why) &&
           read_date(request, arena, ret, ret_why) &&
           read_optional(request, HTTP1_X_SDK_CONTENT_SHA256, &ret->declared, arena, ret_why) &&
           read_optional(request, HTTP1_X_SECURITY_TOKEN, &ret->security_token, arena, ret_why);
}

/* ---- the check ---- */

static bool check_date(const struct signature *s, int64_t now_us, struct arena *arena,
                       struct reason *why)
{
    int64_t ahead = s->date_us - now_us;
    char text[CLOCK_TEXT_BYTES];

    if (ahead >= -SIGNATURE_WINDOW_US && ahead <= SIGNATURE_WINDOW_US)
        return true;
    return identity_refuse(
        why, IDENTITY_SIGNATURE_DATE,
        arena_printf(arena,
                     "X-Sdk-Date is more than 15 minutes %s the gateway's clock, which says %.*s; "
                     "set the client's clock and sign again",
                     ahead < 0 ? "behind" : "ahead of", VIEW_ARGS(clock_format(now_us, text))));
}

/* Paths and queries with one meaning only. */
static bool check_spelling(const struct signature *s, const struct http1_request *request,
                           struct view body, struct arena *arena, struct reason *why)
{
    if (!canonical_is_encoded(request->path) || !canonical_is_encoded(request->query))
        return identity_refuse(why, IDENTITY_SIGNATURE_MALFORMED,
                               VIEW("a '%' in the path or query doesn't begin an escape"));
    if (s->form == CANONICAL_ACCESS)
        return true;
    switch (canonical_check_names(request->query, arena)) {
    case STATUS_OK:
        break;
    case STATUS_INVALID:
        return identity_refuse(why, IDENTITY_SIGNATURE_MALFORMED,
                               VIEW("a signature with Credential= covers only the first of a "
                                    "query's keys of one name; each may stand once"));
    default:
        return identity_refuse(why, IDENTITY_UNAVAILABLE, VIEW("there is no memory left now"));
    }
    if (view_eq(request->method, VIEW("POST")) && request->query.len == 0 &&
        view_find(body, '=') < body.len && is_made_of(body, "-_.~%+&=", true))
        return identity_refuse(why, IDENTITY_SIGNATURE_MALFORMED,
                               VIEW("a signature with Credential= can't tell this body from a "
                                    "query; send JSON"));
    return true;
}

/* What the signature says of the body: its digest, or nothing. */
static bool find_payload(const struct signature *s, const struct signed_facts *facts,
                         char hex[DIGEST_HEX_BYTES], struct view *ret, struct reason *why)
{
    *ret = VIEW("UNSIGNED-PAYLOAD");
    if (s->declared.ptr != NULL && view_eq(s->declared, *ret)) {
        if (!facts->judged)
            return true;
        return identity_refuse(why, IDENTITY_SIGNATURE_PAYLOAD,
                               VIEW("this operation's body must be signed, not UNSIGNED-PAYLOAD; "
                                    "leave X-Sdk-Content-Sha256 out, and send the body as "
                                    "application/json"));
    }
    if (facts->unread)
        return identity_refuse(why, IDENTITY_SIGNATURE_PAYLOAD,
                               VIEW("the body is too large to be verified; sign it as "
                                    "UNSIGNED-PAYLOAD"));
    digest_sha256_hex(facts->body, hex);
    *ret = view_of(hex, DIGEST_HEX_BYTES);
    if (s->declared.ptr != NULL && !view_eq(s->declared, *ret))
        return identity_refuse(why, IDENTITY_SIGNATURE_PAYLOAD,
                               VIEW("X-Sdk-Content-Sha256 must be the SHA-256 of the body in "
                                    "lower-case hex digits"));
    return true;
}

struct comparison {
    const struct signature *signature;
    struct canonical_request request;
    struct view secret;
    struct arena *arena;
    bool equal, failed; /* failed: memory is out */
};

static void compare(struct comparison *c)
{
    const struct signature *s = c->signature;
    const struct canonical_scope *scope = s->form == CANONICAL_CREDENTIAL ? &s->scope : NULL;
    char hex[DIGEST_HEX_BYTES];

    if (!canonical_sign(&c->request, s->date, scope, c->secret, c->arena, hex))
        c->failed = true;
    else if (CRYPTO_memcmp(hex, s->hex.ptr, sizeof hex) == 0)
        c->equal = true;
    OPENSSL_cleanse(hex, sizeof hex);
}

/* See signature_check: a text that one reading makes, the other one never does. */
static void compare_paths(struct comparison *c)
{
    bool escapes = view_find(c->request.path, '%') < c->request.path.len;

    if (!canonical_is_encoded_twice(c->request.path)) {
        c->request.reading = CANONICAL_DECODED;
        compare(c);
    }
    if (escapes && !c->equal) {
        c->request.reading = CANONICAL_AS_SENT;
        compare(c);
    }
}

/* Clients with Credential= hash the query of a POST that they give no body, but not that of one
 * with an empty body; on the wire both are the same. Where they were told a digest, the query would
 * be left out altogether. */
static bool may_be_payload(const struct comparison *c, const struct signed_facts *facts)
{
    return c->request.form == CANONICAL_CREDENTIAL && !facts->unread && facts->body.len == 0 &&
           view_eq(c->request.method, VIEW("POST")) && c->request.query.len > 0 &&
           c->signature->declared.ptr == NULL;
}

bool signature_check(const struct signature *signature, const struct signed_facts *facts,
                     struct arena *arena, struct reason *ret_why)
{
    const struct http1_request *request = facts->request;
    struct comparison c = {.signature = signature,
                           .request = {.form = signature->form,
                                       .method = request->method,
                                       .path = request->path,
                                       .query = request->query,
                                       .fields = signature->fields,
                                       .count = signature->count},
                           .secret = facts->secret,
                           .arena = arena};
    char hex[DIGEST_HEX_BYTES];

    if (!check_date(signature, facts->now_us, arena, ret_why) ||
        !check_spelling(signature, request, facts->body, arena, ret_why) ||
        !find_payload(signature, facts, hex, &c.request.payload, ret_why))
        return false;
    compare_paths(&c);
    if (!c.equal && may_be_payload(&c, facts)) {
        c.request.query_is_payload = true;
        compare_paths(&c);
    }
    if (c.equal)
        return true;
    if (c.failed)
        return identity_refuse(ret_why, IDENTITY_UNAVAILABLE,
                               VIEW("there is no memory to verify the signature now"));
    return identity_refuse(
        ret_why, IDENTITY_SIGNATURE_MISMATCH,
        VIEW("the signature doesn't match: the secret key is another one, or the request was "
             "changed on its way (method, path, query, body, or a signed header such as host)"));
}
