/* SPDX-License-Identifier: Apache-2.0
 * How the cloud reads what can be read in more than one way. Tests choose, so that a request which
 * means one thing to the gateway and another to some cloud is seen for what it does. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

/* All zero is how it reads unless told otherwise. */
struct reading {
    enum { LAST_MEMBER, FIRST_MEMBER, NO_DUPLICATES } duplicates;
    enum { EXACT_NAMES, FOLDED_NAMES } names; /* folded: members are read in lower case (ASCII) */
    enum { FIRST_PARAMETER, LAST_PARAMETER } query;
    enum { SPEC_WINS, TOP_WINS } auto_stop; /* of a demanager PUT that has it in both places */
};

/* Takes over the settings that `wanted` names; false, and nothing is changed, if one is unknown. */
bool reading_set(struct reading *reading, json_t *wanted);
/* Reads a body of size > 0; NULL: not JSON, or refused. */
json_t *reading_parse(const struct reading *reading, const char *text, size_t size);
