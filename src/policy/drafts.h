/* SPDX-License-Identifier: Apache-2.0
 * The documents of a policy set's files, before anything is made of them. Places name the files as
 * they were given. */
#pragma once

#include "policy/load.h"

struct drafts {
    struct doc_policy *policies;
    struct doc_exception *exceptions;
    size_t policy_count, exception_count;
};

/* One file's top. False: it can't be read at all. Faults go to the diag, memory to no_memory. */
MUST_CHECK bool drafts_read(struct loader *ld, const struct policy_file *file,
                            struct doc_file *ret);
/* Its policies and exceptions behind those that are there. */
void drafts_add(struct loader *ld, const struct doc_file *file, struct drafts *drafts);
