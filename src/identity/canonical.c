/* SPDX-License-Identifier: Apache-2.0
 * From a request to the text that is signed, and to its signature. */
#include "identity/canonical.h"

#include <stdint.h>
#include <stdlib.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "json/text.h"

static const size_t text_max = (size_t)1 << 20;

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

static bool is_escape(struct view v)
{
    return v.len >= 3 && v.ptr[0] == '%' && hex_value(v.ptr[1]) >= 0 && hex_value(v.ptr[2]) >= 0;
}

bool canonical_is_encoded(struct view v)
{
    for (size_t i = 0; i < v.len; i++) {
        if (v.ptr[i] == '%' && !is_escape(view_from(v, i)))
            return false;
    }
    return true;
}

/* Takes a byte off the front of a percent-encoded text. */
static unsigned char take_byte(struct view *rest)
{
    unsigned char byte = (unsigned char)rest->ptr[0];
    size_t len = 1;

    if (is_escape(*rest)) {
        byte = (unsigned char)(hex_value(rest->ptr[1]) * 16 + hex_value(rest->ptr[2]));
        len = 3;
    }
    *rest = view_from(*rest, len);
    return byte;
}

bool canonical_is_encoded_twice(struct view v)
{
    char last[3] = {0, 0, 0};

    while (v.len > 0) {
        last[0] = last[1];
        last[1] = last[2];
        last[2] = (char)take_byte(&v);
        if (is_escape(view_of(last, sizeof last)))
            return true;
    }
    return false;
}

static bool is_unreserved(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.' || c == '~';
}

static void add_encoded(struct buf *out, unsigned char byte)
{
    static const char digits[] = "0123456789ABCDEF";

    if (is_unreserved(byte)) {
        buf_add_byte(out, (char)byte);
        return;
    }
    buf_add_byte(out, '%');
    buf_add_byte(out, digits[byte >> 4]);
    buf_add_byte(out, digits[byte & 15]);
}

/* A '/' that was encoded stays encoded: it isn't the one that parts segments. */
static void add_path(struct buf *out, struct view path, enum canonical_path reading)
{
    bool slash = path.len > 0 && path.ptr[path.len - 1] == '/';

    while (path.len > 0) {
        bool parts = path.ptr[0] == '/';
        unsigned char byte = (unsigned char)path.ptr[0];

        if (reading == CANONICAL_DECODED)
            byte = take_byte(&path);
        else
            path = view_from(path, 1);
        if (parts)
            buf_add_byte(out, '/');
        else
            add_encoded(out, byte);
    }
    if (!slash)
        buf_add_byte(out, '/');
}

struct pair {
    struct view name, value; /* encoded anew */
};

/* ptr NULL: memory is out. */
static struct view encode(struct view sent, struct arena *arena)
{
    char *bytes = arena_alloc(arena, 3 * sent.len);
    struct buf out = {.ptr = bytes, .cap = 3 * sent.len, .max = 3 * sent.len};

    if (bytes == NULL)
        return VIEW_NONE;
    while (sent.len > 0) {
        bool blank = sent.ptr[0] == '+';
        unsigned char byte = take_byte(&sent);

        add_encoded(&out, blank ? ' ' : byte);
    }
    return buf_view(&out);
}

/* The part up to the separator, which it takes off. */
static struct view take_part(struct view *rest, char separator)
{
    size_t len = view_find(*rest, separator);
    struct view part = view_of(rest->ptr, len);

    *rest = view_from(*rest, len < rest->len ? len + 1 : len);
    return part;
}

struct pairs {
    struct pair *items;
    size_t count;
};

static bool read_pairs(struct view query, struct arena *arena, struct pairs *ret)
{
    size_t most = 1;

    for (size_t i = 0; i < query.len; i++)
        most += query.ptr[i] == '&';
    *ret = (struct pairs){.items = arena_array(arena, most, sizeof *ret->items)};
    if (ret->items == NULL)
        return false;
    while (query.len > 0) {
        struct view part = take_part(&query, '&'), value = part, name;
        struct pair *pair = &ret->items[ret->count];

        if (part.len == 0)
            continue;
        name = take_part(&value, '=');
        *pair = (struct pair){encode(name, arena), encode(value, arena)};
        if (pair->name.ptr == NULL || pair->value.ptr == NULL)
            return false;
        ret->count++;
    }
    return true;
}

static bool part_is_plain(struct view part)
{
    struct view value = part, name = take_part(&value, '=');

    return name.len > 0 && view_find(value, '=') == value.len && view_find(part, '+') == part.len &&
           view_find(part, ';') == part.len;
}

/* Takes a character off the front of a percent-encoded text; false: it isn't UTF-8, or a control.
 */
static bool take_character(struct view *rest)
{
    char bytes[4];
    uint32_t code = 0;
    unsigned count = 0, len = 0;

    while (len == 0 && count < sizeof bytes && rest->len > 0) {
        bytes[count++] = (char)take_byte(rest);
        len = jtext_utf8(view_of(bytes, count), &code);
    }
    return len == count && code >= 0x20 && code != 0x7f;
}

bool canonical_text_is_plain(struct view text)
{
    bool plain = canonical_is_encoded(text);

    while (plain && text.len > 0)
        plain = take_character(&text);
    return plain;
}

bool canonical_query_is_plain(struct view query)
{
    struct view rest = query;

    /* What the separator is taken off of is no part of its own. */
    if (query.len > 0 && query.ptr[query.len - 1] == '&')
        return false;
    while (rest.len > 0) {
        if (!part_is_plain(take_part(&rest, '&')))
            return false;
    }
    return canonical_text_is_plain(query) && !canonical_is_encoded_twice(query);
}

static int by_bytes(const void *a, const void *b)
{
    const struct pair *left = a, *right = b;
    int order = view_cmp(left->name, right->name);

    return order != 0 ? order : view_cmp(left->value, right->value);
}

static int lower(char c)
{
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

static int ignoring_case(const void *a, const void *b)
{
    struct view left = ((const struct pair *)a)->name, right = ((const struct pair *)b)->name;
    size_t len = left.len < right.len ? left.len : right.len;

    for (size_t i = 0; i < len; i++) {
        if (lower(left.ptr[i]) != lower(right.ptr[i]))
            return lower(left.ptr[i]) - lower(right.ptr[i]);
    }
    return (left.len > right.len) - (left.len < right.len);
}

enum status canonical_check_names(struct view query, struct arena *arena)
{
    struct pairs pairs;

    if (!read_pairs(query, arena, &pairs))
        return STATUS_NOMEM;
    qsort(pairs.items, pairs.count, sizeof *pairs.items, ignoring_case);
    for (size_t i = 1; i < pairs.count; i++) {
        if (ignoring_case(&pairs.items[i - 1], &pairs.items[i]) == 0)
            return STATUS_INVALID;
    }
    return STATUS_OK;
}

static void add_pairs(struct buf *out, const struct pairs *pairs)
{
    for (size_t i = 0; i < pairs->count; i++) {
        if (i > 0)
            buf_add_byte(out, '&');
        buf_add(out, pairs->items[i].name);
        buf_add_byte(out, '=');
        buf_add(out, pairs->items[i].value);
    }
}

static void add_query(struct buf *out, const struct canonical_request *request, struct arena *arena)
{
    struct pairs pairs;

    if (request->query_is_payload || out->failed != STATUS_OK)
        return;
    if (!read_pairs(request->query, arena, &pairs)) {
        out->failed = STATUS_NOMEM;
        return;
    }
    qsort(pairs.items, pairs.count, sizeof *pairs.items,
          request->form == CANONICAL_ACCESS ? by_bytes : ignoring_case);
    add_pairs(out, &pairs);
}

/* A form: as the query, but sorted by bytes, and a blank is '+'. */
static void add_query_payload(struct buf *out, struct view query, struct arena *arena)
{
    char hex[DIGEST_HEX_BYTES];
    struct pairs pairs;
    struct buf form;
    size_t len = 0;

    buf_init(&form, text_max);
    if (!read_pairs(query, arena, &pairs)) {
        out->failed = STATUS_NOMEM;
        return;
    }
    qsort(pairs.items, pairs.count, sizeof *pairs.items, by_bytes);
    add_pairs(&form, &pairs);
    for (size_t i = 0; i < form.len; i++) {
        bool blank = form.len - i >= 3 && memcmp(form.ptr + i, "%20", 3) == 0;

        if (blank) {
            form.ptr[i + 2] = '+';
            i += 2;
        }
        form.ptr[len++] = form.ptr[i];
    }
    digest_sha256_hex(view_of(form.ptr, len), hex);
    buf_add(out, view_of(hex, sizeof hex));
    if (form.failed != STATUS_OK)
        out->failed = form.failed;
    buf_done(&form);
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t';
}

static void add_value(struct buf *out, struct view value, enum canonical_form form)
{
    value = view_trim(value);
    if (form == CANONICAL_ACCESS) {
        buf_add(out, value);
        return;
    }
    for (size_t i = 0; i < value.len; i++) {
        if (!is_space(value.ptr[i]))
            buf_add_byte(out, value.ptr[i]);
        else if (!is_space(value.ptr[i - 1])) /* trimmed: the first is none */
            buf_add_byte(out, ' ');
    }
}

static void add_fields(struct buf *out, const struct canonical_request *request)
{
    for (size_t i = 0; i < request->count; i++) {
        buf_add(out, request->fields[i].name);
        buf_add_byte(out, ':');
        add_value(out, request->fields[i].value, request->form);
        buf_add_byte(out, '\n');
    }
    buf_add_byte(out, '\n');
    for (size_t i = 0; i < request->count; i++) {
        if (i > 0)
            buf_add_byte(out, ';');
        buf_add(out, request->fields[i].name);
    }
}

void canonical_write(const struct canonical_request *request, struct arena *arena, struct buf *out)
{
    buf_add(out, request->method);
    buf_add_byte(out, '\n');
    add_path(out, request->path, request->reading);
    buf_add_byte(out, '\n');
    add_query(out, request, arena);
    buf_add_byte(out, '\n');
    add_fields(out, request);
    buf_add_byte(out, '\n');
    if (request->query_is_payload)
        add_query_payload(out, request->query, arena);
    else
        buf_add(out, request->payload);
}

/* Room for all of it at once: a buffer that grows leaves what it held behind. */
static size_t bound(const struct canonical_request *request)
{
    size_t bytes = request->method.len + 3 * (request->path.len + request->query.len) + 512;

    for (size_t i = 0; i < request->count; i++)
        bytes += 2 * request->fields[i].name.len + request->fields[i].value.len + 4;
    return bytes;
}

static bool digest_text(const struct canonical_request *request, struct arena *arena,
                        char ret[DIGEST_HEX_BYTES])
{
    struct buf text;
    bool well;

    buf_init(&text, text_max);
    if (buf_reserve(&text, bound(request)))
        canonical_write(request, arena, &text);
    well = text.failed == STATUS_OK;
    if (well)
        digest_sha256_hex(buf_view(&text), ret);
    if (text.ptr != NULL)
        OPENSSL_cleanse(text.ptr, text.cap);
    buf_done(&text);
    return well;
}

static bool hmac(struct view key, struct view text, unsigned char ret[DIGEST_BYTES])
{
    return key.len <= INT32_MAX && HMAC(EVP_sha256(), key.ptr == NULL ? "" : key.ptr, (int)key.len,
                                        (const unsigned char *)(text.ptr == NULL ? "" : text.ptr),
                                        text.len, ret, NULL) != NULL;
}

/* The next key of the chain, in the place of the last one. */
static bool derive(unsigned char key[DIGEST_BYTES], struct view text)
{
    unsigned char next[DIGEST_BYTES];
    bool well = hmac(view_of((const char *)key, DIGEST_BYTES), text, next);

    if (well)
        memcpy(key, next, sizeof next);
    OPENSSL_cleanse(next, sizeof next);
    return well;
}

static bool derive_key(struct view secret, const struct canonical_scope *scope,
                       unsigned char ret[DIGEST_BYTES])
{
    char first[3 + CANONICAL_SECRET_MAX] = "SDK";
    bool well;

    memcpy(first + 3, secret.ptr, secret.len);
    well = hmac(view_of(first, 3 + secret.len), scope->date, ret) && derive(ret, scope->region) &&
           derive(ret, scope->service) && derive(ret, VIEW("sdk_request"));
    OPENSSL_cleanse(first, sizeof first);
    return well;
}

static void add_scope(struct buf *out, const struct canonical_scope *scope)
{
    buf_add(out, scope->date);
    buf_add_byte(out, '/');
    buf_add(out, scope->region);
    buf_add_byte(out, '/');
    buf_add(out, scope->service);
    buf_add_str(out, "/sdk_request\n");
}

static bool sign_text(struct view text, const struct canonical_scope *scope, struct view secret,
                      char ret[DIGEST_HEX_BYTES])
{
    unsigned char key[DIGEST_BYTES], mac[DIGEST_BYTES];
    bool well;

    if (scope == NULL)
        well = hmac(secret, text, mac);
    else
        well = derive_key(secret, scope, key) &&
               hmac(view_of((const char *)key, sizeof key), text, mac);
    if (well)
        digest_hex(mac, ret);
    OPENSSL_cleanse(key, sizeof key);
    OPENSSL_cleanse(mac, sizeof mac);
    return well;
}

bool canonical_sign(const struct canonical_request *request, struct view date,
                    const struct canonical_scope *scope, struct view secret, struct arena *arena,
                    char ret[DIGEST_HEX_BYTES])
{
    char digest[DIGEST_HEX_BYTES];
    struct buf text;
    bool well;

    if (secret.len == 0 || secret.len > CANONICAL_SECRET_MAX ||
        !digest_text(request, arena, digest))
        return false;
    buf_init(&text, text_max);
    buf_add_str(&text, "SDK-HMAC-SHA256\n");
    buf_add(&text, date);
    buf_add_byte(&text, '\n');
    if (scope != NULL)
        add_scope(&text, scope);
    buf_add(&text, view_of(digest, sizeof digest));
    well = text.failed == STATUS_OK && sign_text(buf_view(&text), scope, secret, ret);
    buf_done(&text);
    return well;
}
