/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/story.h"

#include <stdlib.h>

#include "audit/told.h"

struct finding {
    struct arena *arena;
    struct view *ids; /* room for AUDIT_STORY_INSTANCES */
    struct audit_story *story;
    bool failed; /* memory */
};

static void add_id(struct finding *f, struct view id)
{
    struct audit_subject *subject = &f->story->subject;

    if (id.len == 0 || audit_subject_find(subject, id) < subject->count)
        return;
    if (subject->count == AUDIT_STORY_INSTANCES) {
        f->story->more = true;
        return;
    }
    f->ids[subject->count] = arena_copy(f->arena, id);
    f->failed = f->failed || f->ids[subject->count].ptr == NULL;
    subject->count += !f->failed;
}

static bool each(void *user, const struct audit_exchange *exchange)
{
    struct finding *f = user;
    struct audit_told told;

    f->failed = f->failed || audit_tell(exchange, f->arena, &told) != STATUS_OK;
    if (!f->failed)
        add_id(f, told.instance);
    return !f->failed;
}

/* Of the lines that are left. */
static enum status find_named(struct finding *f, struct audit_index *index, struct view who,
                              struct err *err)
{
    const struct audit_page page = {.limit = AUDIT_STORY_INSTANCES, .newest_each = true};
    struct audit_filter filter = audit_filter_all();
    uint64_t next = 0;
    enum status status;

    filter.instance = who;
    status = audit_query(index, &filter, &page, &(struct audit_taker){each, f}, &next, err);
    f->story->more = next != 0;
    return status;
}

static bool is_named(const struct open_instance *entry, struct view who)
{
    return open_has_name(who, entry->name) || view_eq(who, entry->instance);
}

/* What the last checkpoint says, though no line that is left names it so. */
static void find_open(struct finding *f, const struct open_list *open, struct view who)
{
    for (size_t i = 0; i < open->count; i++) {
        if (is_named(&open->list[i], who))
            add_id(f, open->list[i].instance);
    }
}

static void keep_its_own(const struct audit_subject *subject, struct open_list *open)
{
    size_t kept = 0;

    for (size_t i = 0; i < open->count; i++) {
        const struct open_instance *entry = &open->list[i];

        if (entry->instance.len > 0 ? audit_subject_find(subject, entry->instance) < subject->count
                                    : open_has_name(subject->name, entry->name))
            open->list[kept++] = *entry;
    }
    open->count = kept;
}

enum status audit_story_find(struct audit_index *index, const char *directory, struct view who,
                             struct arena *arena, struct audit_story *ret, struct err *err)
{
    const struct audit_filter all = audit_filter_all();
    struct audit_story story = {.subject = {.name = who}};
    struct finding f = {.arena = arena, .story = &story};
    enum status status;

    f.ids = arena_array(arena, AUDIT_STORY_INSTANCES, sizeof *f.ids);
    if (f.ids == NULL)
        return err_set(err, STATUS_NOMEM, "memory is out");
    story.subject.ids = f.ids;
    status = find_named(&f, index, who, err);
    if (status == STATUS_OK && !f.failed)
        status = open_collect(directory, &all, arena, &story.now, err);
    if (status != STATUS_OK)
        return status;
    find_open(&f, &story.now, who);
    if (f.failed) {
        audit_story_done(&story);
        return err_set(err, STATUS_NOMEM, "memory is out");
    }
    keep_its_own(&story.subject, &story.now);
    *ret = story;
    return STATUS_OK;
}

void audit_story_done(struct audit_story *story)
{
    free(story->now.list);
    story->now = (struct open_list){.count = 0};
}
