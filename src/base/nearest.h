/* SPDX-License-Identifier: Apache-2.0
 * "Did you mean ...?": the nearest of some names to a word. */
#pragma once

#include "base/view.h"

/* The name with the smallest edit distance to the word, or NULL when none is near (more than a
 * third of its letters differ). names ends with NULL. */
const char *nearest_name(struct view word, const char *const *names);
