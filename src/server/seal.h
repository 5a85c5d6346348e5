/* SPDX-License-Identifier: Apache-2.0
 * The key that seals the journal: for the start, for a reload, and for `postern check`. */
#pragma once

#include "base/ed25519.h"
#include "conf/conf.h"

/* Only with journal.seal. Failures as of ed25519_load_private; err begins with the setting. */
MUST_CHECK enum status load_seal_key(const struct conf *conf, struct ed25519_private *ret,
                                     struct err *err);
/* False if there is a key and it can't be used; the fault goes to diag, at its setting. */
MUST_CHECK bool check_seal_key(const struct conf *conf, struct diag *diag);
/* A warning if the witness is a file whose folder isn't there: it may be mounted later. */
void check_witness(const struct conf *conf, struct diag *diag);
