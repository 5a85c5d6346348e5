/* SPDX-License-Identifier: Apache-2.0
 * UTF-8 and escapes. Comparing and hashing walk the escapes as they go, so that no member name has
 * to be copied to be compared. */
#include "json/text.h"

/* A walk over the unescaped bytes of a raw text. */
struct cursor {
    const char *at, *end;
    char unit[4];
    unsigned len, used;
};

static unsigned sequence_length(unsigned char lead)
{
    if (lead < 0x80)
        return 1;
    if (lead < 0xC2 || lead > 0xF4)
        return 0;
    return lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
}

unsigned jtext_utf8(struct view v, uint32_t *ret_code)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned char lead = v.len == 0 ? 0xFF : (unsigned char)v.ptr[0];
    unsigned len = sequence_length(lead);
    uint32_t code = len == 1 ? lead : lead & (0x7FU >> len);

    if (len == 0 || len > v.len)
        return 0;
    for (unsigned i = 1; i < len; i++) {
        unsigned char byte = (unsigned char)v.ptr[i];

        if ((byte & 0xC0) != 0x80)
            return 0;
        code = code << 6 | (byte & 0x3F);
    }
    if (code < least[len] || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF))
        return 0;
    if (ret_code != NULL)
        *ret_code = code;
    return len;
}

unsigned jtext_encode(uint32_t code, char out[4])
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (char)(0xC0 | code >> 6);
        out[1] = (char)(0x80 | (code & 0x3F));
        return 2;
    }
    if (code < 0x10000) {
        out[0] = (char)(0xE0 | code >> 12);
        out[1] = (char)(0x80 | (code >> 6 & 0x3F));
        out[2] = (char)(0x80 | (code & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | code >> 18);
    out[1] = (char)(0x80 | (code >> 12 & 0x3F));
    out[2] = (char)(0x80 | (code >> 6 & 0x3F));
    out[3] = (char)(0x80 | (code & 0x3F));
    return 4;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

int jtext_hex4(const char *at)
{
    int value = 0;

    for (int i = 0; i < 4; i++) {
        int digit = hex_value(at[i]);

        if (digit < 0)
            return -1;
        value = value * 16 + digit;
    }
    return value;
}

static char simple_escape(char letter)
{
    switch (letter) {
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    default: /* '"', '\\' and '/' mean themselves */
        return letter;
    }
}

/* The escape at `at`, a backslash: gives how much raw text it takes. */
static size_t read_escape(const char *at, char out[4], unsigned *ret_len)
{
    uint32_t code, low;

    if (at[1] != 'u') {
        out[0] = simple_escape(at[1]);
        *ret_len = 1;
        return 2;
    }
    code = (uint32_t)jtext_hex4(at + 2);
    if (code < 0xD800 || code > 0xDFFF) {
        *ret_len = jtext_encode(code, out);
        return 6;
    }
    /* The reader has made sure that the other half follows (RFC 8259 7). */
    low = (uint32_t)jtext_hex4(at + 8);
    *ret_len = jtext_encode(0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00), out);
    return 12;
}

size_t jtext_unescape(struct view raw, char *out)
{
    const char *at = raw.ptr, *end = raw.ptr + raw.len;
    size_t len = 0;

    while (at < end) {
        size_t run = view_find(view_of(at, (size_t)(end - at)), '\\');
        unsigned unit;

        memcpy(out + len, at, run);
        len += run;
        at += run;
        if (at == end)
            break;
        at += read_escape(at, out + len, &unit);
        len += unit;
    }
    return len;
}

static struct cursor cursor_of(struct view raw)
{
    return (struct cursor){.at = raw.ptr, .end = raw.ptr + raw.len};
}

/* The next unescaped byte, -1 at the end. */
static int next_byte(struct cursor *c)
{
    if (c->used < c->len)
        return (unsigned char)c->unit[c->used++];
    if (c->at == c->end)
        return -1;
    if (*c->at != '\\')
        return (unsigned char)*c->at++;
    c->at += read_escape(c->at, c->unit, &c->len);
    c->used = 1;
    return (unsigned char)c->unit[0];
}

int jtext_cmp(struct view a, struct view b)
{
    struct cursor left = cursor_of(a), right = cursor_of(b);
    int x, y;

    do {
        x = next_byte(&left);
        y = next_byte(&right);
    } while (x == y && x != -1);
    return x - y;
}

bool jtext_is(struct view raw, struct view text)
{
    struct cursor c = cursor_of(raw);

    for (size_t i = 0; i < text.len; i++) {
        if (next_byte(&c) != (unsigned char)text.ptr[i])
            return false;
    }
    return next_byte(&c) == -1;
}

/* FNV-1a. */
uint32_t jtext_hash(struct view raw)
{
    struct cursor c = cursor_of(raw);
    uint32_t hash = 2166136261U;
    int byte;

    while ((byte = next_byte(&c)) != -1)
        hash = (hash ^ (uint32_t)byte) * 16777619U;
    return hash;
}
