/* SPDX-License-Identifier: Apache-2.0
 * From a request to its Authorization. */
#include "identity/sign.h"

#include <stdlib.h>

#include "base/clock.h"

void sign_date(int64_t now_us, char out[SIGN_DATE_BYTES])
{
    char text[CLOCK_TEXT_BYTES];
    struct view from = clock_format(now_us, text);
    size_t len = 0;

    for (size_t i = 0; i < from.len && from.ptr[i] != '.'; i++) {
        if (from.ptr[i] != '-' && from.ptr[i] != ':')
            out[len++] = from.ptr[i];
    }
    out[len] = 'Z';
}

static int by_name(const void *a, const void *b)
{
    return view_cmp(((const struct canonical_field *)a)->name,
                    ((const struct canonical_field *)b)->name);
}

static struct view value_of(const struct sign_request *request, struct view name)
{
    for (size_t i = 0; i < request->count; i++) {
        if (view_eq(request->fields[i].name, name))
            return view_trim(request->fields[i].value);
    }
    return VIEW_NONE;
}

/* hex and fields are what ret borrows. */
static bool prepare(const struct sign_request *request, char hex[DIGEST_HEX_BYTES],
                    struct canonical_field fields[SIGN_FIELDS_MAX], struct canonical_request *ret)
{
    struct view payload = value_of(request, VIEW("x-sdk-content-sha256"));

    if (request->count > SIGN_FIELDS_MAX)
        return false;
    if (payload.ptr == NULL) {
        digest_sha256_hex(request->body, hex);
        payload = view_of(hex, DIGEST_HEX_BYTES);
    }
    for (size_t i = 0; i < request->count; i++)
        fields[i] = request->fields[i];
    qsort(fields, request->count, sizeof *fields, by_name);
    *ret = (struct canonical_request){.form = CANONICAL_ACCESS,
                                      .reading = CANONICAL_DECODED,
                                      .method = request->method,
                                      .path = request->path,
                                      .query = request->query,
                                      .fields = fields,
                                      .count = request->count,
                                      .payload = payload};
    return true;
}

void sign_canonical(const struct sign_request *request, struct arena *arena, struct buf *out)
{
    struct canonical_field fields[SIGN_FIELDS_MAX];
    struct canonical_request canonical;
    char hex[DIGEST_HEX_BYTES];

    if (prepare(request, hex, fields, &canonical))
        canonical_write(&canonical, arena, out);
    else
        out->failed = STATUS_LIMIT;
}

static struct view write_authorization(const struct canonical_request *request, struct view access,
                                       struct view signature, struct arena *arena)
{
    CLEANUP(buf_done) struct buf text;

    buf_init(&text, 16384);
    buf_add_str(&text, "SDK-HMAC-SHA256 Access=");
    buf_add(&text, access);
    buf_add_str(&text, ", SignedHeaders=");
    for (size_t i = 0; i < request->count; i++) {
        if (i > 0)
            buf_add_byte(&text, ';');
        buf_add(&text, request->fields[i].name);
    }
    buf_add_str(&text, ", Signature=");
    buf_add(&text, signature);
    return text.failed == STATUS_OK ? arena_copy(arena, buf_view(&text)) : VIEW_NONE;
}

struct view sign_authorization(const struct sign_request *request, struct view access,
                               struct view secret, struct arena *arena)
{
    struct canonical_field fields[SIGN_FIELDS_MAX];
    struct canonical_request canonical;
    char hex[DIGEST_HEX_BYTES], signature[DIGEST_HEX_BYTES];

    if (!prepare(request, hex, fields, &canonical) ||
        !canonical_sign(&canonical, value_of(request, VIEW("x-sdk-date")), NULL, secret, arena,
                        signature))
        return VIEW_NONE;
    return write_authorization(&canonical, access, view_of(signature, sizeof signature), arena);
}

enum status sign_anew(const struct sign_request *request, const struct sign_key *key,
                      int64_t now_us, struct arena *arena,
                      struct canonical_field ret[SIGN_ADDED_MAX], size_t *ret_count)
{
    struct canonical_field fields[SIGN_FIELDS_MAX];
    struct sign_request whole = *request;
    char text[SIGN_DATE_BYTES];
    struct view date, authorization;
    size_t count = 0;

    sign_date(now_us, text);
    date = arena_copy(arena, view_of(text, sizeof text));
    if (date.ptr == NULL || request->count > SIGN_FIELDS_MAX - 2)
        return STATUS_NOMEM;
    for (size_t i = 0; i < request->count; i++)
        fields[i] = request->fields[i];
    fields[whole.count++] = (struct canonical_field){VIEW("x-sdk-date"), date};
    if (key->security.len > 0)
        fields[whole.count++] = (struct canonical_field){VIEW("x-security-token"), key->security};
    whole.fields = fields;
    authorization = sign_authorization(&whole, key->access, key->secret, arena);
    if (authorization.ptr == NULL)
        return STATUS_NOMEM;
    ret[count++] = (struct canonical_field){VIEW("X-Sdk-Date"), date};
    if (key->security.len > 0)
        ret[count++] = (struct canonical_field){VIEW("X-Security-Token"), key->security};
    ret[count++] = (struct canonical_field){VIEW("Authorization"), authorization};
    *ret_count = count;
    return STATUS_OK;
}
