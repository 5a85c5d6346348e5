/* SPDX-License-Identifier: Apache-2.0
 * A set of values in which '*' stands for any run of bytes, also none and also '/'. A lookup reads
 * the value once; its cost does not grow with the number of values. */
#pragma once

#include "base/arena.h"
#include "base/error.h"

struct globset;

/* Copies what it needs into the arena; the set lives as long as it. STATUS_NOMEM is the only
 * failure. */
MUST_CHECK enum status globset_build(const struct view *values, size_t count, struct arena *arena,
                                     const struct globset **ret);
/* Whether the whole value matches one of the set. scratch is used only by sets with many globs. */
MUST_CHECK enum status globset_match(const struct globset *set, struct view value,
                                     struct arena *scratch, bool *ret);
/* Whether the path, or a part of it that ends with '/', matches: for values that end with '/', this
 * is "lies at or below, by whole segments". */
MUST_CHECK enum status globset_match_below(const struct globset *set, struct view path,
                                           struct arena *scratch, bool *ret);
