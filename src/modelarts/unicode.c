/* SPDX-License-Identifier: Apache-2.0
 * Range tables, sorted, and the searches in them. The folds are those of Unicode 14: they were
 * derived with Python 3.11's unicodedata by taking NFKC of every code point (for separators: the
 * result holds
 * '/', '.' or '\'; for letters: the case-folded result is one ASCII letter, digit, '_' or '-');
 * hidden are the categories Cc, Cf, Zl and Zp and the ignorable letters and marks. */
#include "modelarts/unicode.h"

struct range {
    uint32_t first, last;
};

/* Each point of the range looks like the text's byte at the same distance; it starts anew at its
 * end. */
struct fold {
    uint32_t first, last;
    const char *text;
};

static const struct range hidden[] = {
    {0x0000, 0x001f},   {0x007f, 0x009f},   {0x00ad, 0x00ad},   {0x034f, 0x034f},
    {0x0600, 0x0605},   {0x061c, 0x061c},   {0x06dd, 0x06dd},   {0x070f, 0x070f},
    {0x0890, 0x0891},   {0x08e2, 0x08e2},   {0x115f, 0x1160},   {0x17b4, 0x17b5},
    {0x180b, 0x180f},   {0x200b, 0x200f},   {0x2028, 0x202e},   {0x2060, 0x206f},
    {0x3164, 0x3164},   {0xfe00, 0xfe0f},   {0xfeff, 0xfeff},   {0xffa0, 0xffa0},
    {0xfff0, 0xfffb},   {0x110bd, 0x110bd}, {0x110cd, 0x110cd}, {0x13430, 0x1343f},
    {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a}, {0xe0000, 0xe0fff},
};

static const struct range separators[] = {
    {0x2024, 0x2026}, {0x2100, 0x2101}, {0x2105, 0x2106}, {0x2488, 0x249b},   {0x33c2, 0x33c2},
    {0x33c7, 0x33c7}, {0x33d8, 0x33d8}, {0xfe19, 0xfe19}, {0xfe30, 0xfe30},   {0xfe52, 0xfe52},
    {0xfe68, 0xfe68}, {0xff0e, 0xff0f}, {0xff3c, 0xff3c}, {0x1f100, 0x1f100},
};

#define ALPHABET "abcdefghijklmnopqrstuvwxyz"
#define DIGITS   "0123456789"

static const struct fold folds[] = {
#define FOLD(first, last, text) {first, last, text},
#include "modelarts/lookalikes.def"
#undef FOLD
};

/* The length that the first byte promises, or 0. */
static size_t promised(unsigned char lead)
{
    if (lead < 0x80)
        return 1;
    if ((lead & 0xe0U) == 0xc0)
        return 2;
    if ((lead & 0xf0U) == 0xe0)
        return 3;
    return (lead & 0xf8U) == 0xf0 ? 4 : 0;
}

size_t utf8_decode(struct view text, uint32_t *ret)
{
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned char lead = text.len == 0 ? 0xff : (unsigned char)text.ptr[0];
    size_t len = promised(lead);
    uint32_t point = len == 1 ? lead : lead & (0x7fU >> len);

    if (len == 0 || len > text.len)
        return 0;
    for (size_t i = 1; i < len; i++) {
        unsigned char byte = (unsigned char)text.ptr[i];

        if ((byte & 0xc0U) != 0x80)
            return 0;
        point = (point << 6U) | (byte & 0x3fU);
    }
    if (point < smallest[len] || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff))
        return 0;
    *ret = point;
    return len;
}

struct view utf8_cut(struct view text, size_t max)
{
    if (text.len <= max)
        return text;
    while (max > 0 && ((unsigned char)text.ptr[max] & 0xc0U) == 0x80)
        max--;
    return view_of(text.ptr, max);
}

static bool in_ranges(const struct range *ranges, size_t count, uint32_t point)
{
    size_t low = 0;

    while (low < count) {
        size_t middle = low + (count - low) / 2;

        if (point < ranges[middle].first)
            count = middle;
        else if (point > ranges[middle].last)
            low = middle + 1;
        else
            return true;
    }
    return false;
}

static const struct fold *find_fold(uint32_t point)
{
    size_t low = 0;
    size_t high = ARRAY_LEN(folds);

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (point < folds[middle].first)
            high = middle;
        else if (point > folds[middle].last)
            low = middle + 1;
        else
            return &folds[middle];
    }
    return NULL;
}

bool unicode_is_hidden(uint32_t point)
{
    return in_ranges(hidden, ARRAY_LEN(hidden), point);
}

bool unicode_folds_to_separator(uint32_t point)
{
    return in_ranges(separators, ARRAY_LEN(separators), point);
}

/* Texts of one byte for every ASCII byte, so that a fold needs no memory. */
static const char *single(char byte)
{
    static const char texts[] = "0\0001\0002\0003\0004\0005\0006\0007\0008\0009\0"
                                "a\0b\0c\0d\0e\0f\0g\0h\0i\0j\0k\0l\0m\0n\0o\0p\0q\0r\0s\0t\0u\0v\0"
                                "w\0x\0y\0z";

    if (byte >= '0' && byte <= '9')
        return texts + (size_t)2 * (size_t)(byte - '0');
    if (byte >= 'a' && byte <= 'z')
        return texts + (size_t)2 * (size_t)(10 + byte - 'a');
    return "";
}

static const char *ascii_looks_like(char byte)
{
    if (byte >= 'A' && byte <= 'Z')
        byte = (char)(byte + ('a' - 'A'));
    if (byte == ' ' || byte == '_' || byte == '-')
        return "";
    return *single(byte) == '\0' ? NULL : single(byte);
}

const char *unicode_looks_like(uint32_t point)
{
    const struct fold *fold;

    if (unicode_is_hidden(point))
        return "";
    if (point < 0x80)
        return ascii_looks_like((char)point);
    fold = find_fold(point);
    if (fold == NULL)
        return NULL;
    if (fold->first == fold->last)
        return fold->text;
    return single(fold->text[(point - fold->first) % strlen(fold->text)]);
}
