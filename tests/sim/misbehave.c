/* SPDX-License-Identifier: Apache-2.0
 * One function for each way to fail. Those that evhttp can express go through it; the others write
 * bytes by hand and end the connection. docs: tests/sim/README.md lists the kinds and options. */
#include "misbehave.h"

#include <stdlib.h>
#include <string.h>

#include "fault.h"
#include "gzip.h"
#include "record.h"
#include "sim.h"

static enum ending ending_of(const struct fault *fault, enum ending missing)
{
    const char *text = fault_text(fault, "end", "");
    if (strcmp(text, "close") == 0)
        return END_CLOSE;
    if (strcmp(text, "drop") == 0)
        return END_DROP;
    if (strcmp(text, "reset") == 0)
        return END_RESET;
    return strcmp(text, "keep") == 0 ? END_KEEP : missing;
}

static void write_bytes(struct exchange *exchange, struct evbuffer *bytes, enum ending missing)
{
    exchange->bytes = bytes;
    exchange->ending = ending_of(exchange->fault, missing);
    exchange_write_raw(exchange);
}

/* Before the request is complete. */

static void reset_accept(struct conn *conn)
{
    wire_reset(conn->bev);
}

static void reset_head(struct conn *conn)
{
    record_partial(conn);
    wire_take(conn, NULL);
    wire_reset(conn->bev);
    wire_end(conn);
}

static void close_head(struct conn *conn)
{
    record_partial(conn);
    wire_take(conn, NULL);
    wire_notify(conn->bev);
    wire_end(conn);
}

static void stall(struct conn *conn)
{
    bufferevent_disable(conn->bev, EV_READ);
    conn->sim->stalled = conn;
}

unsigned misbehave_unstall(struct sim *sim)
{
    struct conn *conn;
    for (conn = TAILQ_FIRST(&sim->wire.conns); conn != NULL; conn = TAILQ_NEXT(conn, next))
        if (conn == sim->stalled)
            break;
    sim->stalled = NULL;
    if (conn == NULL)
        return 0;
    bufferevent_enable(conn->bev, EV_READ);
    return 1;
}

/* The answer comes while the body of the request is still on its way, and the rest is thrown
 * away. */
static void answer_early(struct conn *conn)
{
    static const char text[] =
        "HTTP/1.1 413 Content Too Large\r\nContent-Type: application/json\r\n"
        "Content-Length: 22\r\nConnection: close\r\n\r\n"
        "{\"error_code\":\"early\"}";
    record_partial(conn);
    wire_take(conn, NULL);
    bufferevent_write(conn->bev, text, sizeof text - 1);
}

/* Answers that evhttp can send. */

static void slow(struct exchange *exchange)
{
    exchange_hold(exchange, fault_number(exchange->fault, "ms", 0));
}

static void add_headers(struct exchange *exchange)
{
    json_t *headers = json_object_get(exchange->fault->options, "headers");
    for (void *at = json_object_iter(headers); at != NULL; at = json_object_iter_next(headers, at))
        evhttp_add_header(&exchange->answer.headers, json_object_iter_key(at),
                          json_string_value(json_object_iter_value(at)));
}

static void replace_body(struct exchange *exchange, const char *text)
{
    struct evbuffer *body = exchange->answer.body;
    evbuffer_drain(body, evbuffer_get_length(body));
    evbuffer_add(body, text, strlen(text));
}

static void other_status(struct exchange *exchange)
{
    struct answer *answer = &exchange->answer;
    answer->status = (int)fault_number(exchange->fault, "status", 500);
    answer->reason = answer_reason(answer->status);
    replace_body(exchange, fault_text(exchange->fault, "body",
                                      "{\"error_message\":\"Internal error.\","
                                      "\"error_code\":\"ModelArts.6361\"}"));
    add_headers(exchange);
    exchange_send(exchange);
}

/* Another id in the answer, or none. */
static void other_id(struct exchange *exchange)
{
    struct evbuffer *body = exchange->answer.body;
    json_t *object = json_loadb((const char *)evbuffer_pullup(body, -1), evbuffer_get_length(body),
                                JSON_REJECT_DUPLICATES, NULL);
    const char *id = fault_text(exchange->fault, "id", NULL);
    if (id == NULL)
        json_object_del(object, "id");
    else
        json_object_set_new(object, "id", json_string(id));
    answer_json(&exchange->answer, exchange->answer.status, object);
    exchange_send(exchange);
}

static void gzip(struct exchange *exchange)
{
    struct evbuffer *packed = evbuffer_new();
    gzip_stored(exchange->answer.body, packed);
    evbuffer_free(exchange->answer.body);
    exchange->answer.body = packed;
    evhttp_add_header(&exchange->answer.headers, "Content-Encoding", "gzip");
    exchange_send(exchange);
}

static void huge_header(struct exchange *exchange)
{
    size_t size = (size_t)fault_number(exchange->fault, "bytes", 100000);
    char *value = malloc(size + 1);
    if (value != NULL) {
        memset(value, 'h', size);
        value[size] = '\0';
        evhttp_add_header(&exchange->answer.headers, "X-Huge", value);
    }
    free(value);
    exchange_send(exchange);
}

static void interim(struct exchange *exchange)
{
    static const char text[] =
        "HTTP/1.1 100 Continue\r\n\r\n"
        "HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n";
    bufferevent_write(exchange->conn->bev, text, sizeof text - 1);
    exchange_send(exchange);
}

/* Bytes behind the answer that nobody asked for, on a connection that stays open. */
static void extra(struct exchange *exchange)
{
    struct bufferevent *bev = exchange->conn->bev;
    char *text = strdup(fault_text(
        exchange->fault, "bytes", "HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n{\"id\":\"bad\"}"));
    exchange_send(exchange);
    if (text != NULL)
        bufferevent_write(bev, text, strlen(text));
    free(text);
}

/* Answers by hand. */

static void hang(struct exchange *exchange)
{
    write_bytes(exchange, NULL, END_KEEP);
}

static void reset(struct exchange *exchange)
{
    write_bytes(exchange, NULL, END_RESET);
}

static void close_silently(struct exchange *exchange)
{
    write_bytes(exchange, NULL, END_CLOSE);
}

static void garbage(struct exchange *exchange)
{
    const char *text = fault_text(exchange->fault, "bytes",
                                  "\x16\x03\x01 this is not the protocol you think it is\r\n\r\n");
    struct evbuffer *bytes = evbuffer_new();
    evbuffer_add(bytes, text, strlen(text));
    write_bytes(exchange, bytes, END_CLOSE);
}

static void cut_head(struct exchange *exchange)
{
    struct evbuffer *all = evbuffer_new(), *bytes = evbuffer_new();
    answer_render_head(&exchange->answer, (long long)evbuffer_get_length(exchange->answer.body),
                       all);
    evbuffer_remove_buffer(all, bytes, evbuffer_get_length(all) / 2);
    evbuffer_free(all);
    write_bytes(exchange, bytes, END_CLOSE);
}

static void cut_length(struct exchange *exchange)
{
    struct evbuffer *bytes = evbuffer_new(), *body = exchange->answer.body;
    size_t length = evbuffer_get_length(body);
    answer_render_head(&exchange->answer, (long long)length, bytes);
    evbuffer_remove_buffer(body, bytes, length / 2);
    write_bytes(exchange, bytes, END_CLOSE);
}

/* Half of the body as one whole chunk; with "inside" the connection ends within the chunk. */
static void cut_chunk(struct exchange *exchange)
{
    struct evbuffer *bytes = evbuffer_new(), *body = exchange->answer.body;
    size_t length = evbuffer_get_length(body), half = length / 2;
    bool inside = json_is_true(json_object_get(exchange->fault->options, "inside"));
    evhttp_add_header(&exchange->answer.headers, "Transfer-Encoding", "chunked");
    answer_render_head(&exchange->answer, -1, bytes);
    evbuffer_add_printf(bytes, "%zx\r\n", inside ? length : half);
    evbuffer_remove_buffer(body, bytes, half);
    if (!inside)
        evbuffer_add(bytes, "\r\n", 2);
    write_bytes(exchange, bytes, END_CLOSE);
}

/* The end of the body is the end of the connection. */
static void no_length(struct exchange *exchange)
{
    struct evbuffer *bytes = evbuffer_new();
    answer_render_head(&exchange->answer, -1, bytes);
    evbuffer_add_buffer(bytes, exchange->answer.body);
    write_bytes(exchange, bytes, END_CLOSE);
}

/* A whole answer that allows another request, and then the connection ends. */
static void close_after(struct exchange *exchange)
{
    struct evbuffer *bytes = evbuffer_new();
    answer_render(&exchange->answer, bytes);
    write_bytes(exchange, bytes, END_CLOSE);
}

/* Behind the page that was just made, the oldest instance of its list goes: those that follow
 * are a place further to the front when the next page is asked for. */
static void shift(struct exchange *exchange)
{
    struct sim *sim = exchange->sim;
    const char *uri = evhttp_request_get_uri(exchange->request);
    struct machine *machine = TAILQ_FIRST(&sim->machines);
    enum family family = strstr(uri, "/notebooks") != NULL ? NOTEBOOKS : DEMANAGER;
    while (machine != NULL && (machine->family != family || strstr(uri, machine->project) == NULL))
        machine = TAILQ_NEXT(machine, next);
    if (machine != NULL)
        machine_remove(sim, machine);
    exchange_send(exchange);
}

static void drip(struct exchange *exchange)
{
    exchange->drip = true;
    evhttp_add_header(&exchange->answer.headers, "Connection", "close");
    close_after(exchange);
}

static void two_lengths(struct exchange *exchange)
{
    evhttp_add_header(&exchange->answer.headers, "Content-Length",
                      fault_text(exchange->fault, "length", "2"));
    close_after(exchange);
}

static void length_and_chunked(struct exchange *exchange)
{
    struct evbuffer *bytes = evbuffer_new(), *body = exchange->answer.body;
    size_t length = evbuffer_get_length(body);
    evhttp_add_header(&exchange->answer.headers, "Transfer-Encoding", "chunked");
    answer_render_head(&exchange->answer, (long long)length, bytes);
    evbuffer_add_printf(bytes, "%zx\r\n", length);
    evbuffer_add_buffer(bytes, body);
    evbuffer_add_printf(bytes, "\r\n0\r\n\r\n");
    write_bytes(exchange, bytes, END_CLOSE);
}

const struct fault_kind fault_kinds[] = {
    {"reset_accept", STAGE_ACCEPT, false, NULL, reset_accept},
    {"reset_head", STAGE_HEAD, false, NULL, reset_head},
    {"close_head", STAGE_HEAD, false, NULL, close_head},
    {"answer_early", STAGE_HEAD, false, NULL, answer_early},
    {"stall", STAGE_HEAD, true, NULL, stall},
    {"slow", STAGE_REQUEST, true, slow, NULL},
    {"hang", STAGE_REQUEST, true, hang, NULL},
    {"reset", STAGE_REQUEST, true, reset, NULL},
    {"close", STAGE_REQUEST, true, close_silently, NULL},
    {"garbage", STAGE_REQUEST, true, garbage, NULL},
    {"cut_head", STAGE_REQUEST, true, cut_head, NULL},
    {"cut_length", STAGE_REQUEST, true, cut_length, NULL},
    {"cut_chunk", STAGE_REQUEST, true, cut_chunk, NULL},
    {"no_length", STAGE_REQUEST, true, no_length, NULL},
    {"status", STAGE_REQUEST, false, other_status, NULL},
    {"other_id", STAGE_REQUEST, true, other_id, NULL},
    {"close_after", STAGE_REQUEST, true, close_after, NULL},
    {"extra", STAGE_REQUEST, true, extra, NULL},
    {"drip", STAGE_REQUEST, true, drip, NULL},
    {"interim", STAGE_REQUEST, true, interim, NULL},
    {"shift", STAGE_REQUEST, true, shift, NULL},
    {"gzip", STAGE_REQUEST, true, gzip, NULL},
    {"huge_header", STAGE_REQUEST, true, huge_header, NULL},
    {"two_lengths", STAGE_REQUEST, true, two_lengths, NULL},
    {"length_and_chunked", STAGE_REQUEST, true, length_and_chunked, NULL},
    {NULL, STAGE_REQUEST, false, NULL, NULL},
};

void misbehave(struct exchange *exchange)
{
    exchange->fault->kind->act(exchange);
}
