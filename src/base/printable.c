/* SPDX-License-Identifier: Apache-2.0 */
#include "base/printable.h"

/* Code points from DEL on that have no place in a line of text; ascending. */
static const struct {
    uint32_t first, last;
} hidden[] = {
    {0x7f, 0x9f},       /* DEL, C1 */
    {0xad, 0xad},       /* soft hyphen */
    {0x34f, 0x34f},     /* combining grapheme joiner */
    {0x61c, 0x61c},     /* Arabic letter mark */
    {0x115f, 0x1160},   /* Hangul fillers */
    {0x17b4, 0x17b5},   /* Khmer inherent vowels */
    {0x180b, 0x180f},   /* Mongolian variation selectors, vowel separator */
    {0x200b, 0x200f},   /* no width, marks of direction */
    {0x2028, 0x202e},   /* separators, embeddings, overrides */
    {0x2060, 0x206f},   /* word joiner, isolates, deprecated formats */
    {0x3164, 0x3164},   /* Hangul filler */
    {0xfe00, 0xfe0f},   /* variation selectors */
    {0xfeff, 0xfeff},   /* byte order mark */
    {0xffa0, 0xffa0},   /* halfwidth Hangul filler */
    {0xfff0, 0xfffb},   /* unassigned, interlinear annotations */
    {0x1bca0, 0x1bca3}, /* shorthand format controls */
    {0x1d173, 0x1d17a}, /* musical format controls */
    {0xe0000, 0xe0fff}, /* tags, variation selectors */
};

static bool is_shown(uint32_t point)
{
    for (size_t i = 0; i < ARRAY_LEN(hidden); i++) {
        if (point >= hidden[i].first && point <= hidden[i].last)
            return false;
    }
    return point >= ' ';
}

/* No surrogate, and no more bytes than it needs (RFC 3629). */
static bool is_well(uint32_t point, size_t len)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};

    return point >= least[len] && point <= 0x10ffff && (point < 0xd800 || point > 0xdfff);
}

/* How many bytes the code point at the front has, and which one it is; 0: it is none. */
static size_t decode(struct view text, uint32_t *ret)
{
    const unsigned char lead = (unsigned char)text.ptr[0];
    const size_t len = lead < 0x80 ? 1 : lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    uint32_t point = len == 1 ? lead : lead & (0x7fU >> len);

    if (lead >= 0xf8 || (lead >= 0x80 && lead < 0xc0) || text.len < len)
        return 0;
    for (size_t i = 1; i < len; i++) {
        if (((unsigned char)text.ptr[i] & 0xc0) != 0x80)
            return 0;
        point = point << 6 | ((unsigned char)text.ptr[i] & 0x3f);
    }
    *ret = point;
    return is_well(point, len) ? len : 0;
}

bool printable_first(struct view text, size_t *ret_len)
{
    uint32_t point = 0;
    const size_t len = decode(text, &point);

    *ret_len = len == 0 ? 1 : len;
    return len > 0 && is_shown(point);
}

/* stays: further bytes that are shown as they stand. */
static void add(struct buf *out, struct view text, const char *stays)
{
    while (text.len > 0) {
        size_t len;

        if (printable_first(text, &len) ||
            (text.ptr[0] != '\0' && strchr(stays, text.ptr[0]) != NULL)) {
            buf_add(out, view_of(text.ptr, len));
        } else {
            for (size_t i = 0; i < len; i++)
                buf_printf(out, "\\x%02x", (unsigned char)text.ptr[i]);
        }
        text = view_from(text, len);
    }
}

void printable_add(struct buf *out, struct view text)
{
    add(out, text, "");
}

void printable_add_lines(struct buf *out, struct view text)
{
    add(out, text, "\n\t");
}
