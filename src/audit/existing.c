/* SPDX-License-Identifier: Apache-2.0
 * The journal's own fold, read without writing. */
#include "audit/existing.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "audit/told.h"
#include "journal/salvage.h"
#include "modelarts/unicode.h"

/* Until when an instance runs: the latest start of it that is known. */
struct ends {
    struct open_instance *list;
    size_t count, room;
};

struct collecting {
    const struct audit_filter *filter;
    struct arena *arena;
    struct open_instance *list;
    size_t count, room;
    struct ends starts;
    bool failed;
};

static bool grow(struct open_instance **list, size_t count, size_t *room)
{
    size_t more = *room == 0 ? 256 : *room * 2;
    struct open_instance *bigger = count < *room ? *list : realloc(*list, more * sizeof **list);

    if (bigger == NULL)
        return false;
    *room = count < *room ? *room : more;
    *list = bigger;
    return true;
}

static struct view keep(struct collecting *c, struct view text)
{
    struct view copy = text.ptr == NULL ? VIEW_NONE : arena_copy(c->arena, text);

    c->failed = c->failed || (text.ptr != NULL && copy.ptr == NULL);
    return copy;
}

bool open_has_name(struct view wanted, struct view name)
{
    return audit_passes(wanted, name) || (wanted.len > OPEN_TEXT_BYTES && name.len > 0 &&
                                          view_eq(utf8_cut(wanted, OPEN_TEXT_BYTES), name));
}

/* Names only are patterns. */
static bool passes_instance(struct view wanted, const struct open_item *item)
{
    return open_has_name(wanted, item->name) || view_eq(wanted, item->instance);
}

static bool is_wanted(const struct audit_filter *f, const struct open_item *item)
{
    struct view operation = item->operation == NULL ? VIEW_NONE : view_str(item->operation->name);

    return (audit_passes(f->user, item->user_id) || audit_passes(f->user, item->user_name)) &&
           audit_passes(f->project, item->project) && audit_passes(f->flavor, item->flavor) &&
           passes_instance(f->instance, item) && audit_passes(f->operation, operation) &&
           period_has(&f->period, item->time_us);
}

static bool is_start(const struct open_item *item)
{
    return item->operation != NULL && item->auto_stop_s >= 0 &&
           (item->operation->class == CLASS_START || item->operation->id == OP_NOTEBOOKS_LEASE) &&
           (item->state == OPEN_SPENT || item->state == OPEN_UNKNOWN);
}

/* A create that is over doesn't exist; a change or start has an instance of its own. */
static bool is_instance(const struct open_item *item)
{
    return item->state != OPEN_SPENT &&
           (item->operation == NULL || item->operation->class == CLASS_CREATE ||
            item->state == OPEN_EXISTING);
}

static void add(struct collecting *c, struct open_instance **list, size_t *count, size_t *room,
                const struct open_item *item)
{
    struct open_instance *entry;

    if (!grow(list, *count, room)) {
        c->failed = true;
        return;
    }
    entry = &(*list)[(*count)++];
    *entry = (struct open_instance){
        .id = keep(c, item->id),
        .since_us = item->time_us,
        .until_us = item->auto_stop_s < 0 ? 0 : audit_end_us(item->time_us, item->auto_stop_s),
        .user_id = keep(c, item->user_id),
        .user_name = keep(c, item->user_name),
        .project = keep(c, item->project),
        .flavor = keep(c, item->flavor),
        .instance = keep(c, item->instance),
        .name = keep(c, item->name),
        .state = item->state,
        .orphan = item->orphan,
    };
}

static bool each(void *user, const struct open_item *item)
{
    struct collecting *c = user;

    if (is_start(item) && item->instance.len > 0)
        add(c, &c->starts.list, &c->starts.count, &c->starts.room, item);
    else if (is_instance(item) && is_wanted(c->filter, item))
        add(c, &c->list, &c->count, &c->room, item);
    return !c->failed;
}

static int by_instance(const void *left, const void *right)
{
    const struct open_instance *a = left, *b = right;
    int order = view_cmp(a->instance, b->instance);

    return order != 0 ? order : (a->since_us > b->since_us) - (a->since_us < b->since_us);
}

static int newest_first(const void *left, const void *right)
{
    const struct open_instance *a = left, *b = right;
    int order = (a->since_us < b->since_us) - (a->since_us > b->since_us);

    return order != 0 ? order : view_cmp(a->id, b->id);
}

/* The last start of the same instance, or NULL. */
static const struct open_instance *last_start(const struct ends *starts, struct view instance)
{
    size_t low = 0, high = starts->count;

    while (low < high) {
        size_t middle = (low + high) / 2;

        if (view_cmp(starts->list[middle].instance, instance) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low > 0 && view_eq(starts->list[low - 1].instance, instance) ? &starts->list[low - 1]
                                                                        : NULL;
}

static void set_ends(struct collecting *c)
{
    if (c->starts.count > 0)
        qsort(c->starts.list, c->starts.count, sizeof *c->starts.list, by_instance);
    for (size_t i = 0; i < c->count; i++) {
        const struct open_instance *start = last_start(&c->starts, c->list[i].instance);

        if (c->list[i].instance.len > 0 && start != NULL && start->since_us > c->list[i].since_us)
            c->list[i].until_us = start->until_us;
    }
    if (c->count > 0)
        qsort(c->list, c->count, sizeof *c->list, newest_first);
}

/* A start stops at damage; whoever asks is told what stands behind it as well. */
static enum status read_open(const char *directory, struct recovery *ret, struct err *err)
{
    struct salvage salvage;
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    enum status status;

    if (fd < 0)
        return err_set_errno(err, errno, "can't open the journal folder %s", directory);
    status = recovery_read(fd, false, ret, err);
    if (status == STATUS_OK && ret->damage[0] != '\0') {
        status = salvage_read(fd, &salvage, err);
        recovery_done(ret);
        if (status == STATUS_OK)
            ret->table = salvage.table;
    }
    (void)close(fd);
    return status;
}

enum status open_list_of(const struct open_table *table, const struct audit_filter *filter,
                         struct arena *arena, struct open_list *ret, struct err *err)
{
    struct collecting c = {.filter = filter, .arena = arena};

    open_each(table, each, &c);
    set_ends(&c);
    free(c.starts.list);
    if (c.failed) {
        free(c.list);
        return err_set(err, STATUS_NOMEM, "memory is out");
    }
    *ret = (struct open_list){.list = c.list, .count = c.count};
    return STATUS_OK;
}

enum status open_collect(const char *directory, const struct audit_filter *filter,
                         struct arena *arena, struct open_list *ret, struct err *err)
{
    struct recovery recovery = {.table = NULL};
    enum status status = read_open(directory, &recovery, err);

    if (status != STATUS_OK)
        return status;
    status = open_list_of(recovery.table, filter, arena, ret, err);
    if (status == STATUS_OK)
        (void)snprintf(ret->damage, sizeof ret->damage, "%s", recovery.damage);
    recovery_done(&recovery);
    return status;
}
