/* SPDX-License-Identifier: Apache-2.0
 * Three pages. /healthz says that the process turns its loop; /readyz what the server says of
 * itself. */
#include "admin/status.h"

#include <stdlib.h>

enum { PAGE_MAX = 4 << 20 };

struct status_page {
    struct front *front;
    struct admin_ops ops;
};

static void send_page(struct front_exchange *x, int status, const char *type,
                      const struct buf *body)
{
    struct http1_field fields[] = {
        {.name = VIEW("Content-Type"), .value = view_str(type), .id = HTTP1_CONTENT_TYPE},
        {.name = VIEW("Cache-Control"), .value = VIEW("no-store"), .id = HTTP1_OTHER},
        /* RFC 9110 15.5.6: a 405 says what is allowed. */
        {.name = VIEW("Allow"), .value = VIEW("GET, HEAD"), .id = HTTP1_OTHER},
    };
    const struct front_reply reply = {.status = body->failed == STATUS_OK ? (unsigned)status : 500,
                                      .fields = fields,
                                      .count = status == 405 ? 3 : 2,
                                      .body = buf_view(body)};

    front_reply(x, &reply);
}

static int write_page(const struct status_page *page, struct view path, struct buf *body)
{
    int status = 200;

    if (view_eq(path, VIEW("/healthz"))) {
        buf_add_str(body, "ok\n");
    } else if (view_eq(path, VIEW("/readyz"))) {
        status = page->ops.ready(page->ops.user, body);
    } else if (view_eq(path, VIEW("/metrics"))) {
        page->ops.metrics(page->ops.user, body);
    } else {
        buf_add_str(body, "known here: /healthz, /readyz, /metrics\n");
        status = 404;
    }
    return status;
}

static void on_request(void *owner, struct front_exchange *x)
{
    const struct status_page *page = owner;
    const struct http1_request *request = front_request(x);
    bool get = view_eq(request->method, VIEW("GET")) || view_eq(request->method, VIEW("HEAD"));
    bool metrics = view_eq(request->path, VIEW("/metrics"));
    struct buf body;
    int status = 405;

    front_set_user(x, x);
    buf_init(&body, PAGE_MAX);
    if (get)
        status = write_page(page, request->path, &body);
    else
        buf_add_str(&body, "use GET\n");
    send_page(x, status,
              metrics && get ? "text/plain; version=0.0.4; charset=utf-8"
                             : "text/plain; charset=utf-8",
              &body);
    buf_done(&body);
}

static void on_fault(void *owner, struct front_exchange *x, const struct http1_fault *fault)
{
    const struct front_reply reply = {
        .status = (unsigned)fault->row->status, .body = view_str(fault->text), .close = true};

    (void)owner;
    front_set_user(x, x);
    front_reply(x, &reply);
}

static void on_body(void *user, struct view data, bool last)
{
    (void)user;
    (void)data;
    (void)last;
}

static void on_drained(void *user)
{
    (void)user;
}

static void on_over(void *user)
{
    front_finish(user);
}

enum status status_page_new(struct event_base *base, int fd, const struct admin_ops *ops,
                            struct status_page **ret, struct err *err)
{
    static const struct front_handler handler = {
        .on_request = on_request,
        .on_fault = on_fault,
        .on_body = on_body,
        .on_drained = on_drained,
        .on_gone = on_over,
        .on_sent = on_over,
    };
    static const struct front_limits limits = {
        .head = {.head = 8192, .uri = 1024, .header_value = 4096, .headers = 64},
        .connections = 64,
        .per_address = 64,
        .head_timeout_ms = 10000,
        .body_timeout_ms = 10000,
        .idle_timeout_ms = 60000,
        .write_timeout_ms = 30000,
        .arena = 64U << 10,
    };
    struct status_page *page = calloc(1, sizeof *page);
    enum status status;

    if (page == NULL)
        return err_set(err, STATUS_NOMEM, "status page: out of memory");
    page->ops = *ops;
    page->front = front_new(base, &limits, &handler, page);
    status = page->front == NULL ? err_set(err, STATUS_NOMEM, "status page: out of memory")
                                 : front_listen(page->front, fd, NULL, err);
    if (status != STATUS_OK) {
        status_page_free(&page);
        return status;
    }
    *ret = page;
    return STATUS_OK;
}

void status_page_free(struct status_page **page)
{
    if (*page == NULL)
        return;
    front_free(&(*page)->front);
    free(*page);
    *page = NULL;
}
