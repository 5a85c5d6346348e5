/* SPDX-License-Identifier: Apache-2.0
 * `postern explain`: what was judged, for the two ways to print it. */
#pragma once

#include "modelarts/body.h"
#include "policy/policy.h"

struct explained {
    struct arena *arena;
    const struct subject *subject;
    struct view project;
    const struct operation *operation;
    const struct policy_set *set;
    const struct instance_request *request; /* NULL: the body was refused before any policy */
    const struct decision *decision;        /* NULL likewise */
    const struct reason *faults;            /* of the body */
    size_t fault_count;
    const struct change *changes, *would_changes;
    size_t change_count, would_count;
    struct view body; /* as it would be sent; ptr NULL if it would not */
};

bool explained_refused(const struct explained *e);
void explain_print_text(const struct explained *e, struct buf *out);
void explain_print_json(const struct explained *e, struct buf *out);
