/* SPDX-License-Identifier: Apache-2.0
 * Which characters a name may have. */
#include "identity/plain.h"

#include "json/text.h"

static const struct {
    uint32_t first, last;
} unfit[] = {
    {0x00, 0x1F},     {0x7F, 0xA0},     {0xAD, 0xAD},     {0x34F, 0x34F},     {0x61C, 0x61C},
    {0x115F, 0x1160}, {0x1680, 0x1680}, {0x17B4, 0x17B5}, {0x180B, 0x180F},   {0x2000, 0x200F},
    {0x2028, 0x202F}, {0x205F, 0x206F}, {0x3000, 0x3000}, {0x3164, 0x3164},   {0xFE00, 0xFE0F},
    {0xFEFF, 0xFEFF}, {0xFFA0, 0xFFA0}, {0xFFF0, 0xFFFF}, {0xE0000, 0xE0FFF},
};

static bool is_odd(uint32_t code)
{
    for (size_t i = 0; i < ARRAY_LEN(unfit); i++) {
        if (code >= unfit[i].first && code <= unfit[i].last)
            return true;
    }
    return false;
}

bool name_is_plain(struct view name, size_t max)
{
    if (name.len == 0 || name.len > max || name.ptr[0] == ' ' || name.ptr[name.len - 1] == ' ')
        return false;
    while (name.len > 0) {
        uint32_t code = 0;
        unsigned bytes = jtext_utf8(name, &code);

        if (bytes == 0 || is_odd(code))
            return false;
        name = view_from(name, bytes);
    }
    return true;
}
