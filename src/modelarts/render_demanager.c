/* SPDX-License-Identifier: Apache-2.0
 * Edits of the demanager family: /spec/auto_stop and /spec/annotations, and their misplaced copies
 * where there are some. The right place always carries the value afterwards. */
#include "base/attr.h"
#include "json/write.h"
#include "modelarts/call.h"
#include "modelarts/plan.h"

#define SPEC        VIEW("spec")
#define AUTO_STOP   VIEW("auto_stop")
#define ANNOTATIONS VIEW("annotations")

enum { VALUE_BYTES_MAX = 1 << 20 };

/* An object that holds the field, and whether that is the documented place. */
struct holder {
    jref object;
    bool right;
};

static struct view json_of_stop(struct plan *plan, const struct edit *edit)
{
    return arena_printf(plan->arena, "{\"enable\":true,\"duration\":%lld}",
                        (long long)edit->seconds);
}

static enum status plan_stop(struct plan *plan, const struct edit *edit, struct holder holder)
{
    jref stop = jdoc_member(plan->doc, holder.object, AUTO_STOP);
    enum status status = STATUS_OK;
    jref enable;

    if (plan_lacks(plan, holder.object, AUTO_STOP)) {
        /* A null of an update would take away what is stored. */
        if (!holder.right && (stop == JREF_NONE || !call_of(plan->raw->op)->updates))
            return STATUS_OK;
        return plan_put(plan, edit, holder.object, AUTO_STOP, json_of_stop(plan, edit));
    }
    enable = jdoc_member(plan->doc, stop, VIEW("enable"));
    if (enable == JREF_NONE || jdoc_kind(plan->doc, enable) != JKIND_TRUE)
        status = plan_put(plan, edit, stop, VIEW("enable"), VIEW("true"));
    if (status == STATUS_OK)
        status = plan_put_number(plan, edit, stop, VIEW("duration"), edit->seconds);
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
    return plan_keep(plan, &buf);
}

/* {"name":VALUE} */
static struct view json_around(struct plan *plan, struct view name, struct view value)
{
    if (value.ptr == NULL)
        return VIEW_NONE;
    return arena_printf(plan->arena, "{\"%.*s\":%.*s}", VIEW_ARGS(name), VIEW_ARGS(value));
}

/* The changes that bring a map: the first tells of the map (and of spec around it, where that is
 * new too), the others of a member each. */
static enum status change_labels(struct plan *plan, struct view map, struct view old, bool in_spec)
{
    enum status status = map.ptr == NULL ? STATUS_NOMEM : STATUS_OK;
    bool first = true;

    for (size_t i = 0; i < plan->count && status == STATUS_OK; i++) {
        const struct edit *edit = &plan->edits[i];

        if (edit->field != EDIT_ANNOTATION)
            continue;
        if (!first)
            status = plan_change(plan, edit, plan_below(plan, map, edit->key), VIEW_NONE,
                                 plan_text(plan, edit->value));
        else if (in_spec)
            status = plan_change(plan, edit, VIEW("/spec"), old,
                                 json_around(plan, ANNOTATIONS, json_of_labels(plan, edit)));
        else
            status = plan_change(plan, edit, map, old, json_of_labels(plan, edit));
        first = false;
    }
    return status;
}

static bool has_labels(const struct plan *plan)
{
    for (size_t i = 0; i < plan->count; i++) {
        if (plan->edits[i].field == EDIT_ANNOTATION)
            return true;
    }
    return false;
}

/* The whole map is missing: one splice brings it. */
static enum status plan_new_labels(struct plan *plan, jref object)
{
    struct view old = plan_raw(plan, jdoc_member(plan->doc, object, ANNOTATIONS));
    struct view all = json_of_labels(plan, NULL);
    enum status status;

    if (all.ptr == NULL)
        return STATUS_NOMEM;
    status = change_labels(plan, plan_pointer(plan, object, ANNOTATIONS), old, false);
    if (status == STATUS_OK)
        plan_splice(plan, object, ANNOTATIONS, all);
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
    return plan_put(plan, edit, map, edit->key, plan_text(plan, edit->value));
}

static enum status plan_labels(struct plan *plan, struct holder holder)
{
    jref map = jdoc_member(plan->doc, holder.object, ANNOTATIONS);
    enum status status = STATUS_OK;

    if (!has_labels(plan))
        return STATUS_OK;
    if (plan_lacks(plan, holder.object, ANNOTATIONS))
        return holder.right ? plan_new_labels(plan, holder.object) : STATUS_OK;
    for (size_t i = 0; i < plan->count && status == STATUS_OK; i++) {
        if (plan->edits[i].field == EDIT_ANNOTATION)
            status = plan_label(plan, &plan->edits[i], map);
    }
    return status;
}

static enum status plan_holder(struct plan *plan, struct holder holder)
{
    const struct edit *stop = plan_stop_edit(plan);
    enum status status = stop == NULL ? STATUS_OK : plan_stop(plan, stop, holder);

    return status == STATUS_OK ? plan_labels(plan, holder) : status;
}

/* All that the right place will hold, where an update has no spec yet. */
static struct view json_of_spec(struct plan *plan, struct view stop, struct view labels)
{
    CLEANUP(buf_done) struct buf buf;
    struct jwriter writer;

    buf_init(&buf, VALUE_BYTES_MAX);
    jwriter_init(&writer, &buf);
    jwriter_open_object(&writer);
    jwriter_member_raw_opt(&writer, "auto_stop", stop);
    jwriter_member_raw_opt(&writer, "annotations", labels);
    jwriter_close_object(&writer);
    return plan_keep(plan, &buf);
}

/* spec is missing: one splice brings it. */
static enum status plan_new_spec(struct plan *plan)
{
    const struct edit *edit = plan_stop_edit(plan);
    struct view old = plan_raw(plan, jdoc_member(plan->doc, 0, SPEC));
    struct view stop = edit == NULL ? VIEW_NONE : json_of_stop(plan, edit);
    struct view labels = has_labels(plan) ? json_of_labels(plan, NULL) : VIEW_NONE;
    struct view all = json_of_spec(plan, stop, labels);
    enum status status = STATUS_OK;

    if (all.ptr == NULL || (edit != NULL && stop.ptr == NULL) ||
        (has_labels(plan) && labels.ptr == NULL))
        return STATUS_NOMEM;
    if (edit != NULL)
        status = plan_change(plan, edit, VIEW("/spec"), old, json_around(plan, AUTO_STOP, stop));
    if (status == STATUS_OK)
        status = change_labels(plan, VIEW("/spec/annotations"), edit == NULL ? old : VIEW_NONE,
                               edit == NULL);
    if (status == STATUS_OK)
        plan_splice(plan, 0, SPEC, all);
    return status;
}

enum status plan_demanager(struct plan *plan)
{
    jref spec = jdoc_member(plan->doc, 0, SPEC);
    enum status status;

    if (plan_is_object(plan, spec))
        status = plan_holder(plan, (struct holder){spec, true});
    else if (plan_lacks(plan, 0, SPEC) && call_of(plan->raw->op)->updates)
        status = plan_new_spec(plan);
    else
        status = STATUS_INVALID;
    return status == STATUS_OK ? plan_holder(plan, (struct holder){0, false}) : status;
}
