/* SPDX-License-Identifier: Apache-2.0
 * How each judged operation is read: the body that it has, what in its query counts, and what the
 * cloud has to be asked for. */
#pragma once

#include "modelarts/fields.h"

enum body_rule {
    BODY_NEEDED,
    BODY_OPTIONAL, /* empty is as good as {} */
    BODY_NONE,     /* a method without one */
    BODY_IS_READ,  /* the action, which has picked the operation */
};

struct call {
    const struct operation *op; /* under which it is judged; NULL: it isn't */
    enum place body;
    enum body_rule rule;
    bool creates;           /* what is missing gets the API's default */
    bool updates;           /* what is missing stays as it is stored */
    bool closed;            /* nothing unknown may stand in the body, whatever the settings say */
    bool reads_query;       /* duration and type of the query count, before those of the body */
    enum place stored;      /* the answer that completes it, or PLACE_NONE */
    enum operation_id asks; /* the operation that answers so */
};

const struct call *call_of(const struct operation *op);
