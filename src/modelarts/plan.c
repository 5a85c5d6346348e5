/* SPDX-License-Identifier: Apache-2.0
 * The parts of a plan that all families share. */
#include "modelarts/plan.h"

#include "base/attr.h"
#include "json/write.h"

enum { VALUE_BYTES_MAX = 1 << 20 };

const struct edit *plan_stop_edit(const struct plan *plan)
{
    for (size_t i = 0; i < plan->count; i++) {
        if (plan->edits[i].field == EDIT_AUTO_STOP)
            return &plan->edits[i];
    }
    return NULL;
}

struct view plan_keep(struct plan *plan, const struct buf *text)
{
    return text->failed == STATUS_OK ? arena_copy(plan->arena, buf_view(text)) : VIEW_NONE;
}

struct view plan_text(struct plan *plan, struct view text)
{
    CLEANUP(buf_done) struct buf buf;
    struct jwriter writer;

    buf_init(&buf, VALUE_BYTES_MAX);
    jwriter_init(&writer, &buf);
    jwriter_text(&writer, text);
    return plan_keep(plan, &buf);
}

struct view plan_below(struct plan *plan, struct view parent, struct view name)
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
    return plan_keep(plan, &buf);
}

struct view plan_pointer(struct plan *plan, jref object, struct view name)
{
    return plan_below(plan, jdoc_pointer(plan->doc, object, plan->arena), name);
}

enum status plan_change(struct plan *plan, const struct edit *edit, struct view path,
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

struct view plan_number(struct plan *plan, int64_t number)
{
    return arena_printf(plan->arena, "%lld", (long long)number);
}

struct view plan_raw(const struct plan *plan, jref v)
{
    return v == JREF_NONE ? VIEW_NONE : jdoc_raw(plan->doc, v);
}

void plan_splice(struct plan *plan, jref object, struct view name, struct view text)
{
    jref member = jdoc_member(plan->doc, object, name);
    struct jsplice splice = {.op = JSPLICE_APPEND, .at = object, .name = name, .text = text};

    if (member != JREF_NONE)
        splice = (struct jsplice){.op = JSPLICE_REPLACE, .at = member, .text = text};
    plan->splices[plan->splice_count++] = splice;
}

enum status plan_put(struct plan *plan, const struct edit *edit, jref object, struct view name,
                     struct view text)
{
    jref member = jdoc_member(plan->doc, object, name);
    enum status status =
        plan_change(plan, edit, plan_pointer(plan, object, name), plan_raw(plan, member), text);

    if (status == STATUS_OK)
        plan_splice(plan, object, name, text);
    return status;
}

enum status plan_put_number(struct plan *plan, const struct edit *edit, jref object,
                            struct view name, int64_t number)
{
    jref member = jdoc_member(plan->doc, object, name);
    int64_t got;

    if (member != JREF_NONE && jdoc_kind(plan->doc, member) == JKIND_INTEGER &&
        jdoc_integer(plan->doc, member, &got) && got == number)
        return STATUS_OK;
    return plan_put(plan, edit, object, name, plan_number(plan, number));
}

bool plan_lacks(const struct plan *plan, jref object, struct view name)
{
    jref member = jdoc_member(plan->doc, object, name);

    return member == JREF_NONE || jdoc_kind(plan->doc, member) == JKIND_NULL;
}

bool plan_is_object(const struct plan *plan, jref v)
{
    return v != JREF_NONE && jdoc_kind(plan->doc, v) == JKIND_OBJECT;
}
