/* SPDX-License-Identifier: Apache-2.0
 * What the server says of itself: JSON for `postern status`, a line for probes, text for
 * Prometheus. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/number.h"
#include "json/write.h"
#include "server/internal.h"
#include "server/quotas.h"

const char *const postern_version = POSTERN_VERSION;

struct sums {
    struct front_counts front;
    struct upstream_counts upstream;
    unsigned exchanges;
};

static void add_up(const struct server *s, struct sums *ret)
{
    struct gateway_view view;

    *ret = (struct sums){0};
    for (unsigned i = 0; i < s->worker_count; i++) {
        gateway_look(worker_gateway(s->workers[i]), &view);
        ret->front.accepted += view.front.accepted;
        ret->front.refused_per_address += view.front.refused_per_address;
        ret->front.requests += view.front.requests;
        ret->front.faults += view.front.faults;
        ret->front.connections += view.front.connections;
        ret->upstream.open += view.upstream.open;
        ret->upstream.idle += view.upstream.idle;
        ret->upstream.waiting += view.upstream.waiting;
        ret->upstream.connects += view.upstream.connects;
        ret->upstream.reuses += view.upstream.reuses;
        ret->upstream.resumed += view.upstream.resumed;
        ret->upstream.retries += view.upstream.retries;
        ret->exchanges += view.exchanges;
    }
}

static void write_time(struct jwriter *w, const char *key, int64_t us)
{
    char text[CLOCK_TEXT_BYTES];

    jwriter_member_text(w, key, clock_format(us, text));
}

static void write_policy(struct server *s, struct jwriter *w)
{
    struct policy_slot *slot = &s->shared.policies;
    size_t quotas;

    (void)pthread_mutex_lock(&slot->lock);
    (void)policy_set_quotas(slot->set, &quotas);
    jwriter_key(w, "policy_set");
    jwriter_open_object(w);
    jwriter_member_text(w, "digest", view_str(policy_set_digest(slot->set)));
    jwriter_member_int(w, "policies", (int64_t)policy_set_policies(slot->set));
    jwriter_member_int(w, "quotas", (int64_t)quotas);
    jwriter_member_int(w, "exceptions", (int64_t)policy_set_exceptions(slot->set));
    write_time(w, "loaded", slot->loaded_us);
    jwriter_member_int(w, "reloads", (int64_t)slot->reloads);
    jwriter_member_int(w, "failed_reloads", (int64_t)slot->failed_reloads);
    jwriter_member_text(w, "last_error", view_str(slot->last_error));
    jwriter_close_object(w);
    (void)pthread_mutex_unlock(&slot->lock);
}

/* The last seal of this run, and how its witness fares. */
static void write_seal(const struct journal_state *state, struct jwriter *w)
{
    if (!state->sealing)
        return;
    jwriter_key(w, "seal");
    jwriter_open_object(w);
    jwriter_member_text(w, "key", view_str(state->seal_key));
    if (state->seal_seq > 0) {
        jwriter_member_int(w, "seq", (int64_t)state->seal_seq);
        write_time(w, "time", state->seal_time_us);
    }
    if (state->witnessed) {
        jwriter_member_int(w, "witness_waiting", state->witness_waiting);
        jwriter_member_int(w, "witness_failures", (int64_t)state->witness_failures);
    }
    jwriter_close_object(w);
}

static void write_journal(struct server *s, struct jwriter *w)
{
    struct journal_state state;

    journal_get_state(s->shared.journal, &state);
    jwriter_key(w, "journal");
    jwriter_open_object(w);
    jwriter_key(w, "accepting");
    jwriter_bool(w, state.accepting);
    jwriter_member_opt(w, "why_not", view_str(state.why_not));
    jwriter_member_int(w, "seq", (int64_t)state.seq);
    jwriter_member_int(w, "queued", state.queued);
    jwriter_member_int(w, "open_intents", (int64_t)state.open_intents);
    jwriter_member_int(w, "unknown", (int64_t)state.unknown);
    jwriter_member_int(w, "existing", (int64_t)state.existing);
    jwriter_member_int(w, "failures", (int64_t)state.failures);
    jwriter_member_int(w, "free_bytes", (int64_t)state.free_bytes);
    jwriter_key(w, "space_low");
    jwriter_bool(w, state.space_low);
    write_seal(&state, w);
    jwriter_close_object(w);
}

static void status(void *user, struct buf *out)
{
    struct server *s = user;
    struct sums sums;
    struct jwriter w;

    add_up(s, &sums);
    jwriter_init(&w, out);
    jwriter_open_object(&w);
    jwriter_member_text(&w, "version", view_str(postern_version));
    jwriter_member_int(&w, "pid", getpid());
    write_time(&w, "started", s->started_us);
    jwriter_member_int(&w, "workers", s->worker_count);
    write_policy(s, &w);
    write_journal(s, &w);
    jwriter_key(&w, "connections");
    jwriter_open_object(&w);
    jwriter_member_int(&w, "clients", sums.front.connections);
    jwriter_member_int(&w, "exchanges", sums.exchanges);
    jwriter_member_int(&w, "upstream_open", sums.upstream.open);
    jwriter_member_int(&w, "upstream_idle", sums.upstream.idle);
    jwriter_close_object(&w);
    quotas_write_state(s->shared.quota, clock_now_us(), &w);
    quotas_write_reconciler(s->shared.reconciler, &w);
    server_write_identity(s, &w);
    server_write_sinks(s, &w);
    jwriter_close_object(&w);
    buf_add_byte(out, '\n');
}

static void list_quotas(void *user, struct buf *out)
{
    struct server *s = user;
    struct policy_set *set = policy_slot_get(&s->shared.policies);
    size_t count;
    const struct quota *const *list = policy_set_quotas(set, &count);

    quotas_write_list(s->shared.quota, list, count, out);
    policy_set_unref(&set);
}

static void reservations(void *user, struct buf *out)
{
    struct server *s = user;

    quotas_write_reservations(s->shared.quota, clock_now_us(), out);
}

static void policies(void *user, struct buf *out)
{
    struct server *s = user;
    struct jwriter w;

    jwriter_init(&w, out);
    jwriter_open_object(&w);
    write_policy(s, &w);
    jwriter_close_object(&w);
    buf_add_byte(out, '\n');
}

static bool reload(void *user, const char *actor, struct buf *out)
{
    return server_reload(user, actor, out);
}

/* Why requests that quotas hold for are refused, or NULL. */
static const char *quotas_closed(struct server *s)
{
    struct quota_state state;

    if (s->shared.quota == NULL)
        return NULL;
    quota_get_state(s->shared.quota, &state);
    if (!state.available)
        return "the quota store can't be reached";
    return state.waits_for_scan ? "the cloud's lists have not been read yet" : NULL;
}

static int ready(void *user, struct buf *out)
{
    struct server *s = user;
    struct journal_state journal;
    struct policy_slot *slot = &s->shared.policies;
    const char *closed = quotas_closed(s), *away = server_identity_away(s);
    bool reload_failed;

    if (!resolver_ready(s->shared.resolver)) {
        buf_printf(out, "not ready: the name %s was not resolved yet\n", s->conf.upstream.host);
        return 503;
    }
    journal_get_state(s->shared.journal, &journal);
    (void)pthread_mutex_lock(&slot->lock);
    reload_failed = slot->last_error[0] != '\0';
    (void)pthread_mutex_unlock(&slot->lock);
    if (!journal.accepting)
        buf_printf(out, "degraded: judged requests are refused: %s\n",
                   journal.why_not == NULL ? "the journal does not take records" : journal.why_not);
    else if (closed != NULL)
        buf_printf(out, "degraded: requests that quotas hold for are refused: %s\n", closed);
    else if (away != NULL)
        buf_printf(out, "degraded: %s\n", away);
    else if (journal.space_low)
        buf_printf(out,
                   "degraded: space for the journal gets short, %llu MB are free; judged requests "
                   "are refused below %llu MB\n",
                   (unsigned long long)(journal.free_bytes >> 20),
                   (unsigned long long)(s->conf.journal.low_space_bytes >> 20));
    else if (reload_failed)
        buf_add_str(out, "degraded: the last reload of the policies was refused, the set before it "
                         "is in force\n");
    else
        buf_add_str(out, "ok\n");
    return 200;
}

static void print_value(struct buf *out, const char *name, const char *type, const char *help,
                        uint64_t value)
{
    buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n%s %llu\n", name, help, name, type, name,
               (unsigned long long)value);
}

static void print_seals(const struct journal_state *j, struct buf *out)
{
    if (!j->sealing)
        return;
    print_value(out, "postern_journal_seals_total", "counter", "Seals written.", j->seals);
    print_value(out, "postern_journal_last_seal_seq", "gauge",
                "The seq of the last seal of this run, 0 before it.", j->seal_seq);
    print_value(out, "postern_journal_last_seal_timestamp_seconds", "gauge",
                "When it was signed, 0 before it.", (uint64_t)j->seal_time_us / 1000000);
    if (!j->witnessed)
        return;
    print_value(out, "postern_journal_witness_failures_total", "counter",
                "Tries to tell the witness of a seal that failed.", j->witness_failures);
    print_value(out, "postern_journal_witness_waiting", "gauge",
                "Seals that the witness was not told of yet.", j->witness_waiting);
}

static void print_journal(struct server *s, struct buf *out)
{
    static const char *const bounds[] = {"0.0001", "0.00025", "0.0005", "0.001", "0.0025", "0.005",
                                         "0.01",   "0.025",   "0.05",   "0.1",   "1",      "+Inf"};
    struct journal_state j;
    uint64_t below = 0;

    journal_get_state(s->shared.journal, &j);
    print_value(out, "postern_journal_accepting", "gauge", "1 if judged requests can be recorded.",
                j.accepting);
    print_value(out, "postern_journal_durability_sync", "gauge",
                "1 if a record is on disk before a request is sent, 0 if it is only written.",
                s->conf.journal.durability == DURABILITY_SYNC);
    print_value(out, "postern_journal_queued", "gauge", "Lines that wait to be written.", j.queued);
    print_value(out, "postern_journal_lines_total", "counter", "Lines written.", j.lines);
    print_value(out, "postern_journal_batches_total", "counter",
                "Writes, each of one or more lines.", j.batches);
    print_value(out, "postern_journal_failures_total", "counter", "Writes or syncs that failed.",
                j.failures);
    print_value(out, "postern_journal_refusals_folded_total", "counter",
                "Refusals recorded only as a count, because space was low.", j.refusals_folded);
    print_value(out, "postern_journal_open_intents", "gauge", "Intents without an outcome.",
                j.open_intents);
    print_value(out, "postern_journal_unknown", "gauge", "Outcomes that are unknown.", j.unknown);
    print_value(out, "postern_journal_free_bytes", "gauge", "Free space where the journal is.",
                j.free_bytes);
    print_value(out, "postern_journal_space_low", "gauge",
                "1 if less than journal.low_space.warn is free.", j.space_low);
    print_seals(&j, out);
    buf_add_str(out, "# HELP postern_journal_sync_seconds Time of a sync.\n"
                     "# TYPE postern_journal_sync_seconds histogram\n");
    for (size_t i = 0; i < ARRAY_LEN(bounds); i++) {
        below += j.sync_us_buckets[i];
        buf_printf(out, "postern_journal_sync_seconds_bucket{le=\"%s\"} %llu\n", bounds[i],
                   (unsigned long long)below);
    }
    buf_printf(
        out,
        "postern_journal_sync_seconds_sum %llu.%06llu\npostern_journal_sync_seconds_count %llu\n",
        (unsigned long long)(j.sync_us_sum / 1000000),
        (unsigned long long)(j.sync_us_sum % 1000000), (unsigned long long)below);
}

/* 0 where the clock was set back behind it since. */
static uint64_t seconds_since(int64_t time_us)
{
    int64_t passed_us = clock_now_us() - time_us;

    return passed_us > 0 ? (uint64_t)passed_us / 1000000 : 0;
}

static void print_policies(struct server *s, struct buf *out)
{
    struct policy_slot *slot = &s->shared.policies;

    (void)pthread_mutex_lock(&slot->lock);
    buf_printf(out,
               "# HELP postern_policy_set_info The policy set in force.\n# TYPE "
               "postern_policy_set_info gauge\n"
               "postern_policy_set_info{digest=\"%s\"} 1\n",
               policy_set_digest(slot->set));
    print_value(out, "postern_policy_set_age_seconds", "gauge",
                "Time since the set in force was loaded.", seconds_since(slot->loaded_us));
    print_value(out, "postern_policy_reloads_total", "counter",
                "Reloads that brought a set into force.", slot->reloads);
    print_value(out, "postern_policy_reload_failures_total", "counter",
                "Reloads that were refused.", slot->failed_reloads);
    print_value(out, "postern_policy_last_reload_failed", "gauge",
                "1 if the last reload was refused.", slot->last_error[0] != '\0');
    (void)pthread_mutex_unlock(&slot->lock);
}

static void print_quotas(struct server *s, struct buf *out)
{
    struct policy_set *set = policy_slot_get(&s->shared.policies);
    size_t count;
    const struct quota *const *list = policy_set_quotas(set, &count);

    quotas_print_metrics(s->shared.quota, list, count, clock_now_us(), out);
    quotas_print_reconciler(s->shared.reconciler, out);
    policy_set_unref(&set);
}

static void print_network(const struct server *s, struct buf *out)
{
    struct sums sums;

    add_up(s, &sums);
    print_value(out, "postern_connections", "gauge", "Client connections.", sums.front.connections);
    print_value(out, "postern_connections_total", "counter", "Client connections accepted.",
                sums.front.accepted);
    print_value(out, "postern_connections_refused_total", "counter",
                "Client connections over limits.per_address.", sums.front.refused_per_address);
    print_value(out, "postern_bad_requests_total", "counter", "Requests that could not be read.",
                sums.front.faults);
    print_value(out, "postern_upstream_connections", "gauge", "Connections to the cloud.",
                sums.upstream.open);
    print_value(out, "postern_upstream_idle", "gauge", "Of these, unused.", sums.upstream.idle);
    print_value(out, "postern_upstream_waiting", "gauge", "Calls that wait for a connection.",
                sums.upstream.waiting);
    print_value(out, "postern_upstream_connects_total", "counter", "Connections made.",
                sums.upstream.connects);
    print_value(out, "postern_upstream_reuses_total", "counter", "Calls on a kept connection.",
                sums.upstream.reuses);
    print_value(out, "postern_upstream_resumed_total", "counter", "TLS sessions resumed.",
                sums.upstream.resumed);
    print_value(out, "postern_upstream_retries_total", "counter",
                "Idempotent unjudged calls sent again.", sums.upstream.retries);
}

static void metrics(void *user, struct buf *out)
{
    struct server *s = user;
    struct metrics *all[WORKERS_MAX];

    buf_printf(out,
               "# HELP postern_build_info The version.\n# TYPE postern_build_info gauge\n"
               "postern_build_info{version=\"%s\"} 1\n",
               postern_version);
    for (unsigned i = 0; i < s->worker_count; i++)
        all[i] = gateway_metrics(worker_gateway(s->workers[i]));
    metrics_print(all, s->worker_count, out);
    print_policies(s, out);
    print_journal(s, out);
    print_network(s, out);
    print_quotas(s, out);
    server_print_identity(s, out);
    server_print_sinks(s, out);
}

void server_ops(struct server *s, struct admin_ops *ret)
{
    *ret = (struct admin_ops){
        .status = status,
        .reload = reload,
        .quotas = list_quotas,
        .reservations = reservations,
        .policies = policies,
        .reconcile = server_reconcile,
        .audit = server_audit,
        .audit_gone = server_audit_gone,
        .ready = ready,
        .metrics = metrics,
        .user = s,
    };
}

static void write_address(struct jwriter *w, const struct net_address *address)
{
    char text[160];
    bool v6 = strchr(address->host, ':') != NULL;

    (void)snprintf(text, sizeof text, v6 ? "[%s]:%u" : "%s:%u", address->host,
                   (unsigned)address->port);
    jwriter_text(w, view_str(text));
}

static void write_ready_line(const struct server *s, int fd)
{
    struct buf line;
    struct jwriter w;
    ssize_t written;

    buf_init(&line, 16U << 10);
    jwriter_init(&w, &line);
    jwriter_open_object(&w);
    jwriter_key(&w, "listen");
    jwriter_open_array(&w);
    for (size_t i = 0; i < s->conf.listen_count; i++)
        write_address(&w, &s->listens[i]);
    jwriter_close_array(&w);
    jwriter_key(&w, "status");
    write_address(&w, &s->status_address);
    jwriter_member_text(&w, "admin", view_str(s->conf.admin_socket));
    if (s->conf.has_admin_listen) {
        jwriter_key(&w, "admin_address");
        write_address(&w, &s->admin_address);
    }
    jwriter_close_object(&w);
    buf_add_byte(&line, '\n');
    written = write(fd, line.ptr, line.len);
    (void)written; /* who asked for it may be gone */
    (void)close(fd);
    buf_done(&line);
}

int server_ready_fd(void)
{
    const char *asked =
        getenv("POSTERN_READY_FD"); // NOLINT(concurrency-mt-unsafe): nobody sets variables here
    int64_t fd;

    if (asked == NULL || !num_parse_i64(view_str(asked), 3, 1 << 20, &fd) ||
        fcntl((int)fd, F_SETFD, FD_CLOEXEC) != 0)
        return -1;
    return (int)fd;
}

void server_tell_ready(const struct server *s)
{
    log_line(LOG_INFO, "ready version=%s workers=%u digest=%s", postern_version, s->worker_count,
             policy_set_digest(s->shared.policies.set));
    if (s->ready_fd >= 0)
        write_ready_line(s, s->ready_fd);
    (void)sd_notify(0, "READY=1");
}
