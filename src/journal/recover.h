/* SPDX-License-Identifier: Apache-2.0
 * What the folder says at start: where the chain stands, what is open, whether something is
 * damaged. */
#pragma once

#include "journal/chain.h"
#include "journal/open.h"

enum { RECOVERY_TEXT_BYTES = 400 };

struct recovery {
    struct chain chain;
    struct open_table *table;
    uint64_t segment; /* the one to go on with, by its first seq; 0: none, begin a new one */
    uint64_t size;    /* of its complete lines */
    uint64_t head;    /* of its first one, the checkpoint */
    bool sealed;      /* its last one is a seal */
    char seal_key[DIGEST_HEX_BYTES + 1]; /* of the last seal in it; "": none */
    char damage[RECOVERY_TEXT_BYTES];    /* the first place and why; "": none */
};

/* Reads the last segment. mend: takes an unterminated last line and an empty last segment away,
 * which is no damage either way. Damage is no failure. STATUS_IO, STATUS_NOMEM. */
MUST_CHECK enum status recovery_read(int dir_fd, bool mend, struct recovery *ret, struct err *err);
void recovery_done(struct recovery *recovery);
