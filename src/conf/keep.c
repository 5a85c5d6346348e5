/* SPDX-License-Identifier: Apache-2.0
 * Settings: whether the journal keeps judged requests, and what it leaves out of them. */
#include "conf/internal.h"

static void read_path(struct conf_loading *l, const struct ytext *text, struct keep_path *ret)
{
    char quoted[DIAG_QUOTED_BYTES];
    const char *why;
    enum status status = keep_path_parse(text->value, l->arena, ret, &why);

    if (status == STATUS_NOMEM)
        conf_no_memory(l);
    else if (status != STATUS_OK)
        diag_fault(l->diag, text->at, "redact: expected %s, found %s", why,
                   diag_quoted(text->value, quoted));
}

void conf_read_keep(struct conf_loading *l)
{
    const struct ytexts *redact = &l->rows->journal.redact;
    const struct ynumber *requests = &l->rows->journal.requests;
    struct keep_path *paths = arena_array(l->arena, KEEP_PATHS_MAX, sizeof *paths);

    l->conf.journal.keep_requests = requests->value == REQUESTS_FULL;
    if (paths == NULL) {
        conf_no_memory(l);
        return;
    }
    if (redact->count > KEEP_PATHS_MAX) {
        diag_fault(l->diag, redact->at, "redact: expected at most %d pointers, found %zu",
                   KEEP_PATHS_MAX, redact->count);
        return;
    }
    for (size_t i = 0; i < redact->count; i++)
        read_path(l, &redact->items[i], &paths[i]);
    /* A word that isn't one was told already. */
    if (redact->count > 0 && !l->conf.journal.keep_requests &&
        (requests->set || requests->at.line == 0))
        diag_warn(l->diag, redact->at,
                  "redact: no requests are kept that it could leave something out of; "
                  "requests: full keeps them");
    l->conf.journal.redact = (struct keep_rules){paths, redact->count};
}
