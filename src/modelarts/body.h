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

/* A judged request as it came. */
struct raw_request {
    const struct operation *op;
    struct view project, instance; /* of the path; instance ptr NULL for a create */
    const struct jdoc *doc;        /* the body, NULL where it is empty */
    struct view query;             /* without the '?'; ptr NULL: none */
};

/* Any judged operation (API reference, development environments, old and new version). Types are
 * checked everywhere; a known name at an unknown place, a name that differs from a known one only
 * in case or in look, a right and a misplaced copy that differ, and what the API requires but isn't
 * there are faults (all are collected). The query is read where something in it is judged (start
 * and lease of notebooks): "duration" and "type", each once, nothing else. STATUS_OK: *ret is
 * filled and faults->count is 0. STATUS_INVALID: see faults. STATUS_NOMEM. */
MUST_CHECK enum status modelarts_read(const struct raw_request *raw, enum unknown_fields unknown,
                                      struct arena *arena, struct instance_request *ret,
                                      struct body_faults *faults);

/* Whether a judged operation may come without a body, and whether its query is read; elsewhere the
 * API has none. */
bool modelarts_body_optional(const struct operation *op);
bool modelarts_reads_query(const struct operation *op);
/* Whether the operation can only be judged beside the instance as the cloud has it (start, lease),
 * and the path that answers with it, in the arena (ptr NULL: no memory). */
bool modelarts_needs_stored(const struct operation *op);
struct view modelarts_stored_path(const struct raw_request *raw, struct arena *arena);
/* Completes a request that modelarts_read has filled by the answer to a GET of that path: members
 * that the API doesn't document pass, what is judged is read strictly. STATUS_INVALID: the answer
 * isn't that instance, or holds another type where something is judged. */
MUST_CHECK enum status modelarts_read_stored(const struct raw_request *raw,
                                             const struct jdoc *answer, int64_t now_us,
                                             struct arena *arena, struct instance_request *request,
                                             struct body_faults *faults);

/* {"action":"stop"}: the row that the verb picks; nothing else may stand in the body. */
MUST_CHECK enum status modelarts_read_action(const struct jdoc *doc, struct arena *arena,
                                             const struct operation **ret,
                                             struct body_faults *faults);

/* What the edits change in this request, place by place, without changing it; nothing for an edit
 * whose value stands there already. *ret lives in the arena. STATUS_LIMIT when there would be more
 * than EDITS_MAX changes, STATUS_INVALID when two edits want one field, the request has no place
 * for one (annotations outside demanager create and update; an auto-stop where stops_stored is set,
 * of a mount or of a notebook's update) or isn't one that was read well. */
MUST_CHECK enum status modelarts_render(const struct raw_request *raw,
                                        const struct instance_request *request,
                                        const struct edit *edits, size_t count, struct arena *arena,
                                        const struct change **ret, size_t *ret_count);
/* The edited request: the right place and every misplaced copy carry the value; all other bytes
 * stay. body: empty where there is none. query: rebuilt where it is judged, else as received. */
MUST_CHECK enum status modelarts_apply(const struct raw_request *raw,
                                       const struct instance_request *request,
                                       const struct edit *edits, size_t count, struct arena *arena,
                                       struct buf *body, struct buf *query);
