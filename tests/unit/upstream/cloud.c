/* SPDX-License-Identifier: Apache-2.0
 * The scripted cloud's threads. */
#include "cloud.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include "base/require.h"

enum { PIECE = 65536 };

struct guest {
    struct cloud *cloud;
    const struct cloud_step *script;
    int fd;
    SSL *ssl;
};

static void count(struct cloud *cloud, unsigned *counter)
{
    (void)pthread_mutex_lock(&cloud->lock);
    (*counter)++;
    (void)pthread_mutex_unlock(&cloud->lock);
}

static bool read_all(const struct guest *g, char *out, size_t n)
{
    size_t got = 0, one;

    while (got < n) {
        if (SSL_read_ex(g->ssl, out + got, n - got, &one) != 1)
            return false;
        got += one;
    }
    return true;
}

static bool expect(const struct guest *g, const char *text)
{
    const size_t n = strlen(text);
    char *const got = malloc(n + 1);
    bool same;

    REQUIRE(got != NULL);
    if (!read_all(g, got, n)) {
        free(got);
        return false; /* the other side has gone, as some tests want it */
    }
    got[n] = '\0';
    same = memcmp(got, text, n) == 0;
    if (!same) {
        (void)fprintf(stderr, "cloud: got \"%s\", expected \"%s\"\n", got, text);
        count(g->cloud, &g->cloud->faults);
    }
    free(got);
    return same;
}

static bool discard(const struct guest *g, size_t n)
{
    static _Thread_local char bytes[PIECE];
    size_t one;

    while (n > 0) {
        one = n < sizeof bytes ? n : sizeof bytes;
        if (!read_all(g, bytes, one))
            return false;
        n -= one;
    }
    return true;
}

static bool write_all(const struct guest *g, const char *bytes, size_t n)
{
    size_t written;

    return n == 0 || SSL_write_ex(g->ssl, bytes, n, &written) == 1;
}

static bool fill(const struct guest *g, size_t n)
{
    char bytes[PIECE];
    size_t i, one;

    for (i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)i;
    while (n > 0) {
        one = n < sizeof bytes ? n : sizeof bytes;
        if (!write_all(g, bytes, one))
            return false;
        n -= one;
    }
    return true;
}

/* Until the other side is gone; what comes doesn't matter. */
static void linger(int fd)
{
    char bytes[4096];

    while (recv(fd, bytes, sizeof bytes, 0) > 0)
        ;
}

static void end_by(const struct guest *g, enum cloud_what what)
{
    const struct linger reset = {.l_onoff = 1, .l_linger = 0};

    if (what == CLOUD_RESET) {
        (void)setsockopt(g->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
        return;
    }
    if (what != CLOUD_CUT && g->ssl != NULL)
        (void)SSL_shutdown(g->ssl);
    (void)shutdown(g->fd, SHUT_WR);
    linger(g->fd);
}

/* True: go on with the next step. */
static bool take_step(const struct guest *g, const struct cloud_step *step)
{
    switch (step->what) {
    case CLOUD_READ:
        return expect(g, step->text);
    case CLOUD_READ_ANY:
        return discard(g, step->n);
    case CLOUD_SEND:
        return write_all(g, step->text, strlen(step->text));
    case CLOUD_FILL:
        return fill(g, step->n);
    case CLOUD_WAIT:
        (void)sem_wait(&g->cloud->go);
        return true;
    case CLOUD_END:
    case CLOUD_CLOSE:
    case CLOUD_CUT:
    case CLOUD_RESET:
        end_by(g, step->what);
        return false;
    case CLOUD_PLAIN:
    case CLOUD_SILENT:
        break;
    }
    abort();
}

static void serve(struct guest *g)
{
    const struct cloud_step *step = g->script;
    const int on = 1;
    char byte;

    /* Else a reset would swallow what Nagle's rule holds back. */
    (void)setsockopt(g->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);

    if (step->what == CLOUD_SILENT || step->what == CLOUD_PLAIN) {
        if (step->what == CLOUD_PLAIN)
            (void)send(g->fd, step->text, strlen(step->text), MSG_NOSIGNAL);
        linger(g->fd);
        return;
    }
    if (step->what == CLOUD_RESET) {
        (void)recv(g->fd, &byte, 1, 0); /* the handshake's first */
        end_by(g, CLOUD_RESET);
        return;
    }
    g->ssl = SSL_new(g->cloud->context);
    REQUIRE(g->ssl != NULL && SSL_set_fd(g->ssl, g->fd) == 1);
    if (SSL_accept(g->ssl) == 1) {
        if (SSL_session_reused(g->ssl))
            count(g->cloud, &g->cloud->resumed);
        while (take_step(g, step))
            step++;
        SSL_set_shutdown(g->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    }
    SSL_free(g->ssl);
}

static void *guest_main(void *arg)
{
    struct guest *const g = arg;

    serve(g);
    (void)close(g->fd);
    free(g);
    return NULL;
}

static void *acceptor_main(void *arg)
{
    struct cloud *const cloud = arg;
    struct guest *g;
    unsigned i;
    int fd;

    for (;;) {
        fd = accept(cloud->listening, NULL, NULL);
        (void)pthread_mutex_lock(&cloud->lock);
        if (cloud->stopping) {
            (void)pthread_mutex_unlock(&cloud->lock);
            if (fd >= 0)
                (void)close(fd);
            return NULL;
        }
        REQUIRE(fd >= 0);
        i = cloud->connections++;
        REQUIRE(i < CLOUD_CONNECTIONS);
        g = calloc(1, sizeof *g);
        REQUIRE(g != NULL);
        g->cloud = cloud;
        g->fd = fd;
        g->script = cloud->scripts[i < cloud->script_count ? i : cloud->script_count - 1];
        REQUIRE(pthread_create(&cloud->threads[i], NULL, guest_main, g) == 0);
        (void)pthread_mutex_unlock(&cloud->lock);
    }
}

static void listen_here(struct cloud *cloud)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;

    cloud->listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    REQUIRE(cloud->listening >= 0);
    REQUIRE(bind(cloud->listening, (struct sockaddr *)&address, len) == 0);
    REQUIRE(listen(cloud->listening, 64) == 0);
    REQUIRE(getsockname(cloud->listening, (struct sockaddr *)&address, &len) == 0);
    cloud->port = ntohs(address.sin_port);
}

void cloud_start(struct cloud *cloud, const char *certificate, const char *key,
                 const struct cloud_step *const *scripts, unsigned script_count)
{
    SSL_CTX *const context = SSL_CTX_new(TLS_server_method());

    *cloud = (struct cloud){.scripts = scripts, .script_count = script_count};
    REQUIRE(context != NULL);
    REQUIRE(SSL_CTX_use_certificate_chain_file(context, certificate) == 1);
    REQUIRE(SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) == 1);
    cloud->context = context;
    REQUIRE(sem_init(&cloud->go, 0, 0) == 0);
    REQUIRE(pthread_mutex_init(&cloud->lock, NULL) == 0);
    listen_here(cloud);
    REQUIRE(pthread_create(&cloud->acceptor, NULL, acceptor_main, cloud) == 0);
}

void cloud_go(struct cloud *cloud)
{
    (void)sem_post(&cloud->go);
}

static unsigned look(struct cloud *cloud, const unsigned *counter)
{
    unsigned value;

    (void)pthread_mutex_lock(&cloud->lock);
    value = *counter;
    (void)pthread_mutex_unlock(&cloud->lock);
    return value;
}

unsigned cloud_connections(struct cloud *cloud)
{
    return look(cloud, &cloud->connections);
}

unsigned cloud_resumed(struct cloud *cloud)
{
    return look(cloud, &cloud->resumed);
}

unsigned cloud_stop(struct cloud *cloud)
{
    unsigned i;

    (void)pthread_mutex_lock(&cloud->lock);
    cloud->stopping = true;
    (void)pthread_mutex_unlock(&cloud->lock);
    (void)shutdown(cloud->listening, SHUT_RDWR); /* wakes accept */
    REQUIRE(pthread_join(cloud->acceptor, NULL) == 0);
    for (i = 0; i < cloud->connections; i++)
        cloud_go(cloud);
    for (i = 0; i < cloud->connections; i++)
        REQUIRE(pthread_join(cloud->threads[i], NULL) == 0);
    (void)close(cloud->listening);
    SSL_CTX_free(cloud->context);
    (void)sem_destroy(&cloud->go);
    (void)pthread_mutex_destroy(&cloud->lock);
    return cloud->faults;
}
