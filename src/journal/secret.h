/* SPDX-License-Identifier: Apache-2.0
 * Names of secrets, and texts in which one gets its value: scripts, command lines, settings, URLs,
 * prose. Inside of the room; pure. docs/replay.md is the manual. */
#pragma once

#include "base/view.h"

/* scratch: room for one byte more than the text has. */

/* Whether it is the name of a secret: "password", "Access-Key", "api_token". */
bool secret_is_name(struct view name, char *scratch);
/* Whether such a name stands before a `=` or `:`, or is an option of a command, and something
 * follows: "DB_PASSWORD=x", "api key: x", "--token x". */
bool secret_is_assigned(struct view text, char *scratch);
/* Whether the text is such an option and nothing else: its value stands elsewhere. */
bool secret_is_option(struct view text, char *scratch);
