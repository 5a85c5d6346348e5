/* SPDX-License-Identifier: Apache-2.0
 * Edit distance over short words; two letters the wrong way round count as one mistake, since that
 * is how people mistype. */
#include "base/nearest.h"

enum { WORD_MAX = 64 };

static size_t min(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t distance(struct view a, struct view b)
{
    size_t rows[3][WORD_MAX + 1]; /* of a's letter i: row i % 3 */

    for (size_t j = 0; j <= b.len; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        size_t *row = rows[i % 3], *above = rows[(i - 1) % 3], *two_above = rows[(i + 1) % 3];

        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            row[j] = above[j - 1] + (a.ptr[i - 1] == b.ptr[j - 1] ? 0 : 1);
            row[j] = min(row[j], min(above[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && a.ptr[i - 1] == b.ptr[j - 2] && a.ptr[i - 2] == b.ptr[j - 1])
                row[j] = min(row[j], two_above[j - 2] + 1);
        }
    }
    return rows[a.len % 3][b.len];
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
