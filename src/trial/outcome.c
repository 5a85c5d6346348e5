/* SPDX-License-Identifier: Apache-2.0
 * See outcome.h. */
#include "trial/outcome.h"

#include <stdlib.h>

#include "judging/whole.h"
#include "trial/same.h"

enum { DIFFERENCES_MAX = 10, SHOWN_BYTES = 400 };

/* One comparison; everything that differs goes to out. */
struct comparing {
    const struct policy_case *one;
    const struct outcome *outcome;
    struct arena *arena;
    struct buf *out;
    bool no_memory;
};

enum status outcome_judge(const struct policy_case *one, const struct judging_settings *settings,
                          const struct policy_set *set, int64_t now_us, struct arena *arena,
                          struct outcome *ret)
{
    struct judging *j = &ret->judging;
    const struct judging_whole whole = {.received = one->request,
                                        .stored = one->instance,
                                        .set = set,
                                        .subject = &one->subject,
                                        .at_us = one->has_time ? one->at_us : now_us,
                                        .with_trace = true};
    enum judging_flow flow;

    judging_init(j, settings, arena);
    j->op = one->op;
    j->project = one->project;
    j->query = one->query;
    flow = judging_whole(j, &whole);
    if (flow == JUDGING_FAILED)
        return STATUS_NOMEM;
    ret->verdict = flow == JUDGING_REFUSED ? VERDICT_REFUSE : j->decision->judgement.verdict;
    return STATUS_OK;
}

void outcome_done(struct outcome *outcome)
{
    judging_done(&outcome->judging);
}

/* Bytes that would play with a terminal become \xNN, and what is too long is cut. */
static void add_text(struct buf *out, struct view text)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < text.len && i < SHOWN_BYTES; i++) {
        unsigned char byte = (unsigned char)text.ptr[i];
        bool c1 = byte == 0xc2 && i + 1 < text.len && (unsigned char)text.ptr[i + 1] < 0xa0;

        if (byte >= ' ' && byte != 0x7f && !c1) {
            buf_add_byte(out, text.ptr[i]);
            continue;
        }
        buf_add_str(out, "\\x");
        buf_add_byte(out, digits[byte >> 4]);
        buf_add_byte(out, digits[byte & 15]);
    }
    if (text.len > SHOWN_BYTES)
        buf_add_str(out, "...");
}

static void compare_verdict(struct comparing *c, const char *what, enum verdict want,
                            enum verdict got)
{
    if (want != got)
        buf_printf(c->out, "  %s: expected %s, got %s\n", what, verdict_name(want),
                   verdict_name(got));
}

static int by_text(const void *a, const void *b)
{
    return view_cmp(*(const struct view *)a, *(const struct view *)b);
}

/* Sorted copies of both sides. */
static struct view *sorted_want(struct comparing *c, const struct case_codes *codes)
{
    struct view *sorted = arena_array(c->arena, codes->count, sizeof *sorted);

    if (sorted == NULL) {
        c->no_memory = true;
        return NULL;
    }
    for (size_t i = 0; i < codes->count; i++)
        sorted[i] = codes->items[i];
    if (codes->count > 0)
        qsort(sorted, codes->count, sizeof *sorted, by_text);
    return sorted;
}

static struct view *sorted_got(struct comparing *c, const struct reason *reasons, size_t count)
{
    struct view *sorted = arena_array(c->arena, count, sizeof *sorted);

    if (sorted == NULL) {
        c->no_memory = true;
        return NULL;
    }
    for (size_t i = 0; i < count; i++)
        sorted[i] = view_str(reasons[i].row->code);
    if (count > 0)
        qsort(sorted, count, sizeof *sorted, by_text);
    return sorted;
}

static void print_code(struct comparing *c, const char *what, struct view code, const char *how)
{
    buf_printf(c->out, "  %s: %.*s %s\n", what, VIEW_ARGS(code), how);
}

/* Both sides in order, so that what one of them lacks shows. False: they differ. */
static bool compare_codes(struct comparing *c, const char *what, const struct case_codes *want,
                          const struct reason *reasons, size_t count)
{
    struct view *wanted, *came;
    size_t i = 0, k = 0;
    bool same = true;

    if (!want->set)
        return true;
    wanted = sorted_want(c, want);
    came = sorted_got(c, reasons, count);
    while (wanted != NULL && came != NULL && (i < want->count || k < count)) {
        int order = i == want->count ? 1 : k == count ? -1 : view_cmp(wanted[i], came[k]);

        if (order < 0)
            print_code(c, what, wanted[i], "was expected and did not come");
        if (order > 0)
            print_code(c, what, came[k], "came and was not expected");
        same = same && order == 0;
        i += order <= 0;
        k += order >= 0;
    }
    return same;
}

static void print_reasons(struct comparing *c, const struct reason *reasons, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct reason *r = &reasons[i];

        buf_printf(c->out, "  got %s: ", r->row->code);
        add_text(c->out, r->message);
        if (r->policy.ptr != NULL)
            buf_printf(c->out, " (policy %.*s", VIEW_ARGS(r->policy));
        if (r->policy.ptr != NULL && r->at.file != NULL)
            buf_printf(c->out, ", %s:%u:%u", r->at.file, r->at.line, r->at.column);
        buf_add_str(c->out, r->policy.ptr != NULL ? ")\n" : "\n");
    }
}

/* Whether both are JSON that says the same. Absent is the same as absent only. */
static bool same_text(struct comparing *c, struct view want, struct view got)
{
    static const struct jlimits wide = {.bytes = 64 << 20, .depth = JDEPTH_MAX, .members = 1 << 20};
    struct difference difference;
    struct jdoc a = {.count = 0}, b = {.count = 0};
    struct view boxed_want, boxed_got;
    struct jfault fault;
    size_t count = 1;

    if (want.ptr == NULL || got.ptr == NULL)
        return want.ptr == got.ptr;
    /* A document is an array or an object. */
    boxed_want = arena_printf(c->arena, "[%.*s]", VIEW_ARGS(want));
    boxed_got = arena_printf(c->arena, "[%.*s]", VIEW_ARGS(got));
    if (boxed_want.ptr == NULL || boxed_got.ptr == NULL ||
        jdoc_read(boxed_want, &wide, c->arena, &a, &fault) == STATUS_NOMEM ||
        jdoc_read(boxed_got, &wide, c->arena, &b, &fault) == STATUS_NOMEM) {
        c->no_memory = true;
        return false;
    }
    if (a.count == 0 || b.count == 0)
        return view_eq(want, got);
    if (same_json(&a, &b, 1, c->arena, &difference, &count) != STATUS_OK)
        c->no_memory = true;
    return count == 0;
}

static bool is_edit(struct comparing *c, const struct case_edit *want, const struct change *got)
{
    return want->op == got->op && view_eq(want->path, got->path) &&
           (want->policy.ptr == NULL || view_eq(want->policy, got->policy)) &&
           (want->old_json.ptr == NULL || same_text(c, want->old_json, got->old_json)) &&
           same_text(c, want->new_json, got->new_json);
}

static void print_edit(struct comparing *c, char sign, const struct case_edit *edit)
{
    buf_printf(c->out, "  edits: %c %s ", sign, edit_op_name(edit->op));
    add_text(c->out, edit->path);
    buf_add_str(c->out, ": ");
    if (edit->old_json.ptr != NULL) {
        add_text(c->out, edit->old_json);
        buf_add_str(c->out, " -> ");
    }
    add_text(c->out, edit->new_json);
    if (edit->policy.ptr != NULL) {
        buf_add_str(c->out, " (policy ");
        add_text(c->out, edit->policy);
        buf_add_byte(c->out, ')');
    }
    buf_add_byte(c->out, '\n');
}

/* Each edit that came is paired with one that was expected; a judgement has 64 at most. */
static void compare_edits(struct comparing *c)
{
    const struct judging *j = &c->outcome->judging;
    const struct case_edits *want = &c->one->expect.edits;
    size_t came = c->outcome->verdict == VERDICT_REFUSE ? 0 : j->change_count;
    bool *paired = arena_array(c->arena, came, sizeof *paired);

    if (paired == NULL) {
        c->no_memory = true;
        return;
    }
    for (size_t i = 0; i < want->count; i++) {
        const struct case_edit *edit = &want->items[i];
        size_t k = 0;

        while (k < came && (paired[k] || !is_edit(c, edit, &j->changes[k])))
            k++;
        if (k < came)
            paired[k] = true;
        else
            print_edit(c, '-', edit);
    }
    for (size_t k = 0; k < came; k++) {
        const struct change *change = &j->changes[k];

        if (!paired[k])
            print_edit(c, '+',
                       &(struct case_edit){change->op, change->path, change->new_json,
                                           change->old_json.ptr == NULL ? VIEW("nothing")
                                                                        : change->old_json,
                                           change->policy});
    }
}

static void print_difference(struct comparing *c, const struct jdoc *want, const struct jdoc *got,
                             const struct difference *d)
{
    struct view pointer = d->want != JREF_NONE ? jdoc_pointer(want, d->want, c->arena)
                                               : jdoc_pointer(got, d->got, c->arena);

    if (pointer.ptr == NULL) {
        c->no_memory = true;
        return;
    }
    buf_add_str(c->out, "  body: ");
    add_text(c->out, pointer.len == 0 ? VIEW("the whole") : pointer);
    buf_add_str(c->out, ": expected ");
    add_text(c->out, d->want == JREF_NONE ? VIEW("nothing") : jdoc_raw(want, d->want));
    buf_add_str(c->out, ", got ");
    add_text(c->out, d->got == JREF_NONE ? VIEW("nothing") : jdoc_raw(got, d->got));
    buf_add_byte(c->out, '\n');
}

/* The body as it would be sent. */
static void compare_body(struct comparing *c)
{
    const struct judging *j = &c->outcome->judging;
    struct jlimits limits = {.bytes = 64 << 20, .depth = JDEPTH_MAX, .members = 1 << 20};
    struct difference found[DIFFERENCES_MAX + 1];
    struct jdoc want, got;
    struct jfault fault;
    size_t count = 0;

    if (c->outcome->verdict == VERDICT_REFUSE || !j->has_body) {
        buf_printf(c->out, "  body: expected one, but nothing would be sent\n");
        return;
    }
    if (jdoc_read(c->one->expect.body, &limits, c->arena, &want, &fault) != STATUS_OK ||
        jdoc_read(j->sent_body, &limits, c->arena, &got, &fault) != STATUS_OK ||
        same_json(&want, &got, ARRAY_LEN(found), c->arena, found, &count) != STATUS_OK) {
        c->no_memory = true;
        return;
    }
    for (size_t i = 0; i < count && i < DIFFERENCES_MAX; i++)
        print_difference(c, &want, &got, &found[i]);
    if (count > DIFFERENCES_MAX)
        buf_printf(c->out, "  body: and more\n");
}

/* With the warn and observe policies enforced; where they make no difference, what happens. */
static void compare_would(struct comparing *c)
{
    const struct case_expectation *expect = &c->one->expect;
    const struct judging *j = &c->outcome->judging;
    const struct reason *reasons = j->reasons;
    enum verdict verdict = c->outcome->verdict;
    size_t count = j->reason_count, before = c->out->len;

    if (j->decision != NULL && j->decision->has_would) {
        verdict = j->decision->would.verdict;
        reasons = j->decision->would.reasons;
        count = j->decision->would.reason_count;
    }
    compare_verdict(c, "would.verdict", expect->would, verdict);
    (void)compare_codes(c, "would.reasons", &expect->would_reasons, reasons, count);
    if (c->out->len != before)
        print_reasons(c, reasons, count);
}

static void compare_warn(struct comparing *c)
{
    const struct decision *decision = c->outcome->judging.decision;
    bool warn = decision != NULL && decision->warn;

    if (warn != c->one->expect.warn)
        buf_printf(c->out, "  warn: expected %s, got %s\n", c->one->expect.warn ? "true" : "false",
                   warn ? "true" : "false");
}

enum status outcome_compare(const struct policy_case *one, const struct outcome *outcome,
                            struct arena *arena, struct buf *out)
{
    struct comparing c = {.one = one, .outcome = outcome, .arena = arena, .out = out};
    const struct case_expectation *expect = &one->expect;
    const struct judging *j = &outcome->judging;
    bool same = expect->verdict == outcome->verdict;

    compare_verdict(&c, "verdict", expect->verdict, outcome->verdict);
    if (!compare_codes(&c, "reasons", &expect->reasons, j->reasons, j->reason_count) || !same)
        print_reasons(&c, j->reasons, j->reason_count);
    /* Why it isn't as expected shows in the edits, too. */
    if (expect->edits.set || !same)
        compare_edits(&c);
    if (expect->body.ptr != NULL)
        compare_body(&c);
    if (expect->has_would)
        compare_would(&c);
    if (expect->has_warn)
        compare_warn(&c);
    return c.no_memory ? STATUS_NOMEM : STATUS_OK;
}
