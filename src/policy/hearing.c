/* SPDX-License-Identifier: Apache-2.0
 * What a rule may say about a request, and the texts that it says it with. Texts of callers are
 * made harmless here: nobody's terminal or log viewer should obey a flavor's name. */
#include <stdio.h>

#include "base/number.h"
#include "policy/judge.h"

enum { SAID_MAX = 96, MESSAGE_MAX = 2048 };

void *judge_grow(struct judge *j, void *items, size_t count, size_t *cap, size_t size)
{
    size_t more = *cap == 0 ? 8 : *cap * 2;
    void *grown;

    if (count < *cap)
        return items;
    grown = arena_array(j->arena, more, size);
    if (grown == NULL) {
        j->no_memory = true;
        return NULL;
    }
    if (count > 0)
        memcpy(grown, items, count * size);
    *cap = more;
    return grown;
}

void reasons_add(struct judge *j, struct reasons *reasons, const struct reason *reason)
{
    struct reason *items;

    if (reasons->count == REASONS_KEPT)
        return;
    items = judge_grow(j, reasons->items, reasons->count, &reasons->cap, sizeof *items);
    if (items == NULL)
        return;
    reasons->items = items;
    reasons->items[reasons->count++] = *reason;
}

void judge_trace(struct judge *j, const struct trace_line *line)
{
    struct trace_line *lines;

    if (!j->with_trace)
        return;
    lines = judge_grow(j, j->trace, j->trace_count, &j->trace_cap, sizeof *lines);
    if (lines == NULL)
        return;
    j->trace = lines;
    j->trace[j->trace_count++] = *line;
}

static struct view format(struct judge *j, const char *fmt, va_list args) PRINTF_LIKE(2, 0);

static struct view format(struct judge *j, const char *fmt, va_list args)
{
    char text[MESSAGE_MAX];
    /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): every caller has begun it. */
    int len = vsnprintf(text, sizeof text, fmt, args);
    size_t used = len < 0 ? 0 : (size_t)len;
    struct view copy;

    copy = arena_copy(j->arena, view_of(text, used < sizeof text ? used : sizeof text - 1));
    if (copy.ptr == NULL)
        j->no_memory = true;
    return copy;
}

static void trace_text(struct hearing *h, const struct finding *f, int what, struct view text)
{
    struct trace_line line = {
        .policy = h->policy->name, .rule = view_str(f->rule), .at = f->at, .text = text};

    switch (what) {
    case TRACE_REFUSE:
        line.what = TRACE_REFUSE;
        break;
    case TRACE_EDIT:
        line.what = TRACE_EDIT;
        break;
    case TRACE_OK:
        line.what = TRACE_OK;
        break;
    default:
        line.what = TRACE_NOT_APPLIED;
        break;
    }
    judge_trace(h->judge, &line);
}

/* The caller can't make a stored instance comply by sending this request in another way. */
static struct view advise(struct judge *j, struct view message)
{
    struct view advised =
        arena_printf(j->arena, "%.*s; change the instance by an update first, or make a new one",
                     VIEW_ARGS(message));

    if (advised.ptr == NULL)
        j->no_memory = true;
    return advised;
}

void hearing_refuse(struct hearing *h, const struct finding *f, const char *fmt, ...)
{
    struct reason reason = {.row = &policy_reasons[f->code],
                            .policy = h->policy->name,
                            .rule = view_str(f->rule),
                            .at = f->at,
                            .contact = h->policy->contact};
    va_list args;

    h->refusals++;
    if (h->quiet || (h->reasons.count == REASONS_KEPT && !h->judge->with_trace))
        return;
    va_start(args, fmt);
    reason.message = format(h->judge, fmt, args);
    va_end(args);
    if (h->stored)
        reason.message = advise(h->judge, reason.message);
    reasons_add(h->judge, &h->reasons, &reason);
    trace_text(h, f, TRACE_REFUSE, reason.message);
}

void hearing_rewrite(struct hearing *h, const struct finding *f, const char *fmt, ...)
{
    va_list args;

    h->rewrites++;
    if (h->quiet || !h->judge->with_trace)
        return;
    va_start(args, fmt);
    trace_text(h, f, TRACE_EDIT, format(h->judge, fmt, args));
    va_end(args);
}

static void note(struct hearing *h, const struct finding *f, int what, const char *text)
{
    if (!h->quiet && h->judge->with_trace)
        trace_text(h, f, what, view_str(text));
}

void hearing_accept(struct hearing *h, const char *rule, struct loc at, const char *text)
{
    note(h, &(struct finding){.rule = rule, .at = at}, TRACE_OK, text);
}

void hearing_skip(struct hearing *h, const char *rule, struct loc at, const char *text)
{
    note(h, &(struct finding){.rule = rule, .at = at}, TRACE_NOT_APPLIED, text);
}

bool hearing_has(struct hearing *h, const struct values *values, struct view value)
{
    bool hit = false;

    if (!values->set)
        return false;
    if (globset_match(values->globs, value, h->judge->arena, &hit) != STATUS_OK)
        h->judge->no_memory = true;
    return hit;
}

bool hearing_allows(struct hearing *h, enum list_id list, struct view value)
{
    return hearing_has(h, &h->policy->allow[list], value) ||
           (h->exception != NULL && hearing_has(h, &h->exception->allow[list], value));
}

/* The length of the UTF-8 sequence at i, 0 if there is none. */
static size_t sequence(struct view v, size_t i)
{
    unsigned char c = (unsigned char)v.ptr[i];
    size_t len = c < 0x80 ? 1 : c >= 0xF0 && c < 0xF5 ? 4 : c >= 0xE0 ? 3 : 2;

    if ((c >= 0x80 && c < 0xC2) || c >= 0xF5 || i + len > v.len)
        return 0;
    for (size_t k = 1; k < len; k++) {
        if (((unsigned char)v.ptr[i + k] & 0xC0) != 0x80)
            return 0;
    }
    return len;
}

/* Controls, and what turns text round or hides in it. */
static bool is_hidden(struct view sequence)
{
    static const struct {
        unsigned from, to;
    } hidden[] = {
        {0x00, 0x1F},     {0x7F, 0x9F},     {0xAD, 0xAD},       {0x61C, 0x61C},
        {0x180E, 0x180E}, {0x200B, 0x200F}, {0x2028, 0x202E},   {0x2060, 0x206F},
        {0xFEFF, 0xFEFF}, {0xFFF9, 0xFFFB}, {0xE0000, 0xE0FFF},
    };
    static const unsigned char lead[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
    unsigned c = (unsigned char)sequence.ptr[0] & lead[sequence.len];

    for (size_t k = 1; k < sequence.len; k++)
        c = c << 6 | ((unsigned char)sequence.ptr[k] & 0x3FU);
    for (size_t k = 0; k < ARRAY_LEN(hidden); k++) {
        if (c >= hidden[k].from && c <= hidden[k].to)
            return true;
    }
    return false;
}

const char *judge_say(struct judge *j, struct view text)
{
    char *out = arena_alloc(j->arena, SAID_MAX + sizeof "...");
    size_t len = 0;

    if (out == NULL) {
        j->no_memory = true;
        return "";
    }
    for (size_t i = 0; i < text.len;) {
        size_t bytes = sequence(text, i);
        bool bad = bytes == 0 || is_hidden(view_of(text.ptr + i, bytes));

        if (len + (bad ? 1 : bytes) > SAID_MAX) {
            memcpy(out + len, "...", sizeof "...");
            return out;
        }
        if (bad)
            out[len++] = '?';
        else
            memcpy(out + len, text.ptr + i, bytes);
        len += bad ? 0 : bytes;
        i += bytes == 0 ? 1 : bytes;
    }
    out[len] = '\0';
    return out;
}

const char *judge_list(struct judge *j, const struct values *values)
{
    char text[MESSAGE_MAX / 2];
    size_t used = 0, shown = 0;
    char *copy;

    text[0] = '\0';
    for (size_t i = 0; i < values->shown_count; i++) {
        const char *value = judge_say(j, values->shown[i]);
        size_t need = strlen(value) + 2;

        if (used + need + 32 > sizeof text)
            break;
        used +=
            (size_t)snprintf(text + used, sizeof text - used, "%s%s", i == 0 ? "" : ", ", value);
        shown++;
    }
    if (values->count > shown)
        (void)snprintf(text + used, sizeof text - used, " and %zu more", values->count - shown);
    else if (shown == 0)
        (void)snprintf(text, sizeof text, "none");
    copy = arena_strdup(j->arena, view_str(text));
    if (copy == NULL)
        j->no_memory = true;
    return copy == NULL ? "" : copy;
}

const char *judge_time(struct judge *j, int64_t ms)
{
    char text[NUM_TEXT_BYTES];
    struct view formatted, kept;

    if (ms == INT64_MAX)
        return "a very long time";
    formatted = num_format_duration(ms, text);
    kept = arena_printf(j->arena, "%.*s", VIEW_ARGS(formatted));
    if (kept.ptr == NULL)
        j->no_memory = true;
    return kept.ptr == NULL ? "" : kept.ptr;
}

const char *judge_limit(struct judge *j, const struct limit *limit)
{
    return judge_time(j, limit_ms(limit));
}
