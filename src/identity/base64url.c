/* SPDX-License-Identifier: Apache-2.0
 * Base64url, strictly. */
#include "identity/base64url.h"

#include <stdint.h>

static int value_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '-')
        return 62;
    return c == '_' ? 63 : -1;
}

enum status base64url_read(struct view text, struct arena *arena, struct view *ret)
{
    char *bytes;
    size_t len = 0;
    uint32_t bits = 0;
    unsigned held = 0;

    if (text.len % 4 == 1)
        return STATUS_SYNTAX;
    bytes = arena_alloc(arena, text.len / 4 * 3 + 4);
    if (bytes == NULL)
        return STATUS_NOMEM;
    for (size_t i = 0; i < text.len; i++) {
        int value = value_of(text.ptr[i]);

        if (value < 0)
            return STATUS_SYNTAX;
        bits = (bits << 6 | (uint32_t)value) & 0xFFFF;
        held += 6;
        if (held >= 8) {
            held -= 8;
            bytes[len++] = (char)(unsigned char)(bits >> held);
        }
    }
    if ((bits & ((1U << held) - 1)) != 0)
        return STATUS_SYNTAX;
    bytes[len] = 0;
    *ret = view_of(bytes, len);
    return STATUS_OK;
}
