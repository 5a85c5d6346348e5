/* SPDX-License-Identifier: Apache-2.0
 * An entry as a row of the shared store. Texts are kept as printable ASCII: every other byte, and
 * '%', is written %XX, so that no text can be one that the database refuses or changes. Pure. */
#pragma once

#include <libpq-fe.h>

#include "base/arena.h"
#include "quota/ledger.h"

/* Columns, in the order of ROW_NAMES. */
enum {
    ROW_REVISION,
    ROW_ID,
    ROW_GONE,
    ROW_GATEWAY,
    ROW_STATE,
    ROW_OPERATION,
    ROW_TIME,
    ROW_SETTLE,
    ROW_PROJECT,
    ROW_USER_ID,
    ROW_USER_NAME,
    ROW_DOMAIN,
    ROW_WORKSPACE,
    ROW_POOL,
    ROW_FLAVOR,
    ROW_NAME,
    ROW_INSTANCE,
    ROW_RUN,
    ROW_RUNNING,
    ROW_ORPHAN,
    ROW_CLAIMED,
    ROW_COLUMNS,
};
#define ROW_NAMES                                                                        \
    "revision, id, gone, gateway, state, operation, time_us, settle_after_us, project, " \
    "user_id, user_name, domain, workspace, pool, flavor, name, instance, run_s, "       \
    "running, orphan, claimed"

/* The columns' values but that of ROW_REVISION, which stays as it is; in the arena. */
MUST_CHECK enum status store_row_write(const struct ledger_item *item, bool gone,
                                       struct arena *arena, const char *values[static ROW_COLUMNS]);
/* Texts are in the arena. STATUS_INVALID: no program of this version wrote that. */
MUST_CHECK enum status store_row_read(const PGresult *result, int row, struct arena *arena,
                                      struct ledger_item *ret, bool *ret_gone);
