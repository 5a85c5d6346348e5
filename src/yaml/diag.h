/* SPDX-License-Identifier: Apache-2.0
 * What is wrong with a document: a list of faults and warnings with their places, so that one run
 * shows every mistake (promise 7: all or nothing loads, up to 20 faults in one run). */
#pragma once

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"

enum { DIAG_MAX = 20, DIAG_QUOTED_BYTES = 128 };

struct diag_item {
    struct loc loc;      /* file is never NULL; line 0 when no place is known */
    struct view message; /* one sentence, no full stop */
    bool warning;
};

struct diag {
    struct arena *arena; /* owns the messages; the file names in locs are borrowed */
    struct diag_item items[DIAG_MAX];
    size_t count;
    size_t faults;  /* all faults seen, also those over DIAG_MAX */
    size_t dropped; /* items over DIAG_MAX; a fault takes the place of a warning */
};

void diag_init(struct diag *diag, struct arena *arena);
void diag_fault(struct diag *diag, struct loc loc, const char *fmt, ...) PRINTF_LIKE(3, 4);
void diag_warn(struct diag *diag, struct loc loc, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* A line each, "file:line:column: message" ("warning: " before a warning's message), then, if any
 * were dropped, how many more there are. Order: as they were found. */
void diag_print(const struct diag *diag, struct buf *out);
/* v in double quotes for a message: what isn't shown as it stands (base/printable.h) becomes \xNN,
 * what doesn't fit is cut; NUL-terminated. */
const char *diag_quoted(struct view v, char out[DIAG_QUOTED_BYTES]);
