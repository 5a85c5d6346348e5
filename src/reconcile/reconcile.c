/* SPDX-License-Identifier: Apache-2.0
 * The reconciler's thread: one scan at a time, the most urgent one next. Other threads reach it
 * through the queue of hints, a flag and its loop. */
#include "reconcile/reconcile.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/log.h"
#include "net/loop.h"
#include "reconcile/hints.h"
#include "reconcile/report.h"
#include "reconcile/secret.h"
#include "reconcile/targets.h"
#include "reconcile/walk.h"

enum {
    US_PER_MS = 1000,
    US_PER_S = 1000000,
    FIRST_PAUSE_US = US_PER_S,
    LAST_PAUSE_US = 30 * US_PER_S,
    SLOW_US = 90 * US_PER_S, /* how long the cloud may take to stop or delete an instance */
    CALLER_KEPT_S = 3600,    /* a token whose end isn't known */
    PROJECTS_ARENA = 65536,
    PROJECTS_ARENA_MAX = 64 * 1024 * 1024,
};

struct reconciler {
    struct reconcile_settings settings;
    struct view *projects; /* copies of the settings' */
    struct view host;
    struct quota_store *store;
    struct journal *journal;
    struct service_credential *service;

    struct net_loop loop;
    struct event *timer;
    _Atomic bool wanted; /* an operator's round, taken up by the thread */
    struct hints hints;

    /* The thread's own. */
    struct upstream *upstream;
    struct walk *walk;
    struct targets targets;
    int64_t next_round_us; /* monotonic */
    int64_t blocked_us;    /* no scan before */
    bool round, asked;     /* one is under way */

    pthread_mutex_t lock; /* of what follows */
    struct reconcile_state state;
    struct reconcile_report report;
    void (*done)(void *user, const struct reconcile_report *report);
    void *done_user;
};

/* --- What a scan found --- */

static void new_id(void *user, char id[static 32])
{
    (void)user;
    random_id(id);
}

/* The first moment from which on a scan may settle something of this target. */
struct unsettled {
    const struct target *target;
    int64_t grace_us, from_us; /* wall clock; from_us: after it begins */
    int64_t at_us;             /* INT64_MAX: nothing is unsettled */
};

static bool look_for_unsettled(void *user, const struct ledger_item *item)
{
    struct unsettled *all = user;
    int64_t at_us = item->settle_after_us + all->grace_us;

    if (item->state != LEDGER_UNKNOWN || !view_eq(item->project, all->target->project))
        return true;
    if (all->target->user_id.ptr != NULL && !view_eq(item->user_id, all->target->user_id))
        return true;
    if (at_us < all->from_us)
        at_us = all->from_us;
    if (at_us < all->at_us)
        all->at_us = at_us;
    return true;
}

/* Monotonic; INT64_MAX: nothing is unsettled. */
static int64_t settles_at(struct reconciler *r)
{
    int64_t wall_us = clock_now_us(), now_us = clock_monotonic_us();
    struct unsettled all = {.target = r->targets.current,
                            .grace_us = r->settings.grace_ms * US_PER_MS,
                            .from_us = wall_us,
                            .at_us = INT64_MAX};
    struct quota_state state;

    quota_get_state(r->store, &state);
    if (state.counts.unknown > 0)
        quota_each(r->store, look_for_unsettled, &all);
    if (all.at_us == INT64_MAX)
        return INT64_MAX;
    /* Surely behind it. */
    return all.at_us > wall_us ? now_us + (all.at_us - wall_us) + US_PER_MS : now_us;
}

static void add_report(struct reconciler *r, const struct report *found, bool asked)
{
    r->state.settled += found->settled;
    r->state.gone += found->gone;
    r->state.corrected += found->corrected;
    r->state.orphans += found->orphans;
    if (!asked)
        return;
    r->report.settled += (unsigned)found->settled;
    r->report.gone += (unsigned)found->gone;
    r->report.corrected += (unsigned)found->corrected;
    r->report.orphans += (unsigned)found->orphans;
}

static void say_failed(struct reconciler *r, const char *why)
{
    char project[LOG_QUOTED_BYTES];

    /* Once, until it goes well again. */
    log_line(r->targets.current->failing ? LOG_DEBUG : LOG_WARNING,
             "project not scanned project=%s: %s", log_quoted(r->targets.current->project, project),
             why);
}

static void note_scan(struct reconciler *r, bool complete, const struct report *found,
                      const char *why)
{
    bool asked = r->targets.current->asked && !r->targets.current->again;

    (void)pthread_mutex_lock(&r->lock);
    r->state.scans += complete;
    r->state.failed += !complete;
    r->report.scans += complete && asked;
    r->report.failed += !complete && asked;
    add_report(r, found, asked);
    if (!complete) {
        (void)snprintf(r->state.why, sizeof r->state.why, "%s", why);
        if (asked)
            (void)snprintf(r->report.why, sizeof r->report.why, "%s", why);
    }
    (void)pthread_mutex_unlock(&r->lock);
}

static void say_found(const struct reconciler *r, const struct report *found)
{
    char project[LOG_QUOTED_BYTES];

    if (found->settled + found->gone + found->corrected + found->orphans == 0)
        return;
    log_line(LOG_INFO, "reconciled project=%s settled=%llu gone=%llu corrected=%llu orphans=%llu",
             log_quoted(r->targets.current->project, project), (unsigned long long)found->settled,
             (unsigned long long)found->gone, (unsigned long long)found->corrected,
             (unsigned long long)found->orphans);
}

/* A token is over for good. An access key may be locked when more calls with it are refused. */
static void end_denied(struct reconciler *r, struct target *target)
{
    if (target->token.ptr != NULL) {
        targets_drop(&r->targets, target);
        return;
    }
    if (!service_is_key(r->service))
        return;
    r->blocked_us = clock_monotonic_us() + r->settings.interval_ms * US_PER_MS;
    (void)pthread_mutex_lock(&r->lock);
    r->report.failed += targets_give_up(&r->targets);
    (void)snprintf(r->report.why, sizeof r->report.why, "%s", r->state.why);
    (void)pthread_mutex_unlock(&r->lock);
}

static void on_scan(void *user, enum walk_end end, const struct scan *scan, const char *why)
{
    struct reconciler *r = user;
    struct report found = {.journal = r->journal};
    const struct scan_rules rules = {.new_id = new_id,
                                     .report = report_finding,
                                     .user = &found,
                                     .leads = true,
                                     .agent = view_str(r->settings.agent)};
    struct target *target = r->targets.current;
    bool complete = end == WALK_COMPLETE;

    if (complete && quota_reconcile(r->store, scan, &rules) != STATUS_OK) {
        complete = false;
        why = "what was found could not be applied: memory, or a shared store that does not answer";
    }
    note_scan(r, complete, &found, why);
    say_found(r, &found);
    if (!complete)
        say_failed(r, why);
    targets_scanned(&r->targets, complete, complete ? settles_at(r) : INT64_MAX,
                    clock_monotonic_us());
    if (end == WALK_DENIED)
        end_denied(r, target);
    /* From the loop, not from within a callback of the walk. */
    event_active(r->timer, EV_TIMEOUT, 0);
}

/* --- What to scan --- */

static void name_project(struct reconciler *r, struct view project)
{
    struct target *target = project.len > 0 ? targets_project(&r->targets, project) : NULL;

    if (target != NULL)
        target->named = true;
    else if (project.len > 0)
        log_line(LOG_ERROR, "too many projects to scan, or no memory left");
}

/* Of the settings, of the token, of the ledger. False: the ledger's could not be read. */
static bool name_projects(struct reconciler *r)
{
    struct arena arena;
    struct view *known = NULL;
    size_t count = 0;
    struct target *target;
    bool well;

    for (target = TAILQ_FIRST(&r->targets.all); target != NULL; target = TAILQ_NEXT(target, link)) {
        target->named = false;
    }
    for (size_t i = 0; i < r->settings.project_count; i++)
        name_project(r, r->projects[i]);
    name_project(r, service_project(r->service));
    arena_init(&arena, PROJECTS_ARENA, PROJECTS_ARENA_MAX);
    well = quota_projects(r->store, &arena, &known, &count) == STATUS_OK;
    for (size_t i = 0; well && i < count; i++)
        name_project(r, known[i]);
    arena_done(&arena);
    return well;
}

static void begin_round(struct reconciler *r, int64_t now_us)
{
    r->next_round_us = now_us + r->settings.interval_ms * US_PER_MS;
    if (r->service != NULL && !name_projects(r)) {
        log_line(LOG_ERROR, "no memory left for the projects to scan");
        return;
    }
    if (r->round)
        targets_prolong_round(&r->targets, now_us);
    else
        targets_begin_round(&r->targets, now_us);
    r->round = true;
}

/* Only the service credential sees everything; and where there is nothing to look at, nothing is
 * known. */
static void end_round(struct reconciler *r)
{
    if (r->service != NULL && r->targets.projects == 0)
        return;
    r->round = false;
    if (r->service == NULL)
        return;
    quota_scanned(r->store);
    (void)pthread_mutex_lock(&r->lock);
    r->state.last_complete_us = clock_now_us();
    (void)pthread_mutex_unlock(&r->lock);
}

/* After a round began: it finds new projects. */
static void begin_asked(struct reconciler *r, int64_t now_us)
{
    r->blocked_us = 0;
    begin_round(r, now_us);
    targets_ask(&r->targets, now_us);
    r->asked = true;
}

static void end_asked(struct reconciler *r)
{
    struct reconcile_report report;
    void (*done)(void *user, const struct reconcile_report *report);
    void *user;

    r->asked = false;
    (void)pthread_mutex_lock(&r->lock);
    report = r->report;
    done = r->done;
    user = r->done_user;
    r->done = NULL;
    (void)pthread_mutex_unlock(&r->lock);
    if (done != NULL)
        done(user, &report);
}

static void take_hint(struct reconciler *r, const struct hint *hint, int64_t now_us)
{
    struct target *target;

    if (r->service != NULL)
        target = targets_project(&r->targets, hint->project);
    else if (hint->token.len > 0)
        target = targets_caller(&r->targets, hint->project, hint->user_id, hint->token,
                                hint->expires_us);
    else
        target = NULL;
    if (target != NULL)
        targets_hint(&r->targets, target, now_us);
}

/* Without a service credential a hint about a project is one for each of its callers. */
static void hint_callers(struct reconciler *r, struct view project, int64_t now_us)
{
    struct target *target;

    for (target = TAILQ_FIRST(&r->targets.all); target != NULL; target = TAILQ_NEXT(target, link)) {
        if (view_eq(target->project, project))
            targets_hint(&r->targets, target, now_us);
    }
}

static void take_hints(struct reconciler *r, int64_t now_us)
{
    struct hint *hint;
    struct target *target;
    bool lost = false, once;

    while ((hint = hints_take(&r->hints, &once)) != NULL) {
        lost = lost || once;
        if (r->service == NULL && hint->token.len == 0)
            hint_callers(r, hint->project, now_us);
        else
            take_hint(r, hint, now_us);
        hint_free(&hint);
    }
    if (!lost && !once)
        return;
    for (target = TAILQ_FIRST(&r->targets.all); target != NULL; target = TAILQ_NEXT(target, link)) {
        targets_hint(&r->targets, target, now_us);
    }
}

static void scan_target(struct reconciler *r, struct target *target)
{
    const struct walk_order order = {
        .project = target->project, .user_id = target->user_id, .token = target->token};

    r->targets.current = target;
    target->due_us = INT64_MAX;
    walk_start(r->walk, &order);
}

static void wait_until(struct reconciler *r, int64_t at_us, int64_t now_us)
{
    int64_t us = at_us > now_us ? at_us - now_us : 0;
    struct timeval pause;

    /* Wall clocks step and tokens expire: nothing is waited for longer. */
    if (us > (int64_t)CALLER_KEPT_S * US_PER_S)
        us = (int64_t)CALLER_KEPT_S * US_PER_S;
    pause = (struct timeval){.tv_sec = (time_t)(us / US_PER_S),
                             .tv_usec = (suseconds_t)(us % US_PER_S)};
    (void)event_add(r->timer, &pause);
}

static void note_callers(struct reconciler *r)
{
    (void)pthread_mutex_lock(&r->lock);
    r->state.callers = r->targets.callers;
    (void)pthread_mutex_unlock(&r->lock);
}

static int64_t next_time(const struct reconciler *r, int64_t due_us)
{
    int64_t at_us = due_us > r->blocked_us ? due_us : r->blocked_us;

    return at_us < r->next_round_us ? at_us : r->next_round_us;
}

static void turn(struct reconciler *r)
{
    int64_t now_us = clock_monotonic_us(), next_us;
    struct target *target;

    targets_expire(&r->targets, clock_now_us());
    take_hints(r, now_us);
    if (now_us >= r->next_round_us)
        begin_round(r, now_us);
    if (atomic_exchange(&r->wanted, false))
        begin_asked(r, now_us);
    if (r->round && targets_round_over(&r->targets))
        end_round(r);
    if (r->asked && targets_asked_over(&r->targets))
        end_asked(r);
    note_callers(r);
    if (r->targets.current != NULL)
        return;
    target = targets_due(&r->targets, now_us, &next_us);
    if (target != NULL && now_us >= r->blocked_us)
        scan_target(r, target);
    else
        wait_until(r, next_time(r, next_us), now_us);
}

/* --- The thread --- */

static void on_timer(evutil_socket_t fd, short what, void *user)
{
    (void)fd;
    (void)what;
    turn(user);
}

static void on_woken(void *user)
{
    struct reconciler *r = user;

    if (!net_loop_is_ending(&r->loop))
        turn(r);
}

static bool copy_settings(struct reconciler *r, const struct reconcile_settings *settings)
{
    r->settings = *settings;
    r->settings.project_count = 0;
    r->projects = calloc(settings->project_count + 1, sizeof *r->projects);
    if (r->projects == NULL || !secret_copy(view_str(settings->host), &r->host))
        return false;
    for (size_t i = 0; i < settings->project_count; i++) {
        if (!secret_copy(settings->projects[i], &r->projects[i]))
            return false;
        r->settings.project_count++;
    }
    return true;
}

static bool build_events(struct reconciler *r)
{
    if (!net_loop_init(&r->loop, on_woken, NULL, r))
        return false;
    r->timer = event_new(r->loop.base, -1, 0, on_timer, r);
    return r->timer != NULL;
}

static int64_t at_most(int64_t value, int64_t most)
{
    return value < most ? value : most;
}

static bool build(struct reconciler *r, struct net_tls *tls, struct resolver *resolver)
{
    int64_t interval_us = r->settings.interval_ms * US_PER_MS;
    struct walk_settings walk = {.store = r->store,
                                 .service = r->service,
                                 .host = r->host.ptr,
                                 .answer_max = r->settings.answer_max,
                                 .grace_ms = r->settings.grace_ms,
                                 .deadline_ms = r->settings.deadline_ms};

    targets_init(&r->targets, at_most(FIRST_PAUSE_US, interval_us),
                 at_most(LAST_PAUSE_US, interval_us), SLOW_US + r->settings.grace_ms * US_PER_MS);
    if (!build_events(r))
        return false;
    r->upstream = upstream_new(r->loop.base, &r->settings.upstream, tls, resolver);
    if (r->upstream == NULL)
        return false;
    walk.upstream = r->upstream;
    r->walk = walk_new(&walk, on_scan, r);
    return r->walk != NULL;
}

static void free_reconciler(struct reconciler *r)
{
    walk_free(&r->walk);
    if (r->upstream != NULL)
        upstream_free(&r->upstream);
    targets_done(&r->targets);
    hints_done(&r->hints);
    if (r->timer != NULL)
        event_free(r->timer);
    net_loop_done(&r->loop);
    for (size_t i = 0; i < r->settings.project_count; i++)
        secret_wipe(&r->projects[i]);
    free(r->projects);
    secret_wipe(&r->host);
    (void)pthread_mutex_destroy(&r->lock);
    free(r);
}

// NOLINTNEXTLINE(readability-function-size): all that it works with, handed over once
enum status reconcile_start(const struct reconcile_settings *settings, struct quota_store *store,
                            struct journal *journal, struct service_credential *service,
                            struct net_tls *tls, struct resolver *resolver, struct reconciler **ret,
                            struct err *err)
{
    struct reconciler *r = calloc(1, sizeof *r);

    if (r == NULL)
        return err_set(err, STATUS_NOMEM, "no memory left for the reconciler");
    r->store = store;
    r->journal = journal;
    r->service = service;
    (void)pthread_mutex_init(&r->lock, NULL);
    hints_init(&r->hints);
    TAILQ_INIT(&r->targets.all);
    if (!copy_settings(r, settings) || !build(r, tls, resolver)) {
        free_reconciler(r);
        return err_set(err, STATUS_NOMEM, "no memory or descriptors left for the reconciler");
    }
    /* The first round is due. */
    r->next_round_us = clock_monotonic_us();
    net_loop_wake(&r->loop);
    if (net_loop_start(&r->loop, "reconciler", err) != STATUS_OK) {
        free_reconciler(r);
        return err->status;
    }
    *ret = r;
    return STATUS_OK;
}

void reconcile_stop(struct reconciler **reconciler)
{
    struct reconciler *r = *reconciler;

    if (r == NULL)
        return;
    *reconciler = NULL;
    net_loop_stop(&r->loop);
    /* Whoever asked gets an answer. */
    (void)pthread_mutex_lock(&r->lock);
    (void)snprintf(r->report.why, sizeof r->report.why, "the gateway stops");
    (void)pthread_mutex_unlock(&r->lock);
    end_asked(r);
    free_reconciler(r);
}

void reconcile_hint(struct reconciler *reconciler, struct view project,
                    const struct reconcile_caller *caller)
{
    struct hint hint = {.project = project};

    /* An own list proves nothing without the name of its owner. */
    if (reconciler->service == NULL && caller != NULL && caller->user_id.len > 0 &&
        caller->token.len > 0) {
        hint.project = caller->project;
        hint.user_id = caller->user_id;
        hint.token = caller->token;
        hint.expires_us = caller->expires_us;
        if (hint.expires_us == 0)
            hint.expires_us = clock_now_us() + (int64_t)CALLER_KEPT_S * US_PER_S;
    }
    hints_put(&reconciler->hints, &hint);
    net_loop_wake(&reconciler->loop);
}

bool reconcile_now(struct reconciler *reconciler, const char *actor,
                   void (*done)(void *user, const struct reconcile_report *report), void *user)
{
    bool free_now;

    (void)pthread_mutex_lock(&reconciler->lock);
    free_now = reconciler->done == NULL;
    if (free_now) {
        reconciler->done = done;
        reconciler->done_user = user;
        reconciler->report = (struct reconcile_report){0};
    }
    (void)pthread_mutex_unlock(&reconciler->lock);
    if (!free_now)
        return false;
    log_line(LOG_INFO, "a scan of everything was asked for actor=%s", actor);
    atomic_store(&reconciler->wanted, true);
    net_loop_wake(&reconciler->loop);
    return true;
}

void reconcile_get_state(struct reconciler *reconciler, struct reconcile_state *ret)
{
    (void)pthread_mutex_lock(&reconciler->lock);
    *ret = reconciler->state;
    (void)pthread_mutex_unlock(&reconciler->lock);
}
