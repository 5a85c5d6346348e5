/* SPDX-License-Identifier: Apache-2.0
 * A kept document: valid JSON, in the journal's line too, in which no value is left that a rule
 * names, and which loses nothing more when it is kept once more. Input: pointers, one a line, an
 * empty line, the document. */
#include "base/buffer.h"
#include "journal/keep.h"
#include "journal/record.h"

#include "fuzz.h"

enum { OUT_MAX = 1 << 22, LINE_MAX = 4 * OUT_MAX, RULES = 4 };

static const struct jlimits limits = {.bytes = OUT_MAX, .depth = 64, .members = 65536, .nul = true};

static void read_rules(struct view *rest, struct arena *arena, struct keep_path *paths,
                       struct keep_rules *ret)
{
    struct view line;
    const char *why;

    *ret = (struct keep_rules){paths, 0};
    while (ret->count < RULES && fuzz_part(rest, '\n', &line) && line.len > 0) {
        if (keep_path_parse(line, arena, &paths[ret->count], &why) == STATUS_OK)
            ret->count++;
    }
}

/* Depth: KEEP_STEPS_MAX. */
static void require_gone(const struct jdoc *doc, jref v, const struct keep_path *path, size_t at)
{
    struct arena arena;

    if (at == path->count) {
        REQUIRE(view_eq(jdoc_raw(doc, v), VIEW("\"" KEEP_REDACTED "\"")));
        return;
    }
    fuzz_arena(&arena);
    JDOC_EACH(doc, v, child)
    {
        bool is_list = jdoc_kind(doc, v) == JKIND_ARRAY;
        struct view step = path->steps[at], key = VIEW_NONE;

        if (!is_list)
            key = jdoc_key(doc, child, &arena);
        if (step.ptr == NULL || (!is_list && view_eq(key, step)))
            require_gone(doc, child, path, at + 1);
    }
    arena_done(&arena);
}

static void check_line(struct view kept, const struct kept_list *told, struct arena *arena)
{
    const struct journal_kept request = {.request = kept,
                                         .query = VIEW_NONE,
                                         .redacted = told->items,
                                         .redacted_count = told->count};
    const struct journal_facts facts = {
        .event = JOURNAL_INTENT, .duration_us = -1, .kept = &request};
    struct jfault fault;
    struct jdoc doc;
    struct buf out;

    buf_init(&out, LINE_MAX);
    buf_add(&out, VIEW("{"));
    journal_format(&facts, &out);
    REQUIRE(out.failed == STATUS_OK);
    REQUIRE(
        jdoc_read(buf_view(&out),
                  &(struct jlimits){.bytes = LINE_MAX, .depth = 66, .members = 100000, .nul = true},
                  arena, &doc, &fault) == STATUS_OK);
    REQUIRE(jdoc_member(&doc, 0, VIEW("request")) != JREF_NONE);
    buf_done(&out);
}

static void check_twice(const struct jdoc *kept, struct arena *arena)
{
    static const struct keep_rules none = {NULL, 0};
    struct kept_list told = {.count = 0};
    struct view twice;

    REQUIRE(keep_document(kept, &none, "", arena, &twice, &told) == STATUS_OK);
    REQUIRE(view_eq(twice, kept->bytes));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct view rest = fuzz_input(data, size), kept;
    struct keep_path paths[RULES];
    struct keep_rules rules;
    struct kept_list told = {.count = 0};
    struct jdoc doc, again;
    struct jfault fault;
    struct arena arena;

    fuzz_arena(&arena);
    read_rules(&rest, &arena, paths, &rules);
    if (rest.ptr != NULL && jdoc_read(rest, &limits, &arena, &doc, &fault) == STATUS_OK &&
        keep_document(&doc, &rules, "/request", &arena, &kept, &told) == STATUS_OK) {
        REQUIRE(jdoc_read(kept, &limits, &arena, &again, &fault) == STATUS_OK);
        REQUIRE(told.count > 0 || view_eq(kept, rest));
        for (size_t i = 0; i < rules.count; i++)
            require_gone(&again, 0, &rules.paths[i], 0);
        check_line(kept, &told, &arena);
        check_twice(&again, &arena);
    }
    arena_done(&arena);
    return 0;
}
