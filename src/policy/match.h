/* SPDX-License-Identifier: Apache-2.0
 * Whether a policy or an exception is for this request and caller. */
#pragma once

#include "policy/set.h"

enum match_result {
    MATCHED,
    MATCHED_NOT,
    MATCHED_UNKNOWN /* every other key holds, but the credential can't tell about this one */
};

/* What decided: the key that didn't hold or can't be told; place and name. */
struct match_why {
    const char *key;
    struct loc at;
};

const char *match_key_name(enum match_key key);
/* STATUS_NOMEM is the only failure. */
MUST_CHECK enum status match_judge(const struct match *match,
                                   const struct instance_request *request,
                                   const struct subject *subject, struct arena *arena,
                                   enum match_result *ret, struct match_why *ret_why);
