/* SPDX-License-Identifier: Apache-2.0
 * Any bytes as a line of the journal, for readers of other formats. What comes out is one line of
 * strict JSON, the same each time; our own format is the line itself; what fails leaves nothing. */
#include "formats/format.h"
#include "json/doc.h"

#include "fuzz.h"

enum { OUT_MAX = 4 << 20, NESTED = 16 };

static bool is_json(struct view text, unsigned depth, struct arena *arena, struct jdoc *ret)
{
    const struct jlimits limits = {
        .bytes = OUT_MAX, .depth = depth, .members = 1 << 20, .nul = true};
    struct jfault fault;

    return jdoc_read(text, &limits, arena, ret, &fault) == STATUS_OK;
}

static bool is_checkpoint(const struct jdoc *doc, struct arena *arena)
{
    const jref event = jdoc_member(doc, 0, VIEW("event"));

    return view_eq(jdoc_text(doc, event, arena), VIEW("checkpoint"));
}

static void check_output(enum format format, struct view line, struct view out)
{
    struct arena arena;
    struct jdoc in, made;

    fuzz_arena(&arena);
    REQUIRE(view_find(out, '\n') == out.len);
    REQUIRE(is_json(line, JDEPTH_MAX, &arena, &in));
    /* It may be nested as deep as the reader goes, and is nested deeper in there. */
    if (is_json(line, JDEPTH_MAX - NESTED, &arena, &in)) {
        REQUIRE(is_json(out, JDEPTH_MAX, &arena, &made));
        REQUIRE(jdoc_kind(&made, 0) == JKIND_OBJECT);
    }
    if (format == FORMAT_POSTERN && !is_checkpoint(&in, &arena))
        REQUIRE(view_eq(out, line));
    if (format == FORMAT_POSTERN && is_checkpoint(&in, &arena) &&
        is_json(out, JDEPTH_MAX, &arena, &made))
        REQUIRE(jdoc_member(&made, 0, VIEW("open")) == JREF_NONE);
    arena_done(&arena);
}

static void write_line(enum format format, struct view source, struct view line)
{
    struct arena arena;
    struct buf first, second;
    enum status status;

    fuzz_arena(&arena);
    buf_init(&first, OUT_MAX);
    buf_init(&second, OUT_MAX);
    status = format_line(format, source, line, &arena, &first);
    REQUIRE(format_line(format, source, line, &arena, &second) == status);
    REQUIRE(view_eq(buf_view(&first), buf_view(&second)));
    if (status == STATUS_OK)
        check_output(format, line, buf_view(&first));
    else
        REQUIRE(first.len == 0);
    buf_done(&first);
    buf_done(&second);
    arena_done(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum format formats[] = {FORMAT_POSTERN, FORMAT_CADF, FORMAT_CLOUDEVENTS};
    struct view line = fuzz_input(data, size), source = VIEW("gw.example.org");

    if (size > 0 && line.ptr[0] == 's' && fuzz_part(&line, ' ', &source) && line.ptr == NULL)
        line = VIEW("");
    for (size_t i = 0; i < ARRAY_LEN(formats); i++)
        write_line(formats[i], source, line);
    return 0;
}
