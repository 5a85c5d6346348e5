/* SPDX-License-Identifier: Apache-2.0
 * Where a sink stands, in a file of its own: what was delivered, and the batch that may be under
 * way. Written before a batch goes and when nothing more is to be sent, so that whatever happens in
 * between the same batch goes again (docs/sinks.md, "Once more after a crash"). */
#pragma once

#include "base/digest.h"
#include "base/error.h"
#include "trail/trail.h"

enum { POSITION_ID_BYTES = 128 };

struct position {
    uint64_t seq; /* of the last line that is through; 0: none yet, or none since a rewind */
    struct trail_place next; /* where the one behind it begins; segment 0: the first line of all */
    char hash[DIGEST_HEX_BYTES + 1]; /* SHA-256 of line seq; "" where there is none */
    uint64_t first, last;            /* of the batch under way; 0: none */
    char id[POSITION_ID_BYTES];      /* of that batch */
};

/* NAME.position in the folder. *ret_found: false, there is none. STATUS_SYNTAX: it isn't one;
 * STATUS_IO. */
MUST_CHECK enum status position_read(int dir_fd, const char *name, struct position *ret,
                                     bool *ret_found, struct err *err);
/* Replaces it, on disk when it returns. On failure the old one is there. STATUS_IO, STATUS_NOMEM.
 */
MUST_CHECK enum status position_write(int dir_fd, const char *name, const struct position *position,
                                      struct err *err);
