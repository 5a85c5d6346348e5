/* SPDX-License-Identifier: Apache-2.0
 * How this room's files say no. Private to the room. */
#pragma once

#include "identity/identity.h"

/* Fills why and gives false; a message that there was no memory for becomes the row's help. */
static inline bool identity_refuse(struct reason *why, enum identity_reason id, struct view message)
{
    if (message.ptr == NULL)
        message = view_str(identity_reasons[id].help);
    *why = (struct reason){.row = &identity_reasons[id], .message = message};
    return false;
}
