/* SPDX-License-Identifier: Apache-2.0
 * Settings of what guards the journal: space that is left for it, seals, their witness. */
#include "conf/internal.h"

static void read_low_space(struct conf_loading *l)
{
    struct ynumber *warn = &l->rows->journal.low_space.warn;
    const struct ynumber *refuse = &l->rows->journal.low_space.refuse;

    if (warn->set)
        conf_check_order(l, "refuse", refuse, "warn", warn);
    else
        warn->value = 2 * refuse->value;
    l->conf.journal.low_space_bytes = refuse->value;
    l->conf.journal.warn_space_bytes = warn->value;
}

static bool lies_in(const char *path, const char *folder)
{
    struct view rest = view_str(path), base = view_str(folder);

    return view_starts(rest, base) && rest.len > base.len && rest.ptr[base.len] == '/';
}

static void read_witness(struct conf_loading *l)
{
    struct ytext *witness = &l->rows->journal.witness;
    const char *directory = l->conf.journal.directory;

    if (witness->value.ptr == NULL)
        return;
    if (l->rows->journal.seal.object.at.line == 0)
        diag_fault(l->diag, witness->at,
                   "witness: there is nothing to tell it; add seal with the key to sign with");
    if (view_eq(witness->value, VIEW(JOURNAL_SYSLOG))) {
        l->conf.journal.witness = JOURNAL_SYSLOG;
        return;
    }
    l->conf.journal.witness = conf_path(l, witness);
    if (l->conf.journal.witness != NULL && directory != NULL &&
        lies_in(l->conf.journal.witness, directory))
        diag_fault(l->diag, witness->at,
                   "witness: expected a file outside of the journal's folder %s, found %s",
                   directory, l->conf.journal.witness);
}

void conf_read_seal(struct conf_loading *l)
{
    struct ynumber *every = &l->rows->journal.seal.every;

    read_low_space(l);
    l->conf.journal.seal_key = conf_path(l, &l->rows->journal.seal.key);
    l->conf.journal.seal_key_at = l->rows->journal.seal.key.at;
    l->conf.journal.seal_every_ms = every->value;
    if (l->conf.journal.seal_key == NULL)
        every->value = YNUMBER_NONE; /* without a key, seal is left out of what is shown, too */
    read_witness(l);
}
