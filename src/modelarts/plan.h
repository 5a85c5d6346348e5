/* SPDX-License-Identifier: Apache-2.0
 * What edits do to one request, gathered place by place: the changes as the journal sees them, in
 * an order in which they could be applied one after another, and the splices that make them. */
#pragma once

#include "json/splice.h"
#include "modelarts/body.h"
#include "modelarts/query.h"

struct plan {
    const struct raw_request *raw;
    const struct jdoc *doc; /* NULL: there is no body */
    struct arena *arena;
    const struct edit *edits;
    size_t count;
    struct change *changes; /* room for EDITS_MAX */
    size_t change_count;
    struct jsplice splices[EDITS_MAX];
    size_t splice_count;
    struct stop_query query; /* as it will be, where it is judged */
};

/* The edit of the auto-stop, or NULL. */
const struct edit *plan_stop_edit(const struct plan *plan);
/* What the edits of each family change; the request is one that was read well. */
MUST_CHECK enum status plan_demanager(struct plan *plan);
MUST_CHECK enum status plan_notebooks(struct plan *plan, bool has_query);

/* JSON texts, in the arena; ptr NULL when memory is out. */
MUST_CHECK struct view plan_keep(struct plan *plan, const struct buf *text);
MUST_CHECK struct view plan_text(struct plan *plan, struct view text);
MUST_CHECK struct view plan_number(struct plan *plan, int64_t number);
/* Pointers of a member: "PARENT/name", the name as RFC 6901 escapes it. */
MUST_CHECK struct view plan_below(struct plan *plan, struct view parent, struct view name);
MUST_CHECK struct view plan_pointer(struct plan *plan, jref object, struct view name);
/* The bytes of a value, absent for JREF_NONE. */
struct view plan_raw(const struct plan *plan, jref v);

/* One more line of the list. STATUS_NOMEM when path or new_json is absent, STATUS_LIMIT. */
MUST_CHECK enum status plan_change(struct plan *plan, const struct edit *edit, struct view path,
                                   struct view old_json, struct view new_json);
/* The splice for changes that plan_change has taken: never more of them than of those. */
void plan_splice(struct plan *plan, jref object, struct view name, struct view text);
/* Both: one member of an object, whether it is there or not. */
MUST_CHECK enum status plan_put(struct plan *plan, const struct edit *edit, jref object,
                                struct view name, struct view text);
/* The same, unless the integer stands there. */
MUST_CHECK enum status plan_put_number(struct plan *plan, const struct edit *edit, jref object,
                                       struct view name, int64_t number);

/* The member isn't there, or is null. */
bool plan_lacks(const struct plan *plan, jref object, struct view name);
bool plan_is_object(const struct plan *plan, jref v);
