/* SPDX-License-Identifier: Apache-2.0
 * A GET and its answer, collected up to a limit. Credentials in the head are wiped when it is over.
 */
#include "reconcile/fetch.h"

#include <stdio.h>
#include <string.h>

void fetch_init(struct fetch *fetch, struct upstream *upstream, size_t body_max,
                void (*done)(void *user, const char *failed), void *user)
{
    *fetch = (struct fetch){.upstream = upstream, .done = done, .user = user};
    buf_init(&fetch->head, FETCH_HEAD_MAX);
    buf_init(&fetch->body, body_max);
}

static void wipe_head(struct fetch *fetch)
{
    if (fetch->head.ptr != NULL)
        explicit_bzero(fetch->head.ptr, fetch->head.cap);
    buf_clear(&fetch->head);
}

void fetch_cancel(struct fetch *fetch)
{
    if (fetch->call != NULL)
        upstream_cancel(fetch->call);
    fetch->call = NULL;
    wipe_head(fetch);
}

void fetch_done(struct fetch *fetch)
{
    fetch_cancel(fetch);
    buf_done(&fetch->head);
    buf_done(&fetch->body);
}

struct buf *fetch_head(struct fetch *fetch)
{
    wipe_head(fetch);
    return buf_reserve(&fetch->head, FETCH_HEAD_MAX) ? &fetch->head : NULL;
}

static void end(struct fetch *fetch, const char *failed)
{
    fetch->call = NULL;
    wipe_head(fetch);
    fetch->done(fetch->user, failed);
}

static void on_head(void *user, const struct http1_response *head)
{
    struct fetch *fetch = user;

    fetch->status = head->status;
}

static void on_data(void *user, struct view data)
{
    struct fetch *fetch = user;

    buf_add(&fetch->body, data);
    if (fetch->body.failed == STATUS_OK)
        return;
    fetch_cancel(fetch);
    end(fetch, fetch->body.failed == STATUS_LIMIT ? "the page is larger than limits.answer"
                                                  : "no memory left for the page");
}

static void on_end(void *user)
{
    end(user, NULL);
}

static void on_failed(void *user, enum upstream_failure failure, bool sent, const char *detail)
{
    struct fetch *fetch = user;

    (void)sent;
    (void)snprintf(fetch->why, sizeof fetch->why, "%s: %s", upstream_failure_name(failure), detail);
    end(fetch, fetch->why);
}

bool fetch_start(struct fetch *fetch)
{
    static const struct upstream_handler handler = {
        .on_head = on_head,
        .on_data = on_data,
        .on_end = on_end,
        .on_failed = on_failed,
    };
    const struct upstream_order order = {
        .method = VIEW("GET"), .head = buf_view(&fetch->head), .urgent = true, .idempotent = true};

    buf_clear(&fetch->body);
    fetch->status = 0;
    if (fetch->head.failed == STATUS_OK)
        fetch->call = upstream_start(fetch->upstream, &order, &handler, fetch);
    if (fetch->call == NULL)
        wipe_head(fetch);
    return fetch->call != NULL;
}
