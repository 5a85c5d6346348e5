/* SPDX-License-Identifier: Apache-2.0
 * A finding that changes what exists is a line of the journal, so that the next start knows it too.
 * That an instance stopped or started is not: after a start all of them count as running until a
 * list says otherwise. */
#include "reconcile/report.h"

#include "base/attr.h"
#include "base/clock.h"
#include "base/log.h"
#include "reconcile/reconcile.h"

static const struct finding_row {
    bool line;
    enum journal_event event;
    enum journal_outcome outcome;
    const char *error;
    size_t counter; /* in struct report */
} rows[] = {
    [SCAN_CREATED] = {true, JOURNAL_SETTLED, OUTCOME_CREATED, NULL,
                      offsetof(struct report, settled)},
    [SCAN_DONE] = {true, JOURNAL_SETTLED, OUTCOME_DONE, NULL, offsetof(struct report, settled)},
    [SCAN_ABSENT] = {true, JOURNAL_SETTLED, OUTCOME_FAILED, NULL, offsetof(struct report, settled)},
    [SCAN_GONE] = {true, JOURNAL_SETTLED, OUTCOME_DONE, "gone", offsetof(struct report, gone)},
    [SCAN_STOPPED] = {.counter = offsetof(struct report, corrected)},
    [SCAN_STARTED] = {.counter = offsetof(struct report, corrected)},
    [SCAN_CHANGED] = {true, JOURNAL_SETTLED, OUTCOME_CREATED, NULL,
                      offsetof(struct report, corrected)},
    [SCAN_ORPHAN] = {true, JOURNAL_ORPHAN, OUTCOME_NONE, NULL, offsetof(struct report, orphans)},
};

bool reconcile_record(struct journal *journal, enum scan_finding finding,
                      const struct ledger_item *item)
{
    const struct finding_row *row = &rows[finding];
    struct subject user = {
        .user_id = item->user_id, .user_name = item->user_name, .domain_id = item->domain};
    const struct journal_instance listed = {.id = item->instance,
                                            .name = item->name,
                                            .flavor = item->flavor,
                                            .workspace = item->workspace,
                                            .pool = item->pool};
    struct journal_facts facts = {
        .time_us = clock_now_us(),
        .event = row->event,
        .id = item->id,
        .operation = item->op,
        .project = item->project,
        .user = &user,
        .listed = &listed,
        .outcome = row->outcome,
        .duration_us = -1,
        .error = view_str(row->error),
    };

    user.known = (item->user_id.len > 0 || item->user_name.len > 0 ? SUBJECT_USER : 0U) |
                 (item->domain.len > 0 ? SUBJECT_DOMAIN : 0U);
    if (!row->line)
        return true;
    return journal_submit(journal, NULL, &facts, JOURNAL_NO_WAIT, 0) == STATUS_OK;
}

void report_finding(void *user, enum scan_finding finding, const struct ledger_item *item)
{
    struct report *report = user;
    const struct finding_row *row = &rows[finding];
    char project[LOG_QUOTED_BYTES], instance[LOG_QUOTED_BYTES];

    ++*(uint64_t *)(void *)((char *)report + row->counter);
    log_line(finding == SCAN_ORPHAN ? LOG_INFO : LOG_DEBUG,
             "reconciled finding=%s id=%.*s project=%s instance=%s", scan_finding_name(finding),
             VIEW_ARGS(item->id), log_quoted(item->project, project),
             log_quoted(item->instance, instance));
    if (!reconcile_record(report->journal, finding, item)) {
        report->lost++;
        log_line(LOG_ERROR, "the journal did not take what was found finding=%s id=%.*s",
                 scan_finding_name(finding), VIEW_ARGS(item->id));
    }
}
