/* SPDX-License-Identifier: Apache-2.0
 * Extended regular expressions, against a matcher that works on sets of places in the value instead
 * of a program. Input: the pattern, a line feed, and values with a line feed between. */
#include <ctype.h>
#include <stdlib.h>

#include "policy/ere.h"

#include "fuzz.h"

enum { VALUE_MAX = 62 };

/* Bit i: the place in front of byte i. */
typedef uint64_t places;

/* Reads the pattern, which ere_compile has accepted, and moves places along at the same time: an
 * atom that is repeated is read again for each time. */
struct reading {
    struct view pattern, value;
    size_t at;
};

static places alternatives(struct reading *r, places from);

static bool more(const struct reading *r)
{
    return r->at < r->pattern.len;
}

static char peek(const struct reading *r)
{
    return more(r) ? r->pattern.ptr[r->at] : '\0';
}

/* The process stays in the C locale. */
static bool in_class(struct view name, unsigned char c)
{
    static const struct {
        const char *name;
        int (*holds)(int c);
    } classes[] = {
        {"alpha", isalpha}, {"digit", isdigit}, {"alnum", isalnum},   {"upper", isupper},
        {"lower", islower}, {"space", isspace}, {"xdigit", isxdigit}, {"blank", isblank},
        {"punct", ispunct}, {"graph", isgraph}, {"print", isprint},   {"cntrl", iscntrl},
    };

    for (size_t i = 0; i < ARRAY_LEN(classes); i++) {
        if (view_eq(name, view_str(classes[i].name)))
            return classes[i].holds(c) != 0;
    }
    fuzz_show("a class that isn't known", name);
    abort();
}

/* Everything between the brackets; at: behind the first. */
static bool in_bracket(struct view items, unsigned char c)
{
    bool found = false;

    for (size_t i = 0; i < items.len;) {
        struct view rest = view_from(items, i);
        unsigned char from = (unsigned char)rest.ptr[0];

        if (view_starts(rest, VIEW("[:"))) {
            size_t len = view_find(view_from(rest, 2), ':');

            found = found || in_class(view_of(rest.ptr + 2, len), c);
            i += len + 4;
        } else if (rest.len > 2 && rest.ptr[1] == '-') {
            found = found || (c >= from && c <= (unsigned char)rest.ptr[2]);
            i += 3;
        } else {
            found = found || c == from;
            i++;
        }
    }
    return found;
}

static places step(const struct reading *r, places from, bool (*takes)(struct view, unsigned char),
                   struct view arg, bool negated)
{
    places to = 0;

    for (size_t i = 0; i < r->value.len; i++) {
        if ((from >> i & 1) != 0 && takes(arg, (unsigned char)r->value.ptr[i]) != negated)
            to |= (places)1 << (i + 1);
    }
    return to;
}

static bool is_byte(struct view wanted, unsigned char c)
{
    return wanted.len == 0 || (unsigned char)wanted.ptr[0] == c; /* empty: any */
}

static places bracket(struct reading *r, places from)
{
    bool negated = peek(r) == '^';
    size_t start, end;

    r->at += negated ? 1 : 0;
    start = r->at;
    for (end = start; r->pattern.ptr[end] != ']' || end == start; end++) {
        if (r->pattern.ptr[end] == '[' && r->pattern.ptr[end + 1] == ':')
            end += 2 + view_find(view_from(r->pattern, end + 2), ':') + 1;
    }
    r->at = end + 1;
    return step(r, from, in_bracket, view_of(r->pattern.ptr + start, end - start), negated);
}

static places atom(struct reading *r, places from)
{
    char c = r->pattern.ptr[r->at++];
    places to;

    switch (c) {
    case '(':
        to = alternatives(r, from);
        REQUIRE(peek(r) == ')');
        r->at++;
        return to;
    case '[':
        return bracket(r, from);
    case '.':
        return step(r, from, is_byte, VIEW_NONE, false);
    case '^':
        return from & 1;
    case '$':
        return from & (places)1 << r->value.len;
    case '\\':
        r->at++;
        break;
    default:
        break;
    }
    return step(r, from, is_byte, view_of(r->pattern.ptr + r->at - 1, 1), false);
}

static int number(struct reading *r)
{
    int value = -1;

    while (peek(r) >= '0' && peek(r) <= '9')
        value = (value < 0 ? 0 : value) * 10 + (r->pattern.ptr[r->at++] - '0');
    return value;
}

static void bounds(struct reading *r, int *min, int *max)
{
    char c = peek(r);

    *min = *max = 1;
    if (c == '*' || c == '?')
        *min = 0;
    if (c == '*' || c == '+')
        *max = -1;
    if (c != '*' && c != '?' && c != '+' && c != '{')
        return;
    r->at++;
    if (c != '{')
        return;
    *min = *max = number(r);
    if (peek(r) == ',') {
        r->at++;
        *max = number(r);
    }
    REQUIRE(peek(r) == '}' && *min >= 0);
    r->at++;
}

/* An atom with its repeat. */
static places piece(struct reading *r, places from)
{
    size_t start = r->at, end;
    places now = atom(r, from), to;
    int min, max;

    bounds(r, &min, &max);
    if (min == 1 && max == 1)
        return now;
    end = r->at;
    now = from;
    for (int i = 0; i < min; i++) {
        r->at = start;
        now = atom(r, now);
    }
    to = now;
    for (int i = min; max < 0 || i < max; i++) {
        places before = to;

        r->at = start;
        now = atom(r, now);
        to |= now;
        if (max < 0 && to == before)
            break;
        now = to;
    }
    r->at = end;
    return to;
}

static places alternatives(struct reading *r, places from)
{
    places to = 0, now = from;

    while (more(r) && peek(r) != ')') {
        if (peek(r) == '|') {
            r->at++;
            to |= now;
            now = from;
            continue;
        }
        now = piece(r, now);
    }
    return to | now;
}

static bool reference_matches(struct view pattern, struct view value)
{
    struct reading r = {pattern, value, 0};

    return (alternatives(&r, 1) >> value.len & 1) != 0;
}

/* Nested repeats cost the reference one reading of the atom for each time. */
static bool is_small(struct view pattern)
{
    unsigned repeats = 0;

    for (size_t i = 0; i < pattern.len; i++)
        repeats += view_find(VIEW("{*+?"), pattern.ptr[i]) < 4;
    return pattern.len <= 64 && repeats <= 4;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct view rest = fuzz_input(data, size), pattern, value;
    struct ere_fault fault = {0, NULL};
    const struct ere *ere = NULL;
    struct arena arena, scratch;
    enum status status;

    if (!fuzz_part(&rest, '\n', &pattern))
        return 0;
    fuzz_arena(&arena);
    fuzz_arena(&scratch);
    status = ere_compile(pattern, &arena, &scratch, &fault, &ere);
    arena_done(&scratch);
    if (status == STATUS_OK) {
        while (fuzz_part(&rest, '\n', &value)) {
            bool matches = ere_matches(ere, value);

            if (is_small(pattern) && value.len <= VALUE_MAX)
                REQUIRE(matches == reference_matches(pattern, value));
        }
    } else {
        REQUIRE(status == STATUS_SYNTAX && fault.text != NULL && fault.text[0] != '\0');
        REQUIRE(fault.position >= 1 && fault.position <= pattern.len + 1);
    }
    arena_done(&arena);
    return 0;
}
