/* SPDX-License-Identifier: Apache-2.0
 * Comparing and cutting views; every function stays inside the bytes it was given. */
#include "base/view.h"

#include <stdint.h>

#include "base/require.h"

static unsigned char lower(char c)
{
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

/* The same for eight bytes at once. */
static uint64_t lower_word(uint64_t word)
{
    const uint64_t each = UINT64_MAX / 255, top = each * 0x80;
    uint64_t low = word & ~top; /* so that no byte's sum reaches into the next */
    uint64_t from_a = low + each * (0x80 - 'A'), behind_z = low + each * (0x7f - 'Z');

    return word | (from_a & ~behind_z & ~word & top) >> 2;
}

bool view_eq_nocase(struct view a, struct view b)
{
    size_t i = 0;

    if (a.len != b.len)
        return false;
    for (; a.len - i >= sizeof(uint64_t); i += sizeof(uint64_t)) {
        uint64_t left, right;

        memcpy(&left, a.ptr + i, sizeof left);
        memcpy(&right, b.ptr + i, sizeof right);
        if (left != right && lower_word(left) != lower_word(right))
            return false;
    }
    for (; i < a.len; i++) {
        if (lower(a.ptr[i]) != lower(b.ptr[i]))
            return false;
    }
    return true;
}

bool view_starts(struct view v, struct view prefix)
{
    return v.len >= prefix.len && view_eq(view_of(v.ptr, prefix.len), prefix);
}

bool view_ends(struct view v, struct view suffix)
{
    return v.len >= suffix.len &&
           view_eq(view_of(suffix.len == 0 ? v.ptr : v.ptr + (v.len - suffix.len), suffix.len),
                   suffix);
}

int view_cmp(struct view a, struct view b)
{
    size_t common = a.len < b.len ? a.len : b.len;
    int order = common == 0 ? 0 : memcmp(a.ptr, b.ptr, common);

    if (order != 0)
        return order;
    return (a.len > b.len) - (a.len < b.len);
}

size_t view_find(struct view v, char byte)
{
    const char *at = v.len == 0 ? NULL : memchr(v.ptr, byte, v.len);

    return at == NULL ? v.len : (size_t)(at - v.ptr);
}

struct view view_from(struct view v, size_t from)
{
    REQUIRE(from <= v.len);
    return from == 0 ? v : view_of(v.ptr + from, v.len - from);
}

struct view view_trim(struct view v)
{
    while (v.len > 0 && (v.ptr[0] == ' ' || v.ptr[0] == '\t'))
        v = view_from(v, 1);
    while (v.len > 0 && (v.ptr[v.len - 1] == ' ' || v.ptr[v.len - 1] == '\t'))
        v.len--;
    return v;
}
