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

void audit_story_know(struct audit_story *story, struct open_list *now)
{
    audit_story_done(story);
    story->now = *now;
    now->list = NULL;
    keep_its_own(&story->subject, &story->now);
    story->looked = true;
}

enum status audit_story_look(struct audit_story *story, struct err *err)
{
    const struct audit_filter all = audit_filter_all();
    struct open_list open;
    enum status status;

    if (story->looked)
        return STATUS_OK;
    status = open_collect(story->directory, &all, story->arena, &open, err);
    if (status == STATUS_OK)
        audit_story_know(story, &open);
    return status;
}

/* Whether lines were retired, or somebody moved the first segment away. */
static bool has_lost_lines(const char *directory)
{
    struct trail *trail;
    const uint64_t *segments;
    size_t count;
    bool lost;

    if (trail_open(directory, &trail, NULL) != STATUS_OK)
        return true;
    segments = trail_segments(trail, &count);
    lost = count == 0 || segments[0] != 1;
    trail_close(&trail);
    return lost;
}

/* Whether what exists may name instances that no line names any more. */
static bool needs_open(const struct audit_story *story, const struct audit_index *index)
{
    const struct audit_subject *subject = &story->subject;

    if (audit_index_damaged(index) > 0)
        return true;
    return has_lost_lines(story->directory) &&
           (subject->count != 1 || !view_eq(subject->ids[0], subject->name));
}

static enum status find_all(struct finding *f, struct audit_index *index, struct err *err)
{
    const struct audit_filter all = audit_filter_all();
    struct audit_story *story = f->story;
    struct open_list open;
    enum status status = find_named(f, index, story->subject.name, err);

    if (status != STATUS_OK || f->failed || !needs_open(story, index))
        return status;
    status = open_collect(story->directory, &all, f->arena, &open, err);
    if (status != STATUS_OK)
        return status;
    find_open(f, &open, story->subject.name);
    audit_story_know(story, &open);
    return STATUS_OK;
}

enum status audit_story_find(struct audit_index *index, const char *directory, struct view who,
                             struct arena *arena, struct audit_story *ret, struct err *err)
{
    struct audit_story story = {.directory = directory, .arena = arena, .subject = {.name = who}};
    struct finding f = {.arena = arena, .story = &story};
    enum status status;

    f.ids = arena_array(arena, AUDIT_STORY_INSTANCES, sizeof *f.ids);
    if (f.ids == NULL)
        return err_set(err, STATUS_NOMEM, "memory is out");
    story.subject.ids = f.ids;
    status = find_all(&f, index, err);
    if (status == STATUS_OK && f.failed)
        status = err_set(err, STATUS_NOMEM, "memory is out");
    if (status == STATUS_OK)
        *ret = story;
    else
        audit_story_done(&story);
    return status;
}

void audit_story_done(struct audit_story *story)
{
    free(story->now.list);
    story->now = (struct open_list){.count = 0};
}
