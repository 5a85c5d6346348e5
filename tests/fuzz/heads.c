/* SPDX-License-Identifier: Apache-2.0
 * See heads.h. */
#include "heads.h"

#include "http1/write.h"

#include "fuzz.h"

enum { STEPS_MAX = 64 };

static bool is_named(struct view line, const char *name)
{
    struct view want = view_str(name);

    return line.len > want.len && line.ptr[want.len] == ':' &&
           view_eq_nocase(view_of(line.ptr, want.len), want);
}

static void look_at_line(struct view line, struct head_facts *facts)
{
    size_t colon = view_find(line, ':');

    facts->fields++;
    facts->clean = facts->clean && colon > 0 && colon < line.len && line.ptr[colon - 1] != ' ' &&
                   line.ptr[colon - 1] != '\t';
    facts->hosts += is_named(line, "host") ? 1 : 0;
    facts->lengths += is_named(line, "content-length") ? 1 : 0;
    facts->codings += is_named(line, "transfer-encoding") ? 1 : 0;
}

struct head_facts head_look(struct view head)
{
    struct head_facts facts = {.clean = view_find(head, '\0') == head.len};
    struct view line;

    for (unsigned i = 0; fuzz_part(&head, '\n', &line) && head.ptr != NULL; i++) {
        facts.clean = facts.clean && line.len > 0 && line.ptr[line.len - 1] == '\r' &&
                      view_find(line, '\r') == line.len - 1;
        if (i > 0 && line.len > 1)
            look_at_line(view_of(line.ptr, line.len - 1), &facts);
        if (head.len == 0)
            return facts;
    }
    facts.clean = false;
    return facts;
}

/* No NUL, and CR and LF only together. */
static bool is_clean(struct view head)
{
    for (size_t i = 0; i < head.len; i++) {
        if (head.ptr[i] == '\0')
            return false;
        if (head.ptr[i] == '\r' && (i + 1 == head.len || head.ptr[i + 1] != '\n'))
            return false;
        if (head.ptr[i] == '\n' && (i == 0 || head.ptr[i - 1] != '\r'))
            return false;
    }
    return true;
}

size_t head_find_in_pieces(struct view input, const struct http1_limits *limits, size_t piece)
{
    struct http1_fault fault = {NULL, NULL};
    size_t scanned = 0, found = 0;

    for (size_t len = 0; len < input.len && found == 0;) {
        len = input.len - len > piece ? len + piece : input.len;
        found = http1_find_head(view_of(input.ptr, len), limits, &scanned, &fault);
        if (found == SIZE_MAX)
            REQUIRE(fault.row != NULL && fault.text != NULL);
        else
            REQUIRE(found <= len && found <= limits->head);
    }
    return found;
}

/* Where a head ends by the first blank line; 0: nowhere, or not by clean lines within the limit. */
static size_t plain_end(struct view input, const struct http1_limits *limits)
{
    struct view end = VIEW("\r\n\r\n"), head = input;

    if (view_starts(input, VIEW("\r\n")))
        return 0; /* the caller's to skip */
    for (size_t i = 1; i + end.len <= input.len; i++) {
        if (!view_starts(view_from(input, i), end))
            continue;
        head.len = i + end.len;
        return is_clean(head) && head.len <= limits->head ? head.len : 0;
    }
    return 0;
}

size_t head_check_find(struct view input, const struct http1_limits *limits)
{
    static const struct http1_limits tight = {64, 8192, 32768, 128};
    size_t found = head_find_in_pieces(input, limits, input.len);
    size_t step = 1 + input.len / STEPS_MAX;

    for (size_t piece = 1; piece < input.len; piece += step)
        REQUIRE(head_find_in_pieces(input, limits, piece) == found);
    REQUIRE((found == SIZE_MAX ? 0 : found) == plain_end(input, limits));
    REQUIRE(head_find_in_pieces(input, &tight, input.len) == head_find_in_pieces(input, &tight, 1));
    return found;
}

void check_fields_same(const struct http1_field *a, unsigned a_count, const struct http1_field *b,
                       unsigned b_count)
{
    REQUIRE(a_count == b_count);
    for (unsigned i = 0; i < a_count; i++) {
        REQUIRE(view_eq(a[i].name, b[i].name) && view_eq(a[i].value, b[i].value));
        REQUIRE(a[i].id == b[i].id);
    }
}

void head_write_fields(const struct http1_field *fields, unsigned count, struct buf *out)
{
    for (unsigned i = 0; i < count; i++)
        http1_put_field(out, fields[i].name, fields[i].value);
    http1_put_end(out);
}
