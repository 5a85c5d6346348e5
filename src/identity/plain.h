/* SPDX-License-Identifier: Apache-2.0
 * Names that came from outside and will stand in journals, messages and policies. Private to the
 * room. */
#pragma once

#include "base/attr.h"
#include "base/view.h"

/* 1 to max bytes of UTF-8, no blank at either end, and no character that isn't seen, looks like a
 * blank without being one, or changes the direction of what follows. */
MUST_CHECK bool name_is_plain(struct view name, size_t max);
