/* SPDX-License-Identifier: Apache-2.0
 * modelarts-sim: a stand-in for the ModelArts cloud, for tests and demonstrations. It shares no
 * code with the gateway. When it listens it prints one line: listening PORT control PORT [bad
 * PORT] [iam PORT]. */
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "control.h"
#include "options.h"
#include "sim.h"

enum { FROZEN_START_S = 1767225600 }; /* 2026-01-01T00:00:00Z */

int64_t sim_now_ms(const struct sim *sim)
{
    struct timespec now;
    if (sim->frozen)
        return sim->clock_ms;
    clock_gettime(CLOCK_REALTIME, &now);
    return sim->clock_ms + (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void on_signal(evutil_socket_t number, short what, void *base)
{
    (void)number;
    (void)what;
    event_base_loopexit(base, NULL);
}

/* The port that a listening socket was given, or -1. */
static int port_of(evutil_socket_t fd)
{
    struct sockaddr_storage address = {0};
    struct sockaddr *any = (struct sockaddr *)&address;
    socklen_t length = sizeof address;
    char port[16] = "";
    if (getsockname(fd, any, &length) != 0 ||
        getnameinfo(any, length, NULL, 0, port, sizeof port, NI_NUMERICSERV) != 0)
        return -1;
    return (int)strtol(port, NULL, 10);
}

/* Binds "ADDRESS:PORT"; the port, or -1 and a line on stderr. Taken apart here because
 * evutil_parse_sockaddr_port refuses port 0. */
static int listen_on(struct evhttp *http, const char *text)
{
    const char *colon = strrchr(text, ':');
    char host[64] = "", *end = NULL;
    unsigned long port = colon == NULL ? 0 : strtoul(colon + 1, &end, 10);
    struct evhttp_bound_socket *bound = NULL;
    int on = 1;
    if (colon != NULL && *end == '\0' && port <= 65535 && (size_t)(colon - text) < sizeof host) {
        memcpy(host, text, (size_t)(colon - text));
        bound = evhttp_bind_socket_with_handle(http, host, (uint16_t)port);
    }
    if (bound == NULL) {
        (void)fprintf(stderr, "modelarts-sim: cannot listen on %s\n", text);
        return -1;
    }
    /* Accepted connections inherit it. Head and body of an answer leave as two TLS records, of
     * which the second would wait for the peer's delayed acknowledgement. */
    (void)setsockopt(evhttp_bound_socket_get_fd(bound), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return port_of(evhttp_bound_socket_get_fd(bound));
}

static struct evhttp *serve_with(struct event_base *base,
                                 void (*serve)(struct evhttp_request *, void *), struct sim *sim)
{
    struct evhttp *http = evhttp_new(base);
    evhttp_set_allowed_methods(http, EVHTTP_REQ_GET | EVHTTP_REQ_POST | EVHTTP_REQ_HEAD |
                                         EVHTTP_REQ_PUT | EVHTTP_REQ_DELETE | EVHTTP_REQ_PATCH |
                                         EVHTTP_REQ_OPTIONS);
    evhttp_set_default_content_type(http, NULL);
    evhttp_set_gencb(http, serve, sim);
    return http;
}

static bool open_port(struct sim *sim, struct port *port, const char *certificate, const char *key)
{
    port->sim = sim;
    if (certificate != NULL && (port->tls = wire_tls_new(certificate, key)) == NULL)
        return false;
    port->http = serve_with(sim->base, exchange_start, sim);
    evhttp_set_bevcb(port->http, wire_accept, port);
    return true;
}

static bool open_ports(struct sim *sim, const struct options *options)
{
    const char *certificate = options->plain ? NULL : options->certificate;
    sim->tokens.iam = true;
    return open_port(sim, &sim->good, certificate, options->key) &&
           (options->bad_certificate == NULL ||
            open_port(sim, &sim->bad, options->bad_certificate, options->bad_key)) &&
           (options->iam == NULL || open_port(sim, &sim->tokens, certificate, options->key));
}

static bool start(struct sim *sim, const struct options *options)
{
    int port, control, bad = 0, iam = 0;
    if (!open_ports(sim, options))
        return false;
    sim->control = serve_with(sim->base, control_serve, sim);
    port = listen_on(sim->good.http, options->listen);
    control = listen_on(sim->control, options->control);
    if (sim->bad.http != NULL)
        bad = listen_on(sim->bad.http, "127.0.0.1:0");
    if (sim->tokens.http != NULL)
        iam = listen_on(sim->tokens.http, options->iam);
    if (port < 0 || control < 0 || bad < 0 || iam < 0)
        return false;
    (void)printf("listening %d control %d", port, control);
    if (bad > 0)
        (void)printf(" bad %d", bad);
    if (iam > 0)
        (void)printf(" iam %d", iam);
    (void)printf("\n");
    (void)fflush(stdout);
    return true;
}

static void close_port(struct port *port)
{
    if (port->http != NULL)
        evhttp_free(port->http);
    SSL_CTX_free(port->tls);
}

static void finish(struct sim *sim)
{
    close_port(&sim->good);
    close_port(&sim->bad);
    close_port(&sim->tokens);
    iam_done(&sim->iam);
    if (sim->control != NULL)
        evhttp_free(sim->control);
    wire_drop_all(sim);
    fault_clear(sim);
    machine_remove_all(sim);
    ledger_clear(sim);
    free(sim->index);
    json_decref(sim->requests);
    json_decref(sim->workspaces);
}

int main(int argc, char **argv)
{
    struct sim sim = {.requests = json_array()};
    struct options options;
    struct event *on_term, *on_int;
    bool well;
    if (!options_read(argc, argv, &options))
        return 2;
    (void)signal(SIGPIPE, SIG_IGN);
    TAILQ_INIT(&sim.wire.conns);
    TAILQ_INIT(&sim.faults);
    TAILQ_INIT(&sim.held);
    TAILQ_INIT(&sim.machines);
    TAILQ_INIT(&sim.ledger.rows);
    sim.ledger.most = LEDGER_MOST;
    sim.index = calloc(1, sizeof *sim.index); /* all zero is a list without members */
    if (sim.index == NULL)
        return 2;
    sim.recording = !options.no_record;
    sim.workspaces = json_array();
    sim.access_key = options.access_key;
    sim.max_instances = options.max_instances;
    sim.frozen = options.frozen;
    sim.clock_ms = options.frozen ? (int64_t)FROZEN_START_S * 1000 : 0;
    sim.base = event_base_new();
    on_term = evsignal_new(sim.base, SIGTERM, on_signal, sim.base);
    on_int = evsignal_new(sim.base, SIGINT, on_signal, sim.base);
    evsignal_add(on_term, NULL);
    evsignal_add(on_int, NULL);
    well = iam_init(&sim.iam, options.iam_certificate, options.iam_key) && start(&sim, &options);
    if (well)
        event_base_dispatch(sim.base);
    finish(&sim);
    event_free(on_term);
    event_free(on_int);
    event_base_free(sim.base);
    libevent_global_shutdown();
    return well ? 0 : 2;
}
