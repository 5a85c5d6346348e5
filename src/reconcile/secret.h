/* SPDX-License-Identifier: Apache-2.0
 * Copies of texts that are wiped when they go. Private to the room. */
#pragma once

#include "base/attr.h"
#include "base/view.h"

/* With a NUL behind it. False: memory is out. An absent text stays absent. */
MUST_CHECK bool secret_copy(struct view from, struct view *ret);
void secret_wipe(struct view *text);
