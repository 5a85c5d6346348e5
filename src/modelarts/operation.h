/* SPDX-License-Identifier: Apache-2.0
 * The operations of the two families of development environments, and which one a request is.
 * Names and classes are words of the policy language and of the journal. */
#pragma once

#include "base/arena.h"
#include "base/reason.h"

enum family { FAMILY_NONE, FAMILY_DEMANAGER, FAMILY_NOTEBOOKS };
enum op_class {
    CLASS_CREATE,
    CLASS_CHANGE,
    CLASS_START,
    CLASS_MOUNT,
    CLASS_RELEASE,
    CLASS_READ,
    CLASS_OTHER
};

enum operation_id {
#define OPERATION(id, name, class, family, method, path) OP_##id,
#include "modelarts/operations.def"
#undef OPERATION
    OP_COUNT,
};

struct operation {
    enum operation_id id;
    const char *name; /* "demanager.create"; "other" for everything outside the families */
    enum op_class class;
    enum family family;
    const char *method;
    const char
        *path; /* pattern: {project}, {instance}, {item} stand for one segment; NULL: not by path */
};

extern const struct operation operations[OP_COUNT];
const char *op_class_name(enum op_class class);
const char *family_name(enum family family); /* "" for FAMILY_NONE */
/* create, change, start and mount are judged. */
bool operation_is_judged(const struct operation *op);
/* The operation of that name, or NULL. */
const struct operation *operation_find(struct view name);

enum modelarts_reason {
#define REASON(id, code, status, help) MODELARTS_##id,
#include "modelarts/reasons.def"
#undef REASON
    MODELARTS_REASON_COUNT,
};
extern const struct reason_row modelarts_reasons[MODELARTS_REASON_COUNT];

struct route {
    const struct operation *op; /* the very row: a start by GET is one of its own */
    struct view
        project; /* of the path; ptr NULL where it has none (also for other paths of that shape) */
    struct view instance; /* {instance}, or ptr NULL */
    bool verb_in_body; /* POST .../action: the body's verb picks the row (modelarts_read_action) */
};

/* Which operation is it? path: as received, without the query. True: *ret is filled, operation
 * OP_OTHER for whatever lies outside the two families. False: *ret_why says why it is refused:
 * a path that some reader could take for another one (400), or no row of the families
 * (route.unknown). */
MUST_CHECK bool modelarts_route(struct view method, struct view path, struct arena *arena,
                                struct route *ret, struct reason *ret_why);

/* Patterns of `routes.refuse`: "METHOD /path" with '*' for any run; matches every spelling that a
 * decoding, case-folding, ';'-stripping, suffix- or slash-trimming reader would match. */
bool modelarts_route_pattern_ok(struct view pattern);
bool modelarts_route_matches(struct view pattern, struct view method, struct view path);
/* Whether any of these patterns matches. Also when nobody may send the path at all and a pattern
 * is for its method. */
bool modelarts_routes_refuse(const struct view *patterns, size_t count, struct view method,
                             struct view path);
