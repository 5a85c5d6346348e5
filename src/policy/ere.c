/* SPDX-License-Identifier: Apache-2.0
 * A pattern becomes a program of steps whose jumps are relative, so that a repeat is a copy of its
 * steps; the program is run with a set of active steps, once over the value (Thompson's way). */
#include "policy/ere.h"

#include <stdint.h>

enum step_op {
    STEP_BYTE,  /* one byte */
    STEP_ANY,   /* any byte */
    STEP_SET,   /* a byte of the set */
    STEP_SPLIT, /* go on at +x and at +y */
    STEP_JUMP,  /* go on at +x */
    STEP_BEGIN, /* only at the begin of the value */
    STEP_END,   /* only at its end */
};

struct byte_set {
    uint64_t bits[4];
};

struct step {
    enum step_op op;
    unsigned char byte;
    int x, y;
    const struct byte_set *set;
};

struct ere {
    struct step *steps; /* the place behind the last one is the match */
    size_t count;
};

struct reader {
    struct view in;
    size_t at;
    struct arena *arena, *scratch;
    struct step *steps, *copy; /* copy: what a repeat repeats */
    size_t count;
    unsigned depth;
    enum status status;
    struct ere_fault *fault;
};

static bool read_alternatives(struct reader *r);

static bool fail(struct reader *r, size_t at, const char *text)
{
    if (r->status == STATUS_OK) {
        r->status = STATUS_SYNTAX;
        *r->fault = (struct ere_fault){at + 1, text};
    }
    return false;
}

static bool more(const struct reader *r)
{
    return r->at < r->in.len;
}

static char peek(const struct reader *r)
{
    return r->in.ptr[r->at];
}

static bool next_is(const struct reader *r, char byte)
{
    return more(r) && peek(r) == byte;
}

static bool emit(struct reader *r, struct step step)
{
    if (r->count == ERE_PROGRAM_MAX)
        return fail(r, r->at == 0 ? 0 : r->at - 1, "the pattern is too large with its repeats");
    r->steps[r->count++] = step;
    return true;
}

/* Puts a step in front of those that begin at `start`. */
static bool insert(struct reader *r, size_t start, struct step step)
{
    if (!emit(r, step))
        return false;
    memmove(&r->steps[start + 1], &r->steps[start], (r->count - 1 - start) * sizeof *r->steps);
    r->steps[start] = step;
    return true;
}

static void set_add(struct byte_set *set, unsigned from, unsigned to)
{
    for (unsigned c = from; c <= to; c++)
        set->bits[c / 64] |= (uint64_t)1 << (c % 64);
}

static bool set_has(const struct byte_set *set, unsigned char c)
{
    return (set->bits[c / 64] >> (c % 64) & 1) != 0;
}

/* The classes of the POSIX locale, as ranges. */
static const struct {
    const char *name, *ranges;
} classes[] = {
    {"alpha", "AZaz"},     {"digit", "09"},      {"alnum", "09AZaz"}, {"upper", "AZ"},
    {"lower", "az"},       {"xdigit", "09AFaf"}, {"blank", "  \t\t"}, {"space", "  \t\r"},
    {"punct", "!/:@[`{~"}, {"graph", "!~"},      {"print", " ~"},     {"cntrl", "\001\037\177\177"},
};

/* Behind "[:"; reads up to ":]". */
static bool read_class(struct reader *r, struct byte_set *set)
{
    size_t start = r->at;
    struct view name;

    while (more(r) && peek(r) >= 'a' && peek(r) <= 'z')
        r->at++;
    name = view_of(r->in.ptr + start, r->at - start);
    if (!view_starts(view_from(r->in, r->at), VIEW(":]")))
        return fail(r, start, "a class like [:alpha:] is not closed");
    r->at += 2;
    for (size_t i = 0; i < ARRAY_LEN(classes); i++) {
        if (!view_eq(name, view_str(classes[i].name)))
            continue;
        for (const char *range = classes[i].ranges; *range != '\0'; range += 2)
            set_add(set, (unsigned char)range[0], (unsigned char)range[1]);
        return true;
    }
    return fail(r, start,
                "this class is not known; known are alpha digit alnum upper lower "
                "xdigit blank space punct graph print cntrl");
}

/* One byte as it may stand in brackets. */
static bool read_bracket_byte(struct reader *r, unsigned char *ret)
{
    unsigned char c;

    if (!more(r))
        return fail(r, r->at, "a bracket is not closed");
    c = (unsigned char)peek(r);
    if (c == '\\')
        return fail(r, r->at, "a backslash in brackets is no escape in POSIX; leave it out");
    if (c >= 0x80)
        return fail(r, r->at, "brackets can hold only ASCII");
    if (c == '[' && r->at + 1 < r->in.len && view_find(VIEW(".=:"), r->in.ptr[r->at + 1]) < 3)
        return fail(r, r->at, "[. and [= are not supported, and a class is no end of a range");
    r->at++;
    *ret = c;
    return true;
}

/* '-' is itself in front of the closing bracket, otherwise it makes a range. */
static bool at_range(const struct reader *r)
{
    return next_is(r, '-') && !(r->at + 1 < r->in.len && r->in.ptr[r->at + 1] == ']');
}

/* At the '-' of a range that begins with `from`, read from `start` on. */
static bool read_range_end(struct reader *r, size_t start, unsigned char from, struct byte_set *set)
{
    static const char lone[] = "'-' in brackets stands for itself only as the first or last";
    unsigned char to;

    /* In front of it stands at least the opening bracket. */
    if (from == '-' && r->in.ptr[start - 1] != '[' && r->in.ptr[start - 1] != '^')
        return fail(r, start, lone);
    r->at++;
    if (!read_bracket_byte(r, &to))
        return false;
    if (to < from)
        return fail(r, start, "this range runs backwards");
    set_add(set, from, to);
    return at_range(r) ? fail(r, r->at, lone) : true;
}

/* A class, a byte or a range. */
static bool read_bracket_item(struct reader *r, struct byte_set *set)
{
    size_t start = r->at;
    unsigned char from;

    if (view_starts(view_from(r->in, r->at), VIEW("[:"))) {
        r->at += 2;
        if (!read_class(r, set))
            return false;
        return at_range(r) ? fail(r, r->at, "a class is no begin of a range") : true;
    }
    if (!read_bracket_byte(r, &from))
        return false;
    if (at_range(r))
        return read_range_end(r, start, from, set);
    set_add(set, from, from);
    return true;
}

/* Behind '['. */
static bool read_bracket(struct reader *r)
{
    struct byte_set *set = ARENA_NEW(r->arena, struct byte_set);
    size_t start = r->at - 1, first;
    bool negated = next_is(r, '^');

    if (set == NULL) {
        r->status = STATUS_NOMEM;
        return false;
    }
    r->at += negated ? 1 : 0;
    first = r->at;
    while (!next_is(r, ']') || r->at == first) { /* ']' is itself as the first */
        if (!more(r))
            return fail(r, start, "a bracket is not closed");
        if (!read_bracket_item(r, set))
            return false;
    }
    r->at++;
    for (size_t i = 0; negated && i < ARRAY_LEN(set->bits); i++)
        set->bits[i] = ~set->bits[i];
    return emit(r, (struct step){.op = STEP_SET, .set = set});
}

/* Behind '('. */
static bool read_group(struct reader *r)
{
    size_t start = r->at - 1;

    if (++r->depth > ERE_DEPTH_MAX)
        return fail(r, start, "groups are nested too deep");
    if (!read_alternatives(r))
        return false;
    if (!next_is(r, ')'))
        return fail(r, start, "a group is not closed");
    r->at++;
    r->depth--;
    return true;
}

/* Behind '\'. */
static bool read_escape(struct reader *r)
{
    char c;

    if (!more(r))
        return fail(r, r->at - 1, "a backslash is the last character");
    c = peek(r);
    if (c >= '1' && c <= '9')
        return fail(r, r->at - 1, "back-references are not allowed");
    if (view_find(VIEW(".[]{}()\\*+?|^$/-"), c) == sizeof ".[]{}()\\*+?|^$/-" - 1)
        return fail(r, r->at - 1,
                    "this escape is not part of POSIX; classes are written like [[:digit:]]");
    r->at++;
    return emit(r, (struct step){.op = STEP_BYTE, .byte = (unsigned char)c});
}

/* One atom; *ret_repeatable is false for anchors. */
static bool read_atom(struct reader *r, bool *ret_repeatable)
{
    char c = peek(r);

    r->at++;
    *ret_repeatable = c != '^' && c != '$';
    switch (c) {
    case '(':
        return read_group(r);
    case '[':
        return read_bracket(r);
    case '\\':
        return read_escape(r);
    case '.':
        return emit(r, (struct step){.op = STEP_ANY});
    case '^':
        return emit(r, (struct step){.op = STEP_BEGIN});
    case '$':
        return emit(r, (struct step){.op = STEP_END});
    case '*':
    case '+':
    case '?':
    case '{':
        return fail(r, r->at - 1, "there is nothing to repeat in front of this");
    default:
        return emit(r, (struct step){.op = STEP_BYTE, .byte = (unsigned char)c});
    }
}

/* A decimal number up to ERE_REPEAT_MAX; -1 if there is none. */
static bool read_count(struct reader *r, int *ret)
{
    size_t start = r->at;
    int value = 0;

    while (more(r) && peek(r) >= '0' && peek(r) <= '9') {
        value = value * 10 + (peek(r) - '0');
        if (value > ERE_REPEAT_MAX)
            return fail(r, start, "a repeat may be at most 255");
        r->at++;
    }
    *ret = r->at == start ? -1 : value;
    return true;
}

/* Behind '{': m} m,} or m,n}. *ret_max is -1 for no end. */
static bool read_bounds(struct reader *r, int *ret_min, int *ret_max)
{
    size_t start = r->at - 1;
    bool comma;

    if (!read_count(r, ret_min))
        return false;
    comma = next_is(r, ',');
    r->at += comma ? 1 : 0;
    *ret_max = *ret_min;
    if (comma && !read_count(r, ret_max))
        return false;
    if (*ret_min < 0 || !next_is(r, '}'))
        return fail(r, start, "a repeat must be written {m}, {m,} or {m,n}");
    if (*ret_max >= 0 && *ret_max < *ret_min)
        return fail(r, start, "a repeat's end lies before its begin");
    r->at++;
    return true;
}

static bool emit_copy(struct reader *r, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (!emit(r, r->copy[i]))
            return false;
    }
    return true;
}

/* The steps from `start` on, min to max times (max -1: without end). */
static bool repeat(struct reader *r, size_t start, int min, int max)
{
    size_t len = r->count - start;
    struct step *copy = arena_array(r->scratch, len, sizeof *copy);

    if (copy == NULL) {
        r->status = STATUS_NOMEM;
        return false;
    }
    memcpy(copy, &r->steps[start], len * sizeof *copy);
    r->copy = copy;
    r->count = start;
    for (int i = 0; i < min; i++) {
        if (!emit_copy(r, len))
            return false;
    }
    if (max < 0)
        return emit(r, (struct step){.op = STEP_SPLIT, .x = 1, .y = (int)len + 2}) &&
               emit_copy(r, len) && emit(r, (struct step){.op = STEP_JUMP, .x = -((int)len + 1)});
    for (int left = max - min; left > 0; left--) {
        struct step skip = {.op = STEP_SPLIT, .x = 1, .y = left * ((int)len + 1)};

        if (!emit(r, skip) || !emit_copy(r, len))
            return false;
    }
    return true;
}

static bool is_repeat(char c)
{
    return c == '*' || c == '+' || c == '?' || c == '{';
}

static bool read_repeat(struct reader *r, size_t start)
{
    int min = 0, max = -1;
    char c = peek(r);

    r->at++;
    if (c == '+')
        min = 1;
    else if (c == '?')
        max = 1;
    else if (c == '{' && !read_bounds(r, &min, &max))
        return false;
    if (more(r) && is_repeat(peek(r)))
        return fail(r, r->at, "two repeats in a row; put the first into a group");
    return repeat(r, start, min, max);
}

/* Atoms with their repeats, up to '|', ')' or the end. */
static bool read_branch(struct reader *r)
{
    size_t first = r->at;

    while (more(r) && peek(r) != '|' && peek(r) != ')') {
        size_t start = r->count;
        bool repeatable;

        if (!read_atom(r, &repeatable))
            return false;
        if (!more(r) || !is_repeat(peek(r)))
            continue;
        if (!repeatable)
            return fail(r, r->at, "an anchor cannot be repeated");
        if (!read_repeat(r, start))
            return false;
    }
    if (r->at == first)
        return fail(r, r->at, "an empty alternative or group");
    return true;
}

static bool read_alternatives(struct reader *r)
{
    size_t start = r->count;

    if (!read_branch(r))
        return false;
    /* a|b|c is ((a|b)|c): the split stands in front of all that was read so far. */
    while (next_is(r, '|')) {
        size_t jump;

        r->at++;
        if (!insert(r, start, (struct step){.op = STEP_SPLIT, .x = 1}) ||
            !emit(r, (struct step){.op = STEP_JUMP}))
            return false;
        jump = r->count - 1;
        r->steps[start].y = (int)(r->count - start);
        if (!read_branch(r))
            return false;
        r->steps[jump].x = (int)(r->count - jump);
    }
    return true;
}

enum status ere_compile(struct view pattern, struct arena *arena, struct arena *scratch,
                        struct ere_fault *fault, const struct ere **ret)
{
    struct reader r = {.in = pattern, .arena = arena, .scratch = scratch, .fault = fault};
    struct ere *ere = ARENA_NEW(arena, struct ere);
    struct step *kept;

    r.steps = arena_array(scratch, ERE_PROGRAM_MAX, sizeof *r.steps);
    if (ere == NULL || r.steps == NULL)
        return STATUS_NOMEM;
    if (pattern.len > ERE_PATTERN_MAX)
        (void)fail(&r, ERE_PATTERN_MAX, "the pattern is longer than 1024 bytes");
    else if (read_alternatives(&r) && more(&r))
        (void)fail(&r, r.at, "this ')' closes nothing");
    if (r.status != STATUS_OK)
        return r.status;
    kept = arena_array(arena, r.count, sizeof *kept);
    if (kept == NULL)
        return STATUS_NOMEM;
    memcpy(kept, r.steps, r.count * sizeof *kept);
    *ere = (struct ere){kept, r.count};
    *ret = ere;
    return STATUS_OK;
}

/* The steps that wait for the next byte; `seen` are all that were reached without one. */
struct active {
    uint16_t steps[ERE_PROGRAM_MAX];
    size_t count;
    uint64_t seen[ERE_PROGRAM_MAX / 64 + 1];
    bool matched;
};

static bool first_visit(struct active *a, size_t at)
{
    uint64_t bit = (uint64_t)1 << (at % 64);
    bool first = (a->seen[at / 64] & bit) == 0;

    a->seen[at / 64] |= bit;
    return first;
}

/* by may be negative; the sum wraps round to the place that is meant. */
static size_t moved(size_t at, int by)
{
    return at + (size_t)by;
}

/* Follows all that needs no byte from `at` on. Every place is pushed once at most, beside the one
 * that is begun with. */
static void reach(const struct ere *ere, struct active *a, size_t at, struct view value, size_t pos)
{
    uint16_t stack[ERE_PROGRAM_MAX + 1];
    size_t depth = 0;
    bool go = first_visit(a, at);

    while (go || depth > 0) {
        const struct step *step;

        if (!go)
            at = stack[--depth];
        go = false;
        if (at == ere->count) {
            a->matched = true;
            continue;
        }
        step = &ere->steps[at];
        if (step->op == STEP_SPLIT && first_visit(a, moved(at, step->y)))
            stack[depth++] = (uint16_t)moved(at, step->y);
        if (step->op == STEP_SPLIT || step->op == STEP_JUMP)
            at = moved(at, step->x);
        else if ((step->op == STEP_BEGIN && pos == 0) || (step->op == STEP_END && pos == value.len))
            at++;
        else if (step->op != STEP_BEGIN && step->op != STEP_END) {
            a->steps[a->count++] = (uint16_t)at;
            continue;
        } else {
            continue;
        }
        go = first_visit(a, at);
    }
}

static bool takes(const struct step *step, unsigned char byte)
{
    switch (step->op) {
    case STEP_BYTE:
        return step->byte == byte;
    case STEP_ANY:
        return true;
    case STEP_SET:
        return set_has(step->set, byte);
    case STEP_SPLIT:
    case STEP_JUMP:
    case STEP_BEGIN:
    case STEP_END:
        return false;
    }
    return false;
}

static void clear(const struct ere *ere, struct active *a)
{
    a->count = 0;
    a->matched = false;
    memset(a->seen, 0, (ere->count / 64 + 1) * sizeof a->seen[0]);
}

bool ere_matches(const struct ere *ere, struct view value)
{
    struct active a, b;
    struct active *now = &a, *next = &b;

    clear(ere, now);
    reach(ere, now, 0, value, 0);
    for (size_t i = 0; i < value.len; i++) {
        struct active *swap = now;

        if (now->count == 0)
            return false;
        clear(ere, next);
        for (size_t s = 0; s < now->count; s++) {
            if (takes(&ere->steps[now->steps[s]], (unsigned char)value.ptr[i]))
                reach(ere, next, now->steps[s] + 1U, value, i + 1);
        }
        now = next;
        next = swap;
    }
    return now->matched;
}
