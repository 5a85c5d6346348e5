/* SPDX-License-Identifier: Apache-2.0
 * The copy of a policy set beside the journal, held against its name. */
#pragma once

#include "proof/sets.h"

/* For struct verify_settings. sets: the folder of the copies. Files that don't load
 * (any more) are what they are all the same. */
enum sets_copy kept_set_look(const char *sets, const char *digest, struct err *err);
