/* SPDX-License-Identifier: Apache-2.0
 * From a request to its signature. What is signed is decoded and encoded again, so that every
 * spelling of a path or query has one canonical form. */
#include "identity/sign.h"

#include <stdlib.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/attr.h"
#include "base/clock.h"
#include "base/digest.h"

enum { CANONICAL_MAX = 256 * 1024 };

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

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return -1;
}

static bool is_unreserved(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.' || c == '~';
}

/* One byte of a percent-encoded text, which it goes on. */
static unsigned char next_byte(struct view *rest)
{
    unsigned char byte = (unsigned char)rest->ptr[0];
    size_t len = 1;

    if (byte == '%' && rest->len >= 3) {
        int high = hex_value(rest->ptr[1]), low = hex_value(rest->ptr[2]);

        if (high >= 0 && low >= 0) {
            byte = (unsigned char)(high * 16 + low);
            len = 3;
        }
    }
    *rest = view_from(*rest, len);
    return byte;
}

static void add_canonical(struct buf *out, struct view sent)
{
    while (sent.len > 0) {
        unsigned char byte = next_byte(&sent);

        if (is_unreserved(byte))
            buf_add_byte(out, (char)byte);
        else
            buf_printf(out, "%%%02X", (unsigned)byte);
    }
}

/* The part up to the separator, which it takes off. */
static struct view take_part(struct view *rest, char separator)
{
    size_t len = view_find(*rest, separator);
    struct view part = view_of(rest->ptr, len);

    *rest = view_from(*rest, len < rest->len ? len + 1 : len);
    return part;
}

/* With a slash at the end, which isn't sent. */
static void add_path(struct buf *out, struct view path)
{
    bool slash = path.len > 0 && path.ptr[path.len - 1] == '/';

    while (path.len > 0) {
        size_t len = view_find(path, '/');

        add_canonical(out, view_of(path.ptr, len));
        if (len == path.len)
            break;
        buf_add_byte(out, '/');
        path = view_from(path, len + 1);
    }
    if (!slash)
        buf_add_byte(out, '/');
}

struct pair {
    struct view name, value;
};

static int compare_pairs(const void *a, const void *b)
{
    const struct pair *left = a, *right = b;
    int order = view_cmp(left->name, right->name);

    return order != 0 ? order : view_cmp(left->value, right->value);
}

static struct view canonical_copy(struct view sent, struct arena *arena)
{
    CLEANUP(buf_done) struct buf text;

    buf_init(&text, CANONICAL_MAX);
    add_canonical(&text, sent);
    if (text.failed != STATUS_OK)
        return VIEW_NONE;
    return text.len == 0 ? VIEW("") : arena_copy(arena, buf_view(&text));
}

/* False: memory is out. */
static bool read_pairs(struct view query, struct arena *arena, struct pair *pairs, size_t *count)
{
    while (query.len > 0) {
        struct view part = take_part(&query, '&'), name = take_part(&part, '=');
        struct pair *pair = &pairs[*count];

        if (name.len == 0)
            continue;
        pair->name = canonical_copy(name, arena);
        pair->value = canonical_copy(part, arena);
        if (pair->name.ptr == NULL || pair->value.ptr == NULL)
            return false;
        (*count)++;
    }
    return true;
}

static void add_query(struct buf *out, struct view query, struct arena *arena)
{
    size_t count = 0, most = 1;
    struct pair *pairs;

    for (size_t i = 0; i < query.len; i++)
        most += query.ptr[i] == '&';
    pairs = arena_array(arena, most, sizeof *pairs);
    if (pairs == NULL || !read_pairs(query, arena, pairs, &count)) {
        out->failed = STATUS_NOMEM;
        return;
    }
    qsort(pairs, count, sizeof *pairs, compare_pairs);
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buf_add_byte(out, '&');
        buf_add(out, pairs[i].name);
        buf_add_byte(out, '=');
        buf_add(out, pairs[i].value);
    }
}

static void add_names(struct buf *out, const struct sign_request *request)
{
    for (size_t i = 0; i < request->count; i++) {
        if (i > 0)
            buf_add_byte(out, ';');
        buf_add(out, request->fields[i].name);
    }
}

static void add_payload(struct buf *out, const struct sign_request *request)
{
    char hex[DIGEST_HEX_BYTES];

    for (size_t i = 0; i < request->count; i++) {
        if (view_eq(request->fields[i].name, VIEW("x-sdk-content-sha256"))) {
            buf_add(out, view_trim(request->fields[i].value));
            return;
        }
    }
    digest_sha256_hex(request->body, hex);
    buf_add(out, view_of(hex, sizeof hex));
}

void sign_canonical(const struct sign_request *request, struct arena *arena, struct buf *out)
{
    buf_add(out, request->method);
    buf_add_byte(out, '\n');
    add_path(out, request->path);
    buf_add_byte(out, '\n');
    add_query(out, request->query, arena);
    buf_add_byte(out, '\n');
    for (size_t i = 0; i < request->count; i++) {
        buf_add(out, request->fields[i].name);
        buf_add_byte(out, ':');
        buf_add(out, view_trim(request->fields[i].value));
        buf_add_byte(out, '\n');
    }
    buf_add_byte(out, '\n');
    add_names(out, request);
    buf_add_byte(out, '\n');
    add_payload(out, request);
}

static struct view date_of(const struct sign_request *request)
{
    for (size_t i = 0; i < request->count; i++) {
        if (view_eq(request->fields[i].name, VIEW("x-sdk-date")))
            return request->fields[i].value;
    }
    return VIEW_NONE;
}

/* The text is ours and short; false: memory is out. */
static bool sign(const struct sign_request *request, struct view secret, struct arena *arena,
                 char hex[DIGEST_HEX_BYTES])
{
    CLEANUP(buf_done) struct buf text;
    unsigned char mac[EVP_MAX_MD_SIZE];
    char digest[DIGEST_HEX_BYTES];
    bool well;

    buf_init(&text, CANONICAL_MAX);
    sign_canonical(request, arena, &text);
    digest_sha256_hex(buf_view(&text), digest);
    well = text.failed == STATUS_OK;
    buf_clear(&text);
    buf_add_str(&text, "SDK-HMAC-SHA256\n");
    buf_add(&text, date_of(request));
    buf_add_byte(&text, '\n');
    buf_add(&text, view_of(digest, sizeof digest));
    well = well && text.failed == STATUS_OK && secret.len <= INT32_MAX &&
           HMAC(EVP_sha256(), secret.ptr, (int)secret.len, (const unsigned char *)text.ptr,
                text.len, mac, NULL) != NULL;
    if (well)
        digest_hex(mac, hex);
    OPENSSL_cleanse(mac, sizeof mac);
    return well;
}

struct view sign_authorization(const struct sign_request *request, struct view access,
                               struct view secret, struct arena *arena)
{
    CLEANUP(buf_done) struct buf text;
    char hex[DIGEST_HEX_BYTES];

    buf_init(&text, CANONICAL_MAX);
    if (!sign(request, secret, arena, hex))
        return VIEW_NONE;
    buf_add_str(&text, "SDK-HMAC-SHA256 Access=");
    buf_add(&text, access);
    buf_add_str(&text, ", SignedHeaders=");
    add_names(&text, request);
    buf_add_str(&text, ", Signature=");
    buf_add(&text, view_of(hex, sizeof hex));
    return text.failed == STATUS_OK ? arena_copy(arena, buf_view(&text)) : VIEW_NONE;
}
