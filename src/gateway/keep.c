/* SPDX-License-Identifier: Apache-2.0
 * What `postern replay` needs to judge a request once more, beside what its line says anyway. */
#include "gateway/keep.h"

enum { BLOCK_BYTES = 8 << 10, KEEPING_MAX_BYTES = 64 << 20 };

/* The query of a request that was refused before it was read could hold anything. */
static bool keeps_query(const struct judging *judging)
{
    return judging->has_request && modelarts_reads_query(judging->op) && judging->query.len > 0;
}

static bool keep(struct keeping *keeping, const struct keep_rules *rules, const struct jdoc *doc,
                 const char *root, struct view *ret, struct kept_list *told)
{
    return keep_document(doc, rules, root, &keeping->arena, ret, told) == STATUS_OK;
}

void keep_request(const struct exchange *x, struct keeping *keeping, struct journal_facts *facts)
{
    const struct judging *judging = &x->judging;
    const struct conf *conf = x->gw->shared->conf;
    const struct keep_rules *rules = &conf->journal.redact;
    struct journal_kept *kept = &keeping->kept;
    bool has_body = judging->has_body && judging->doc.count > 0;
    struct kept_list *told;

    /* Of whoever isn't identified nothing is judged, and strangers don't fill the disk. */
    *keeping = (struct keeping){.kept.query = VIEW_NONE};
    arena_init(&keeping->arena, BLOCK_BYTES, KEEPING_MAX_BYTES);
    if (!conf->journal.keep_requests || !x->identified || !operation_is_judged(x->route.op) ||
        (!has_body && !judging->has_stored))
        return;
    told = ARENA_NEW(&keeping->arena, struct kept_list);
    if (told == NULL ||
        (has_body && !keep(keeping, rules, &judging->doc, "/request", &kept->request, told)) ||
        (judging->has_stored &&
         !keep(keeping, rules, &judging->stored, "/stored", &kept->stored, told)))
        return;
    if (keeps_query(judging))
        kept->query = judging->query;
    kept->redacted = told->items;
    kept->redacted_count = told->count;
    facts->kept = kept;
}

void keeping_done(struct keeping *keeping)
{
    arena_done(&keeping->arena);
}
