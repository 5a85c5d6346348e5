/* SPDX-License-Identifier: Apache-2.0
 * From a query to the index's answer. */
#include "server/answer.h"

#include <stdio.h>
#include <stdlib.h>

#include "audit/existing.h"
#include "audit/filter.h"
#include "audit/params.h"
#include "audit/story.h"
#include "audit/summary.h"
#include "base/clock.h"
#include "base/number.h"
#include "gateway/hook.h"
#include "json/write.h"
#include "server/refuse.h"

enum { OK = 200, BAD_REQUEST = 400, UNAVAILABLE = 503, INTERNAL = 500 };
enum { SCRATCH_BLOCK = 64 << 10, SCRATCH_MAX = 128 << 20, ENVELOPE_BYTES = 64 << 10 };
static const int64_t patience_us = 600LL * 1000 * 1000;

/* One question while it is answered. */
struct asking {
    const struct answer_question *question;
    const _Atomic bool *stop;
    struct arena arena;
    struct params params;
    struct audit_filter filter;
    struct audit_page page;
    struct audit_index *index;
    struct buf *out;
    struct err err;
};

struct action {
    const char *word;
    const struct param_key *keys;
    const char *needs; /* a key that has to stand; NULL: none */
    bool without_index;
    enum status (*run)(struct asking *a);
};

#define FILTER_KEYS                                                                           \
    {"from", false}, {"until", false}, {"since", false}, {"user", false}, {"project", false}, \
        {"flavor", false}, {"instance", false}, {"operation", false}, {"class", false},       \
        {"decision", false}, {"outcome", false}, {"reason", false},                           \
    {                                                                                         \
        "policy", false                                                                       \
    }

static const struct param_key query_keys[] = {
    FILTER_KEYS, {"limit", false}, {"before", false}, {"behind", false}, {NULL, false}};
static const struct param_key summary_keys[] = {
    FILTER_KEYS, {"by", false}, {"limit", false}, {NULL, false}};
static const struct param_key open_keys[] = {
    {"from", false},    {"until", false},  {"since", false},    {"user", false},
    {"project", false}, {"flavor", false}, {"instance", false}, {"operation", false},
    {"limit", false},   {NULL, false}};
static const struct param_key who_keys[] = {
    FILTER_KEYS, {"limit", false}, {"behind", false}, {NULL, false}};

/* ----- what is asked ----- */

/* Where a text of the filter comes from. */
static const struct {
    const char *key;
    size_t offset;
} texts[] = {
    {"user", offsetof(struct audit_filter, user)},
    {"project", offsetof(struct audit_filter, project)},
    {"flavor", offsetof(struct audit_filter, flavor)},
    {"instance", offsetof(struct audit_filter, instance)},
    {"operation", offsetof(struct audit_filter, operation)},
    {"class", offsetof(struct audit_filter, class)},
    {"decision", offsetof(struct audit_filter, decision)},
    {"outcome", offsetof(struct audit_filter, outcome)},
    {"reason", offsetof(struct audit_filter, reason)},
    {"policy", offsetof(struct audit_filter, policy)},
};

static enum status bad(struct asking *a, const char *key, const char *expected)
{
    return err_set(&a->err, STATUS_INVALID, "\"%s\": expected %s", key, expected);
}

static enum status read_texts(struct asking *a)
{
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct view text = params_find(&a->params, texts[i].key);
        const char *values = filter_values(texts[i].key);

        if (text.ptr == NULL)
            continue;
        if (!filter_takes(texts[i].key, text))
            return values == NULL ? bad(a, texts[i].key,
                                        "an operation such as demanager.create, or one with *")
                                  : err_set(&a->err, STATUS_INVALID, "\"%s\": expected one of: %s",
                                            texts[i].key, values);
        memcpy((char *)&a->filter + texts[i].offset, &text, sizeof text);
    }
    return STATUS_OK;
}

static enum status read_period(struct asking *a)
{
    struct view from = params_find(&a->params, "from"), until = params_find(&a->params, "until");
    struct view since = params_find(&a->params, "since");
    struct period *period = &a->filter.period;

    if (from.ptr != NULL && since.ptr != NULL)
        return err_set(&a->err, STATUS_INVALID, "\"from\" and \"since\" don't go together");
    if (from.ptr != NULL && !period_parse_time(from, &period->from_us))
        return bad(a, "from", "a time such as 2026-12-31 or 2026-12-31T12:00:00Z (UTC)");
    if (until.ptr != NULL && !period_parse_time(until, &period->until_us))
        return bad(a, "until", "a time such as 2026-12-31 or 2026-12-31T12:00:00Z (UTC)");
    if (since.ptr != NULL && !period_parse_since(since, a->question->now_us, &period->from_us))
        return bad(a, "since", "an age such as 7d, 36h or 90m");
    if (period->from_us >= period->until_us)
        return err_set(&a->err, STATUS_INVALID, "the period ends before it begins");
    return STATUS_OK;
}

static enum status read_number(struct asking *a, const char *key, int64_t max, int64_t *ret)
{
    struct view text = params_find(&a->params, key);

    if (text.ptr == NULL || num_parse_i64(text, 1, max, ret))
        return STATUS_OK;
    return err_set(&a->err, STATUS_INVALID, "\"%s\": expected a number from 1 to %lld", key,
                   (long long)max);
}

static enum status read_page(struct asking *a)
{
    int64_t limit = ANSWER_ROWS, before = 0, behind = 0;
    enum status status = read_number(a, "limit", ANSWER_ROWS_MAX, &limit);

    if (status == STATUS_OK)
        status = read_number(a, "before", INT64_MAX, &before);
    if (status == STATUS_OK)
        status = read_number(a, "behind", INT64_MAX, &behind);
    if (status != STATUS_OK)
        return status;
    if (before > 0 && behind > 0)
        return err_set(&a->err, STATUS_INVALID, "\"before\" and \"behind\" don't go together");
    a->page = (struct audit_page){.before = (uint64_t)(behind > 0 ? behind : before),
                                  .limit = (size_t)limit,
                                  .oldest_first = behind > 0};
    return STATUS_OK;
}

static enum status read_question(struct asking *a, const struct action *action)
{
    enum status status =
        params_read(a->question->query, action->keys, &a->arena, &a->params, &a->err);

    if (status != STATUS_OK)
        return status == STATUS_SYNTAX ? STATUS_INVALID : status;
    if (action->needs != NULL && params_find(&a->params, action->needs).ptr == NULL)
        return err_set(&a->err, STATUS_INVALID, "\"%s\" is missing", action->needs);
    a->filter = audit_filter_all();
    status = read_texts(a);
    if (status == STATUS_OK)
        status = read_period(a);
    return status == STATUS_OK ? read_page(a) : status;
}

/* ----- answers ----- */

static void begin_answer(struct asking *a, struct jwriter *w)
{
    const char *note = audit_index_note(a->index);

    jwriter_init(w, a->out);
    jwriter_open_object(w);
    jwriter_member_int(w, "seq", (int64_t)audit_index_seq(a->index));
    if (audit_index_damaged(a->index) > 0)
        jwriter_member_int(w, "damaged", (int64_t)audit_index_damaged(a->index));
    if (note[0] != '\0')
        jwriter_member_text(w, "note", view_str(note));
}

static enum status end_answer(struct asking *a, struct jwriter *w)
{
    jwriter_close_object(w);
    buf_add_byte(a->out, '\n');
    if (a->out->failed == STATUS_OK)
        return STATUS_OK;
    return err_set(&a->err, a->out->failed, "the answer is too large");
}

/* For one element more, and what comes behind all. */
static bool has_room(const struct asking *a)
{
    return a->out->len < a->out->max - ENVELOPE_BYTES;
}

/* Objects that stand a line each become the elements of an array: no line feed is within them. */
static void write_lines(struct jwriter *w, struct buf *lines)
{
    while (lines->len > 0 && lines->ptr[lines->len - 1] == '\n')
        lines->len--;
    for (size_t i = 0; i < lines->len; i++) {
        if (lines->ptr[i] == '\n')
            lines->ptr[i] = ',';
    }
    jwriter_open_array(w);
    if (lines->len > 0)
        jwriter_raw(w, buf_view(lines));
    jwriter_close_array(w);
}

static void write_time(struct jwriter *w, const char *key, int64_t time_us)
{
    char text[CLOCK_TEXT_BYTES];

    if (time_us != 0)
        jwriter_member_text(w, key, clock_format(time_us, text));
}

static void write_instance(struct jwriter *w, const struct open_instance *instance)
{
    jwriter_open_object(w);
    write_time(w, "since", instance->since_us);
    jwriter_member_opt(w, "user_id", instance->user_id);
    jwriter_member_opt(w, "user_name", instance->user_name);
    jwriter_member_opt(w, "project", instance->project);
    jwriter_member_opt(w, "flavor", instance->flavor);
    jwriter_member_opt(w, "instance_id", instance->instance);
    jwriter_member_opt(w, "instance_name", instance->name);
    jwriter_member_text(w, "state",
                        view_str(instance->orphan ? "orphan" : open_state_name(instance->state)));
    write_time(w, "until", instance->until_us);
    jwriter_member_opt(w, "id", instance->id);
    jwriter_close_object(w);
}

/* By the journal's end alone: the index has no part in it. */
static enum status run_open(struct asking *a)
{
    struct open_list open = {.count = 0};
    size_t count = 0;
    enum status status =
        open_collect(a->question->directory, &a->filter, &a->arena, &open, &a->err);
    struct jwriter w;

    if (status != STATUS_OK)
        return status;
    jwriter_init(&w, a->out);
    jwriter_open_object(&w);
    if (open.damage[0] != '\0')
        jwriter_member_text(&w, "note", view_str(open.damage));
    jwriter_key(&w, "instances");
    jwriter_open_array(&w);
    for (; count < open.count && count < a->page.limit && has_room(a); count++)
        write_instance(&w, &open.list[count]);
    jwriter_close_array(&w);
    jwriter_key(&w, "more");
    jwriter_bool(&w, count < open.count);
    free(open.list);
    return end_answer(a, &w);
}

/* What exists of a story, and whether something of it is left out: at the front of the answer, in
 * half of what is kept free beside the exchanges. */
static void write_story(struct asking *a, struct jwriter *w, const struct audit_story *story)
{
    size_t count = 0;

    if (story->now.damage[0] != '\0')
        jwriter_member_text(w, "damage", view_str(story->now.damage));
    jwriter_key(w, "instances");
    jwriter_open_array(w);
    for (; count < story->now.count && a->out->len < ENVELOPE_BYTES / 2; count++)
        write_instance(w, &story->now.list[count]);
    jwriter_close_array(w);
    jwriter_key(w, "more");
    jwriter_bool(w, story->more || count < story->now.count);
}

static enum status answer_exchanges(struct asking *a, const struct audit_story *story)
{
    CLEANUP(buf_done) struct buf lines;
    uint64_t next = 0;
    enum status status;
    struct jwriter w;

    buf_init(&lines, a->out->max - ENVELOPE_BYTES);
    status = audit_query_json(a->index, &a->filter, &a->page, &lines, &next, &a->err);
    if (status != STATUS_OK)
        return status;
    begin_answer(a, &w);
    if (story != NULL)
        write_story(a, &w, story);
    jwriter_key(&w, "exchanges");
    write_lines(&w, &lines);
    if (next > 0)
        jwriter_member_int(&w, "next", (int64_t)next);
    return end_answer(a, &w);
}

static enum status run_query(struct asking *a)
{
    return answer_exchanges(a, NULL);
}

static enum status run_who_created(struct asking *a)
{
    struct view who = a->filter.instance;
    struct audit_story story;
    enum status status =
        audit_story_find(a->index, a->question->directory, who, &a->arena, &story, &a->err);

    if (status != STATUS_OK)
        return status;
    a->filter.instance = VIEW_NONE;
    a->filter.subject = &story.subject;
    a->page.oldest_first = true;
    status = audit_story_look(&story, &a->err);
    if (status == STATUS_OK)
        status = answer_exchanges(a, &story);
    a->filter.instance = who; /* for the next try */
    a->filter.subject = NULL;
    audit_story_done(&story);
    return status;
}

static void write_counts(struct jwriter *w, const struct audit_counts *counts)
{
    jwriter_member_int(w, "asked", counts->asked);
    jwriter_member_int(w, "allowed", counts->allowed);
    jwriter_member_int(w, "rewritten", counts->rewritten);
    jwriter_member_int(w, "refused", counts->refused);
    jwriter_member_int(w, "created", counts->created);
    jwriter_member_int(w, "run_s", counts->run_s);
}

static void write_group(struct jwriter *w, const struct audit_group *group, const enum audit_by *by,
                        size_t by_count)
{
    jwriter_open_object(w);
    for (size_t i = 0; i < by_count; i++)
        jwriter_member_opt(w, audit_by_name(by[i]), group->keys[i]);
    jwriter_member_opt(w, "user_name", group->user_name);
    jwriter_member_opt(w, "user_domain", group->user_domain);
    write_counts(w, &group->counts);
    jwriter_close_object(w);
}

static enum status run_summary(struct asking *a)
{
    struct view text = params_find(&a->params, "by");
    enum audit_by by[BY_COUNT];
    struct audit_summary summary;
    size_t by_count, count = 0;
    enum status status =
        audit_by_parse(text.ptr == NULL ? VIEW("user") : text, by, &by_count, &a->err);
    struct jwriter w;

    if (status == STATUS_OK)
        status = audit_summarize(a->index, &a->filter, &(struct audit_grouping){by, by_count},
                                 &a->arena, &summary, &a->err);
    if (status != STATUS_OK)
        return status;
    begin_answer(a, &w);
    jwriter_key(&w, "groups");
    jwriter_open_array(&w);
    for (; count < summary.count && count < a->page.limit && has_room(a); count++)
        write_group(&w, &summary.groups[count], by, by_count);
    jwriter_close_array(&w);
    jwriter_key(&w, "more");
    jwriter_bool(&w, count < summary.count);
    jwriter_key(&w, "total");
    jwriter_open_object(&w);
    write_counts(&w, &summary.total);
    jwriter_close_object(&w);
    return end_answer(a, &w);
}

static const struct action actions[] = {
    {"query", query_keys, NULL, false, run_query},
    {"summary", summary_keys, NULL, false, run_summary},
    {"open", open_keys, NULL, true, run_open},
    {"who-created", who_keys, "instance", false, run_who_created},
};

/* ----- the index ----- */

static bool is_stopped(void *user)
{
    const struct asking *a = user;

    return atomic_load(a->stop);
}

static enum status ask_index(struct asking *a, const struct action *action, bool anew)
{
    const struct audit_index_settings settings = {
        .directory = a->question->directory,
        .anew = anew,
        .patience = {.deadline_us = clock_monotonic_us() + patience_us,
                     .stop = is_stopped,
                     .user = a},
    };
    enum status status = audit_index_open(&settings, &a->index, &a->err);

    if (status != STATUS_OK)
        return status;
    status = action->run(a);
    audit_index_close(&a->index);
    return status;
}

/* A corrupt index is made anew, once. */
static enum status answer(struct asking *a, const struct action *action)
{
    enum status status = read_question(a, action);

    if (status != STATUS_OK)
        return status;
    if (action->without_index)
        return action->run(a);
    status = ask_index(a, action, false);
    if (status != STATUS_SYNTAX)
        return status;
    buf_clear(a->out);
    return ask_index(a, action, true);
}

/* What is nobody's fault may go well later. */
static int http_status(enum status status)
{
    switch (status) {
    case STATUS_OK:
        return OK;
    case STATUS_INVALID:
    case STATUS_LIMIT:
        return BAD_REQUEST;
    case STATUS_NOMEM:
    case STATUS_IO:
    case STATUS_TIMEOUT:
    case STATUS_SYNTAX:
        return UNAVAILABLE;
    case STATUS_PEER:
        break;
    }
    return INTERNAL;
}

int answer_question(const struct answer_question *question, const _Atomic bool *stop,
                    struct buf *out)
{
    struct asking a = {.question = question, .stop = stop, .out = out};
    enum status status = STATUS_INVALID;

    hook_hold(stop);
    arena_init(&a.arena, SCRATCH_BLOCK, SCRATCH_MAX);
    for (size_t i = 0; i < ARRAY_LEN(actions); i++) {
        if (strcmp(actions[i].word, question->action) == 0)
            status = answer(&a, &actions[i]);
    }
    arena_done(&a.arena);
    return status == STATUS_OK ? http_status(status)
                               : server_refuse(out, http_status(status), a.err.text);
}
