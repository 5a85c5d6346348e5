/* SPDX-License-Identifier: Apache-2.0
 * `postern explain`: what was judged, for the two ways to print it. */
#pragma once

#include "judging/judging.h"

struct explained {
    struct arena *arena;
    const struct subject *subject;
    const struct policy_set *set;
    struct judging judging; /* decision NULL: the request was refused before any policy */
};

bool explained_refused(const struct explained *e);
void explain_print_text(const struct explained *e, struct buf *out);
void explain_print_json(const struct explained *e, struct buf *out);
