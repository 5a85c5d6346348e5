/* SPDX-License-Identifier: Apache-2.0
 * The shape of a reason: why a request was not let through as it came. Each room that refuses has a
 * table of its own (reasons.def); journal, answers, metrics and manual are made from the rows. */
#pragma once

#include "base/error.h"
#include "base/view.h"

/* One row of a room's reasons.def. */
struct reason_row {
    const char *code; /* "flavor.not_allowed"; part of the contract, never changed */
    int status;       /* HTTP status of a refusal for this reason */
    const char *help; /* one line for the manual */
};

/* A reason as it was found. Texts live as long as the arena that the finder was given. */
struct reason {
    const struct reason_row *row;
    struct view policy;  /* the policy that said so, or VIEW_NONE */
    struct view rule;    /* the rule within it: "flavors.allow", or VIEW_NONE */
    struct loc at;       /* where that rule stands, file relative to the policy folder */
    struct view message; /* one sentence for the caller: what was wrong, what is allowed */
    struct view contact; /* whom to ask, or VIEW_NONE */
};
