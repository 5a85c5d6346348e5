/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/printable.h"

/* Code points from DEL on that have no place in a line of text; ascending. */
static const struct {
    uint32_t first, last;
} hidden[] = {
    {0x7f, 0x9f},       /* DEL, C1 */
    {0xad, 0xad},       /* soft hyphen */
    {0x61c, 0x61c},     /* Arabic letter mark */
    {0x180e, 0x180e},   /* Mongolian vowel separator */
    {0x200b, 0x200f},   /* no width, marks of direction */
    {0x2028, 0x202e},   /* separators, embeddings, overrides */
    {0x2060, 0x206f},   /* word joiner, isolates, deprecated formats */
    {0xfeff, 0xfeff},   /* byte order mark */
    {0xfff9, 0xfffb},   /* interlinear annotations */
    {0xe0000, 0xe0fff}, /* tags */
};

static bool is_shown(uint32_t point)
{
    for (size_t i = 0; i < ARRAY_LEN(hidden); i++) {
        if (point >= hidden[i].first && point <= hidden[i].last)
            return false;
    }
    return point >= ' ';
}

/* How many bytes the code point at the front has, and which one it is; 0: it is none (RFC 3629). */
static size_t decode(struct view text, uint32_t *ret)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
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
    return (len > 1 && point < least[len]) || point > 0x10ffff ? 0 : len;
}

void printable_add(struct buf *out, struct view text)
{
    while (text.len > 0) {
        uint32_t point = 0;
        const size_t len = decode(text, &point);
        const size_t taken = len == 0 ? 1 : len;

        if (len > 0 && is_shown(point)) {
            buf_add(out, view_of(text.ptr, len));
        } else {
            for (size_t i = 0; i < taken; i++)
                buf_printf(out, "\\x%02x", (unsigned char)text.ptr[i]);
        }
        text = view_from(text, taken);
    }
}
