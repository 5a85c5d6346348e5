/* SPDX-License-Identifier: Apache-2.0
 * Bodies of creates. Whatever is accepted can be edited; the edits say what they promise, converge,
 * and leave the rest of the typed request alone. */
#include "base/attr.h"
#include "base/buffer.h"

#include "create.h"

enum { OUT_MAX = 1 << 22, SECONDS = 5400 };

#define LITERAL(text)             \
    {                             \
        "" text, sizeof(text) - 1 \
    }

static const struct edit stop = {
    .op = EDIT_CAP, .field = EDIT_AUTO_STOP, .seconds = SECONDS, .policy = LITERAL("p")};

static const struct edit all[] = {
    {.op = EDIT_DEFAULT, .field = EDIT_AUTO_STOP, .seconds = SECONDS, .policy = LITERAL("p")},
    {.op = EDIT_SET,
     .field = EDIT_ANNOTATION,
     .key = LITERAL("cost-centre"),
     .value = LITERAL("4711"),
     .policy = LITERAL("p")},
    {.op = EDIT_SET,
     .field = EDIT_ANNOTATION,
     .key = LITERAL("a/~\"\\\n\xc3\xa9"),
     .value = LITERAL("\x7f\"\xf0\x9f\x98\x80\t"),
     .policy = LITERAL("q")},
};

static bool same_field(const struct text_field *a, const struct text_field *b)
{
    return a->set == b->set && view_eq(a->value, b->value);
}

static bool same_storage(const struct storage_request *a, const struct storage_request *b)
{
    return view_eq(a->type, b->type) && same_field(&a->path, &b->path) &&
           a->has_obs == b->has_obs && a->obs_fault == b->obs_fault && a->has_size == b->has_size &&
           a->size_gb == b->size_gb && strcmp(a->pointer, b->pointer) == 0 &&
           (!a->has_obs ||
            (view_eq(a->obs.bucket, b->obs.bucket) && view_eq(a->obs.key, b->obs.key)));
}

/* All that no edit touches. */
static void check_same(const struct instance_request *a, const struct instance_request *b)
{
    REQUIRE(a->op == b->op && view_eq(a->project, b->project));
    REQUIRE(same_field(&a->name, &b->name) && same_field(&a->profile, &b->profile));
    REQUIRE(same_field(&a->image, &b->image) && same_field(&a->flavor, &b->flavor));
    REQUIRE(same_field(&a->workspace, &b->workspace) && a->has_pool == b->has_pool);
    REQUIRE(same_field(&a->pool, &b->pool) && same_field(&a->pool_owner, &b->pool_owner));
    REQUIRE(a->has_custom_spec == b->has_custom_spec && a->storage_count == b->storage_count);
    for (size_t i = 0; i < a->storage_count; i++)
        REQUIRE(same_storage(&a->storages[i], &b->storages[i]));
}

static const struct pair *find(const struct pair *pairs, size_t count, struct view key)
{
    for (size_t i = 0; i < count; i++) {
        if (view_eq(pairs[i].key, key))
            return &pairs[i];
    }
    return NULL;
}

static void check_label(const struct instance_request *r, const struct edit *edit)
{
    const struct pair *right = find(r->annotations, r->annotation_count, edit->key);
    const struct pair *stray = find(r->stray_annotations, r->stray_annotation_count, edit->key);

    REQUIRE(right != NULL && view_eq(right->value, edit->value));
    REQUIRE(stray == NULL || view_eq(stray->value, edit->value));
    REQUIRE(stray != NULL || r->stray_annotation_count == 0);
}

static void check_edited(const struct instance_request *r, const struct edit *edits, size_t count)
{
    REQUIRE(r->stop_count > 0 && !r->stops[0].misplaced);
    for (size_t i = 0; i < r->stop_count; i++)
        REQUIRE(r->stops[i].enable && r->stops[i].has_duration &&
                r->stops[i].duration_s == SECONDS);
    for (size_t i = 0; i < count; i++) {
        if (edits[i].field == EDIT_ANNOTATION)
            check_label(r, &edits[i]);
    }
}

/* Labels that nobody edits stay, in their order. */
static void check_labels_kept(const struct instance_request *a, const struct instance_request *b)
{
    for (size_t i = 0; i < a->annotation_count; i++) {
        REQUIRE(i < b->annotation_count);
        REQUIRE(view_eq(a->annotations[i].key, b->annotations[i].key));
    }
    for (size_t i = 0; i < a->stray_annotation_count; i++) {
        REQUIRE(i < b->stray_annotation_count);
        REQUIRE(view_eq(a->stray_annotations[i].key, b->stray_annotations[i].key));
    }
}

/* Journal and caller see these. */
static void check_changes(const struct change *changes, size_t count)
{
    static const struct jlimits limits = {.bytes = OUT_MAX, .depth = 64, .members = 65536};

    REQUIRE(count <= EDITS_MAX);
    for (size_t i = 0; i < count; i++) {
        CLEANUP(arena_done) struct arena arena;
        CLEANUP(buf_done) struct buf text;
        struct jfault fault;
        struct jdoc doc;

        fuzz_arena(&arena);
        REQUIRE(changes[i].path.len > 0 && changes[i].path.ptr[0] == '/');
        buf_init(&text, OUT_MAX);
        buf_printf(&text, "[%.*s", VIEW_ARGS(changes[i].new_json));
        if (changes[i].old_json.ptr != NULL) {
            buf_add_byte(&text, ',');
            buf_add(&text, changes[i].old_json);
        }
        buf_add_byte(&text, ']');
        REQUIRE(jdoc_read(buf_view(&text), &limits, &arena, &doc, &fault) == STATUS_OK);
        for (size_t k = 0; k < i; k++)
            REQUIRE(!view_eq(changes[i].path, changes[k].path));
    }
}

static void check_edits(const struct create *create, const struct edit *edits, size_t count,
                        enum unknown_fields unknown, struct arena *arena)
{
    CLEANUP(buf_done) struct buf out;
    CLEANUP(buf_done) struct buf twice;
    const struct change *changes;
    size_t change_count = 0;
    struct create again;
    bool readable;

    buf_init(&out, OUT_MAX);
    buf_init(&twice, OUT_MAX);
    REQUIRE(modelarts_render(&create->doc, &create->request, edits, count, arena, &changes,
                             &change_count) == STATUS_OK);
    check_changes(changes, change_count);
    REQUIRE(modelarts_apply(&create->doc, &create->request, edits, count, arena, &out) ==
            STATUS_OK);
    REQUIRE((change_count == 0) == view_eq(buf_view(&out), create->doc.bytes));
    readable = create_read(buf_view(&out), unknown, arena, &again);
    if (!readable)
        fuzz_show("edited", buf_view(&out));
    REQUIRE(readable);
    check_same(&create->request, &again.request);
    check_labels_kept(&create->request, &again.request);
    check_edited(&again.request, edits, count);
    REQUIRE(modelarts_render(&again.doc, &again.request, edits, count, arena, &changes,
                             &change_count) == STATUS_OK);
    REQUIRE(change_count == 0);
    REQUIRE(modelarts_apply(&again.doc, &again.request, edits, count, arena, &twice) == STATUS_OK);
    REQUIRE(view_eq(buf_view(&out), buf_view(&twice)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct view body = fuzz_input(data, size);
    struct create strict, lax;
    struct arena arena;

    fuzz_arena(&arena);
    if (create_read(body, UNKNOWN_PASS, &arena, &lax)) {
        check_edits(&lax, &stop, 1, UNKNOWN_PASS, &arena);
        check_edits(&lax, all, ARRAY_LEN(all), UNKNOWN_PASS, &arena);
        if (create_read(body, UNKNOWN_REFUSE, &arena, &strict)) {
            check_same(&lax.request, &strict.request);
            check_edits(&strict, all, ARRAY_LEN(all), UNKNOWN_REFUSE, &arena);
        }
    } else {
        REQUIRE(!create_read(body, UNKNOWN_REFUSE, &arena, &strict));
    }
    arena_done(&arena);
    return 0;
}
