/* SPDX-License-Identifier: Apache-2.0
 * The admin API over TLS: only who shows a certificate of the right authority gets an answer, and
 * its common name is who asked. */
#include "support/pki.h"
#include "support/test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include "admin/world.h"
#include "net/listen.h"

enum { SILENT = 70 };

static struct pki pki;
static struct world world;
static struct admin *admin;
static struct net_tls *tls;
static uint16_t port;
static char text[8192];

static int set_up(void **state)
{
    struct net_address address = {.text = "127.0.0.1:0", .host = "127.0.0.1"};
    char certificate[PKI_PATH_BYTES], key[PKI_PATH_BYTES], ca[PKI_PATH_BYTES];
    struct err err;
    int fd;

    (void)state;
    pki_make(&pki);
    world_open(&world);
    assert_int_equal(net_tls_server_new(pki_path(&pki, "good.pem", certificate),
                                        pki_path(&pki, "good.key", key),
                                        pki_path(&pki, "ca.pem", ca), &tls, &err),
                     STATUS_OK);
    fd = net_listen(&address, true, &err);
    assert_true(fd >= 0);
    port = net_listen_port(fd);
    assert_int_equal(admin_new_tls(world.base, fd, tls, &world.ops, &admin, &err), STATUS_OK);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    admin_free(&admin);
    net_tls_free(&tls);
    world_close(&world);
    pki_remove(&pki);
    return 0;
}

static int connect_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    const struct timeval limit = {.tv_sec = 20};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) == 0);
    REQUIRE(connect(fd, (const struct sockaddr *)&address, sizeof address) == 0);
    return fd;
}

/* One request; name NULL: without a certificate. 0: the connection ended without an answer. */
static int ask(const char *name, int version, const char *method, const char *path)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    char request[200], file[64], out[PKI_PATH_BYTES];
    SSL *ssl;
    int fd = connect_port(), len, got = -1, status = 0;

    REQUIRE(SSL_CTX_set_max_proto_version(ctx, version) == 1);
    if (name != NULL) {
        (void)snprintf(file, sizeof file, "%s.pem", name);
        REQUIRE(SSL_CTX_use_certificate_chain_file(ctx, pki_path(&pki, file, out)) == 1);
        (void)snprintf(file, sizeof file, "%s.key", name);
        REQUIRE(SSL_CTX_use_PrivateKey_file(ctx, pki_path(&pki, file, out), SSL_FILETYPE_PEM) == 1);
    }
    ssl = SSL_new(ctx);
    REQUIRE(SSL_set_fd(ssl, fd) == 1);
    len = snprintf(request, sizeof request,
                   "%s %s HTTP/1.1\r\nHost: p\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
                   method, path);
    if (SSL_connect(ssl) == 1 && SSL_write(ssl, request, len) == len)
        got = SSL_read(ssl, text, sizeof text - 1);
    if (got > 0) {
        text[got] = '\0';
        status = (int)strtol(text + strlen("HTTP/1.1 "), NULL, 10);
    }
    SSL_free(ssl);
    SSL_CTX_free(ctx);
    (void)close(fd);
    return status;
}

static void ask_with_each(struct world *w)
{
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

    for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
        REQUIRE(ask(NULL, versions[i], "POST", "/v1/reload") == 0);
        REQUIRE(ask("stranger-client", versions[i], "POST", "/v1/reload") == 0);
        REQUIRE(ask("self", versions[i], "POST", "/v1/reload") == 0);
        REQUIRE(w->actor[0] == '\0');
        REQUIRE(ask("nameless-client", versions[i], "POST", "/v1/reload") == 403);
        REQUIRE(ask("nameless-client", versions[i], "GET", "/v1/status") == 403);
        REQUIRE(w->actor[0] == '\0');
        REQUIRE(ask("client", versions[i], "POST", "/v1/reload") == 200);
        REQUIRE(strcmp(w->actor, "cert:caller") == 0);
        REQUIRE(ask("odd-client", versions[i], "POST", "/v1/reload") == 200);
        REQUIRE(strcmp(w->actor, "cert:a\\x5cb\\x0a\\x7f\\xc3\\xa9") == 0);
        REQUIRE(ask("client", versions[i], "GET", "/v1/quotas") == 200);
        REQUIRE(ask("client", versions[i], "GET", "/v1/reload") == 405);
        w->actor[0] = '\0';
    }
    REQUIRE(ask("client", TLS1_1_VERSION, "GET", "/v1/status") == 0);
}

static void only_the_right_certificate_gets_in(void **state)
{
    (void)state;
    world_run(&world, ask_with_each);
}

static void ask_beside_silent_ones(struct world *w)
{
    int fds[SILENT];

    (void)w;
    for (size_t i = 0; i < SILENT; i++) {
        fds[i] = connect_port();
        if (i % 2 == 0)
            REQUIRE(send(fds[i], "\x16\x03\x01", 3, MSG_NOSIGNAL) == 3);
    }
    REQUIRE(ask("client", TLS1_3_VERSION, "GET", "/v1/status") == 200);
    for (size_t i = 0; i < SILENT; i++)
        (void)close(fds[i]);
}

static void silence_without_a_certificate_keeps_nobody_out(void **state)
{
    (void)state;
    world_run(&world, ask_beside_silent_ones);
}

/* Another authority for clients, as a reload would read it. */
static void change_authority(struct world *w)
{
    char from[PKI_PATH_BYTES], to[PKI_PATH_BYTES];
    struct err err;

    (void)w;
    REQUIRE(ask("client", TLS1_3_VERSION, "GET", "/v1/status") == 200);
    REQUIRE(rename(pki_path(&pki, "other-ca.pem", from), pki_path(&pki, "ca.pem", to)) == 0);
    REQUIRE(ask("client", TLS1_3_VERSION, "GET", "/v1/status") == 200);
    REQUIRE(net_tls_reload(tls, &err) == STATUS_OK);
    REQUIRE(ask("client", TLS1_3_VERSION, "GET", "/v1/status") == 0);
    REQUIRE(ask("stranger-client", TLS1_3_VERSION, "GET", "/v1/status") == 200);
}

static void the_next_connection_uses_what_was_loaded_last(void **state)
{
    (void)state;
    world_run(&world, change_authority);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(only_the_right_certificate_gets_in, set_up, tear_down),
        cmocka_unit_test_setup_teardown(silence_without_a_certificate_keeps_nobody_out, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(the_next_connection_uses_what_was_loaded_last, set_up,
                                        tear_down),
    };

    return cmocka_run_group_tests_name("admin/tls", tests, NULL, NULL);
}
