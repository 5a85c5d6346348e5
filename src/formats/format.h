/* SPDX-License-Identifier: Apache-2.0
 * A line of the journal as others read it; which member comes from where is in docs/formats.md.
 * The same line and source always give the same bytes. Pure. */
#pragma once

#include "base/arena.h"
#include "base/buffer.h"

enum format { FORMAT_POSTERN, FORMAT_CADF, FORMAT_CLOUDEVENTS };

/* "postern", "cadf", "cloudevents". */
MUST_CHECK bool format_find(struct view name, enum format *ret);
/* One journal line (without its LF) in that format, appended to out as one line of JSON without LF.
 * source names the gateway (host name). The list `open` of a checkpoint is left out. Failed, out
 * has the length that it had before; a buffer's own failure sticks as ever.
 * STATUS_SYNTAX: the line can't be read, or (cadf) its time can't; STATUS_NOMEM; STATUS_LIMIT. */
MUST_CHECK enum status format_line(enum format format, struct view source, struct view line,
                                   struct arena *arena, struct buf *out);
