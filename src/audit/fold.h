/* SPDX-License-Identifier: Apache-2.0
 * What exists of a few exchanges: the journal's own fold (journal/open.h) over their lines alone.
 * It says what audit/existing.h says, which reads a whole segment for it, as long as all lines that
 * tell of them are there. */
#pragma once

#include "audit/existing.h"

struct audit_fold;

struct audit_fold *audit_fold_new(void); /* NULL when memory is out */
void audit_fold_free(struct audit_fold **fold);

/* In any order. STATUS_NOMEM; STATUS_SYNTAX: a line can't be read. */
MUST_CHECK enum status audit_fold_add(struct audit_fold *fold,
                                      const struct audit_exchange *exchange);
/* Whether no line of what was added is lacking: none was retired, and there weren't too many. */
bool audit_fold_is_whole(const struct audit_fold *fold);
/* As open_collect; nothing may be added behind it. */
MUST_CHECK enum status audit_fold_end(struct audit_fold *fold, struct arena *arena,
                                      struct open_list *ret, struct err *err);
