/* SPDX-License-Identifier: Apache-2.0
 * The table of judged calls. */
#include "modelarts/call.h"

#include "modelarts/body.h"

/* NOLINTBEGIN(bugprone-macro-parentheses): a member and its value */
#define NAMED(id)         .op = &operations[OP_##id]
#define STORED(place, id) .stored = PLACE_##place, .asks = OP_##id
/* NOLINTEND(bugprone-macro-parentheses) */

static const struct call calls[OP_COUNT] = {
    [OP_DEMANAGER_CREATE] = {NAMED(DEMANAGER_CREATE), .body = PLACE_DE_BODY, .creates = true},
    [OP_DEMANAGER_UPDATE] = {NAMED(DEMANAGER_UPDATE), .body = PLACE_DE_BODY, .updates = true},
    [OP_DEMANAGER_START] = {NAMED(DEMANAGER_START), .rule = BODY_IS_READ,
                            STORED(DE_STORED, DEMANAGER_GET)},
    [OP_NOTEBOOKS_CREATE] = {NAMED(NOTEBOOKS_CREATE), .body = PLACE_NB_BODY, .creates = true},
    [OP_NOTEBOOKS_UPDATE] = {NAMED(NOTEBOOKS_UPDATE), .body = PLACE_NB_BODY, .updates = true},
    [OP_NOTEBOOKS_START] = {NAMED(NOTEBOOKS_START), .body = PLACE_NB_START, .rule = BODY_OPTIONAL,
                            .closed = true, .reads_query = true, STORED(NB_STORED, NOTEBOOKS_GET)},
    [OP_NOTEBOOKS_START_GET] = {NAMED(NOTEBOOKS_START), .body = PLACE_NB_START, .rule = BODY_NONE,
                                .reads_query = true, STORED(NB_STORED, NOTEBOOKS_GET)},
    [OP_NOTEBOOKS_LEASE] = {NAMED(NOTEBOOKS_LEASE), .body = PLACE_NB_LEASE, .rule = BODY_OPTIONAL,
                            .reads_query = true, STORED(NB_LEASED, NOTEBOOKS_GET)},
    [OP_NOTEBOOKS_MOUNT] = {NAMED(NOTEBOOKS_MOUNT), .body = PLACE_NB_VOLUME},
};

bool modelarts_body_optional(const struct operation *op)
{
    return calls[op->id].rule == BODY_OPTIONAL || calls[op->id].rule == BODY_NONE;
}

bool modelarts_reads_query(const struct operation *op)
{
    return calls[op->id].reads_query;
}

const struct call *call_of(const struct operation *op)
{
    return &calls[op->id];
}
