/* SPDX-License-Identifier: Apache-2.0
 * Base64url without padding (RFC 7515 2). Private to the room. */
#pragma once

#include "base/arena.h"
#include "base/error.h"

/* Only the one text that the bytes have: no padding, no white space, no bits left over.
 * STATUS_SYNTAX: it isn't such a text; STATUS_NOMEM. A NUL follows the bytes. */
MUST_CHECK enum status base64url_read(struct view text, struct arena *arena, struct view *ret);
