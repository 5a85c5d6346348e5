/* SPDX-License-Identifier: Apache-2.0
 * A right and a misplaced copy of one field must say the same. */
#pragma once

#include "modelarts/faults.h"

/* Adds a fault for each pair that differs. False: out of memory.
 * auto_stop: both halves that are judged, and prompt where both name it. Annotations: each of the
 * right place stands in the misplaced copy, which may hold more (an edit writes into both, also
 * when the right place was empty before). Storage lists: equal; a lone object counts as a list of
 * one. */
MUST_CHECK bool check_conflicts(const struct jdoc *doc, const struct instance_request *request,
                                struct faults *faults, struct arena *arena);
/* Same JSON values: strings after unescaping, integers by value, other numbers by their text;
 * members in any order, in objects of more than 64 members in the same order. */
bool json_equal(const struct jdoc *doc, jref a, jref b, struct arena *arena);
