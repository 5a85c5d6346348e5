/* SPDX-License-Identifier: Apache-2.0
 * Our JSON reader against jansson: do two trees say the same? */
#pragma once

#include <jansson.h>

#include "json/doc.h"

/* As wide as jansson itself. */
extern const struct jlimits json_wide;

/* Members in the order of the document, numbers by value and kind. */
bool json_same(const struct jdoc *doc, jref v, json_t *value, struct arena *arena);
