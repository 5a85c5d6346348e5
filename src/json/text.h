/* SPDX-License-Identifier: Apache-2.0
 * The inside of JSON strings: `raw` is the text between the quotes, escapes and all. */
#pragma once

#include <endian.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/view.h"

/* Sixteen bytes, compared all at once. */
typedef signed char jtext_block __attribute__((vector_size(16)));

static inline bool jtext_block_is_plain(const char *at)
{
    jtext_block bytes, odd;
    uint64_t halves[2];

    memcpy(&bytes, at, sizeof bytes);
    odd = (bytes < 0x20) | (bytes == '"') | (bytes == '\\'); /* from 0x80 on they are negative */
    memcpy(halves, &odd, sizeof halves);
    return (halves[0] | halves[1]) == 0;
}

/* How many bytes from `at` on mean themselves in a JSON string: ASCII but control bytes, '"' and
 * '\\'. Sixteen at a time, then eight: nearly all bytes of a document are of this kind. */
static inline size_t jtext_plain(const char *at, size_t len)
{
    const uint64_t ones = UINT64_MAX / 255, tops = ones * 128;
    size_t i = 0;

    while (len - i >= sizeof(jtext_block) && jtext_block_is_plain(at + i))
        i += sizeof(jtext_block);
    for (; len - i >= 8; i += 8) {
        uint64_t x, quote, backslash, odd;

        memcpy(&x, at + i, 8);
        x = le64toh(x);
        quote = x ^ (ones * '"');
        backslash = x ^ (ones * '\\');
        /* In each term the lowest marked byte is right; borrows only spoil those above it. */
        odd = (x | ((x - ones * 0x20) & ~x) | ((quote - ones) & ~quote) |
               ((backslash - ones) & ~backslash)) &
              tops;
        if (odd != 0)
            return i + ((unsigned)__builtin_ctzll(odd) >> 3);
    }
    for (; i < len; i++) {
        unsigned char byte = (unsigned char)at[i];

        if (byte < 0x20 || byte >= 0x80 || byte == '"' || byte == '\\')
            break;
    }
    return i;
}

/* The length of the UTF-8 sequence that v starts with (RFC 3629) and its code point (ret_code may
 * be NULL); 0 if there is none: overlong, a surrogate, over U+10FFFF, cut off. */
unsigned jtext_utf8(struct view v, uint32_t *ret_code);
/* Writes code as UTF-8 and gives the length. */
unsigned jtext_encode(uint32_t code, char out[4]);
/* The value of the four hex digits at `at`, -1 if they aren't. */
int jtext_hex4(const char *at);

/* The following take raw text that the reader has accepted. */

/* Writes the unescaped text, which is never longer than raw, and gives its length. */
size_t jtext_unescape(struct view raw, char *out);
/* memcmp order of the unescaped texts, shorter first. */
int jtext_cmp(struct view a, struct view b);
/* Does raw say exactly the bytes of text? */
bool jtext_is(struct view raw, struct view text);
/* A hash of the unescaped text. It spreads, but anybody can make collisions. */
uint32_t jtext_hash(struct view raw);
