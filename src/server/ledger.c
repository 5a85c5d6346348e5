/* SPDX-License-Identifier: Apache-2.0
 * The quota ledger of this process: filled from the journal or kept in a shared store, and
 * corrected by the cloud's own lists. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/log.h"
#include "journal/open.h"
#include "server/internal.h"

enum { SCAN_CONNECTIONS = 4, NAME_FILE_MODE = 0600 };

/* After this nothing can come of a request that was recorded at time_us (gateway/reserve.c). */
static int64_t last_moment_us(const struct conf *conf, int64_t time_us)
{
    return time_us + (conf->journal.timeout_ms + conf->upstream.total_ms) * 1000;
}

/* ---- from the journal ---- */

static enum ledger_state state_of(enum open_state state)
{
    switch (state) {
    case OPEN_RESERVED:
        return LEDGER_RESERVED;
    case OPEN_UNKNOWN:
        return LEDGER_UNKNOWN;
    case OPEN_EXISTING:
        return LEDGER_EXISTING;
    case OPEN_SPENT:
        break;
    }
    return LEDGER_SPENT;
}

struct loading {
    struct server *s;
    enum status status;
};

static bool load_one(void *user, const struct open_item *open)
{
    struct loading *loading = user;
    const struct ledger_item item = {
        .id = open->id,
        .state = state_of(open->state),
        .op = open->operation,
        .time_us = open->time_us,
        .settle_after_us = last_moment_us(&loading->s->conf, open->time_us),
        .project = open->project,
        .user_id = open->user_id,
        .user_name = open->user_name,
        .domain = open->user_domain,
        .workspace = open->workspace,
        .pool = open->pool,
        .flavor = open->flavor,
        .name = open->name,
        .instance = open->instance,
        .run_s = open->auto_stop_s,
        /* The journal doesn't say what stopped: too many are counted until a list does. */
        .running = open->state == OPEN_EXISTING,
        .orphan = open->orphan,
        .claimed = true,
    };

    loading->status = quota_store_load(loading->s->shared.quota, &item);
    return loading->status == STATUS_OK;
}

/* ---- a shared store ---- */

/* What another gateway found out about an entry of this one's journal, which must know it, too.
 * After a start all entries are told: those of which the journal has nothing to learn stay as they
 * are. */
static void on_foreign(void *user, const struct ledger_item *item, bool gone)
{
    struct server *s = user;
    enum scan_finding finding;
    enum open_state known;

    if (!journal_state_of(s->shared.journal, item->id, &known) || known == OPEN_RESERVED ||
        known == OPEN_SPENT)
        return;
    if (gone)
        finding = known == OPEN_EXISTING ? SCAN_GONE : SCAN_ABSENT;
    else if (item->state == LEDGER_EXISTING && known == OPEN_UNKNOWN && item->claimed &&
             !item->orphan)
        finding = SCAN_CREATED;
    else
        return;
    if (!reconcile_record(s->shared.journal, finding, item))
        log_line(LOG_ERROR, "the journal did not take what another gateway found out id=%.*s",
                 VIEW_ARGS(item->id));
}

/* A name of its own beside the journal, which outlives restarts: by it a gateway takes its own
 * reservations back. */
static enum status read_name(struct server *s, char name[static RANDOM_ID_BYTES + 1],
                             struct err *err)
{
    const char *path = arena_printf(&s->arena, "%s.gateway%c", s->conf.journal.directory, 0).ptr;
    ssize_t got;
    int fd;

    if (path == NULL)
        return err_set(err, STATUS_NOMEM, "the gateway's name: out of memory");
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, NAME_FILE_MODE);
    if (fd < 0)
        return err_set_errno(err, errno, "%s", path);
    got = read(fd, name, RANDOM_ID_BYTES);
    if (got == 0) {
        random_id(name);
        got = write(fd, name, RANDOM_ID_BYTES);
        if (fsync(fd) != 0)
            got = -1;
    }
    name[RANDOM_ID_BYTES] = '\0';
    (void)close(fd);
    if (got != RANDOM_ID_BYTES || strspn(name, "0123456789abcdef") != RANDOM_ID_BYTES)
        return err_set(err, STATUS_INVALID,
                       "%s: the gateway's name is not 32 hex digits; remove the file, and another "
                       "name is made",
                       path);
    return STATUS_OK;
}

/* ---- all of it ---- */

enum status server_use_quotas(struct server *s, struct policy_set *set)
{
    journal_keep_spent(s->shared.journal, policy_set_window_us(set));
    return quota_store_use(s->shared.quota, set);
}

enum status server_open_quota(struct server *s, struct policy_set *set, struct err *err)
{
    const struct conf *conf = &s->conf;
    struct loading loading = {.s = s, .status = STATUS_OK};
    struct quota_settings settings = {
        .url = conf->quota.url,
        .timeout_ms = conf->quota.timeout_ms,
        .lease_ms = conf->quota.lease_ms,
        .deadline_ms = conf->journal.timeout_ms + conf->upstream.total_ms,
        .count_orphans = conf->quota.count_orphans,
        .must_scan = s->service != NULL,
    };
    char name[RANDOM_ID_BYTES + 1];

    if (settings.url != NULL) {
        if (read_name(s, name, err) != STATUS_OK)
            return err->status;
        settings.gateway = name;
    }
    if (quota_store_open(&settings, set, &s->shared.quota, err) != STATUS_OK)
        return err_wrap(err, "quota.store");
    quota_on_foreign(s->shared.quota, on_foreign, s);
    journal_keep_spent(s->shared.journal, policy_set_window_us(set));
    if (settings.url == NULL)
        journal_each_open(s->shared.journal, load_one, &loading);
    if (loading.status != STATUS_OK)
        return err_set(err, loading.status, "quota: the journal holds more than the ledger can");
    quota_store_loaded(s->shared.quota);
    return STATUS_OK;
}

enum status server_start_reconciler(struct server *s, struct err *err)
{
    const struct conf *conf = &s->conf;
    struct reconcile_settings settings = {
        .interval_ms = conf->quota.reconcile_ms,
        .grace_ms = conf->quota.grace_ms,
        .deadline_ms = conf->journal.timeout_ms + conf->upstream.total_ms,
        .upstream = gateway_upstream_settings(&s->shared),
        .host = s->shared.host,
        .answer_max = (size_t)conf->limits.answer,
        .projects = conf->upstream.service_projects,
        .project_count = conf->upstream.service_project_count,
        .agent = s->agent,
    };

    settings.upstream.max_connections = SCAN_CONNECTIONS;
    if (reconcile_start(&settings, s->shared.quota, s->shared.journal, s->service,
                        s->shared.upstream_tls, s->shared.resolver, &s->shared.reconciler,
                        err) != STATUS_OK)
        return err_wrap(err, "reconciler");
    return STATUS_OK;
}

void server_close_quota(struct server *s)
{
    reconcile_stop(&s->shared.reconciler);
    quota_store_close(&s->shared.quota);
    service_free(&s->service);
}
