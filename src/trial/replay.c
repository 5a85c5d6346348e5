/* SPDX-License-Identifier: Apache-2.0
 * One pass over the journal, a line at a time. */
#include "trial/replay.h"

#include <stdlib.h>

#include "base/clock.h"
#include "journal/keep.h"
#include "trail/trail.h"
#include "trial/replay_answer.h"
#include "trial/replay_sets.h"

enum {
    ARENA_BLOCK_BYTES = 256 << 10,
    ARENA_MAX_BYTES = 512 << 20, /* a line has 1 MB at most, its values take more */
    EVENT_BYTES = 256,           /* of a line's beginning, in which its event stands */
};

static const char *const kind_names[REPLAY_KINDS] = {
    [REPLAY_NEWLY_REFUSED] = "newly_refused",
    [REPLAY_NEWLY_ALLOWED] = "newly_allowed",
    [REPLAY_EDITED_DIFFERENTLY] = "edited_differently",
    [REPLAY_REFUSED_OTHERWISE] = "refused_otherwise",
    [REPLAY_WARNED_DIFFERENTLY] = "warned_differently",
};
static const char *const obstacle_texts[REPLAY_OBSTACLES] = {
    [REPLAY_NO_SET] = "the copy of the policy set that judged them is missing or damaged",
    [REPLAY_UNREADABLE] = "their lines do not hold all that has to be known of them",
};

const char *replay_kind_name(enum replay_kind kind)
{
    return kind_names[kind];
}

const char *replay_obstacle_text(enum replay_obstacle obstacle)
{
    return obstacle_texts[obstacle];
}

struct run {
    const struct replay_plan *plan;
    struct replay_totals *totals;
    struct replay_sets sets;
    struct arena arena;
    bool ended; /* by the callback */
};

/* ---- one line ---- */

/* No rule judges what is called like a secret, but an annotation. */
static bool may_be_judged_there(struct row *row, struct view pointer)
{
    size_t at = pointer.len;
    bool secret = false;

    while (at > 0 && pointer.ptr[at - 1] != '/')
        at--;
    if (keep_name_is_secret(view_from(pointer, at), row->arena, &secret) != STATUS_OK)
        row->failed = true;
    return !secret || memmem(pointer.ptr, pointer.len, "/annotations/", 13) != NULL;
}

static bool is_redacted(struct row *row)
{
    jref list = row_list(row, ROW_REDACTED);
    bool found =
        list != JREF_NONE && row->doc.values[list].count >= KEEP_TOLD_MAX; /* the rest is untold */

    for (jref child = list == JREF_NONE ? JREF_NONE : jdoc_child(&row->doc, list);
         child != JREF_NONE; child = jdoc_sibling(&row->doc, child)) {
        struct view pointer = row_text_of(row, child);

        found = found || (pointer.ptr != NULL && may_be_judged_there(row, pointer));
    }
    return found;
}

static bool tell(struct run *r, struct row *row, const struct replay_answer *before,
                 const struct replay_answer *after, struct replay_change *change)
{
    if (!replay_differs(before, after, &change->kind, &change->cause))
        return true;
    change->before = before;
    change->after = after;
    change->id = row_text(row, ROW_ID);
    change->time = row_text(row, ROW_TIME);
    change->operation = row_text(row, ROW_OPERATION);
    change->project = row_text(row, ROW_PROJECT);
    change->user = (struct replay_user){row_text(row, ROW_USER_ID), row_text(row, ROW_USER_NAME),
                                        row_text(row, ROW_USER_DOMAIN)};
    change->policy_set = row_text(row, ROW_POLICY_SET);
    r->totals->changed++;
    r->totals->kinds[change->kind]++;
    return !row->failed && r->plan->on_change(r->plan->user, change);
}

static enum status compare(struct run *r, struct row *row, const struct replay_answer *before,
                           const struct replay_answer *after)
{
    struct replay_change change = {.redacted = is_redacted(row)};
    struct replay_judgement line;

    if (!replay_answer_of(row, &line))
        return row->failed ? STATUS_NOMEM : STATUS_INVALID;
    if (!replay_is_judged(&line))
        r->totals->aside++;
    else
        change.not_reproducible = !replay_agrees(&line, &before->is);
    r->totals->judged++;
    r->totals->redacted += change.redacted;
    r->totals->not_reproducible += change.not_reproducible;
    r->ended = !tell(r, row, before, after, &change);
    if (row->failed)
        return STATUS_NOMEM;
    return r->ended ? STATUS_IO : STATUS_OK;
}

/* STATUS_INVALID: it can't be made again. */
static enum status judge_twice(struct run *r, struct row *row, const struct policy_set *set)
{
    const struct judging_settings *settings = r->plan->judging;
    struct replay_answer before, after;
    struct replay_request request;
    enum status status = replay_request_of(row, &request);

    if (status == STATUS_OK)
        status = replay_judge(&request, settings, set, &r->arena, &before);
    if (status == STATUS_OK)
        status = replay_judge(&request, settings, r->plan->candidate, &r->arena, &after);
    return status == STATUS_OK ? compare(r, row, &before, &after) : status;
}

static enum status replay_row(struct run *r, struct row *row)
{
    const struct policy_set *set;
    enum status status;

    if (row_text(row, ROW_POLICY_SET).ptr == NULL) {
        r->totals->unjudged += replay_is_kept(row);
        return STATUS_OK;
    }
    r->totals->lines++;
    if (!replay_is_kept(row))
        return STATUS_OK;
    r->totals->kept++;
    set = replay_set(&r->sets, row_text(row, ROW_POLICY_SET));
    if (set == NULL) {
        r->totals->obstacles[REPLAY_NO_SET]++;
        return STATUS_OK;
    }
    status = judge_twice(r, row, set);
    if (status == STATUS_INVALID) {
        r->totals->obstacles[REPLAY_UNREADABLE]++;
        return STATUS_OK;
    }
    return status;
}

/* Half of the lines are outcomes, and checkpoints are long: they aren't read at all. A text can't
 * look like this, its quotes are escaped. */
static bool has_a_request(struct view line)
{
    size_t head = line.len < EVENT_BYTES ? line.len : EVENT_BYTES;

    return memmem(line.ptr, head, "\"event\":\"intent\"", 16) != NULL ||
           memmem(line.ptr, head, "\"event\":\"refusal\"", 17) != NULL;
}

static bool looks_whole(struct view line)
{
    return line.len > 1 && line.ptr[0] == '{' && line.ptr[line.len - 1] == '}';
}

static enum status replay_line(struct run *r, const struct trail_line *line)
{
    const char *why;
    struct row row;
    enum status status;

    if (looks_whole(line->text) && !has_a_request(line->text))
        return STATUS_OK;
    arena_reset(&r->arena);
    status = line->whole ? row_read(line->text, &r->arena, &row, &why) : STATUS_SYNTAX;
    if (status == STATUS_SYNTAX) {
        r->totals->bad_lines++;
        return STATUS_OK;
    }
    if (status != STATUS_OK)
        return status;
    if (!period_has(&r->plan->period, row.time_us))
        return STATUS_OK;
    return replay_row(r, &row);
}

/* ---- the journal ---- */

static enum status replay_trail(struct run *r, struct trail *trail, struct err *err)
{
    struct trail_line line;
    enum trail_step step;
    enum status status = trail_seek_since(trail, r->plan->period.from_us, err);

    if (status != STATUS_OK)
        return status;
    while ((step = trail_next(trail, &line, err)) == TRAIL_LINE) {
        status = replay_line(r, &line);
        if (status == STATUS_NOMEM)
            return err_set(err, status, "segment %020llu, line %llu: no memory for this request",
                           (unsigned long long)line.at.segment, (unsigned long long)line.at.line);
        if (status != STATUS_OK)
            return status;
    }
    return step == TRAIL_FAILED ? STATUS_IO : STATUS_OK;
}

enum status replay_run(const struct replay_plan *plan, struct replay_totals *ret, struct err *err)
{
    struct run r = {.plan = plan, .totals = ret, .sets = {.plan = plan, .totals = ret}};
    struct trail *trail;
    enum status status = trail_open(plan->directory, &trail, err);

    *ret = (struct replay_totals){.lines = 0};
    if (status != STATUS_OK)
        return status;
    arena_init(&r.arena, ARENA_BLOCK_BYTES, ARENA_MAX_BYTES);
    status = replay_trail(&r, trail, err);
    arena_done(&r.arena);
    replay_sets_done(&r.sets);
    trail_close(&trail);
    return status;
}
