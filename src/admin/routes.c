/* SPDX-License-Identifier: Apache-2.0
 * The routes as a table, and the answers. A reconcile and a question to the journal are answered
 * when they ended; until then their connection is neither read nor timed out. libevhtp's own pause
 * isn't used: it would hide that the caller has gone. */
#include <stdio.h>

#include <event2/bufferevent.h>

#include "admin/inner.h"
#include "base/log.h"

enum { RETRY_AFTER_S = 5 };

static void add_retry_after(evhtp_request_t *request)
{
    char text[16];

    (void)snprintf(text, sizeof text, "%d", RETRY_AFTER_S);
    evhtp_headers_add_header(request->headers_out, evhtp_header_new("Retry-After", text, 1, 1));
}

static void reply(evhtp_request_t *request, int status, const char *type, const struct buf *body)
{
    if (status == EVHTP_RES_SERVUNAVAIL)
        add_retry_after(request);
    evhtp_headers_add_header(request->headers_out, evhtp_header_new("Content-Type", type, 1, 1));
    if (body->failed == STATUS_OK && body->len > 0)
        (void)evbuffer_add(request->buffer_out, body->ptr, body->len);
    evhtp_send_reply(request, body->failed == STATUS_OK ? (evhtp_res)status : EVHTP_RES_SERVERR);
}

/* What a handler gets: who asks, and where its answer goes. */
struct asked {
    struct admin *admin;
    evhtp_request_t *request;
    const char *actor;
    struct buf body;
};

static int get_status(struct asked *a)
{
    a->admin->ops.status(a->admin->ops.user, &a->body);
    return EVHTP_RES_OK;
}

static int get_quotas(struct asked *a)
{
    a->admin->ops.quotas(a->admin->ops.user, &a->body);
    return EVHTP_RES_OK;
}

static int get_reservations(struct asked *a)
{
    a->admin->ops.reservations(a->admin->ops.user, &a->body);
    return EVHTP_RES_OK;
}

static int get_policies(struct asked *a)
{
    a->admin->ops.policies(a->admin->ops.user, &a->body);
    return EVHTP_RES_OK;
}

static int post_reload(struct asked *a)
{
    bool done = a->admin->ops.reload(a->admin->ops.user, a->actor, &a->body);

    return done ? EVHTP_RES_OK : EVHTP_RES_CONFLICT;
}

/* ----- what is answered later ----- */

// cppcheck-suppress constParameter ; the signature is evhtp's
static evhtp_res on_waiting_end(evhtp_request_t *request, void *user)
{
    struct waiter *waiter = user;

    if (waiter->request != request)
        return EVHTP_RES_OK;
    waiter->request = NULL;
    if (waiter->gone != NULL)
        waiter->gone(waiter->admin);
    return EVHTP_RES_OK;
}

static void on_done(void *user, int status, const struct buf *body)
{
    struct waiter *waiter = user;
    evhtp_request_t *request = waiter->request;
    const struct timeval timeout = {.tv_sec = ADMIN_TIMEOUT_S};

    if (request == NULL)
        return; /* the caller has gone; what was done stands in the journal */
    waiter->request = NULL;
    bufferevent_set_timeouts(request->conn->bev, &timeout, &timeout);
    reply(request, status, "application/json", body);
}

/* Before the operation begins; false: memory is out. */
static bool may_wait(struct asked *a, enum waiting which, void (*gone)(struct admin *admin),
                     struct admin_done *ret)
{
    struct waiter *waiter = &a->admin->waiters[which];

    if (evhtp_request_set_hook(a->request, evhtp_hook_on_request_fini, (evhtp_hook)on_waiting_end,
                               waiter) != 0)
        return false;
    waiter->admin = a->admin;
    waiter->gone = gone;
    *ret = (struct admin_done){.call = on_done, .user = waiter};
    return true;
}

/* The status that the operation gave. */
static int wait_if_later(struct asked *a, enum waiting which, int status)
{
    if (status != ADMIN_LATER)
        return status;
    a->admin->waiters[which].request = a->request;
    bufferevent_set_timeouts(a->request->conn->bev, NULL, NULL);
    return ADMIN_LATER;
}

static int post_reconcile(struct asked *a)
{
    const struct admin_ops *ops = &a->admin->ops;
    struct admin_done done;

    if (!may_wait(a, WAITING_RECONCILE, NULL, &done))
        return EVHTP_RES_SERVERR;
    return wait_if_later(a, WAITING_RECONCILE,
                         ops->reconcile(ops->user, a->actor, &done, &a->body));
}

static void audit_gone(struct admin *admin)
{
    admin->ops.audit_gone(admin->ops.user);
}

static int ask_journal(struct asked *a, const char *action)
{
    const struct admin_ops *ops = &a->admin->ops;
    const struct admin_question question = {
        .action = action, .query = view_str((const char *)a->request->uri->query_raw)};
    struct admin_done done;

    if (!may_wait(a, WAITING_AUDIT, audit_gone, &done))
        return EVHTP_RES_SERVERR;
    return wait_if_later(a, WAITING_AUDIT, ops->audit(ops->user, &question, &done, &a->body));
}

static int get_audit_query(struct asked *a)
{
    return ask_journal(a, "query");
}

static int get_audit_summary(struct asked *a)
{
    return ask_journal(a, "summary");
}

static int get_audit_open(struct asked *a)
{
    return ask_journal(a, "open");
}

static int get_audit_who_created(struct asked *a)
{
    return ask_journal(a, "who-created");
}

/* ----- routes ----- */

static const struct row {
    const char *path;
    htp_method method;
    const char *method_name, *type;
    int (*run)(struct asked *asked); /* the status, or ADMIN_LATER */
} rows[] = {
    {"/v1/status", htp_method_GET, "GET", "application/json", get_status},
    {"/v1/quotas", htp_method_GET, "GET", "application/json", get_quotas},
    {"/v1/reservations", htp_method_GET, "GET", "application/json", get_reservations},
    {"/v1/policies", htp_method_GET, "GET", "application/json", get_policies},
    {"/v1/audit/query", htp_method_GET, "GET", "application/json", get_audit_query},
    {"/v1/audit/summary", htp_method_GET, "GET", "application/json", get_audit_summary},
    {"/v1/audit/open", htp_method_GET, "GET", "application/json", get_audit_open},
    {"/v1/audit/who-created", htp_method_GET, "GET", "application/json", get_audit_who_created},
    {"/v1/reload", htp_method_POST, "POST", "text/plain", post_reload},
    {"/v1/reconcile", htp_method_POST, "POST", "application/json", post_reconcile},
};

/* libevhtp's own routes also match what only begins with them: the whole path is compared here. */
static const struct row *find_row(const evhtp_request_t *request)
{
    const char *path = request->uri == NULL ? NULL : request->uri->path->full;

    for (size_t i = 0; path != NULL && i < ARRAY_LEN(rows); i++) {
        if (strcmp(path, rows[i].path) == 0)
            return &rows[i];
    }
    return NULL;
}

static void reply_unknown(struct asked *a)
{
    buf_add_str(&a->body, "known here:");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        buf_printf(&a->body, "%s %s %s", i == 0 ? "" : ",", rows[i].method_name, rows[i].path);
    buf_add_byte(&a->body, '\n');
    reply(a->request, EVHTP_RES_NOTFOUND, "text/plain", &a->body);
}

static void answer(struct asked *a)
{
    const struct row *row = find_row(a->request);
    char actor[ADMIN_ACTOR_BYTES];
    int status;

    if (!admin_actor(a->admin, a->request->conn, actor)) {
        buf_add_str(&a->body, "the certificate has no common name: nobody to name in the record\n");
        reply(a->request, EVHTP_RES_FORBIDDEN, "text/plain", &a->body);
        return;
    }
    if (row == NULL) {
        reply_unknown(a);
        return;
    }
    if (evhtp_request_get_method(a->request) != row->method) {
        buf_printf(&a->body, "use %s\n", row->method_name);
        reply(a->request, EVHTP_RES_METHNALLOWED, "text/plain", &a->body);
        return;
    }
    a->actor = actor;
    status = row->run(a);
    if (status != ADMIN_LATER)
        reply(a->request, status, row->type, &a->body);
}

void admin_on_request(evhtp_request_t *request, void *user)
{
    struct asked asked = {.admin = user, .request = request};

    buf_init(&asked.body, ADMIN_ANSWER_MAX);
    answer(&asked);
    buf_done(&asked.body);
}
