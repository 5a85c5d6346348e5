/* SPDX-License-Identifier: Apache-2.0
 * Who is calling, as far as the credential tells. What it cannot tell is unknown, which is not the
 * same as empty: a rule that needs it refuses. */
#pragma once

#include <stddef.h>

#include "base/view.h"

enum subject_part {
    SUBJECT_USER = 1,    /* id and name */
    SUBJECT_DOMAIN = 2,  /* id and name */
    SUBJECT_PROJECT = 4, /* id and name as the credential has them */
    SUBJECT_ROLES = 8,
    SUBJECT_GROUPS = 16,
};

struct subject {
    unsigned known; /* bits of enum subject_part */
    struct view user_id, user_name;
    struct view domain_id, domain_name;
    struct view project_id, project_name;
    const struct view *roles;
    size_t role_count;
    const struct view *groups;
    size_t group_count;
};
