/* SPDX-License-Identifier: Apache-2.0
 * The gateway's own credential, and what is read with it. */
#include "conf/internal.h"

enum { PROJECT_BYTES = 32, PROJECTS_MAX = 1000 };

static bool is_id(struct view text)
{
    for (size_t i = 0; i < text.len; i++) {
        if ((text.ptr[i] < '0' || text.ptr[i] > '9') && (text.ptr[i] < 'a' || text.ptr[i] > 'f'))
            return false;
    }
    return text.len == PROJECT_BYTES;
}

void conf_read_projects(struct conf_loading *l, const char *key, const struct ytexts *projects,
                        const struct view **ret, size_t *ret_count)
{
    struct view *ids;
    char quoted[DIAG_QUOTED_BYTES];

    if (!projects->set)
        return;
    if (projects->count > PROJECTS_MAX) {
        diag_fault(l->diag, projects->at, "%s: expected at most %d, found %zu", key,
                   (int)PROJECTS_MAX, projects->count);
        return;
    }
    ids = arena_array(l->arena, projects->count, sizeof *ids);
    if (ids == NULL) {
        conf_no_memory(l);
        return;
    }
    for (size_t i = 0; i < projects->count; i++) {
        ids[i] = projects->items[i].value;
        if (!is_id(ids[i]))
            diag_fault(l->diag, projects->items[i].at,
                       "%s: expected the id of a project, 32 hex digits in lower case, found %s",
                       key, diag_quoted(ids[i], quoted));
    }
    *ret = ids;
    *ret_count = projects->count;
}

void conf_read_service(struct conf_loading *l)
{
    struct conf_rows *rows = l->rows;
    struct ytext *token = &rows->upstream.service_credential.token_file;
    struct ytext *key = &rows->upstream.service_credential.access_key_file;

    l->conf.quota.reconcile_ms = rows->quota.reconcile.value;
    l->conf.quota.grace_ms = rows->quota.grace.value;
    l->conf.quota.count_orphans = rows->quota.orphans.value == ORPHANS_COUNT;
    if (!rows->upstream.service_credential.object.set)
        return;
    /* A value that isn't one was told already. */
    if ((token->at.line > 0 && !token->set) || (key->at.line > 0 && !key->set))
        return;
    l->conf.upstream.service_at = rows->upstream.service_credential.object.at;
    if (token->set == key->set)
        diag_fault(l->diag, rows->upstream.service_credential.object.at,
                   "service_credential: needs token_file or access_key_file%s",
                   token->set ? ", not both" : "");
    l->conf.upstream.token_file = conf_path(l, token);
    l->conf.upstream.access_key_file = conf_path(l, key);
    conf_read_projects(l, "projects", &rows->upstream.service_credential.projects,
                       &l->conf.upstream.service_projects, &l->conf.upstream.service_project_count);
}
