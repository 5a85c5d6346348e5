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
    case UPSTREAM_LATE:
        return "late";
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

static void drop_all_idle(struct upstream *upstream)
{
    struct link *link, *older;

    for (link = upstream->newest; link != NULL; link = older) {
        older = link->older;
        drop_idle(link);
    }
}

void pool_bind(struct link *link, struct upstream_call *call)
{
    link->call = call;
    call->link = link;
    if (!call->order.urgent)
        link->upstream->common_taken++;
}

static void unbind(struct link *link)
{
    if (!link->call->order.urgent)
        link->upstream->common_taken--;
    link->call->link = NULL;
    link->call = NULL;
}

void pool_drop(struct link *link)
{
    if (link->call == NULL) {
        drop_idle(link);
        return;
    }
    unbind(link);
    end_link(link);
}

unsigned pool_generation(const struct upstream *upstream)
{
    return upstream->tls == NULL ? 0 : net_tls_generation(upstream->tls);
}

/* Whether what vouched for it still does: a reload may have taken an authority away. */
static bool is_current(const struct link *link)
{
    return link->generation == pool_generation(link->upstream);
}

void pool_give_back(struct link *link, bool reusable)
{
    struct upstream *const up = link->upstream;
    const int64_t now_us = call_clock(link->call);

    if (!reusable || !is_current(link) || up->settings.keep_alive_ms <= 0) {
        pool_drop(link);
        return;
    }
    unbind(link);
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
        if (is_current(link) && net_is_quiet(link->conn))
            return link;
        drop_idle(link);
    }
    return NULL;
}

/* ---- waiting ---- */

static struct line *line_of(struct upstream_call *call)
{
    return call->order.urgent ? &call->upstream->urgent : &call->upstream->common;
}

static void wait_in_line(struct upstream_call *call)
{
    struct upstream *const up = call->upstream;
    struct line *const line = line_of(call);

    if (line->length >= WAITING_MAX) {
        call_fail(call, UPSTREAM_CONNECT, "too many requests wait for a connection");
        return;
    }
    call->next = NULL;
    *(line->first == NULL ? &line->first : &line->last->next) = call;
    line->last = call;
    line->length++;
    up->counts.waiting++;
    call_set_phase(call, PHASE_WAITING);
}

void pool_forget_waiting(struct upstream_call *call)
{
    struct line *const line = line_of(call);
    struct upstream_call *before = NULL, *at = line->first;

    while (at != call) {
        REQUIRE(at != NULL);
        before = at;
        at = at->next;
    }
    *(before == NULL ? &line->first : &before->next) = call->next;
    if (line->last == call)
        line->last = before;
    line->length--;
    call->upstream->counts.waiting--;
}

/* Whoever streams may be as slow as they like, and there are many of them: what is urgent must find
 * a connection all the same. */
static bool is_kept_from(const struct upstream_call *call)
{
    const struct upstream *const up = call->upstream;
    const unsigned max = up->settings.max_connections;

    return !call->order.urgent && up->common_taken >= max - max / KEPT_PART;
}

/* False: the pool is full, for this call. */
static bool try_admit(struct upstream_call *call)
{
    struct upstream *const up = call->upstream;
    struct link *link;

    if (is_kept_from(call))
        return false;
    link = find_idle(call);
    if (link != NULL) {
        unlink_idle(link);
        up->counts.reuses++;
        pool_bind(link, call);
        link_take(link);
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
    /* Nobody overtakes in a line. */
    if (line_of(call)->first != NULL || !try_admit(call))
        wait_in_line(call);
}

/* Lets in the first of a line. False: there is nobody, or no place. */
static bool pump_line(struct upstream *upstream, struct line *line)
{
    struct upstream_call *const call = line->first;

    if (call == NULL || is_kept_from(call) ||
        (upstream->counts.open >= upstream->settings.max_connections && upstream->newest == NULL))
        return false;
    pool_forget_waiting(call);
    call->phase = PHASE_CONNECTING; /* no longer in line */
    REQUIRE(try_admit(call));
    return true;
}

void pool_pump(struct upstream *upstream)
{
    bool more = true;

    if (upstream->pumping) /* a call that was let in failed at once: the loop below goes on */
        return;
    upstream->pumping = true;
    while (more)
        more = pump_line(upstream, &upstream->urgent) || pump_line(upstream, &upstream->common);
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

    if (up == NULL)
        return;
    REQUIRE(up->calls == 0);
    drop_all_idle(up);
    call_free_spare(up);
    free(up->scratch);
    free(up);
    *upstream = NULL;
}

void upstream_counts(const struct upstream *upstream, struct upstream_counts *ret)
{
    *ret = upstream->counts;
}
