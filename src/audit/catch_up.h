/* SPDX-License-Identifier: Apache-2.0
 * Brings an index to where its journal is, or finds that it can't be that journal's. Inside of the
 * room. */
#pragma once

#include "audit/internal.h"

enum catch_up {
    CATCH_UP_DONE,   /* the index knows what the journal has */
    CATCH_UP_OTHER,  /* it is of another journal, or of one that went on otherwise: make it anew */
    CATCH_UP_FAILED, /* err says why */
};

/* A chunk is one transaction; what was committed stays whatever comes then. */
MUST_CHECK enum catch_up catch_up(struct audit_index *index, const char *directory,
                                  struct err *err);
/* Changes nothing: DONE only if there is nothing to catch up. */
MUST_CHECK enum catch_up catch_up_look(struct audit_index *index, const char *directory,
                                       struct err *err);

/* True: it is time to give up. */
bool patience_over(const struct audit_patience *patience);
