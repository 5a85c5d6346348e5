/* SPDX-License-Identifier: Apache-2.0
 * The witness: seal lines that were written down elsewhere too. */
#pragma once

#include <stdint.h>

#include "base/digest.h"
#include "base/error.h"

struct witness_line {
    uint64_t seq;
    unsigned char hash[DIGEST_BYTES]; /* of the seal line */
    uint64_t line;                    /* its number in the witness, from 1 */
    int64_t time_us;
};

struct witness {
    struct witness_line *lines; /* by seq */
    size_t count, room;
    bool torn;      /* its last line is half a one */
    uint64_t other; /* lines that are no seals of a journal */
};

/* Reads a file of seal lines. What stands in front of a line's first '{' is passed over: a syslog
 * daemon puts its own head there. STATUS_IO, STATUS_NOMEM. */
MUST_CHECK enum status witness_read(const char *path, struct witness *ret, struct err *err);
void witness_done(struct witness *witness);
