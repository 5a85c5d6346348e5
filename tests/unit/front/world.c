/* SPDX-License-Identifier: Apache-2.0
 * The world of front's tests. */
#include "front/world.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <unistd.h>

enum { GUARD_S = 30 };

const struct front_limits world_limits = {
    .head = {.head = 65536, .uri = 8192, .header_value = 32768, .headers = 128},
    .connections = 64,
    .per_address = 64,
    .head_timeout_ms = 20000,
    .body_timeout_ms = 20000,
    .idle_timeout_ms = 20000,
    .write_timeout_ms = 20000,
    .arena = 1 << 20,
};

/* ---- the owner ---- */

static struct item *new_item(struct world *w, struct front_exchange *x)
{
    struct item *item = &w->items[w->count++];

    assert_true(w->count <= WORLD_ITEMS);
    item->world = w;
    item->x = x;
    buf_init(&item->body, 1 << 24);
    front_set_user(x, item);
    return item;
}

static void on_request(void *owner, struct front_exchange *x)
{
    struct item *item = new_item(owner, x);
    const struct http1_request *req = front_request(x);

    assert_non_null(req);
    (void)snprintf(item->line, sizeof item->line, "%.*s %.*s", VIEW_ARGS(req->method),
                   VIEW_ARGS(req->target));
    item->world->serve(item);
}

static void on_fault(void *owner, struct front_exchange *x, const struct http1_fault *fault)
{
    struct world *w = owner;
    struct item *item = front_user(x);
    const struct front_reply reply = {
        .status = (unsigned)fault->row->status, .body = view_str(fault->row->code), .close = true};

    if (item == NULL)
        item = new_item(w, x);
    assert_null(item->fault);
    item->fault = fault->row->code;
    item->fault_status = fault->row->status;
    if (!w->silent_fault)
        front_reply(x, &reply);
}

static void on_body(void *user, struct view data, bool last)
{
    struct item *item = user;

    assert_false(item->body_last);
    buf_add(&item->body, data);
    item->pieces++;
    item->body_last = last;
    if (item->world->take != NULL)
        item->world->take(item, data, last);
}

static void on_drained(void *user)
{
    struct item *item = user;

    item->drained++;
}

static void finish(struct item *item)
{
    if (item->world->keep)
        return;
    front_finish(item->x);
    item->x = NULL;
}

static void on_gone(void *user)
{
    struct item *item = user;

    assert_false(item->gone || item->sent);
    item->gone = true;
    finish(item);
}

static void on_sent(void *user)
{
    struct item *item = user;

    assert_false(item->gone || item->sent);
    item->sent = true;
    finish(item);
}

static const struct front_handler handler = {
    .on_request = on_request,
    .on_fault = on_fault,
    .on_body = on_body,
    .on_drained = on_drained,
    .on_gone = on_gone,
    .on_sent = on_sent,
};

/* ---- the world ---- */

static void on_guard(evutil_socket_t fd, short what, void *arg)
{
    struct world *w = arg;

    (void)fd;
    (void)what;
    w->late = true;
}

void world_open_tls(struct world *w, const struct front_limits *limits, struct net_tls *tls)
{
    const struct timeval guard = {.tv_sec = GUARD_S};
    struct net_address address;
    struct err err;
    int fd;

    *w = (struct world){.serve = serve_ok, .tls = tls};
    w->limits = limits == NULL ? world_limits : *limits;
    w->base = event_base_new();
    assert_non_null(w->base);
    w->guard = evtimer_new(w->base, on_guard, w);
    assert_non_null(w->guard);
    (void)evtimer_add(w->guard, &guard);
    w->front = front_new(w->base, &w->limits, &handler, w);
    assert_non_null(w->front);
    assert_int_equal(net_address_parse(VIEW("127.0.0.1:0"), &address, &err), STATUS_OK);
    fd = net_listen(&address, true, &err);
    assert_true(fd >= 0);
    w->port = net_listen_port(fd);
    assert_int_equal(front_listen(w->front, fd, tls, &err), STATUS_OK);
}

void world_open(struct world *w, const struct front_limits *limits)
{
    world_open_tls(w, limits, NULL);
}

void world_close(struct world *w)
{
    front_free(&w->front);
    for (unsigned i = 0; i < w->count; i++) {
        if (w->items[i].x != NULL)
            front_finish(w->items[i].x);
        buf_done(&w->items[i].body);
    }
    event_free(w->guard);
    event_base_free(w->base);
}

void world_turn(struct world *w, const char *what, const char *file, int line)
{
    assert_int_not_equal(event_base_loop(w->base, EVLOOP_ONCE), -1);
    if (w->late) {
        print_error("waited too long for %s\n", what);
        _fail(file, line);
    }
}

void world_settle(struct world *w)
{
    /* Loopback delivers at once; a few turns let answers cause further events. */
    for (unsigned i = 0; i < 8; i++)
        (void)event_base_loop(w->base, EVLOOP_NONBLOCK);
}

/* ---- clients ---- */

static void on_client(evutil_socket_t fd, short what, void *arg)
{
    struct client *c = arg;
    ssize_t n;

    (void)what;
    assert_true(buf_reserve(&c->in, 65536));
    n = recv(fd, c->in.ptr + c->in.len, c->in.cap - c->in.len, 0);
    if (n > 0) {
        c->in.len += (size_t)n;
        return;
    }
    c->eof = n == 0;
    c->failed = n < 0;
    (void)event_del(c->reading);
}

void client_open(struct client *c, struct world *w)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(w->port)};
    const int on = 1;

    *c = (struct client){.world = w};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    buf_init(&c->in, 1 << 27);
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(c->fd >= 0);
    assert_int_equal(connect(c->fd, (const struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(evutil_make_socket_nonblocking(c->fd), 0);
    /* What is sent must be there at once. */
    assert_int_equal(setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on), 0);
    c->reading = event_new(w->base, c->fd, EV_READ | EV_PERSIST, on_client, c);
    assert_non_null(c->reading);
    client_watch(c, true);
}

void client_watch(struct client *c, bool on)
{
    if (on)
        (void)event_add(c->reading, NULL);
    else
        (void)event_del(c->reading);
}

void client_close(struct client *c)
{
    if (c->fd < 0)
        return;
    event_free(c->reading);
    (void)close(c->fd);
    c->fd = -1;
    buf_done(&c->in);
}

void client_reset(struct client *c)
{
    const struct linger now = {.l_onoff = 1, .l_linger = 0};

    assert_int_equal(setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now), 0);
    client_close(c);
}

void client_send(struct client *c, struct view bytes)
{
    while (bytes.len > 0) {
        ssize_t n = send(c->fd, bytes.ptr, bytes.len, MSG_NOSIGNAL);

        if (n > 0) {
            bytes = view_from(bytes, (size_t)n);
            continue;
        }
        if (n < 0 && errno != EAGAIN)
            return; /* the front may end the connection; what it said shows it */
        world_turn(c->world, "room to send", __FILE__, __LINE__);
    }
}

void client_send_str(struct client *c, const char *text)
{
    client_send(c, view_str(text));
}

void client_send_end(struct client *c)
{
    assert_int_equal(shutdown(c->fd, SHUT_WR), 0);
}

bool client_has(const struct client *c, const char *text)
{
    return c->in.len > 0 && memmem(c->in.ptr, c->in.len, text, strlen(text)) != NULL;
}

unsigned client_count(const struct client *c, const char *text)
{
    const char *at = c->in.ptr;
    unsigned count = 0;
    size_t len = strlen(text);

    while (at != NULL && c->in.len > 0) {
        at = memmem(at, c->in.len - (size_t)(at - c->in.ptr), text, len);
        if (at == NULL)
            break;
        at += len;
        count++;
    }
    return count;
}

/* ---- ways to serve ---- */

void answer(struct item *item, unsigned status, const char *body)
{
    const struct http1_field fields[] = {
        {VIEW("Content-Type"), VIEW("text/plain"), HTTP1_CONTENT_TYPE},
    };
    const struct front_reply reply = {
        .status = status, .fields = fields, .count = ARRAY_LEN(fields), .body = view_str(body)};

    front_reply(item->x, &reply);
}

void answer_ok(struct item *item)
{
    answer(item, 200, item->line);
}

void serve_ok(struct item *item)
{
    answer_ok(item);
}

void serve_later(struct item *item)
{
    (void)item;
}

static void take_and_answer(struct item *item, struct view data, bool last)
{
    (void)data;
    if (last) {
        buf_add_byte(&item->body, '\0');
        answer(item, 200, item->body.ptr);
        item->body.len--;
    }
}

void serve_whole(struct item *item)
{
    item->world->take = take_and_answer;
    front_read_body(item->x, FRONT_WHOLE, 100);
}

void serve_stream(struct item *item)
{
    item->world->take = take_and_answer;
    front_read_body(item->x, FRONT_STREAM, 100);
}
