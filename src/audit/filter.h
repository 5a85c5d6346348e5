/* SPDX-License-Identifier: Apache-2.0
 * Which values a filter takes: a word that no line can have would find nothing, and say so to
 * nobody. By the names that options of `postern audit` and keys of the admin API share. Pure. */
#pragma once

#include "base/attr.h"
#include "base/view.h"

/* "allow rewrite refuse" of "decision"; NULL: any text, or a name of its own (operation). */
const char *filter_values(const char *name);
/* Whether lines may have it: one of the values; of "operation" one that exists, or a pattern with
 * `*`; of other names any text that isn't empty. */
MUST_CHECK bool filter_takes(const char *name, struct view value);
