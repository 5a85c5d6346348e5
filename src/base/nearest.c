/* SPDX-License-Identifier: Apache-2.0
 * Levenshtein distance over short words. */
#include "base/nearest.h"

enum { WORD_MAX = 64 };

static size_t distance(struct view a, struct view b)
{
    size_t row[WORD_MAX + 1];

    for (size_t j = 0; j <= b.len; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        size_t diagonal = row[0];

        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            size_t best = diagonal + (a.ptr[i - 1] == b.ptr[j - 1] ? 0 : 1);

            diagonal = row[j];
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            row[j] = best;
        }
    }
    return row[b.len];
}

const char *nearest_name(struct view word, const char *const *names)
{
    const char *best = NULL;
    size_t best_distance = 0;

    if (word.len == 0 || word.len > WORD_MAX)
        return NULL;
    for (; *names != NULL; names++) {
        struct view name = view_str(*names);
        size_t d;

        if (name.len > WORD_MAX)
            continue;
        d = distance(word, name);
        if (d * 3 <= (name.len > word.len ? name.len : word.len) + 1 &&
            (best == NULL || d < best_distance)) {
            best = *names;
            best_distance = d;
        }
    }
    return best;
}
