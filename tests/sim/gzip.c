/* SPDX-License-Identifier: Apache-2.0
 * gzip without compression (RFC 1952 around RFC 1951 section 3.2.4). */
#include "gzip.h"

#include <stdint.h>

static uint32_t crc32_of(const unsigned char *bytes, size_t length)
{
    uint32_t crc = 0xffffffffU;
    for (size_t i = 0; i < length; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            crc = (crc >> 1) ^ ((crc & 1U) != 0 ? 0xedb88320U : 0U);
    }
    return crc ^ 0xffffffffU;
}

static void add_le(struct evbuffer *out, uint32_t value, int bytes)
{
    for (int i = 0; i < bytes; i++) {
        unsigned char byte = (unsigned char)(value >> (8 * i));
        evbuffer_add(out, &byte, 1);
    }
}

void gzip_stored(struct evbuffer *in, struct evbuffer *out)
{
    static const unsigned char head[] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255};
    size_t length = evbuffer_get_length(in);
    const unsigned char *bytes = length > 0 ? evbuffer_pullup(in, -1) : (const unsigned char *)"";
    evbuffer_add(out, head, sizeof head);
    for (size_t at = 0; at == 0 || at < length; at += 65535) {
        size_t n = length - at < 65535 ? length - at : 65535;
        unsigned char last = at + n >= length;
        evbuffer_add(out, &last, 1);
        add_le(out, (uint32_t)n, 2);
        add_le(out, (uint32_t)~n, 2);
        evbuffer_add(out, bytes + at, n);
    }
    add_le(out, crc32_of(bytes, length), 4);
    add_le(out, (uint32_t)length, 4);
}
