/* SPDX-License-Identifier: Apache-2.0
 * What the gateway had at hand, from what its line says. What the line leaves out was unknown. */
#include "trial/replay_request.h"

bool replay_is_kept(const struct row *row)
{
    return row->at[ROW_REQUEST] != JREF_NONE || row->at[ROW_STORED] != JREF_NONE;
}

static struct view raw_of(const struct row *row, enum row_member member, struct view otherwise)
{
    return row->at[member] == JREF_NONE ? otherwise : jdoc_raw(&row->doc, row->at[member]);
}

static const struct view *names_of(struct row *row, enum row_member member, size_t *ret_count)
{
    jref list = row_list(row, member);
    struct view *names = arena_array(row->arena, row->doc.values[list].count, sizeof *names);
    size_t count = 0;

    if (names == NULL) {
        row->failed = true;
        return NULL;
    }
    JDOC_EACH(&row->doc, list, child)
    names[count++] = row_text_of(row, child);
    *ret_count = count;
    return names;
}

/* The counterpart of the journal's `user` (journal/record.c). */
static void read_domain(struct row *row, struct subject *subject)
{
    struct view domain = row_text(row, ROW_USER_DOMAIN);

    if (domain.ptr == NULL)
        return;
    subject->known |= SUBJECT_DOMAIN;
    subject->domain_id = row_text(row, ROW_USER_DOMAIN_ID);
    if (!view_eq(domain, subject->domain_id))
        subject->domain_name = domain;
}

static struct subject subject_of(struct row *row, struct view project)
{
    struct subject subject = {.user_id = row_text(row, ROW_USER_ID),
                              .user_name = row_text(row, ROW_USER_NAME),
                              .project_name = row_text(row, ROW_USER_PROJECT_NAME)};

    if (subject.user_id.ptr != NULL || subject.user_name.ptr != NULL)
        subject.known |= SUBJECT_USER;
    read_domain(row, &subject);
    if (subject.project_name.ptr != NULL) {
        subject.known |= SUBJECT_PROJECT;
        subject.project_id = project;
    }
    if (row_list(row, ROW_USER_ROLES) != JREF_NONE) {
        subject.known |= SUBJECT_ROLES;
        subject.roles = names_of(row, ROW_USER_ROLES, &subject.role_count);
    }
    if (row_list(row, ROW_USER_GROUPS) != JREF_NONE) {
        subject.known |= SUBJECT_GROUPS;
        subject.groups = names_of(row, ROW_USER_GROUPS, &subject.group_count);
    }
    return subject;
}

enum status replay_request_of(struct row *row, struct replay_request *ret)
{
    struct replay_request request = {
        .operation = row_text(row, ROW_OPERATION),
        .query = row_text(row, ROW_QUERY),
        .body = raw_of(row, ROW_REQUEST, VIEW("")),
        .stored = raw_of(row, ROW_STORED, VIEW_NONE),
        .time_us = row->time_us,
    };
    struct reason why;

    if (row->time_us == 0 || request.operation.ptr == NULL ||
        !modelarts_route(row_text(row, ROW_METHOD), row_text(row, ROW_PATH), row->arena,
                         &request.route, &why))
        return row->failed ? STATUS_NOMEM : STATUS_INVALID;
    request.subject = subject_of(row, request.route.project);
    if (row->failed)
        return STATUS_NOMEM;
    *ret = request;
    return STATUS_OK;
}
