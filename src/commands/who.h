/* SPDX-License-Identifier: Apache-2.0
 * Who asked, for a person: never by a name alone where more is known. */
#pragma once

#include "base/buffer.h"

/* Adds "alice (ID) of DOMAIN", or what is known of that, printable; `nobody` if neither id nor name
 * is. Texts that are absent may be empty. A failure is the buffer's. */
void who_add(struct buf *out, struct view id, struct view name, struct view domain,
             const char *nobody);
