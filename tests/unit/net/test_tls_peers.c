/* SPDX-License-Identifier: Apache-2.0
 * TLS against peers that aren't ours: plain OpenSSL on the other end of a socket pair, turned by
 * hand. What they may choose, and what they may not. */
#include "support/pki.h"
#include "support/test.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/clock.h"
#include "base/require.h"
#include "net/conn.h"
#include "net/inner.h"

enum { TURNS = 2000 };

static const int64_t second_us = 1000000;

static struct pki pki;
static int64_t clock_offset_us;

int64_t __wrap_clock_now_us(void);
int64_t __real_clock_now_us(void);

int64_t __wrap_clock_now_us(void)
{
    return __real_clock_now_us() + clock_offset_us;
}

/* Ours on the left, theirs on the right. */
struct pair {
    struct event_base *base;
    struct net_conn *ours;
    SSL_CTX *context;
    SSL *theirs;
    int fd;
    bool ready, failed, eof;
    char in[64], error[200];
    size_t in_len;
};

static void on_ready(void *user)
{
    ((struct pair *)user)->ready = true;
}

static void on_readable(void *user)
{
    struct pair *const p = user;
    enum net_io io = NET_OK;
    size_t n = 0;

    while (io == NET_OK && p->in_len < sizeof p->in) {
        io = net_read(p->ours, p->in + p->in_len, sizeof p->in - p->in_len, &n);
        if (io == NET_OK)
            p->in_len += n;
    }
    p->eof = p->eof || io == NET_EOF;
    if (io == NET_FAILED) {
        p->failed = true;
        (void)snprintf(p->error, sizeof p->error, "%s", net_error(p->ours));
    }
}

static void on_nothing(void *user)
{
    (void)user;
}

static void on_failed(void *user)
{
    struct pair *const p = user;

    p->failed = true;
    (void)snprintf(p->error, sizeof p->error, "%s", net_error(p->ours));
}

static const struct net_handler handler = {
    .on_ready = on_ready,
    .on_readable = on_readable,
    .on_writable = on_nothing,
    .on_timeout = on_nothing,
    .on_failed = on_failed,
};

static const char *file_of(const char *name, const char *suffix, char out[PKI_PATH_BYTES])
{
    char file[40];

    (void)snprintf(file, sizeof file, "%s%s", name, suffix);
    return pki_path(&pki, file, out);
}

static struct net_tls *server_tls(const char *client_ca)
{
    char certificate[PKI_PATH_BYTES], key[PKI_PATH_BYTES], ca[PKI_PATH_BYTES];
    struct net_tls *tls = NULL;
    struct err err;

    assert_int_equal(
        net_tls_server_new(file_of("good", ".pem", certificate), file_of("good", ".key", key),
                           client_ca == NULL ? NULL : file_of(client_ca, ".pem", ca), &tls, &err),
        STATUS_OK);
    return tls;
}

static struct net_tls *client_tls(void)
{
    char ca[PKI_PATH_BYTES];
    struct net_tls *tls = NULL;
    struct err err;

    assert_int_equal(net_tls_client_new("localhost", file_of("ca", ".pem", ca), &tls, &err),
                     STATUS_OK);
    return tls;
}

static SSL_CTX *their_context(bool server, const char *certificate)
{
    SSL_CTX *const context = SSL_CTX_new(server ? TLS_server_method() : TLS_client_method());
    char path[PKI_PATH_BYTES];

    assert_non_null(context);
    SSL_CTX_set_security_level(context, 0); /* they may try what is old */
    if (certificate != NULL) {
        assert_int_equal(
            SSL_CTX_use_certificate_chain_file(context, file_of(certificate, ".pem", path)), 1);
        assert_int_equal(SSL_CTX_use_PrivateKey_file(context, file_of(certificate, ".key", path),
                                                     SSL_FILETYPE_PEM),
                         1);
    }
    return context;
}

/* Takes the context over. ours accepts; for the other way round see pair_connect. */
static void pair_start(struct pair *p, struct net_tls *tls, SSL_CTX *context)
{
    struct err err;
    int fds[2];

    *p = (struct pair){.base = event_base_new(), .context = context};
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    p->fd = fds[1];
    p->theirs = SSL_new(context);
    assert_non_null(p->theirs);
    assert_int_equal(SSL_set_fd(p->theirs, p->fd), 1);
    /* net_accept with a client's settings handshakes as a client: the settings know their side. */
    p->ours = net_accept(p->base, fds[0], tls, &handler, p, &err);
    assert_non_null(p->ours);
}

/* One turn of both sides. */
static void turn(struct pair *p, bool their_side_accepts)
{
    ERR_clear_error();
    if (!SSL_is_init_finished(p->theirs))
        (void)(their_side_accepts ? SSL_accept(p->theirs) : SSL_connect(p->theirs));
    (void)event_base_loop(p->base, EVLOOP_NONBLOCK);
}

static void pair_end(struct pair *p)
{
    net_close(&p->ours);
    SSL_free(p->theirs);
    SSL_CTX_free(p->context);
    (void)close(p->fd);
    event_base_free(p->base);
}

/* ---- our server ---- */

static void test_what_clients_may_choose(void **state)
{
    static const unsigned char h2_only[] = "\x02h2";
    static const unsigned char both[] = "\x02h2\x08http/1.1";
    static const struct {
        const char *name;
        int max_version;
        const unsigned char *alpn;
        unsigned alpn_len;
        const char *error; /* NULL: taken */
    } rows[] = {
        {"TLS 1.3", TLS1_3_VERSION, NULL, 0, NULL},
        {"TLS 1.2", TLS1_2_VERSION, NULL, 0, NULL},
        {"TLS 1.1", TLS1_1_VERSION, NULL, 0, "TLS handshake: unsupported protocol"},
        {"http/1.1 among others", TLS1_3_VERSION, both, sizeof both - 1, NULL},
        {"h2 only", TLS1_3_VERSION, h2_only, sizeof h2_only - 1,
         "TLS handshake: no application protocol"},
    };
    struct net_tls *tls = server_tls(NULL);
    const unsigned char *chosen;
    unsigned chosen_len;
    struct pair p;
    size_t i;
    int n;

    (void)state;
    for (i = 0; i < ARRAY_LEN(rows); i++) {
        SSL_CTX *const context = their_context(false, NULL);

        assert_int_equal(SSL_CTX_set_min_proto_version(context, TLS1_VERSION), 1);
        assert_int_equal(SSL_CTX_set_max_proto_version(context, rows[i].max_version), 1);
        if (rows[i].alpn != NULL)
            assert_int_equal(SSL_CTX_set_alpn_protos(context, rows[i].alpn, rows[i].alpn_len), 0);
        pair_start(&p, tls, context);
        for (n = 0; n < TURNS && !p.ready && !p.failed; n++)
            turn(&p, false);
        assert_row(p.ready == (rows[i].error == NULL), rows[i].name);
        if (rows[i].error != NULL && strcmp(p.error, rows[i].error) != 0) {
            print_error("row \"%s\": %s\n", rows[i].name, p.error);
            fail();
        }
        if (p.ready && rows[i].alpn != NULL) {
            SSL_get0_alpn_selected(p.theirs, &chosen, &chosen_len);
            assert_row(chosen_len == 8 && memcmp(chosen, "http/1.1", 8) == 0, rows[i].name);
        }
        pair_end(&p);
    }
    net_tls_free(&tls);
}

/* Who it is, as long as the certificate holds. */
static void check_peer(struct pair *p)
{
    const struct peer *peer = net_peer_certificate(p->ours);

    assert_non_null(peer);
    assert_null(peer->fault);
    assert_view(peer->subject, "CN=caller");
    assert_int_equal(peer->name_count, 0);
    assert_ptr_equal(net_peer_certificate(p->ours), peer);
    clock_offset_us = 2 * 86400 * second_us;
    assert_null(net_peer_certificate(p->ours));
    clock_offset_us = 0;
    assert_ptr_equal(net_peer_certificate(p->ours), peer);
}

/* A certificate that nobody demanded is nobody's. */
static void test_without_authority_nobody_is_known(void **state)
{
    struct net_tls *tls = server_tls(NULL);
    struct pair p;

    (void)state;
    pair_start(&p, tls, their_context(false, "client"));
    assert_null(net_peer_certificate(p.ours));
    for (int n = 0; n < TURNS && !p.ready && !p.failed; n++)
        turn(&p, false);
    assert_true(p.ready);
    assert_null(net_peer_certificate(p.ours));
    pair_end(&p);
    net_tls_free(&tls);
}

static void test_client_certificates(void **state)
{
    static const struct {
        const char *certificate;
        const char *error; /* NULL: taken */
    } rows[] = {
        {"client", NULL},
        {"stranger-client",
         "TLS handshake: certificate not verified: unable to get local issuer certificate"},
        {"good", "TLS handshake: certificate not verified: unsuitable certificate purpose"},
    };
    struct net_tls *tls = server_tls("ca");
    struct pair p;
    size_t i;
    int n;

    (void)state;
    for (i = 0; i < ARRAY_LEN(rows); i++) {
        pair_start(&p, tls, their_context(false, rows[i].certificate));
        for (n = 0; n < TURNS && !p.ready && !p.failed; n++)
            turn(&p, false);
        assert_row(p.ready == (rows[i].error == NULL), rows[i].certificate);
        assert_row(p.ready || net_error_is_verify(p.ours), rows[i].certificate);
        if (rows[i].error != NULL)
            assert_string_equal(p.error, rows[i].error);
        if (rows[i].error == NULL)
            check_peer(&p);
        else
            assert_null(net_peer_certificate(p.ours));
        pair_end(&p);
    }
    net_tls_free(&tls);
}

/* A client of TLS 1.2 asks for a new handshake: it is told no, and nothing is negotiated. */
static void test_no_renegotiation(void **state)
{
    SSL_CTX *const context = their_context(false, NULL);
    struct net_tls *tls = server_tls(NULL);
    struct pair p;
    int n;

    (void)state;
    assert_int_equal(SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION), 1);
    pair_start(&p, tls, context);
    for (n = 0; n < TURNS && !(p.ready && SSL_is_init_finished(p.theirs)); n++)
        turn(&p, false);
    assert_true(p.ready);
    (void)SSL_renegotiate(p.theirs);
    for (n = 0; n < 20; n++) {
        ERR_clear_error();
        assert_int_not_equal(SSL_do_handshake(p.theirs), 1);
        (void)event_base_loop(p.base, EVLOOP_NONBLOCK);
    }
    assert_int_equal(p.in_len, 0);
    pair_end(&p);
    net_tls_free(&tls);
}

/* A request that comes with the last flight of the handshake isn't left inside TLS. */
static void test_bytes_behind_the_handshake(void **state)
{
    struct net_tls *tls = server_tls(NULL);
    struct pair p;
    int n;

    (void)state;
    pair_start(&p, tls, their_context(false, NULL));
    for (n = 0; n < TURNS && !SSL_is_init_finished(p.theirs); n++) {
        ERR_clear_error();
        if (SSL_connect(p.theirs) != 1) /* its last flight is followed at once */
            (void)event_base_loop(p.base, EVLOOP_NONBLOCK);
    }
    assert_false(p.ready);
    assert_int_equal(SSL_write(p.theirs, "GET", 3), 3);
    for (n = 0; n < TURNS && p.in_len < 3; n++)
        (void)event_base_loop(p.base, EVLOOP_NONBLOCK);
    assert_true(p.ready);
    assert_memory_equal(p.in, "GET", 3);
    pair_end(&p);
    net_tls_free(&tls);
}

/* ---- our client ---- */

static int choose_h2(SSL *ssl, const unsigned char **ret, unsigned char *ret_len,
                     const unsigned char *offered, unsigned offered_len, void *user)
{
    static const unsigned char h2[] = "h2";

    (void)ssl;
    (void)offered;
    (void)offered_len;
    (void)user;
    *ret = h2;
    *ret_len = 2;
    return SSL_TLSEXT_ERR_OK;
}

/* The tickets, where there are any, are read with the byte behind them. */
static bool connect_once(struct net_tls *tls, SSL_CTX *context)
{
    struct pair p;
    bool resumed;
    int n;

    assert_int_equal(SSL_CTX_up_ref(context), 1);
    pair_start(&p, tls, context);
    io_arm_write(p.ours); /* a client speaks first: what net_connect does for it */
    for (n = 0; n < TURNS && !(p.ready && SSL_is_init_finished(p.theirs)) && !p.failed; n++)
        turn(&p, true);
    assert_string_equal(p.error, "");
    assert_true(p.ready);
    assert_int_equal(SSL_write(p.theirs, "x", 1), 1);
    for (n = 0; n < TURNS && p.in_len == 0; n++)
        (void)event_base_loop(p.base, EVLOOP_NONBLOCK);
    resumed = net_is_resumed(p.ours);
    pair_end(&p);
    return resumed;
}

static void test_sessions_last_an_hour(void **state)
{
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    struct net_tls *tls;
    SSL_CTX *context;
    size_t i;
    int n;

    (void)state;
    for (i = 0; i < ARRAY_LEN(versions); i++) {
        tls = client_tls();
        context = their_context(true, "good");
        assert_int_equal(SSL_CTX_set_max_proto_version(context, versions[i]), 1);
        clock_offset_us = 0;
        assert_false(connect_once(tls, context));
        for (n = 0; n < 5; n++) /* each resumption hands out the next session */
            assert_true(connect_once(tls, context));
        clock_offset_us = 3590 * second_us;
        assert_true(connect_once(tls, context));
        clock_offset_us = 3610 * second_us; /* since the certificate was verified */
        assert_false(connect_once(tls, context));
        assert_true(connect_once(tls, context));
        clock_offset_us = 0;
        SSL_CTX_free(context);
        net_tls_free(&tls);
    }
}

static void test_a_protocol_that_was_not_offered(void **state)
{
    SSL_CTX *const context = their_context(true, "good");
    struct net_tls *tls = client_tls();
    struct pair p;
    int n;

    (void)state;
    SSL_CTX_set_alpn_select_cb(context, choose_h2, NULL);
    pair_start(&p, tls, context);
    io_arm_write(p.ours);
    for (n = 0; n < TURNS && !p.ready && !p.failed; n++)
        turn(&p, true);
    assert_true(p.failed);
    assert_false(net_error_is_verify(p.ours));
    pair_end(&p);
    net_tls_free(&tls);
}

static int set_up(void **state)
{
    (void)state;
    (void)signal(SIGPIPE, SIG_IGN);
    pki_make(&pki);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    pki_remove(&pki);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_clients_may_choose),
        cmocka_unit_test(test_client_certificates),
        cmocka_unit_test(test_without_authority_nobody_is_known),
        cmocka_unit_test(test_no_renegotiation),
        cmocka_unit_test(test_bytes_behind_the_handshake),
        cmocka_unit_test(test_sessions_last_an_hour),
        cmocka_unit_test(test_a_protocol_that_was_not_offered),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
