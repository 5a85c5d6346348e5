/* SPDX-License-Identifier: Apache-2.0
 * Sets of values with stars, against the plain way to match one. Input: the value and the entries
 * of the set, with a line feed between. */
#include "policy/globset.h"

#include "fuzz.h"

enum { VALUES_MAX = 64, VALUE_MAX = 96 };

/* Back to the last star when the rest doesn't fit: linear in each star, and plain. */
static bool fits(struct view glob, struct view value)
{
    size_t g = 0, v = 0, star = SIZE_MAX, resume = 0;

    while (v < value.len) {
        if (g < glob.len && glob.ptr[g] == '*') {
            star = g++;
            resume = v;
        } else if (g < glob.len && glob.ptr[g] == value.ptr[v]) {
            g++;
            v++;
        } else if (star != SIZE_MAX) {
            g = star + 1;
            v = ++resume;
        } else {
            return false;
        }
    }
    while (g < glob.len && glob.ptr[g] == '*')
        g++;
    return g == glob.len;
}

static bool any_fits(const struct view *globs, size_t count, struct view value)
{
    for (size_t i = 0; i < count; i++) {
        if (fits(globs[i], value))
            return true;
    }
    return false;
}

/* The value, or a part of it that ends with '/'. */
static bool any_fits_below(const struct view *globs, size_t count, struct view value)
{
    for (size_t i = 0; i < value.len; i++) {
        if (value.ptr[i] == '/' && any_fits(globs, count, view_of(value.ptr, i + 1)))
            return true;
    }
    return any_fits(globs, count, value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct view rest = fuzz_input(data, size), value, globs[VALUES_MAX];
    const struct globset *set = NULL;
    struct arena arena, scratch;
    bool matches = false, below = false;
    size_t count = 0;

    if (!fuzz_part(&rest, '\n', &value) || value.len > VALUE_MAX)
        return 0;
    while (count < VALUES_MAX && fuzz_part(&rest, '\n', &globs[count]))
        count++;
    fuzz_arena(&arena);
    fuzz_arena(&scratch);
    REQUIRE(globset_build(globs, count, &arena, &set) == STATUS_OK);
    REQUIRE(globset_match(set, value, &scratch, &matches) == STATUS_OK);
    REQUIRE(matches == any_fits(globs, count, value));
    REQUIRE(globset_match_below(set, value, &scratch, &below) == STATUS_OK);
    REQUIRE(below == any_fits_below(globs, count, value));
    arena_done(&arena);
    arena_done(&scratch);
    return 0;
}
