/* SPDX-License-Identifier: Apache-2.0
 * Typed edits to places of the create body: what changes there, and the splices that do it. The
 * right place always carries the value afterwards, a misplaced copy where there is one. Changes
 * stand in the order in which they could be applied one after another. */
#include "base/attr.h"
#include "json/splice.h"
#include "json/write.h"
#include "modelarts/body.h"

enum { VALUE_BYTES_MAX = 1 << 20 };

struct plan {
    const struct jdoc *doc;
    struct arena *arena;
    const struct edit *edits;
    size_t count;
    struct change *changes;
    size_t change_count;
    struct jsplice splices[EDITS_MAX];
    size_t splice_count;
};

/* An object that holds the field, and whether that is the documented place. */
struct holder {
    jref object;
    bool right;
};

/* JSON text to the arena; ptr NULL when memory is out. */
static struct view keep_json(struct plan *plan, const struct buf *text)
{
    return text->failed == STATUS_OK ? arena_copy(plan->arena, buf_view(text)) : VIEW_NONE;
}

static struct view json_of_text(struct plan *plan, struct view text)
{
    CLEANUP(buf_done) struct buf buf;
    struct jwriter writer;

    buf_init(&buf, VALUE_BYTES_MAX);
    jwriter_init(&writer, &buf);
    jwriter_text(&writer, text);
    return keep_json(plan, &buf);
}

/* "PARENT/name", the name as RFC 6901 escapes it. */
static struct view pointer_below(struct plan *plan, struct view parent, struct view name)
{
    CLEANUP(buf_done) struct buf buf;

    buf_init(&buf, VALUE_BYTES_MAX);
    if (parent.ptr == NULL)
        return VIEW_NONE;
    buf_add(&buf, parent);
    buf_add_byte(&buf, '/');
    for (size_t i = 0; i < name.len; i++) {
        if (name.ptr[i] == '~')
            buf_add_str(&buf, "~0");
        else if (name.ptr[i] == '/')
            buf_add_str(&buf, "~1");
        else
            buf_add_byte(&buf, name.ptr[i]);
    }
    return keep_json(plan, &buf);
}

static struct view pointer_to(struct plan *plan, jref object, struct view name)
{
    return pointer_below(plan, jdoc_pointer(plan->doc, object, plan->arena), name);
}

static enum status add_change(struct plan *plan, const struct edit *edit, struct view path,
                              struct view old_json, struct view new_json)
{
    if (path.ptr == NULL || new_json.ptr == NULL)
        return STATUS_NOMEM;
    if (plan->change_count == EDITS_MAX)
        return STATUS_LIMIT;
    plan->changes[plan->change_count++] = (struct change){
        .op = edit->op,
        .path = path,
        .old_json = old_json,
        .new_json = new_json,
        .policy = edit->policy,
    };
    return STATUS_OK;
}

/* Never more splices than changes. */
static void add_splice(struct plan *plan, jref object, jref member, struct view name,
                       struct view text)
{
    struct jsplice splice = {.op = JSPLICE_APPEND, .at = object, .name = name, .text = text};

    if (member != JREF_NONE)
        splice = (struct jsplice){.op = JSPLICE_REPLACE, .at = member, .text = text};
    plan->splices[plan->splice_count++] = splice;
}

static struct view raw_or_none(const struct plan *plan, jref v)
{
    return v == JREF_NONE ? VIEW_NONE : jdoc_raw(plan->doc, v);
}

/* Puts one member of an object, whether it is there or not. */
static enum status put(struct plan *plan, const struct edit *edit, jref object, struct view name,
                       struct view text)
{
    jref member = jdoc_member(plan->doc, object, name);
    enum status status =
        add_change(plan, edit, pointer_to(plan, object, name), raw_or_none(plan, member), text);

    if (status == STATUS_OK)
        add_splice(plan, object, member, name, text);
    return status;
}

static bool is_missing(const struct plan *plan, jref v)
{
    return v == JREF_NONE || jdoc_kind(plan->doc, v) == JKIND_NULL;
}

static bool is_true(const struct plan *plan, jref v)
{
    return v != JREF_NONE && jdoc_kind(plan->doc, v) == JKIND_TRUE;
}

static bool is_number(const struct plan *plan, jref v, int64_t want)
{
    int64_t got;

    return v != JREF_NONE && jdoc_kind(plan->doc, v) == JKIND_INTEGER &&
           jdoc_integer(plan->doc, v, &got) && got == want;
}

static enum status plan_stop(struct plan *plan, const struct edit *edit, struct holder holder)
{
    jref stop = jdoc_member(plan->doc, holder.object, VIEW("auto_stop"));
    struct view seconds = arena_printf(plan->arena, "%lld", (long long)edit->seconds);
    enum status status = STATUS_OK;

    if (seconds.ptr == NULL)
        return STATUS_NOMEM;
    if (is_missing(plan, stop)) {
        if (!holder.right)
            return STATUS_OK;
        return put(
            plan, edit, holder.object, VIEW("auto_stop"),
            arena_printf(plan->arena, "{\"enable\":true,\"duration\":%.*s}", VIEW_ARGS(seconds)));
    }
    if (!is_true(plan, jdoc_member(plan->doc, stop, VIEW("enable"))))
        status = put(plan, edit, stop, VIEW("enable"), VIEW("true"));
    if (status == STATUS_OK &&
        !is_number(plan, jdoc_member(plan->doc, stop, VIEW("duration")), edit->seconds))
        status = put(plan, edit, stop, VIEW("duration"), seconds);
    return status;
}

/* {"key":"value"} of one annotation, or of all that are edited. */
static struct view json_of_labels(struct plan *plan, const struct edit *only)
{
    CLEANUP(buf_done) struct buf buf;
    struct jwriter writer;

    buf_init(&buf, VALUE_BYTES_MAX);
    jwriter_init(&writer, &buf);
    jwriter_open_object(&writer);
    for (size_t i = 0; i < plan->count; i++) {
        const struct edit *edit = &plan->edits[i];

        if (edit->field != EDIT_ANNOTATION || (only != NULL && edit != only))
            continue;
        jwriter_key_view(&writer, edit->key);
        jwriter_text(&writer, edit->value);
    }
    jwriter_close_object(&writer);
    return keep_json(plan, &buf);
}

/* The whole map is missing: one splice brings it, the first change tells of the map, the others of
 * a member each. */
static enum status plan_new_labels(struct plan *plan, struct view name, jref object)
{
    jref member = jdoc_member(plan->doc, object, name);
    struct view map = pointer_to(plan, object, name);
    struct view all = json_of_labels(plan, NULL);
    enum status status = map.ptr == NULL || all.ptr == NULL ? STATUS_NOMEM : STATUS_OK;
    bool first = true;

    for (size_t i = 0; i < plan->count && status == STATUS_OK; i++) {
        const struct edit *edit = &plan->edits[i];

        if (edit->field != EDIT_ANNOTATION)
            continue;
        if (first) {
            status =
                add_change(plan, edit, map, raw_or_none(plan, member), json_of_labels(plan, edit));
        } else {
            status = add_change(plan, edit, pointer_below(plan, map, edit->key), VIEW_NONE,
                                json_of_text(plan, edit->value));
        }
        first = false;
    }
    if (status == STATUS_OK && !first)
        add_splice(plan, object, member, name, all);
    return status;
}

static enum status plan_label(struct plan *plan, const struct edit *edit, jref map)
{
    jref member = jdoc_member(plan->doc, map, edit->key);
    struct view old;

    if (member != JREF_NONE && jdoc_kind(plan->doc, member) == JKIND_STRING) {
        old = jdoc_text(plan->doc, member, plan->arena);
        if (old.ptr == NULL)
            return STATUS_NOMEM;
        if (view_eq(old, edit->value))
            return STATUS_OK;
    }
    return put(plan, edit, map, edit->key, json_of_text(plan, edit->value));
}

static enum status plan_labels(struct plan *plan, struct holder holder)
{
    jref map = jdoc_member(plan->doc, holder.object, VIEW("annotations"));
    enum status status = STATUS_OK;

    if (is_missing(plan, map))
        return holder.right ? plan_new_labels(plan, VIEW("annotations"), holder.object) : STATUS_OK;
    for (size_t i = 0; i < plan->count && status == STATUS_OK; i++) {
        if (plan->edits[i].field == EDIT_ANNOTATION)
            status = plan_label(plan, &plan->edits[i], map);
    }
    return status;
}

static enum status plan_holder(struct plan *plan, struct holder holder)
{
    enum status status = STATUS_OK;

    for (size_t i = 0; i < plan->count && status == STATUS_OK; i++) {
        if (plan->edits[i].field == EDIT_AUTO_STOP)
            status = plan_stop(plan, &plan->edits[i], holder);
    }
    return status == STATUS_OK ? plan_labels(plan, holder) : status;
}

/* Two edits of one field would say two things. */
static bool edits_clash(const struct edit *a, const struct edit *b)
{
    return a->field == b->field && (a->field == EDIT_AUTO_STOP || view_eq(a->key, b->key));
}

static enum status check_edits(const struct edit *edits, size_t count)
{
    if (count > EDITS_MAX)
        return STATUS_LIMIT;
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < i; j++) {
            if (edits_clash(&edits[i], &edits[j]))
                return STATUS_INVALID;
        }
    }
    return STATUS_OK;
}

static enum status make_plan(struct plan *plan, const struct instance_request *request)
{
    jref spec = jdoc_member(plan->doc, 0, VIEW("spec"));
    enum status status = check_edits(plan->edits, plan->count);

    if (status != STATUS_OK)
        return status;
    if (request->op != &operations[OP_DEMANAGER_CREATE] || spec == JREF_NONE ||
        jdoc_kind(plan->doc, spec) != JKIND_OBJECT)
        return STATUS_INVALID;
    plan->changes = arena_array(plan->arena, EDITS_MAX, sizeof *plan->changes);
    if (plan->changes == NULL)
        return STATUS_NOMEM;
    status = plan_holder(plan, (struct holder){spec, true});
    return status == STATUS_OK ? plan_holder(plan, (struct holder){0, false}) : status;
}

/* One parameter more than usual: a list goes in and a list comes out. */
// NOLINTNEXTLINE(readability-function-size)
enum status modelarts_render(const struct jdoc *doc, const struct instance_request *request,
                             const struct edit *edits, size_t count, struct arena *arena,
                             const struct change **ret, size_t *ret_count)
{
    struct plan plan = {.doc = doc, .arena = arena, .edits = edits, .count = count};
    enum status status = make_plan(&plan, request);

    if (status != STATUS_OK)
        return status;
    *ret = plan.changes;
    *ret_count = plan.change_count;
    return STATUS_OK;
}

enum status modelarts_apply(const struct jdoc *doc, const struct instance_request *request,
                            const struct edit *edits, size_t count, struct arena *arena,
                            struct buf *out)
{
    struct plan plan = {.doc = doc, .arena = arena, .edits = edits, .count = count};
    enum status status = make_plan(&plan, request);

    if (status != STATUS_OK)
        return status;
    return jsplice_apply(doc, plan.splices, plan.splice_count, out);
}
