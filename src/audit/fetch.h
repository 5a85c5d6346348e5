/* SPDX-License-Identifier: Apache-2.0
 * Lines of a journal by their places. Inside of the room. */
#pragma once

#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"

struct fetch;

MUST_CHECK enum status fetch_open(const char *directory, struct fetch **ret, struct err *err);
void fetch_close(struct fetch **fetch);
/* Has that place read from the disk meanwhile, if it must be: many at a time are read sooner than
 * one after the other. */
void fetch_ahead(struct fetch *fetch, uint64_t segment, uint64_t offset);
/* The line that begins there, without its LF, in the arena. ptr NULL: its segment is not there any
 * more. STATUS_SYNTAX: it is there, but no whole line begins there; STATUS_IO; STATUS_NOMEM. */
MUST_CHECK enum status fetch_line(struct fetch *fetch, uint64_t segment, uint64_t offset,
                                  struct arena *arena, struct view *ret, struct err *err);
