/* SPDX-License-Identifier: Apache-2.0
 * ${user.name}, ${user.id}, ${project.id} and ${project.name} in OBS prefixes. They are filled only
 * by values that cannot change what a path means: [A-Za-z0-9_-], and '.' inside. */
#pragma once

#include "base/arena.h"
#include "modelarts/request.h"
#include "policy/subject.h"

struct placeholder_fault {
    struct view text;    /* "${user.nme}", or the rest of the prefix where '}' is missing */
    struct view name;    /* "user.nme" */
    const char *nearest; /* NULL when none is near */
};

extern const char *const placeholder_names[]; /* ends with NULL */

/* The prefix with a sample in place of every placeholder and star. STATUS_INVALID fills fault. */
MUST_CHECK enum status placeholder_sample(struct view prefix, struct arena *arena,
                                          struct placeholder_fault *fault, struct view *ret);
/* Whether it needs more than the project's id, which stands in the path. */
bool placeholder_needs_identity(struct view prefix);
/* Filled for this caller. STATUS_INVALID: ret_name is the placeholder that can't be filled. */
MUST_CHECK enum status placeholder_fill(struct view prefix, const struct instance_request *request,
                                        const struct subject *subject, struct arena *arena,
                                        struct view *ret, const char **ret_name);
