/* SPDX-License-Identifier: Apache-2.0
 * YAML to a tree and through schema rows of every kind: every fault has a file and a line within
 * the text, the tree is within the limits, and what was read prints to what reads the same. */
#include "yaml/schema.h"

#include "fuzz.h"

enum { MEMORY_MAX = 64 << 20, PRINT_MAX = 8 << 20 };

static const char file_name[] = "input.yaml";
static const struct ydoc_limits limits = {
    .bytes = 1 << 16, .depth = 8, .nodes = 2000, .scalar = 4096, .twice = "name"};

struct inner {
    struct yobject self;
    struct ytext text;
    struct ynumber size;
};

struct everything {
    struct ytext name, short_text;
    struct ynumber truth, number, word_number, duration, size, word;
    struct ytexts list;
    struct ypairs pairs;
    struct inner inner;
    const struct ynode *node;
};

static const char *const words[] = {"refuse", "allow", "cap", NULL};
static const char *const zero[] = {"auto", NULL};

static const struct yfield inner_fields[] = {
    {.key = "text", .kind = YFIELD_TEXT, .offset = offsetof(struct inner, text)},
    {.key = "size", .kind = YFIELD_SIZE, .offset = offsetof(struct inner, size), .required = true},
    {.key = NULL},
};

static const struct yfield fields[] = {
    {.key = "name", .kind = YFIELD_TEXT, .offset = offsetof(struct everything, name)},
    {.key = "short_text",
     .kind = YFIELD_TEXT,
     .offset = offsetof(struct everything, short_text),
     .min = 1,
     .max = 8},
    {.key = "truth", .kind = YFIELD_BOOL, .offset = offsetof(struct everything, truth)},
    {.key = "number",
     .kind = YFIELD_INT,
     .offset = offsetof(struct everything, number),
     .min = -10,
     .max = 1000},
    {.key = "word_number",
     .kind = YFIELD_INT,
     .offset = offsetof(struct everything, word_number),
     .min = 0,
     .max = 9,
     .names = zero},
    {.key = "duration", .kind = YFIELD_DURATION, .offset = offsetof(struct everything, duration)},
    {.key = "size", .kind = YFIELD_SIZE, .offset = offsetof(struct everything, size)},
    {.key = "word",
     .kind = YFIELD_ENUM,
     .offset = offsetof(struct everything, word),
     .names = words},
    {.key = "list", .kind = YFIELD_TEXTS, .offset = offsetof(struct everything, list)},
    {.key = "pairs", .kind = YFIELD_PAIRS, .offset = offsetof(struct everything, pairs)},
    {.key = "inner",
     .kind = YFIELD_OBJECT,
     .offset = offsetof(struct everything, inner),
     .fields = inner_fields},
    {.key = "node", .kind = YFIELD_NODE, .offset = offsetof(struct everything, node)},
    {.key = NULL},
};

/* At most so many lines; every byte that may be part of a line break counts. */
static unsigned lines_of(struct view text)
{
    unsigned lines = 1;

    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];

        lines += c == '\n' || c == '\r' || c == 0x85 || c == 0xA8 || c == 0xA9;
    }
    return lines + 1; /* the end of the text may stand on a line of its own */
}

static void check_place(struct loc at, unsigned lines)
{
    REQUIRE(at.file == file_name && at.line >= 1 && at.line <= lines && at.column >= 1);
}

static void check_diag(const struct diag *diag, unsigned lines)
{
    struct buf out;

    REQUIRE(diag->count <= DIAG_MAX && diag->faults <= diag->count + diag->dropped);
    for (size_t i = 0; i < diag->count; i++) {
        check_place(diag->items[i].loc, lines);
        REQUIRE(diag->items[i].message.len > 0);
        REQUIRE(view_find(diag->items[i].message, '\n') == diag->items[i].message.len);
    }
    buf_init(&out, PRINT_MAX);
    diag_print(diag, &out);
    REQUIRE(out.failed == STATUS_OK && (out.len > 0) == (diag->count > 0));
    buf_done(&out);
}

/* NOLINTNEXTLINE(misc-no-recursion): limits.depth levels and a scalar */
static unsigned check_tree(const struct ynode *node, unsigned depth, unsigned lines)
{
    unsigned nodes = 1;
    size_t children = 0;

    check_place(node->loc, lines);
    REQUIRE(node->kind == YNODE_SCALAR || depth <= limits.depth); /* a scalar is no level */
    REQUIRE(node->text.len <= limits.scalar);
    REQUIRE(node->kind != YNODE_SCALAR || node->child == NULL);
    for (const struct ynode *child = node->child; child != NULL; child = child->next) {
        children++;
        if (node->kind == YNODE_MAPPING) {
            check_place(child->key_loc, lines);
            REQUIRE(child->key.ptr != NULL && ynode_find(node, child->key) != NULL);
        }
        nodes += check_tree(child, depth + 1, lines);
    }
    REQUIRE(children == node->count);
    return nodes;
}

static void unset(struct everything *e)
{
    *e = (struct everything){.name = {.set = false}};
    e->truth.value = e->number.value = e->word_number.value = e->duration.value = YNUMBER_NONE;
    e->size.value = e->word.value = e->inner.size.value = YNUMBER_NONE;
}

static void print(const struct everything *e, struct buf *out)
{
    buf_init(out, PRINT_MAX);
    yschema_print(fields, e, 0, out);
    REQUIRE(out->failed == STATUS_OK);
}

/* What was read without a fault prints to what reads and prints the same. */
static void check_printed(const struct everything *e)
{
    const struct ynode *root = NULL;
    struct everything again;
    struct buf once, twice;
    struct arena arena;
    struct diag diag;

    fuzz_arena(&arena);
    diag_init(&diag, &arena);
    print(e, &once);
    REQUIRE(ydoc_read(file_name, buf_view(&once), NULL, &arena, &diag, &root));
    unset(&again);
    yschema_read(root, (struct loc){file_name, 1, 1}, fields, &again, &arena, &diag);
    REQUIRE(diag.faults == 0);
    print(&again, &twice);
    REQUIRE(view_eq(buf_view(&once), buf_view(&twice)));
    REQUIRE(e->list.count == again.list.count && e->pairs.count == again.pairs.count);
    REQUIRE(view_eq(e->name.value, again.name.value));
    for (size_t i = 0; i < e->list.count; i++)
        REQUIRE(view_eq(e->list.items[i].value, again.list.items[i].value));
    buf_done(&once);
    buf_done(&twice);
    arena_done(&arena);
}

static void check_schema(const struct ynode *root, struct arena *arena, unsigned lines)
{
    struct everything e;
    struct diag diag;

    diag_init(&diag, arena);
    unset(&e);
    yschema_read(root, (struct loc){file_name, 1, 1}, fields, &e, arena, &diag);
    check_diag(&diag, lines);
    if (diag.faults == 0)
        check_printed(&e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct view text = fuzz_input(data, size);
    unsigned lines = lines_of(text);
    const struct ynode *root = NULL;
    struct arena arena;
    struct diag diag;

    arena_init(&arena, 1, MEMORY_MAX);
    diag_init(&diag, &arena);
    if (ydoc_read(file_name, text, &limits, &arena, &diag, &root)) {
        REQUIRE(diag.faults == 0);
        if (root != NULL)
            REQUIRE(check_tree(root, 1, lines) <= limits.nodes);
        check_schema(root, &arena, lines);
    } else {
        REQUIRE(root == NULL && diag.faults > 0);
    }
    check_diag(&diag, lines);
    arena_done(&arena);
    return 0;
}
