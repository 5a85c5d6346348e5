/* SPDX-License-Identifier: Apache-2.0
 * Judged calls of every kind (calls.h). Whatever is accepted can be edited where it has a place for
 * that; the edits say what they promise, converge, and leave the rest of the typed request alone.
 */
#include "base/attr.h"
#include "base/buffer.h"

#include "calls.h"

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
           a->grows == b->grows && a->is_share == b->is_share && a->size_gb == b->size_gb &&
           strcmp(a->pointer, b->pointer) == 0 &&
           (!a->has_obs ||
            (view_eq(a->obs.bucket, b->obs.bucket) && view_eq(a->obs.key, b->obs.key)));
}

static bool same_endpoint(const struct endpoint_request *a, const struct endpoint_request *b)
{
    for (size_t i = 0; i < a->ip_count && a->ip_count == b->ip_count; i++) {
        if (!view_eq(a->ips[i], b->ips[i]))
            return false;
    }
    return a->ssh == b->ssh && a->ip_count == b->ip_count && strcmp(a->pointer, b->pointer) == 0;
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
    REQUIRE(same_field(&a->stop_type, &b->stop_type) && a->has_hooks == b->has_hooks);
    REQUIRE(a->stored == b->stored && a->stops_stored == b->stops_stored);
    REQUIRE(a->lease_elapsed_ms == b->lease_elapsed_ms && a->endpoint_count == b->endpoint_count);
    for (size_t i = 0; i < a->endpoint_count; i++)
        REQUIRE(same_endpoint(&a->endpoints[i], &b->endpoints[i]));
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
                r->stops[i].duration_ms == (int64_t)SECONDS * 1000);
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

/* Journal and caller see these. Returns how many are of the body. */
static size_t check_changes(const struct change *changes, size_t count)
{
    static const struct jlimits limits = {.bytes = OUT_MAX, .depth = 64, .members = 65536};
    size_t of_body = 0;

    REQUIRE(count <= EDITS_MAX);
    for (size_t i = 0; i < count; i++) {
        CLEANUP(arena_done) struct arena arena;
        CLEANUP(buf_done) struct buf text;
        struct jfault fault;
        struct jdoc doc;

        fuzz_arena(&arena);
        REQUIRE(view_starts(changes[i].path, VIEW("/")) ||
                view_eq(changes[i].path, VIEW("?duration")));
        of_body += changes[i].path.ptr[0] == '/' ? 1 : 0;
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
    return of_body;
}

/* Body and query of an edited call; they live in the buffers. */
struct edited {
    struct buf body, query;
};

static void edited_init(struct edited *e)
{
    buf_init(&e->body, OUT_MAX);
    buf_init(&e->query, OUT_MAX);
}

static void edited_done(struct edited *e)
{
    buf_done(&e->body);
    buf_done(&e->query);
}

static struct view body_of(const struct call *call)
{
    return call->raw.doc == NULL ? VIEW_NONE : call->raw.doc->bytes;
}

static bool is_label(const struct edit *edit)
{
    return edit->field == EDIT_ANNOTATION;
}

/* Whether the call has a place for all of the edits. */
static bool has_places(const struct call *call, const struct edit *edits, size_t count)
{
    const struct operation *op = call->raw.op;

    for (size_t i = 0; i < count; i++) {
        if (op->class == CLASS_MOUNT || op->id == OP_DEMANAGER_START ||
            op->id == OP_NOTEBOOKS_UPDATE ||
            (is_label(&edits[i]) && op->family != FAMILY_DEMANAGER))
            return false;
    }
    return true;
}

static void check_no_places(const struct call *call, const struct edit *edits, size_t count,
                            struct arena *arena)
{
    CLEANUP(edited_done) struct edited out;
    const struct change *changes;
    size_t change_count = 0;

    edited_init(&out);
    REQUIRE(modelarts_render(&call->raw, &call->request, edits, count, arena, &changes,
                             &change_count) == STATUS_INVALID);
    REQUIRE(modelarts_apply(&call->raw, &call->request, edits, count, arena, &out.body,
                            &out.query) == STATUS_INVALID);
}

struct options {
    const struct call_text *text;
    enum unknown_fields unknown;
    bool complete; /* by the stored instance */
};

/* Reads what the edits made. */
static void read_edited(const struct options *o, const struct edited *e, struct arena *arena,
                        struct call *ret)
{
    const struct call_text text = {o->text->op, buf_view(&e->query), buf_view(&e->body),
                                   o->text->answer};
    bool readable = call_read(&text, o->unknown, arena, ret);

    if (!readable) {
        fuzz_show("edited", buf_view(&e->body));
        fuzz_show("query", buf_view(&e->query));
    }
    REQUIRE(readable && (!o->complete || call_complete(&text, arena, ret)));
}

static void check_edits(const struct options *o, const struct call *call, const struct edit *edits,
                        size_t count, struct arena *arena)
{
    CLEANUP(edited_done) struct edited out;
    CLEANUP(edited_done) struct edited twice;
    const struct change *changes;
    size_t change_count = 0;
    struct call again = {0};

    if (!has_places(call, edits, count)) {
        check_no_places(call, edits, count, arena);
        return;
    }
    edited_init(&out);
    edited_init(&twice);
    REQUIRE(modelarts_render(&call->raw, &call->request, edits, count, arena, &changes,
                             &change_count) == STATUS_OK);
    REQUIRE(modelarts_apply(&call->raw, &call->request, edits, count, arena, &out.body,
                            &out.query) == STATUS_OK);
    REQUIRE((check_changes(changes, change_count) == 0) ==
            view_eq(buf_view(&out.body), body_of(call)));
    read_edited(o, &out, arena, &again);
    check_same(&call->request, &again.request);
    check_labels_kept(&call->request, &again.request);
    if (count > 0)
        check_edited(&again.request, edits, count);
    REQUIRE(modelarts_render(&again.raw, &again.request, edits, count, arena, &changes,
                             &change_count) == STATUS_OK);
    REQUIRE(change_count == 0);
    REQUIRE(modelarts_apply(&again.raw, &again.request, edits, count, arena, &twice.body,
                            &twice.query) == STATUS_OK);
    REQUIRE(view_eq(buf_view(&out.body), buf_view(&twice.body)));
    REQUIRE(view_eq(buf_view(&out.query), buf_view(&twice.query)));
}

static void check_call(const struct options *o, const struct call *call, struct arena *arena)
{
    check_edits(o, call, NULL, 0, arena);
    check_edits(o, call, &stop, 1, arena);
    check_edits(o, call, all, ARRAY_LEN(all), arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct call_text text = call_split(fuzz_input(data, size));
    struct options o = {.text = &text, .unknown = UNKNOWN_PASS};
    struct call strict = {0};
    struct call lax = {0};
    struct arena arena;

    fuzz_arena(&arena);
    if (call_read(&text, UNKNOWN_PASS, &arena, &lax)) {
        check_call(&o, &lax, &arena);
        if (call_read(&text, UNKNOWN_REFUSE, &arena, &strict)) {
            check_same(&lax.request, &strict.request);
            o.unknown = UNKNOWN_REFUSE;
            check_call(&o, &strict, &arena);
        }
        o = (struct options){&text, UNKNOWN_PASS, .complete = true};
        if (call_complete(&text, &arena, &lax))
            check_call(&o, &lax, &arena);
    } else {
        REQUIRE(!call_read(&text, UNKNOWN_REFUSE, &arena, &strict));
    }
    arena_done(&arena);
    return 0;
}
