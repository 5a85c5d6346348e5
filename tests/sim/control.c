/* SPDX-License-Identifier: Apache-2.0
 * The control API. Every answer is JSON; a wrong call is answered 400 with {"error":...}. */
#include "control.h"

#include <string.h>

#include "misbehave.h"
#include "sim.h"

static void get_requests(struct sim *sim, json_t *body, struct answer *answer)
{
    (void)body;
    answer_json(answer, 200, json_incref(sim->requests));
}

static void delete_requests(struct sim *sim, json_t *body, struct answer *answer)
{
    (void)body;
    json_array_clear(sim->requests);
    answer_json(answer, 200, json_object());
}

static void post_recording(struct sim *sim, json_t *body, struct answer *answer)
{
    json_t *on = json_object_get(body, "on");
    if (!json_is_boolean(on)) {
        answer_json(answer, 400, json_pack("{s:s}", "error", "on is true or false"));
        return;
    }
    sim->recording = json_is_true(on);
    answer_json(answer, 200, json_object());
}

static void get_ledger(struct sim *sim, json_t *body, struct answer *answer)
{
    (void)body;
    ledger_answer(sim, answer);
}

static void post_ledger(struct sim *sim, json_t *body, struct answer *answer)
{
    json_int_t most = json_integer_value(json_object_get(body, "most"));
    if (most < 1) {
        answer_json(answer, 400, json_pack("{s:s}", "error", "most is a number above 0"));
        return;
    }
    ledger_limit(sim, (unsigned long)most);
    answer_json(answer, 200, json_object());
}

static void delete_ledger(struct sim *sim, json_t *body, struct answer *answer)
{
    (void)body;
    ledger_clear(sim);
    answer_json(answer, 200, json_object());
}

static void post_reading(struct sim *sim, json_t *body, struct answer *answer)
{
    if (reading_set(&sim->reading, body))
        answer_json(answer, 200, json_object());
    else
        answer_json(answer, 400, json_pack("{s:s}", "error", "no such way to read"));
}

static void post_lists(struct sim *sim, json_t *body, struct answer *answer)
{
    json_t *lag = json_object_get(body, "lag_ms"),
           *workspaces = json_object_get(body, "workspaces");
    if ((lag != NULL && !json_is_integer(lag)) ||
        (workspaces != NULL && !json_is_array(workspaces))) {
        answer_json(answer, 400,
                    json_pack("{s:s}", "error", "lag_ms is a number, workspaces a list of ids"));
        return;
    }
    if (lag != NULL)
        sim->list_lag_ms = json_integer_value(lag);
    if (workspaces != NULL) {
        json_decref(sim->workspaces);
        sim->workspaces = json_incref(workspaces);
    }
    answer_json(answer, 200, json_object());
}

static void post_clock(struct sim *sim, json_t *body, struct answer *answer)
{
    sim->clock_ms += json_integer_value(json_object_get(body, "advance_s")) * 1000;
    machine_settle_all(sim);
    answer_json(answer, 200, json_pack("{s:I}", "now_ms", (json_int_t)sim_now_ms(sim)));
}

static void get_instances(struct sim *sim, json_t *body, struct answer *answer)
{
    json_t *all = json_array();
    struct machine *machine;
    (void)body;
    machine_settle_all(sim);
    for (machine = TAILQ_FIRST(&sim->machines); machine != NULL;
         machine = TAILQ_NEXT(machine, next))
        json_array_append_new(all,
                              json_pack("{s:s,s:s,s:O}", "family", machine_family(machine),
                                        "project", machine->project, "instance", machine->object));
    answer_json(answer, 200, all);
}

/* The same list as get_instances gives replaces all that there is. */
static void put_instances(struct sim *sim, json_t *body, struct answer *answer)
{
    machine_remove_all(sim);
    for (size_t i = 0; i < json_array_size(body); i++) {
        json_t *row = json_array_get(body, i);
        const char *family = json_string_value(json_object_get(row, "family"));
        const char *project = json_string_value(json_object_get(row, "project"));
        json_t *object = json_object_get(row, "instance");
        if (project != NULL && json_is_object(object))
            machine_new(sim, family != NULL && family[0] == 'n' ? NOTEBOOKS : DEMANAGER, project,
                        json_deep_copy(object));
    }
    get_instances(sim, NULL, answer);
}

static void post_fault(struct sim *sim, json_t *body, struct answer *answer)
{
    const char *why = NULL;
    if (fault_add(sim, body, &why))
        answer_json(answer, 200, json_object());
    else
        answer_json(answer, 400, json_pack("{s:s}", "error", why));
}

static void delete_fault(struct sim *sim, json_t *body, struct answer *answer)
{
    (void)body;
    fault_clear(sim);
    answer_json(answer, 200, json_object());
}

static void post_release(struct sim *sim, json_t *body, struct answer *answer)
{
    json_t *count = json_object_get(body, "count");
    unsigned most = json_is_integer(count) ? (unsigned)json_integer_value(count) : ~0U;
    unsigned stalled = misbehave_unstall(sim), released = exchange_release(sim, most);
    answer_json(answer, 200,
                json_pack("{s:i,s:i}", "released", (int)released, "stalled", (int)stalled));
}

/* Connections that have had a request and wait for the next. */
static bool is_idle(const struct conn *conn)
{
    return conn->evcon != NULL && conn->exchange == NULL && !conn->claimed;
}

/* Writes to every idle connection, which gets no answer from then on. */
static void post_poke(struct sim *sim, json_t *body, struct answer *answer)
{
    const char *bytes = json_string_value(json_object_get(body, "bytes"));
    struct conn *conn;
    int count = 0;
    for (conn = TAILQ_FIRST(&sim->wire.conns); conn != NULL; conn = TAILQ_NEXT(conn, next))
        if (is_idle(conn) && bytes != NULL) {
            wire_take(conn, NULL);
            bufferevent_write(conn->bev, bytes, strlen(bytes));
            count++;
        }
    answer_json(answer, 200, json_pack("{s:i}", "connections", count));
}

/* Closes every idle connection. */
static void post_hangup(struct sim *sim, json_t *body, struct answer *answer)
{
    struct conn *conn = TAILQ_FIRST(&sim->wire.conns), *next;
    int count = 0;
    (void)body;
    for (; conn != NULL; conn = next) {
        next = TAILQ_NEXT(conn, next);
        if (!is_idle(conn))
            continue;
        wire_notify(conn->bev);
        evhttp_connection_free(conn->evcon);
        count++;
    }
    answer_json(answer, 200, json_pack("{s:i}", "connections", count));
}

static void get_stats(struct sim *sim, json_t *body, struct answer *answer)
{
    SSL_CTX *tls = sim->good.tls;
    struct conn *conn;
    int open = 0;
    (void)body;
    for (conn = TAILQ_FIRST(&sim->wire.conns); conn != NULL; conn = TAILQ_NEXT(conn, next))
        open += conn->evcon != NULL;
    answer_json(answer, 200,
                json_pack("{s:I,s:i,s:I,s:I,s:I,s:i,s:b,s:I}", "accepted",
                          (json_int_t)sim->wire.accepted, "open", open, "handshakes",
                          (json_int_t)(tls == NULL ? 0 : SSL_CTX_sess_accept_good(tls)), "resumed",
                          (json_int_t)(tls == NULL ? 0 : SSL_CTX_sess_hits(tls)), "requests",
                          (json_int_t)sim->sequence, "held", (int)exchange_held(sim), "stalled",
                          sim->stalled != NULL, "now_ms", (json_int_t)sim_now_ms(sim)));
}

static const struct {
    enum evhttp_cmd_type method;
    const char *path;
    void (*serve)(struct sim *sim, json_t *body, struct answer *answer);
} routes[] = {{EVHTTP_REQ_GET, "/requests", get_requests},
              {EVHTTP_REQ_DELETE, "/requests", delete_requests},
              {EVHTTP_REQ_POST, "/recording", post_recording},
              {EVHTTP_REQ_GET, "/ledger", get_ledger},
              {EVHTTP_REQ_POST, "/ledger", post_ledger},
              {EVHTTP_REQ_DELETE, "/ledger", delete_ledger},
              {EVHTTP_REQ_POST, "/reading", post_reading},
              {EVHTTP_REQ_POST, "/lists", post_lists},
              {EVHTTP_REQ_POST, "/clock", post_clock},
              {EVHTTP_REQ_GET, "/instances", get_instances},
              {EVHTTP_REQ_PUT, "/instances", put_instances},
              {EVHTTP_REQ_POST, "/fault", post_fault},
              {EVHTTP_REQ_DELETE, "/fault", delete_fault},
              {EVHTTP_REQ_POST, "/release", post_release},
              {EVHTTP_REQ_POST, "/poke", post_poke},
              {EVHTTP_REQ_POST, "/hangup", post_hangup},
              {EVHTTP_REQ_GET, "/iam", iam_control_get},
              {EVHTTP_REQ_POST, "/iam", iam_control_set},
              {EVHTTP_REQ_DELETE, "/iam", iam_control_forget},
              {EVHTTP_REQ_GET, "/stats", get_stats}};

void control_serve(struct evhttp_request *request, void *arg)
{
    struct sim *sim = arg;
    struct evbuffer *in = evhttp_request_get_input_buffer(request);
    const char *path = evhttp_request_get_uri(request);
    json_t *body = evbuffer_get_length(in) == 0
                       ? NULL
                       : json_loadb((const char *)evbuffer_pullup(in, -1), evbuffer_get_length(in),
                                    JSON_REJECT_DUPLICATES, NULL);
    struct answer answer;
    answer_init(&answer);
    answer_json(&answer, 400, json_pack("{s:s}", "error", "no such call"));
    for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++)
        if (routes[i].method == evhttp_request_get_command(request) &&
            strcmp(routes[i].path, path) == 0)
            routes[i].serve(sim, body, &answer);
    evhttp_add_header(evhttp_request_get_output_headers(request), "Content-Type",
                      "application/json");
    evhttp_send_reply(request, answer.status, answer.reason, answer.body);
    json_decref(body);
    answer_done(&answer);
}
