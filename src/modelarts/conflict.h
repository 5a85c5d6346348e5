/* SPDX-License-Identifier: Apache-2.0
 * Copies of one field must say the same. */
#pragma once

#include "modelarts/query.h"
#include "modelarts/reader.h"

/* The right and the misplaced copies of a demanager body that was read; adds a fault for each pair
 * that differs. False: out of memory.
 * auto_stop: both halves that are judged, and prompt where both name it; in an update also whether
 * enable is named. Annotations: each of the right place stands in the misplaced copy, which may
 * hold more (an edit writes into both, also when the right place was empty before). Storage lists:
 * equal; a lone object counts as a list of one. */
MUST_CHECK bool check_conflicts(struct reader *r);
/* The query, and the body of a lease: duration, and type in any case of letters. */
void check_query_conflicts(struct reader *r, const struct stop_query *query);
/* Same JSON values: strings after unescaping, integers by value, other numbers by their text;
 * members in any order, in objects of more than 64 members in the same order. */
bool json_equal(const struct jdoc *doc, jref a, jref b, struct arena *arena);
