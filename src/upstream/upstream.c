/* SPDX-License-Identifier: Apache-2.0
 * The pool: which call gets which connection, and which one waits. The connection that answered
 * last is taken first (LIFO), so that in quiet times the others grow old and are let go. */
#include "upstream/upstream.h"

#include <stdlib.h>

#include "base/require.h"
#include "upstream/inner.h"

const char *upstream_failure_name(enum upstream_failure failure)
{
    switch (failure) {
    case UPSTREAM_UNRESOLVED:
        return "unresolved";
    case UPSTREAM_CONNECT:
        return "connect";
    case UPSTREAM_TLS:
        return "tls";
    case UPSTREAM_CERTIFICATE:
        return "certificate";
    case UPSTREAM_SEND:
        return "send";
    case UPSTREAM_CLOSED:
        return "closed";
    case UPSTREAM_MALFORMED:
        return "malformed";
    case UPSTREAM_TIMEOUT:
        return "timeout";
    }
    return "unknown";
}

/* ---- idle connections ---- */

static void unlink_idle(struct link *link)
{
    struct upstream *const up = link->upstream;

    if (up->newest == link)
        up->newest = link->older;
    else
        link->newer->older = link->older;
    if (up->oldest == link)
        up->oldest = link->newer;
    else
        link->older->newer = link->newer;
    link->newer = NULL;
    link->older = NULL;
    up->counts.idle--;
}

static void end_link(struct link *link)
{
    link->upstream->counts.open--;
    net_close(&link->conn);
    free(link);
}

static void drop_idle(struct link *link)
{
    unlink_idle(link);
    end_link(link);
}

void pool_drop(struct link *link)
{
    if (link->call == NULL) {
        drop_idle(link);
        return;
    }
    link->call->link = NULL;
    end_link(link);
}

void pool_give_back(struct link *link, bool reusable)
{
    struct upstream *const up = link->upstream;
    const int64_t now_us = call_clock(link->call);

    if (!reusable || up->settings.keep_alive_ms <= 0) {
        pool_drop(link);
        return;
    }
    link->call->link = NULL;
    link->call = NULL;
    link->answered_us = now_us;
    link->older = up->newest;
    *(up->newest == NULL ? &up->oldest : &up->newest->newer) = link;
    up->newest = link;
    up->counts.idle++;
    net_watch_read(link->conn, true);
    net_deadline_at(link->conn, now_us + up->settings.keep_alive_ms * 1000);
}

/* An idle connection for the call, or NULL. The loop drops those that the cloud closes or writes
 * to; what came since it last looked only the socket knows. That costs a system call, but bytes
 * that nobody asked for must not become somebody's answer. */
static struct link *find_idle(struct upstream_call *call)
{
    struct upstream *const up = call->upstream;
    struct link *link, *older;

    if (call->force_new)
        return NULL;
    for (link = up->newest; link != NULL; link = older) {
        older = link->older;
        if (call->order.fresh && call_clock(call) - link->answered_us > FRESH_US)
            return NULL; /* the others are older still */
        if (net_is_quiet(link->conn))
            return link;
        drop_idle(link);
    }
    return NULL;
}

/* ---- waiting ---- */

static void wait_in_line(struct upstream_call *call)
{
    struct upstream *const up = call->upstream;

    if (up->counts.waiting >= WAITING_MAX) {
        call_fail(call, UPSTREAM_CONNECT, "too many requests wait for a connection");
        return;
    }
    call->next = NULL;
    *(up->first_waiting == NULL ? &up->first_waiting : &up->last_waiting->next) = call;
    up->last_waiting = call;
    up->counts.waiting++;
    call_set_phase(call, PHASE_WAITING);
}

void pool_forget_waiting(struct upstream_call *call)
{
    struct upstream *const up = call->upstream;
    struct upstream_call *before = NULL, *at = up->first_waiting;

    while (at != call) {
        REQUIRE(at != NULL);
        before = at;
        at = at->next;
    }
    *(before == NULL ? &up->first_waiting : &before->next) = call->next;
    if (up->last_waiting == call)
        up->last_waiting = before;
    up->counts.waiting--;
}

/* False: the pool is full. */
static bool try_admit(struct upstream_call *call)
{
    struct upstream *const up = call->upstream;
    struct link *const link = find_idle(call);

    if (link != NULL) {
        unlink_idle(link);
        up->counts.reuses++;
        link_take(link, call);
        return true;
    }
    if (up->counts.open >= up->settings.max_connections) {
        if (up->oldest == NULL)
            return false;
        drop_idle(up->oldest); /* idle, but not good enough for this call */
    }
    link_connect(call);
    return true;
}

void pool_admit(struct upstream_call *call)
{
    /* Nobody overtakes. */
    if (call->upstream->first_waiting != NULL || !try_admit(call))
        wait_in_line(call);
}

void pool_pump(struct upstream *upstream)
{
    struct upstream_call *call;

    if (upstream->pumping) /* a call that was let in failed at once: the loop below goes on */
        return;
    upstream->pumping = true;
    while (
        (call = upstream->first_waiting) != NULL &&
        (upstream->counts.open < upstream->settings.max_connections || upstream->newest != NULL)) {
        pool_forget_waiting(call);
        call->phase = PHASE_CONNECTING; /* no longer in line */
        REQUIRE(try_admit(call));
    }
    upstream->pumping = false;
}

/* ---- public face ---- */

struct upstream *upstream_new(struct event_base *base, const struct upstream_settings *settings,
                              struct net_tls *tls, struct resolver *resolver)
{
    struct upstream *const up = calloc(1, sizeof *up); /* heap: as long as its worker */

    if (up == NULL)
        return NULL;
    up->scratch = malloc(SCRATCH_BYTES);
    if (up->scratch == NULL) {
        free(up);
        return NULL;
    }
    up->base = base;
    up->settings = *settings;
    up->tls = tls;
    up->resolver = resolver;
    return up;
}

void upstream_free(struct upstream **upstream)
{
    struct upstream *const up = upstream == NULL ? NULL : *upstream;
    struct link *link, *older;

    if (up == NULL)
        return;
    REQUIRE(up->calls == 0);
    for (link = up->newest; link != NULL; link = older) {
        older = link->older;
        end_link(link);
    }
    call_free_spare(up);
    free(up->scratch);
    free(up);
    *upstream = NULL;
}

void upstream_counts(const struct upstream *upstream, struct upstream_counts *ret)
{
    *ret = upstream->counts;
}
