/* SPDX-License-Identifier: Apache-2.0
 * Who a client proved to be, as the owner of a front sees it: over TLS with a real client, which is
 * plain OpenSSL. */
#include "support/pki.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include "base/arena.h"

#include "world.h"

enum { TURNS = 200000 };

static char seen[256];
static unsigned requests;

static void look(struct item *item)
{
    const struct peer *peer = front_peer(item->x);
    const struct front_reply reply = {.status = 204};

    requests++;
    (void)snprintf(seen, sizeof seen, "%.*s",
                   VIEW_ARGS(peer == NULL ? VIEW("nobody") : peer->subject));
    front_reply(item->x, &reply);
}

/* session: NULL, or one to take up if it isn't NULL, and in the end one for the next time. */
static void run_client(struct world *w, struct pki *pki, const char *name, SSL_SESSION **session)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    const struct sockaddr_in to = {.sin_family = AF_INET,
                                   .sin_port = htons(w->port),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    static const char request[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    const unsigned before = requests;
    char file[40], path[PKI_PATH_BYTES], got[512];
    SSL *ssl;
    bool sent = false, answered = false;

    (void)snprintf(file, sizeof file, "%s.pem", name);
    assert_int_equal(SSL_CTX_use_certificate_chain_file(context, pki_path(pki, file, path)), 1);
    (void)snprintf(file, sizeof file, "%s.key", name);
    assert_int_equal(
        SSL_CTX_use_PrivateKey_file(context, pki_path(pki, file, path), SSL_FILETYPE_PEM), 1);
    assert_int_equal(connect(fd, (const struct sockaddr *)&to, sizeof to), 0);
    assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    ssl = SSL_new(context);
    assert_int_equal(SSL_set_fd(ssl, fd), 1);
    if (session != NULL && *session != NULL)
        assert_int_equal(SSL_set_session(ssl, *session), 1);
    for (unsigned n = 0; n < TURNS && !answered; n++) {
        if (!sent && SSL_connect(ssl) == 1)
            sent = SSL_write(ssl, request, sizeof request - 1) > 0;
        answered = sent && SSL_read(ssl, got, sizeof got) > 0;
        (void)event_base_loop(w->base, EVLOOP_NONBLOCK);
    }
    assert_true(answered);
    assert_int_equal(requests, before + 1);
    if (session != NULL) {
        assert_int_equal(SSL_session_reused(ssl), *session != NULL);
        SSL_SESSION_free(*session);
        *session = SSL_get1_session(ssl);
        SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    }
    SSL_free(ssl);
    SSL_CTX_free(context);
    (void)close(fd);
}

static void test_peers(void **state)
{
    static const struct {
        bool asks;
        const char *certificate, *want;
    } rows[] = {
        {true, "client", "CN=caller"},
        {true, "nameless-client", "O=Nobody"},
        {true, "odd-client", ""}, /* control characters */
        {false, "client", "nobody"},
    };
    char certificate[PKI_PATH_BYTES], key[PKI_PATH_BYTES], ca[PKI_PATH_BYTES];
    struct pki pki;

    (void)state;
    (void)signal(SIGPIPE, SIG_IGN);
    pki_make(&pki);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct net_tls *tls;
        struct world w;
        struct err err;

        assert_int_equal(net_tls_server_new(pki_path(&pki, "good.pem", certificate),
                                            pki_path(&pki, "good.key", key),
                                            rows[i].asks ? pki_path(&pki, "ca.pem", ca) : NULL,
                                            &tls, &err),
                         STATUS_OK);
        world_open_tls(&w, NULL, tls);
        w.serve = look;
        run_client(&w, &pki, rows[i].certificate, NULL);
        assert_string_equal(seen, rows[i].want);
        world_close(&w);
        net_tls_free(&tls);
    }
    pki_remove(&pki);
}

/* Taking up a session shows no certificate: it is the one from before. */
static void test_taken_up(void **state)
{
    char certificate[PKI_PATH_BYTES], key[PKI_PATH_BYTES], ca[PKI_PATH_BYTES];
    SSL_SESSION *session = NULL;
    struct net_tls *tls;
    struct pki pki;
    struct world w;
    struct err err;

    (void)state;
    pki_make(&pki);
    assert_int_equal(net_tls_server_new(pki_path(&pki, "good.pem", certificate),
                                        pki_path(&pki, "good.key", key),
                                        pki_path(&pki, "ca.pem", ca), &tls, &err),
                     STATUS_OK);
    world_open_tls(&w, NULL, tls);
    w.serve = look;
    for (unsigned i = 0; i < 3; i++) {
        seen[0] = 0;
        run_client(&w, &pki, "client", &session);
        assert_string_equal(seen, "CN=caller");
    }
    SSL_SESSION_free(session);
    world_close(&w);
    net_tls_free(&tls);
    pki_remove(&pki);
}

static void test_plain(void **state)
{
    struct world w;
    struct client c;

    (void)state;
    world_open(&w, NULL);
    w.serve = look;
    client_open(&c, &w);
    client_send_str(&c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    WORLD_UNTIL(&w, client_has(&c, "204"));
    assert_string_equal(seen, "nobody");
    client_close(&c);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_peers),
        cmocka_unit_test(test_taken_up),
        cmocka_unit_test(test_plain),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
