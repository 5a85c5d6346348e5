/* SPDX-License-Identifier: Apache-2.0
 * What stands beside an index: the files that SQLite names after it, and its lock. Inside of the
 * room. */
#pragma once

#include "base/error.h"

/* The ends of the names of SQLite's files. */
enum { BESIDE_ENDS = 3 };
extern const char *const beside_ends[BESIDE_ENDS];

/* Whether each of SQLite's is a file or not there: opening a pipe would wait for its other end. */
MUST_CHECK bool beside_is_plain(const char *path);
/* What isn't of an index is somebody else's, who chose that name by chance. STATUS_INVALID, err
 * names it; it is left alone. */
MUST_CHECK enum status beside_refuse_others(const char *path, struct err *err);
/* A descriptor, or -1 and errno. *ret_made: it wasn't there before. */
MUST_CHECK int beside_open_lock(const char *path, bool *ret_made);
