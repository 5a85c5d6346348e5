/* SPDX-License-Identifier: Apache-2.0
 * Lines to hits. */
#include "audit/coverage.h"

#include "trail/row.h"
#include "trail/trail.h"

enum { SCRATCH_BLOCK = 64 << 10, SCRATCH_MAX = 64 << 20, EVENT_WITHIN = 512 };

/* One line while it is counted. */
struct counting {
    struct coverage *coverage;
    struct row row;
    bool would; /* of the member `would` */
    bool no_memory;
};

/* ----- hits ----- */

static void hit(const struct counting *c, struct coverage_hit *hit)
{
    bool decided = hit->seen_seq == c->row.seq;

    if (decided || (c->would && hit->seen_would_seq == c->row.seq))
        return;
    if (c->would) {
        hit->seen_would_seq = c->row.seq;
        hit->would++;
        hit->would_last_us =
            c->row.time_us > hit->would_last_us ? c->row.time_us : hit->would_last_us;
    } else {
        hit->seen_seq = c->row.seq;
        hit->fired++;
        hit->last_us = c->row.time_us > hit->last_us ? c->row.time_us : hit->last_us;
    }
}

static struct view keep(struct counting *c, struct view text)
{
    struct view copy = text.ptr == NULL ? VIEW_NONE : arena_copy(c->coverage->arena, text);

    c->no_memory = c->no_memory || (text.ptr != NULL && copy.ptr == NULL);
    return copy;
}

static bool is_short(struct view text)
{
    return text.len <= COVERAGE_NAME_MAX;
}

/* Few names go out of a set, so that they are looked through one by one. */
static void hit_gone(struct counting *c, struct view policy, struct view rule, struct view name)
{
    struct coverage *coverage = c->coverage;
    struct coverage_gone *gone;

    for (size_t i = 0; i < coverage->gone_count; i++) {
        gone = &coverage->gone[i];
        if (view_eq(gone->policy, policy) && view_eq(gone->rule, rule) &&
            view_eq(gone->name, name)) {
            hit(c, &gone->hit);
            return;
        }
    }
    if (coverage->gone_count == COVERAGE_GONE_MAX || !is_short(policy) || !is_short(rule) ||
        !is_short(name)) {
        coverage->gone_more++;
        return;
    }
    gone = &coverage->gone[coverage->gone_count++];
    *gone = (struct coverage_gone){keep(c, policy), keep(c, rule), keep(c, name), {0}};
    hit(c, &gone->hit);
}

static void hit_item(struct counting *c, const struct inventory_item *item, struct view policy,
                     struct view rule, struct view name)
{
    if (item != NULL)
        hit(c, &c->coverage->hits[item - c->coverage->inventory->items]);
    else
        hit_gone(c, policy, rule, name);
}

/* ----- members ----- */

/* Reasons of other rooms than policies and quotas have no rule. */
static void count_reasons(struct counting *c, jref reasons)
{
    if (reasons == JREF_NONE)
        return;
    JDOC_EACH(&c->row.doc, reasons, reason)
    {
        struct view policy = row_text_in(&c->row, reason, VIEW("policy"));
        struct view rule = row_text_in(&c->row, reason, VIEW("rule"));

        if (rule.ptr != NULL)
            hit_item(c, inventory_find(c->coverage->inventory, policy, rule), policy, rule,
                     VIEW_NONE);
    }
}

/* An edit names its policy, and what it is for by operation and path. */
static void count_edits(struct counting *c, jref edits)
{
    if (edits == JREF_NONE)
        return;
    JDOC_EACH(&c->row.doc, edits, edit)
    {
        struct view policy = row_text_in(&c->row, edit, VIEW("policy"));
        struct view op = row_text_in(&c->row, edit, VIEW("op"));
        struct view path = row_text_in(&c->row, edit, VIEW("path"));

        if (policy.ptr != NULL && op.ptr != NULL && path.ptr != NULL)
            hit_item(c, inventory_find_edit(c->coverage->inventory, policy, op, path), policy,
                     VIEW("edits"), VIEW_NONE);
    }
}

static void count_policies(struct counting *c, jref names)
{
    if (names == JREF_NONE)
        return;
    JDOC_EACH(&c->row.doc, names, element)
    {
        struct view name = row_text_of(&c->row, element);

        if (name.ptr != NULL)
            hit_item(c, inventory_find(c->coverage->inventory, name, VIEW("match")), name,
                     VIEW("match"), VIEW_NONE);
    }
}

static void count_exceptions(struct counting *c, jref names)
{
    if (names == JREF_NONE)
        return;
    JDOC_EACH(&c->row.doc, names, element)
    {
        struct view name = row_text_of(&c->row, element);

        if (name.ptr != NULL)
            hit_item(c, inventory_find_exception(c->coverage->inventory, name), VIEW_NONE,
                     VIEW("exception"), name);
    }
}

/* `would` has the members of a decision, of all policies as if they were enforced: what the
 * decision itself says is not counted again. */
static void count_would(struct counting *c)
{
    jref would = row_list(&c->row, ROW_WOULD);

    c->would = true;
    count_reasons(c, jdoc_member(&c->row.doc, would, VIEW("reasons")));
    count_edits(c, jdoc_member(&c->row.doc, would, VIEW("edits")));
    c->would = false;
}

static void count_line(struct counting *c)
{
    struct view event = row_text(&c->row, ROW_EVENT);
    bool refused = view_eq(event, VIEW("refusal"));
    int64_t summed = row_number(&c->row, ROW_COUNT, 0);

    if (refused && summed > 0) {
        c->coverage->summed += (uint64_t)summed;
        return;
    }
    count_reasons(c, row_list(&c->row, ROW_REASONS));
    if (!refused && !view_eq(event, VIEW("intent")))
        return;
    c->coverage->judged++;
    count_policies(c, row_list(&c->row, ROW_POLICIES));
    count_exceptions(c, row_list(&c->row, ROW_EXCEPTIONS));
    count_edits(c, row_list(&c->row, ROW_EDITS));
    count_would(c);
}

/* ----- lines ----- */

/* Members stand in one order, and nothing that a caller chose before the event. */
static bool has_event(struct view line, struct view event)
{
    struct view begin = view_of(line.ptr, line.len < EVENT_WITHIN ? line.len : EVENT_WITHIN);

    return begin.ptr != NULL && memmem(begin.ptr, begin.len, event.ptr, event.len) != NULL;
}

/* What says nothing of rules is not read: a checkpoint can have 46 MB. */
static bool is_of_interest(struct view line)
{
    static const struct view reasons = {"\"reasons\":", sizeof "\"reasons\":" - 1};

    if (has_event(line, VIEW("\"event\":\"intent\"")) ||
        has_event(line, VIEW("\"event\":\"refusal\"")))
        return true;
    return has_event(line, VIEW("\"event\":\"outcome\"")) &&
           memmem(line.ptr, line.len, reasons.ptr, reasons.len) != NULL;
}

static bool looks_whole(struct view line)
{
    return line.len > 1 && line.ptr[0] == '{' && line.ptr[line.len - 1] == '}';
}

enum status coverage_add(struct coverage *coverage, struct view line, struct arena *scratch)
{
    struct counting c = {.coverage = coverage};
    enum status status;
    const char *why;

    if (looks_whole(line) && !is_of_interest(line))
        return STATUS_OK;
    arena_reset(scratch);
    status = row_read(line, scratch, &c.row, &why);
    if (status == STATUS_NOMEM)
        return status;
    if (status != STATUS_OK) {
        coverage->unreadable++;
        return STATUS_OK;
    }
    if (!period_has(&coverage->period, c.row.time_us))
        return STATUS_OK;
    count_line(&c);
    return c.no_memory || c.row.failed ? STATUS_NOMEM : STATUS_OK;
}

enum status coverage_init(struct coverage *coverage, const struct inventory *inventory,
                          const struct period *period, struct arena *arena)
{
    *coverage = (struct coverage){.inventory = inventory, .period = *period, .arena = arena};
    coverage->hits = arena_array(arena, inventory->count + 1, sizeof *coverage->hits);
    coverage->gone = arena_array(arena, COVERAGE_GONE_MAX, sizeof *coverage->gone);
    return coverage->hits == NULL || coverage->gone == NULL ? STATUS_NOMEM : STATUS_OK;
}

static enum status read_lines(struct coverage *coverage, struct trail *trail, struct arena *scratch,
                              struct err *err)
{
    struct trail_line line;
    enum trail_step step;

    while ((step = trail_next(trail, &line, err)) == TRAIL_LINE) {
        if (coverage_add(coverage, line.text, scratch) != STATUS_OK)
            return err_set(err, STATUS_NOMEM, "a line does not fit into memory");
    }
    return step == TRAIL_END ? STATUS_OK : err->status;
}

enum status coverage_read(struct coverage *coverage, const char *directory, struct err *err)
{
    struct trail *trail;
    struct arena scratch;
    enum status status = trail_open(directory, &trail, err);

    if (status != STATUS_OK)
        return status;
    arena_init(&scratch, SCRATCH_BLOCK, SCRATCH_MAX);
    status = trail_seek_since(trail, coverage->period.from_us, err);
    if (status == STATUS_OK)
        status = read_lines(coverage, trail, &scratch, err);
    arena_done(&scratch);
    trail_close(&trail);
    return status;
}
