/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/told.h"

#include "audit/words.h"
#include "journal/line.h"

static const struct {
    enum row_member member;
    size_t field;
} texts[] = {
    {ROW_TIME, offsetof(struct audit_told, time)},
    {ROW_EVENT, offsetof(struct audit_told, event)},
    {ROW_ID, offsetof(struct audit_told, id)},
    {ROW_OPERATION, offsetof(struct audit_told, operation)},
    {ROW_CLASS, offsetof(struct audit_told, class)},
    {ROW_PROJECT, offsetof(struct audit_told, project)},
    {ROW_CREDENTIAL_KIND, offsetof(struct audit_told, credential_kind)},
    {ROW_CREDENTIAL_DIGEST, offsetof(struct audit_told, credential_digest)},
    {ROW_CREDENTIAL_VERIFIED, offsetof(struct audit_told, credential_verified)},
    {ROW_CLIENT, offsetof(struct audit_told, client)},
    {ROW_REQUEST_ID, offsetof(struct audit_told, request_id)},
    {ROW_INSTANCE_ID, offsetof(struct audit_told, instance)},
    {ROW_INSTANCE_NAME, offsetof(struct audit_told, name)},
    {ROW_FLAVOR, offsetof(struct audit_told, flavor)},
    {ROW_DECISION, offsetof(struct audit_told, decision)},
    {ROW_POLICY_SET, offsetof(struct audit_told, policy_set)},
    {ROW_ERROR_CODE, offsetof(struct audit_told, error_code)},
    {ROW_ERROR, offsetof(struct audit_told, error)},
};

bool audit_list_next(struct view *list, struct view *ret)
{
    return words_next(list, ret);
}

bool audit_matches(struct view pattern, struct view text)
{
    size_t p = 0, t = 0, star = SIZE_MAX, from = 0;

    while (t < text.len) {
        if (p < pattern.len && pattern.ptr[p] == '*') {
            star = p++;
            from = t;
        } else if (p < pattern.len && pattern.ptr[p] == text.ptr[t]) {
            p++;
            t++;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            t = ++from;
        } else {
            return false;
        }
    }
    while (p < pattern.len && pattern.ptr[p] == '*')
        p++;
    return p == pattern.len;
}

/* The first that says it wins. */
static void take_texts(struct row *row, struct audit_told *told)
{
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        char *field = (char *)told + texts[i].field;
        struct view text;

        memcpy(&text, field, sizeof text);
        if (text.len > 0)
            continue;
        text = row_text(row, texts[i].member);
        if (text.len > 0)
            memcpy(field, &text, sizeof text);
    }
}

/* As a whole: who has an id here and a name there isn't one user. */
static void take_user(struct row *row, struct audit_told *told)
{
    struct view id = row_text(row, ROW_USER_ID), name = row_text(row, ROW_USER_NAME);

    if (told->user_id.len > 0 || told->user_name.len > 0)
        return;
    told->user_id = id;
    told->user_name = name;
    told->user_domain = row_text(row, ROW_USER_DOMAIN);
}

static enum status take_list(struct row *row, enum row_member member, const char *name,
                             struct view *list)
{
    struct buf text;
    enum status status;

    if (list->len > 0 || row_list(row, member) == JREF_NONE)
        return STATUS_OK;
    buf_init(&text, LINE_READ_MAX_BYTES); /* a list is never longer than its line */
    JDOC_EACH(&row->doc, row_list(row, member), element)
    {
        struct view one =
            name == NULL ? row_text_of(row, element) : row_text_in(row, element, view_str(name));

        if (one.len > 0)
            words_add(&text, one);
    }
    status = text.failed;
    if (status == STATUS_OK && text.len > 0)
        *list = arena_copy(row->arena, buf_view(&text));
    buf_done(&text);
    return status != STATUS_OK || (list->ptr == NULL && list->len > 0) ? STATUS_NOMEM : STATUS_OK;
}

static void take_outcome(struct row *row, struct audit_told *told)
{
    struct view outcome = row_text(row, ROW_OUTCOME);

    told->gone = told->gone || view_eq(row_text(row, ROW_ERROR), VIEW("gone"));
    if (outcome.len == 0 || (told->outcome.len > 0 && !view_eq(told->outcome, VIEW("unknown"))))
        return;
    told->outcome = outcome;
    told->outcome_us = row->time_us;
}

static enum status take_line(struct view text, struct arena *arena, struct audit_told *told)
{
    const char *why;
    struct row row;
    enum status status;

    if (text.ptr == NULL)
        return STATUS_OK;
    status = row_read(text, arena, &row, &why);
    if (status != STATUS_OK)
        return status;
    if (told->event.ptr == NULL) /* the first line */
        told->time_us = row.time_us;
    take_texts(&row, told);
    take_user(&row, told);
    take_outcome(&row, told);
    if (told->auto_stop_s < 0)
        told->auto_stop_s = row_number(&row, ROW_AUTO_STOP_S, -1);
    if (told->status == 0)
        told->status = row_number(&row, ROW_STATUS, 0);
    status = take_list(&row, ROW_REASONS, "code", &told->reasons);
    if (status == STATUS_OK)
        status = take_list(&row, ROW_POLICIES, NULL, &told->policies);
    if (status == STATUS_OK)
        status = take_list(&row, ROW_EXCEPTIONS, NULL, &told->exceptions);
    return status == STATUS_OK && row.failed ? STATUS_NOMEM : status;
}

enum status audit_tell(const struct audit_exchange *exchange, struct arena *arena,
                       struct audit_told *ret)
{
    struct audit_told told = {.auto_stop_s = -1};
    enum status status = take_line(exchange->request.text, arena, &told);
    bool waits = exchange->outcome.text.ptr != NULL;

    /* In the order of their seqs. */
    for (size_t i = 0; i <= exchange->settled_count && status == STATUS_OK; i++) {
        bool last = i == exchange->settled_count;

        if (waits && (last || exchange->outcome.seq < exchange->settled[i].seq)) {
            status = take_line(exchange->outcome.text, arena, &told);
            waits = false;
        }
        if (status == STATUS_OK && !last)
            status = take_line(exchange->settled[i].text, arena, &told);
    }
    if (status == STATUS_OK)
        *ret = told;
    return status;
}

bool audit_passes(struct view wanted, struct view text)
{
    return wanted.ptr == NULL || (text.len > 0 && audit_matches(wanted, text));
}

static bool list_passes(struct view wanted, struct view list)
{
    struct view element;

    while (audit_list_next(&list, &element)) {
        if (audit_passes(wanted, element))
            return true;
    }
    return wanted.ptr == NULL;
}

size_t audit_subject_find(const struct audit_subject *subject, struct view id)
{
    size_t i = 0;

    while (i < subject->count && !view_eq(subject->ids[i], id))
        i++;
    return i;
}

bool audit_told_passes(const struct audit_told *told, const struct audit_filter *f)
{
    return (f->id.ptr == NULL || view_eq(f->id, told->id)) &&
           (audit_passes(f->user, told->user_id) || audit_passes(f->user, told->user_name)) &&
           audit_passes(f->project, told->project) && audit_passes(f->flavor, told->flavor) &&
           audit_passes(f->operation, told->operation) && audit_passes(f->class, told->class) &&
           audit_passes(f->decision, told->decision) && audit_passes(f->outcome, told->outcome) &&
           list_passes(f->reason, told->reasons) && list_passes(f->policy, told->policies) &&
           period_has(&f->period, told->time_us);
}

int64_t audit_end_us(int64_t time_us, int64_t seconds)
{
    static const int64_t second_us = 1000000, last_us = 253402300799999999;

    if (time_us >= last_us || seconds >= (last_us - time_us) / second_us)
        return last_us;
    return time_us + seconds * second_us;
}
