/* SPDX-License-Identifier: Apache-2.0
 * Edits of the notebooks family: the auto-stop in milliseconds, wherever it is named, or where the
 * family puts it. */
#include "modelarts/plan.h"

#define DURATION VIEW("duration")

enum { MS_PER_S = 1000 };

static int64_t ms_of(const struct edit *edit)
{
    int64_t ms;

    return __builtin_mul_overflow(edit->seconds, (int64_t)MS_PER_S, &ms) ? INT64_MAX : ms;
}

/* A create: at the top, which the cloud obeys, and in the lease. */
static enum status plan_body(struct plan *plan, const struct edit *edit)
{
    jref lease = jdoc_member(plan->doc, 0, VIEW("lease"));
    bool in_top = !plan_lacks(plan, 0, DURATION);
    bool in_lease = plan_is_object(plan, lease) && (!in_top || !plan_lacks(plan, lease, DURATION));
    enum status status = STATUS_OK;

    if (in_top || !in_lease)
        status = plan_put_number(plan, edit, 0, DURATION, ms_of(edit));
    if (status == STATUS_OK && in_lease)
        status = plan_put_number(plan, edit, lease, DURATION, ms_of(edit));
    return status;
}

static enum status plan_query(struct plan *plan, const struct edit *edit)
{
    struct view old = VIEW_NONE;
    enum status status;

    if (plan->query.has_duration && plan->query.duration_ms == ms_of(edit))
        return STATUS_OK;
    if (plan->query.has_duration) {
        old = plan_number(plan, plan->query.duration_ms);
        if (old.ptr == NULL)
            return STATUS_NOMEM;
    }
    status = plan_change(plan, edit, VIEW("?duration"), old, plan_number(plan, ms_of(edit)));
    plan->query.has_duration = true;
    plan->query.duration_ms = ms_of(edit);
    return status;
}

enum status plan_notebooks(struct plan *plan, bool has_query)
{
    const struct edit *edit = plan_stop_edit(plan);
    bool in_body = plan->doc != NULL && !plan_lacks(plan, 0, DURATION);
    enum status status = STATUS_OK;

    if (edit == NULL)
        return STATUS_OK;
    if (!has_query)
        return plan_body(plan, edit);
    if (in_body)
        status = plan_put_number(plan, edit, 0, DURATION, ms_of(edit));
    if (status == STATUS_OK && (plan->query.has_duration || !in_body))
        status = plan_query(plan, edit);
    return status;
}
