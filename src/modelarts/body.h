/* SPDX-License-Identifier: Apache-2.0
 * Bodies of the API: to the typed request, and typed edits back into the bytes. The only place that
 * knows field names, units and spellings. */
#pragma once

#include "base/buffer.h"
#include "json/doc.h"
#include "modelarts/edit.h"
#include "modelarts/request.h"

enum unknown_fields { UNKNOWN_REFUSE, UNKNOWN_PASS };

enum { BODY_REASONS_MAX = 20 };

struct body_faults {
    struct reason items[BODY_REASONS_MAX];
    size_t count;
};

/* POST demanager/instances (tables 2 to 10 of the API's create page). Types are checked everywhere;
 * a known name at an unknown place, a name that differs from a known one only in case or in look, a
 * right and a misplaced copy that differ, and what the API requires but isn't there are faults (all
 * are collected). STATUS_OK: *ret is filled and faults->count is 0. STATUS_INVALID: see faults.
 * STATUS_NOMEM. */
MUST_CHECK enum status modelarts_read_create(const struct jdoc *doc, struct view project,
                                             enum unknown_fields unknown, struct arena *arena,
                                             struct instance_request *ret,
                                             struct body_faults *faults);

/* {"action":"stop"}: the row that the verb picks; nothing else may stand in the body. */
MUST_CHECK enum status modelarts_read_action(const struct jdoc *doc, struct arena *arena,
                                             const struct operation **ret,
                                             struct body_faults *faults);

/* What the edits change in this body, place by place, without changing it; nothing for an edit
 * whose value stands there already. *ret lives in the arena. STATUS_LIMIT when there would be more
 * than EDITS_MAX changes, STATUS_INVALID when two edits want one field or the body isn't one that
 * was read well. */
MUST_CHECK enum status modelarts_render(const struct jdoc *doc,
                                        const struct instance_request *request,
                                        const struct edit *edits, size_t count, struct arena *arena,
                                        const struct change **ret, size_t *ret_count);
/* The edited body: the right place and every misplaced copy carry the value; all other bytes stay.
 */
MUST_CHECK enum status modelarts_apply(const struct jdoc *doc,
                                       const struct instance_request *request,
                                       const struct edit *edits, size_t count, struct arena *arena,
                                       struct buf *out);
