/* SPDX-License-Identifier: Apache-2.0
 * Lines of exchanges interleave, and the fold goes by their order: they wait until all are there.
 */
#include "audit/fold.h"

#include <stdlib.h>

#include "journal/line.h"

struct folded {
    uint64_t seq;
    struct open_step step;
    struct open_entry *entry; /* NULL: it brings none */
};

struct audit_fold {
    struct folded *list;
    size_t count, room;
    bool lacks;
};

struct audit_fold *audit_fold_new(void)
{
    return calloc(1, sizeof(struct audit_fold));
}

void audit_fold_free(struct audit_fold **fold)
{
    if (*fold == NULL)
        return;
    for (size_t i = 0; i < (*fold)->count; i++)
        open_entry_free(&(*fold)->list[i].entry);
    free((*fold)->list);
    free(*fold);
    *fold = NULL;
}

static struct folded *next_of(struct audit_fold *fold)
{
    if (fold->count == fold->room) {
        size_t room = fold->room == 0 ? 64 : 2 * fold->room;
        struct folded *bigger = realloc(fold->list, room * sizeof *bigger);

        if (bigger == NULL)
            return NULL;
        fold->list = bigger;
        fold->room = room;
    }
    return &fold->list[fold->count];
}

static enum status add_line(struct audit_fold *fold, const struct audit_line *from)
{
    struct folded *next = next_of(fold);
    struct line line;
    const char *why;
    enum status status = next == NULL ? STATUS_NOMEM : line_parse(from->text, &line, &why);

    if (status != STATUS_OK)
        return status;
    *next = (struct folded){.seq = from->seq, .step = line.step};
    if (line.known_event)
        status = line_entry(&line, &next->entry);
    if (line.known_event && status == STATUS_OK)
        fold->count++;
    line_done(&line);
    return status;
}

enum status audit_fold_add(struct audit_fold *fold, const struct audit_exchange *exchange)
{
    enum status status = STATUS_OK;

    if (exchange->request.text.ptr != NULL)
        status = add_line(fold, &exchange->request);
    else
        fold->lacks = true;
    if (status == STATUS_OK && exchange->outcome.text.ptr != NULL)
        status = add_line(fold, &exchange->outcome);
    for (size_t i = 0; i < exchange->settled_count && status == STATUS_OK; i++)
        status = add_line(fold, &exchange->settled[i]);
    fold->lacks = fold->lacks || exchange->settled_count >= AUDIT_SETTLED_MAX;
    return status;
}

bool audit_fold_is_whole(const struct audit_fold *fold)
{
    return !fold->lacks;
}

static int by_seq(const void *left, const void *right)
{
    const struct folded *a = left, *b = right;

    return (a->seq > b->seq) - (a->seq < b->seq);
}

enum status audit_fold_end(struct audit_fold *fold, struct arena *arena, struct open_list *ret,
                           struct err *err)
{
    const struct audit_filter all = audit_filter_all();
    struct open_table *table = open_table_new();
    enum status status;

    if (table == NULL)
        return err_set(err, STATUS_NOMEM, "memory is out");
    if (fold->count > 0)
        qsort(fold->list, fold->count, sizeof *fold->list, by_seq);
    for (size_t i = 0; i < fold->count; i++)
        open_apply(table, &fold->list[i].step, &fold->list[i].entry);
    status = open_list_of(table, &all, arena, ret, err);
    open_table_free(&table);
    return status;
}
