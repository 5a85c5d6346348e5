/* SPDX-License-Identifier: Apache-2.0
 * The JSON reader against jansson 2.14 with JSON_REJECT_DUPLICATES: both accept with the same
 * meaning, or both refuse. Where they may differ stands in a table. */
#include "json/write.h"

#include "fuzz.h"
#include "json_same.h"

/* What we refuse, and jansson takes. There is nothing that only we take. */
struct difference {
    const char *name;
    bool (*holds)(struct view text, const struct jfault *fault);
};

static bool is_limit(struct view text, const struct jfault *fault)
{
    (void)text;
    return fault->row == &json_reasons[JSON_TOO_LARGE] ||
           fault->row == &json_reasons[JSON_TOO_DEEP] || fault->row == &json_reasons[JSON_TOO_MANY];
}

static bool is_word_byte(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' ||
           c == '+' || c == '-';
}

/* jansson drops the byte that it has looked at to find the end of a number or a word. */
static bool is_nul_behind_word(struct view text, const struct jfault *fault)
{
    return fault->offset > 0 && fault->offset < text.len && text.ptr[fault->offset] == '\0' &&
           is_word_byte(text.ptr[fault->offset - 1]);
}

static const struct difference differences[] = {
    {"a limit", is_limit},
    {"a NUL right behind a number or a word", is_nul_behind_word},
};

static bool may_differ(struct view text, const struct jfault *fault)
{
    for (size_t i = 0; i < ARRAY_LEN(differences); i++) {
        if (differences[i].holds(text, fault))
            return true;
    }
    return false;
}

static void check_fault(struct view text, const struct jfault *fault)
{
    size_t line = 1, begin = 0;

    REQUIRE(fault->row != NULL && fault->offset <= text.len);
    REQUIRE(fault->text[0] != '\0' && memchr(fault->text, '\0', sizeof fault->text) != NULL);
    for (size_t i = 0; i < fault->offset; i++) {
        if (text.ptr[i] == '\n') {
            line++;
            begin = i + 1;
        }
    }
    REQUIRE(fault->line == line && fault->column == fault->offset - begin + 1);
    for (const char *at = fault->text; *at != '\0'; at++)
        REQUIRE(*at >= ' ' && *at < 0x7F);
}

/* Each value lies within its parent, behind its elder siblings, and is found by what it says. */
static void check_index(const struct jdoc *doc)
{
    size_t end = 0;

    for (jref v = 0; v < doc->count; v++) {
        const struct jvalue *value = &doc->values[v];

        REQUIRE(value->start < value->end && value->end <= doc->bytes.len);
        REQUIRE(value->next > v && value->next <= doc->count);
        if (v == 0)
            continue;
        REQUIRE(value->parent < v && value->start > doc->values[value->parent].start);
        REQUIRE(value->end < doc->values[value->parent].end);
        REQUIRE(value->key_start <= value->key_end && value->key_end <= value->start);
        if (v != value->parent + 1)
            REQUIRE(value->start > end);
        if (jdoc_kind(doc, v) < JKIND_ARRAY)
            end = value->end;
    }
}

/* Tighter limits refuse more, for no other reason than a limit, and change nothing else. */
static void check_tight(struct view text, const struct jdoc *wide, struct arena *arena)
{
    static const struct jlimits tight = {.bytes = 100, .depth = 4, .members = 8};
    struct jfault fault = {.row = NULL};
    struct jdoc doc;
    enum status status = jdoc_read(text, &tight, arena, &doc, &fault);

    REQUIRE(status == STATUS_OK || status == STATUS_SYNTAX);
    if (status == STATUS_SYNTAX) {
        check_fault(text, &fault);
        REQUIRE(wide == NULL || is_limit(text, &fault));
        return;
    }
    REQUIRE(wide != NULL && doc.count == wide->count && doc.count <= tight.members + 1);
    REQUIRE(memcmp(doc.values, wide->values, doc.count * sizeof *doc.values) == 0);
}

/* Written as a line of ours it is still one, and says the same. */
static void check_written(const struct jdoc *doc, json_t *theirs, struct arena *arena)
{
    struct jfault fault;
    struct jwriter w;
    struct jdoc again;
    struct buf out;

    buf_init(&out, doc->bytes.len);
    jwriter_init(&w, &out);
    jwriter_raw(&w, jdoc_raw(doc, 0));
    REQUIRE(out.failed == STATUS_OK);
    REQUIRE(view_find(buf_view(&out), '\n') == out.len);
    REQUIRE(jdoc_read(buf_view(&out), &json_wide, arena, &again, &fault) == STATUS_OK);
    REQUIRE(json_same(&again, 0, theirs, arena));
    buf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct view text = fuzz_input(data, size);
    json_t *theirs = json_loadb(text.ptr, size, JSON_REJECT_DUPLICATES, NULL);
    struct jfault fault = {.row = NULL};
    struct arena arena;
    struct jdoc doc;
    enum status status;

    fuzz_arena(&arena);
    status = jdoc_read(text, &json_wide, &arena, &doc, &fault);
    REQUIRE(status == STATUS_OK || status == STATUS_SYNTAX);
    if (status == STATUS_OK) {
        REQUIRE(theirs != NULL);
        check_index(&doc);
        REQUIRE(json_same(&doc, 0, theirs, &arena));
        check_written(&doc, theirs, &arena);
    } else {
        check_fault(text, &fault);
        REQUIRE(theirs == NULL || may_differ(text, &fault));
    }
    check_tight(text, status == STATUS_OK ? &doc : NULL, &arena);
    json_decref(theirs);
    arena_done(&arena);
    return 0;
}
