/* SPDX-License-Identifier: Apache-2.0
 * The words of edits. */
#include "modelarts/edit.h"

const char *edit_op_name(enum edit_op op)
{
    static const char *const names[] = {
        [EDIT_SET] = "set",
        [EDIT_DEFAULT] = "default",
        [EDIT_CAP] = "cap",
    };

    return names[op];
}
