/* SPDX-License-Identifier: Apache-2.0
 * Edits of a JSON text: read again, it says exactly the edits, and every other byte is as it was.
 * Input: the document, a NUL, and four bytes for each edit: kind and text, place (two), name. */
#include "json/splice.h"

#include "fuzz.h"

enum { EDITS = 8, BYTES_EACH = 4, OUT_MAX = 1 << 22 };

static const struct jlimits limits = {.bytes = OUT_MAX, .depth = 64, .members = 65536};

static const char *const texts[] = {
    "1",
    "true",
    "null",
    "\"x\"",
    "\"\\u00e9\\\"\\n\"",
    "-0.5e3",
    "{}",
    "[]",
    "{\"enable\":true, \"duration\":3600}",
    "[ 1 ,[2], {\"a\":{}} ]",
    "9223372036854775807",
};
static const char *const names[] = {
    "a", "b", "auto_stop", "", "\"", "\\", "\n", "\x7f", "\xc3\xa9", "\xf0\x9f\x98\x80",
};

struct edits {
    struct jsplice items[EDITS];
    size_t count;
};

static void read_edits(struct view from, const struct jdoc *doc, struct edits *ret)
{
    ret->count = 0;
    while (from.len >= BYTES_EACH && ret->count < EDITS) {
        unsigned kind = fuzz_byte(&from), high = fuzz_byte(&from), low = fuzz_byte(&from);
        struct jsplice *edit = &ret->items[ret->count++];

        edit->op = kind % 2 == 0 ? JSPLICE_REPLACE : JSPLICE_APPEND;
        edit->text = view_str(texts[kind / 2 % ARRAY_LEN(texts)]);
        /* One of the places doesn't exist. */
        edit->at = (jref)((high << 8 | low) % (doc->count + 1));
        edit->name = view_str(names[fuzz_byte(&from) % ARRAY_LEN(names)]);
    }
}

/* The header's words for STATUS_INVALID. */
static bool are_possible(const struct jdoc *doc, const struct edits *edits)
{
    for (size_t i = 0; i < edits->count; i++) {
        const struct jsplice *edit = &edits->items[i];

        if (edit->at >= doc->count ||
            (edit->op == JSPLICE_APPEND && jdoc_kind(doc, edit->at) != JKIND_OBJECT))
            return false;
    }
    for (size_t i = 0; i < edits->count; i++) {
        const struct jsplice *outer = &edits->items[i];

        for (size_t k = 0; k < edits->count && outer->op == JSPLICE_REPLACE; k++) {
            jref inner = edits->items[k].at;

            if (i != k && inner >= outer->at && inner < doc->values[outer->at].next)
                return false;
        }
    }
    return true;
}

/* Would a member be there twice? Only in what stays. */
static bool makes_twins(const struct jdoc *doc, const struct edits *edits)
{
    for (size_t i = 0; i < edits->count; i++) {
        const struct jsplice *edit = &edits->items[i];

        if (edit->op != JSPLICE_APPEND)
            continue;
        if (jdoc_member(doc, edit->at, edit->name) != JREF_NONE)
            return true;
        for (size_t k = 0; k < i; k++) {
            if (edits->items[k].op == JSPLICE_APPEND && edits->items[k].at == edit->at &&
                view_eq(edits->items[k].name, edit->name))
                return true;
        }
    }
    return false;
}

struct comparison {
    const struct jdoc *old, *new;
    const struct edits *edits;
    struct arena *arena;
};

static const struct jsplice *replaced(const struct comparison *c, jref v)
{
    for (size_t i = 0; i < c->edits->count; i++) {
        if (c->edits->items[i].op == JSPLICE_REPLACE && c->edits->items[i].at == v)
            return &c->edits->items[i];
    }
    return NULL;
}

static struct view between(const struct jdoc *doc, size_t from, size_t to)
{
    return view_of(doc->bytes.ptr + from, to - from);
}

/* Members that were put behind those of `v`, from `at` on; gives the end of the last one. */
static size_t check_appended(const struct comparison *c, jref v, jref at, size_t end)
{
    for (size_t i = 0; i < c->edits->count; i++) {
        const struct jsplice *edit = &c->edits->items[i];

        if (edit->op != JSPLICE_APPEND || edit->at != v)
            continue;
        REQUIRE(at != JREF_NONE);
        REQUIRE(view_eq(jdoc_key(c->new, at, c->arena), edit->name));
        REQUIRE(view_eq(jdoc_raw(c->new, at), edit->text));
        end = c->new->values[at].end;
        at = jdoc_sibling(c->new, at);
    }
    REQUIRE(at == JREF_NONE);
    return end;
}

/* NOLINTNEXTLINE(misc-no-recursion): at most 64 levels */
static void check_value(const struct comparison *c, jref v, jref now)
{
    const struct jvalue *old = &c->old->values[v], *new = &c->new->values[now];
    const struct jsplice *edit = replaced(c, v);
    size_t old_end = old->start + 1U, new_end = new->start + 1U;
    jref next;

    if (edit != NULL || jdoc_kind(c->old, v) < JKIND_ARRAY) {
        REQUIRE(view_eq(jdoc_raw(c->new, now), edit == NULL ? jdoc_raw(c->old, v) : edit->text));
        return;
    }
    REQUIRE(old->kind == new->kind);
    next = jdoc_child(c->new, now);
    JDOC_EACH(c->old, v, child)
    {
        REQUIRE(next != JREF_NONE);
        REQUIRE(view_eq(between(c->old, old_end, c->old->values[child].start),
                        between(c->new, new_end, c->new->values[next].start)));
        check_value(c, child, next);
        old_end = c->old->values[child].end;
        new_end = c->new->values[next].end;
        next = jdoc_sibling(c->new, next);
    }
    new_end = check_appended(c, v, next, new_end);
    REQUIRE(view_eq(between(c->old, old_end, old->end), between(c->new, new_end, new->end)));
}

static void check_result(const struct jdoc *doc, const struct edits *edits, struct view result,
                         struct arena *arena)
{
    struct jfault fault = {.row = NULL};
    struct comparison c = {doc, NULL, edits, arena};
    struct jdoc again;
    enum status status = jdoc_read(result, &limits, arena, &again, &fault);

    if (makes_twins(doc, edits)) {
        REQUIRE(status == STATUS_SYNTAX && fault.row == &json_reasons[JSON_DUPLICATE]);
        return;
    }
    if (status == STATUS_SYNTAX && (fault.row == &json_reasons[JSON_TOO_DEEP] ||
                                    (fault.row == &json_reasons[JSON_SYNTAX] && edits->count > 0 &&
                                     replaced(&(struct comparison){.edits = edits}, 0) != NULL)))
        return; /* a scalar in place of the whole document is no document */
    REQUIRE(status == STATUS_OK);
    c.new = &again;
    check_value(&c, 0, 0);
    REQUIRE(
        view_eq(between(doc, 0, doc->values[0].start), between(&again, 0, again.values[0].start)));
    REQUIRE(view_eq(between(doc, doc->values[0].end, doc->bytes.len),
                    between(&again, again.values[0].end, again.bytes.len)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct view rest = fuzz_input(data, size), text;
    struct edits edits;
    struct jfault fault;
    struct arena arena;
    struct jdoc doc;
    struct buf out;
    enum status status;

    if (!fuzz_part(&rest, '\0', &text))
        return 0;
    fuzz_arena(&arena);
    buf_init(&out, OUT_MAX);
    if (jdoc_read(text, &limits, &arena, &doc, &fault) == STATUS_OK) {
        read_edits(rest, &doc, &edits);
        status = jsplice_apply(&doc, edits.items, edits.count, &out);
        REQUIRE(status == (are_possible(&doc, &edits) ? STATUS_OK : STATUS_INVALID));
        if (status == STATUS_OK)
            check_result(&doc, &edits, buf_view(&out), &arena);
    }
    buf_done(&out);
    arena_done(&arena);
    return 0;
}
