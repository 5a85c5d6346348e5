/* SPDX-License-Identifier: Apache-2.0
 * TLS contexts: built from files and checked in full before use, swapped as a whole on a reload.
 * The sessions of a client are kept here too, because they are worth only as much as the trust
 * settings that they were made under. */
#include "net/tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/arena.h"
#include "base/clock.h"
#include "net/inner.h"

enum {
    SESSIONS = 8,
    TEXTS_MAX_BYTES = 65536,
    SESSION_SECONDS = 3600,       /* a resumed session skips the certificate's checks */
    CLIENT_READ_BYTES = 64 * 1024 /* answers come in many records */
};

static const unsigned char alpn_http11[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};

struct net_tls {
    atomic_uint references, generation;
    bool client, host_is_address;
    bool stream; /* a client of a protocol that isn't HTTP */
    struct arena texts;
    char *certificate, *key, *ca; /* files; ca is client_ca of a server, ca_file of a client */
    char *host;
    pthread_mutex_t lock; /* over ctx and sessions */
    SSL_CTX *ctx;
    SSL_SESSION *sessions[SESSIONS]; /* newest last */
    unsigned session_count;
};

const char *tls_reason(void)
{
    const unsigned long code = ERR_peek_error(); /* the first: later ones say who was calling */
    const char *reason = NULL;

    if (code != 0 && ERR_SYSTEM_ERROR(code) == 0)
        reason = ERR_reason_error_string(code);
    ERR_clear_error();
    return reason == NULL ? "unknown reason" : reason;
}

/* OpenSSL's own words for a file that isn't there are poor, so the system is asked first. */
static enum status check_file(const char *what, const char *path, struct err *err)
{
    struct stat st;
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (fd < 0)
        return err_set_errno(err, errno, "%s %s cannot be read", what, path);
    if (fstat(fd, &st) != 0)
        st.st_mode = 0;
    (void)close(fd);
    if (!S_ISREG(st.st_mode))
        return err_set(err, STATUS_IO, "%s %s is not a file", what, path);
    return STATUS_OK;
}

/* Never ask a person on the terminal: an encrypted key is an error. */
static int no_passphrase(char *out, int size, int writing, void *user) /* NOLINT: OpenSSL's type */
{
    (void)out;
    (void)size;
    (void)writing;
    (void)user;
    return -1;
}

static enum status load_key(SSL_CTX *ctx, const struct net_tls *tls, struct err *err)
{
    enum status s = check_file("key", tls->key, err);
    EVP_PKEY *key = NULL;
    BIO *file;

    if (s != STATUS_OK)
        return s;
    ERR_clear_error();
    file = BIO_new_file(tls->key, "r");
    if (file != NULL)
        key = PEM_read_bio_PrivateKey(file, NULL, no_passphrase, NULL);
    BIO_free(file);
    if (key == NULL) {
        return err_set(err, STATUS_SYNTAX, "key %s holds no unencrypted PEM private key: %s",
                       tls->key, tls_reason());
    }
    if (SSL_CTX_use_PrivateKey(ctx, key) != 1 || SSL_CTX_check_private_key(ctx) != 1) {
        s = err_set(err, STATUS_INVALID, "key %s does not belong to certificate %s: %s", tls->key,
                    tls->certificate, tls_reason());
    }
    EVP_PKEY_free(key);
    return s;
}

static enum status load_certificate(SSL_CTX *ctx, const struct net_tls *tls, struct err *err)
{
    const enum status s = check_file("certificate", tls->certificate, err);

    if (s != STATUS_OK)
        return s;
    ERR_clear_error();
    if (SSL_CTX_use_certificate_chain_file(ctx, tls->certificate) != 1) {
        return err_set(err, STATUS_SYNTAX, "certificate %s cannot be used: %s", tls->certificate,
                       tls_reason());
    }
    return load_key(ctx, tls, err);
}

/* What libcrypto notes in a certificate at its first use is noted now, before threads share it. */
static void settle_certificates(SSL_CTX *ctx)
{
    STACK_OF(X509_OBJECT) *objects = X509_STORE_get0_objects(SSL_CTX_get_cert_store(ctx));

    for (int i = 0; i < sk_X509_OBJECT_num(objects); i++) {
        X509 *certificate = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(objects, i));

        if (certificate != NULL)
            (void)X509_check_purpose(certificate, -1, 0);
    }
}

static enum status load_ca(SSL_CTX *ctx, const struct net_tls *tls, struct err *err)
{
    const char *const what = tls->client ? "ca_file" : "client_ca";
    STACK_OF(X509_NAME) * names;
    enum status s;

    ERR_clear_error();
    if (tls->ca == NULL) {
        if (SSL_CTX_set_default_verify_paths(ctx) != 1)
            return err_set(err, STATUS_IO, "the system's certificate authorities: %s",
                           tls_reason());
        return STATUS_OK;
    }
    s = check_file(what, tls->ca, err);
    if (s != STATUS_OK)
        return s;
    if (SSL_CTX_load_verify_file(ctx, tls->ca) != 1) {
        return err_set(err, STATUS_SYNTAX, "%s %s holds no PEM certificates: %s", what, tls->ca,
                       tls_reason());
    }
    settle_certificates(ctx);
    if (tls->client)
        return STATUS_OK;
    names = SSL_load_client_CA_file(tls->ca);
    if (names == NULL)
        return err_set(err, STATUS_SYNTAX, "%s %s: %s", what, tls->ca, tls_reason());
    SSL_CTX_set_client_CA_list(ctx, names);
    return STATUS_OK;
}

/* A client that offers protocols but not ours would read our answers wrongly (RFC 7301 3.2). */
static int select_alpn(SSL *ssl, const unsigned char **ret, unsigned char *ret_len,
                       const unsigned char *offered, unsigned offered_len, void *user)
{
    unsigned char *chosen = NULL;

    (void)ssl;
    (void)user;
    if (SSL_select_next_proto(&chosen, ret_len, alpn_http11, sizeof alpn_http11, offered,
                              offered_len) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *ret = chosen;
    return SSL_TLSEXT_ERR_OK;
}

static enum status set_up_server(SSL_CTX *ctx, const struct net_tls *tls, struct err *err)
{
    static const unsigned char context[] = "postern";
    const enum status s = load_certificate(ctx, tls, err);

    if (s != STATUS_OK)
        return s;
    /* Tickets only: no table of sessions that callers could fill. Each context has ticket keys of
     * its own, so a session from before a reload is not taken up. */
    (void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    if (SSL_CTX_set_session_id_context(ctx, context, sizeof context - 1) != 1)
        return err_set(err, STATUS_NOMEM, "TLS context: %s", tls_reason());
    SSL_CTX_set_alpn_select_cb(ctx, select_alpn, NULL);
    if (tls->ca == NULL)
        return STATUS_OK;
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    return load_ca(ctx, tls, err);
}

static void drop_sessions(struct net_tls *tls)
{
    while (tls->session_count > 0)
        SSL_SESSION_free(tls->sessions[--tls->session_count]);
}

static int64_t now_s(void)
{
    return clock_now_us() / 1000000;
}

static int verified_index = -1;
static pthread_once_t verified_once = PTHREAD_ONCE_INIT;

/* An index of our own: without one OpenSSL can't copy a session that carries data. */
static void make_verified_index(void)
{
    verified_index = SSL_SESSION_get_ex_new_index(0, NULL, NULL, NULL, NULL);
}

/* When the certificate behind a session was verified. A session that comes out of a resumed one
 * inherits it (OpenSSL copies the application's data), so that a chain of resumptions doesn't
 * outlive the hour. */
static int64_t verified_s(const SSL_SESSION *session)
{
    return (int64_t)(intptr_t)SSL_SESSION_get_ex_data(session, verified_index);
}

/* TLS 1.3 sessions come after the handshake, in tickets; 1.2 sessions at its end. 1: kept. */
static int on_new_session(SSL *ssl, SSL_SESSION *session)
{
    SSL_CTX *const ctx = SSL_get_SSL_CTX(ssl);
    struct net_tls *const tls = SSL_CTX_get_app_data(ctx);
    unsigned i;
    int kept = 0;

    /* A number in a pointer's place: it needs no owner. */
    if (!SSL_session_reused(ssl) &&
        !SSL_SESSION_set_ex_data(session, verified_index,
                                 (void *)(intptr_t)now_s())) /* NOLINT(performance-no-int-to-ptr) */
        return 0;
    (void)pthread_mutex_lock(&tls->lock);
    if (ctx == tls->ctx) { /* else made under trust settings that were replaced */
        if (tls->session_count == SESSIONS) {
            SSL_SESSION_free(tls->sessions[0]);
            for (i = 1; i < SESSIONS; i++)
                tls->sessions[i - 1] = tls->sessions[i];
            tls->session_count--;
        }
        tls->sessions[tls->session_count++] = session;
        kept = 1;
    }
    (void)pthread_mutex_unlock(&tls->lock);
    return kept;
}

static enum status set_up_client(SSL_CTX *ctx, const struct net_tls *tls, struct err *err)
{
    X509_VERIFY_PARAM *const param = SSL_CTX_get0_param(ctx);
    int ok;

    (void)pthread_once(&verified_once, make_verified_index);
    if (verified_index < 0)
        return err_set(err, STATUS_NOMEM, "TLS sessions: %s", tls_reason());
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
                                               X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    ok = tls->host_is_address ? X509_VERIFY_PARAM_set1_ip_asc(param, tls->host)
                              : X509_VERIFY_PARAM_set1_host(param, tls->host, 0);
    if (ok != 1)
        return err_set(err, STATUS_INVALID, "host name %s cannot be verified", tls->host);
    if (!tls->stream && SSL_CTX_set_alpn_protos(ctx, alpn_http11, sizeof alpn_http11) != 0)
        return err_set(err, STATUS_NOMEM, "TLS context: %s", tls_reason());
    if (tls->certificate != NULL && load_certificate(ctx, tls, err) != STATUS_OK)
        return err->status;
    (void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(ctx, on_new_session);
    SSL_CTX_set_default_read_buffer_len(ctx, CLIENT_READ_BYTES);
    return load_ca(ctx, tls, err);
}

static enum status build(struct net_tls *tls, SSL_CTX **ret, struct err *err)
{
    SSL_CTX *ctx;
    enum status s;

    ERR_clear_error();
    ctx = SSL_CTX_new(tls->client ? TLS_client_method() : TLS_server_method());
    if (ctx == NULL)
        return err_set(err, STATUS_NOMEM, "TLS context: %s", tls_reason());
    (void)SSL_CTX_set_app_data(ctx, tls);
    /* What was read holds tokens: it doesn't stay in the library's buffer until more comes. */
    (void)SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                       SSL_OP_CLEANSE_PLAINTEXT);
    (void)SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
                                    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
    /* Safe because a connection looks at SSL_has_pending before it waits for the socket. */
    SSL_CTX_set_read_ahead(ctx, 1);
    s = SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1
            ? STATUS_OK
            : err_set(err, STATUS_INVALID, "TLS 1.2 is not available: %s", tls_reason());
    if (s == STATUS_OK)
        s = tls->client ? set_up_client(ctx, tls, err) : set_up_server(ctx, tls, err);
    if (s == STATUS_OK)
        *ret = ctx;
    else
        SSL_CTX_free(ctx);
    ERR_clear_error();
    return s;
}

static void destroy(struct net_tls *tls)
{
    drop_sessions(tls);
    SSL_CTX_free(tls->ctx);
    (void)pthread_mutex_destroy(&tls->lock);
    arena_done(&tls->texts);
    free(tls);
}

/* *failed becomes true when memory is out. */
static char *copy(struct net_tls *tls, const char *str, bool *failed)
{
    char *const out = str == NULL ? NULL : arena_strdup(&tls->texts, view_str(str));

    *failed = *failed || (str != NULL && out == NULL);
    return out;
}

/* Builds what was filled in; takes tls over. */
static enum status finish_new(struct net_tls *tls, bool failed, struct net_tls **ret,
                              struct err *err)
{
    const enum status s =
        failed ? err_set(err, STATUS_NOMEM, "out of memory") : build(tls, &tls->ctx, err);

    if (s == STATUS_OK)
        *ret = tls;
    else
        destroy(tls);
    return s;
}

/* Heap, because it lives with connections on several threads. */
static struct net_tls *allocate(void)
{
    struct net_tls *const tls = calloc(1, sizeof *tls);

    if (tls == NULL)
        return NULL;
    atomic_init(&tls->references, 1);
    arena_init(&tls->texts, 512, TEXTS_MAX_BYTES);
    (void)pthread_mutex_init(&tls->lock, NULL);
    return tls;
}

enum status net_tls_server_new(const char *certificate, const char *key, const char *client_ca,
                               struct net_tls **ret, struct err *err)
{
    struct net_tls *const tls = allocate();
    bool failed = false;

    if (tls == NULL)
        return err_set(err, STATUS_NOMEM, "out of memory");
    tls->certificate = copy(tls, certificate, &failed);
    tls->key = copy(tls, key, &failed);
    tls->ca = copy(tls, client_ca, &failed);
    return finish_new(tls, failed, ret, err);
}

/* Takes tls over. */
static enum status finish_client(struct net_tls *tls, const char *host, const char *ca_file,
                                 struct net_tls **ret, struct err *err)
{
    unsigned char address[sizeof(struct in6_addr)];
    const bool bracketed = host[0] == '[' && host[strlen(host) - 1] == ']';
    bool failed = false;

    tls->client = true;
    tls->host = copy(tls, bracketed ? host + 1 : host, &failed);
    tls->ca = copy(tls, ca_file, &failed);
    if (tls->host != NULL && bracketed)
        tls->host[strlen(tls->host) - 1] = '\0';
    if (tls->host != NULL && tls->host[0] == '\0') {
        destroy(tls); /* OpenSSL takes an empty name for "don't check" */
        return err_set(err, STATUS_INVALID, "the host name is empty");
    }
    if (!failed) {
        tls->host_is_address = inet_pton(AF_INET, tls->host, address) == 1 ||
                               inet_pton(AF_INET6, tls->host, address) == 1;
    }
    return finish_new(tls, failed, ret, err);
}

enum status net_tls_client_new(const char *host, const char *ca_file, struct net_tls **ret,
                               struct err *err)
{
    struct net_tls *const tls = allocate();

    if (tls == NULL)
        return err_set(err, STATUS_NOMEM, "out of memory");
    return finish_client(tls, host, ca_file, ret, err);
}

enum status net_tls_stream_new(const char *host, const char *ca_file, const char *certificate,
                               const char *key, struct net_tls **ret, struct err *err)
{
    struct net_tls *const tls = allocate();
    bool failed = false;

    if (tls == NULL)
        return err_set(err, STATUS_NOMEM, "out of memory");
    tls->stream = true;
    tls->certificate = copy(tls, certificate, &failed);
    tls->key = copy(tls, key, &failed);
    if (failed) {
        destroy(tls);
        return err_set(err, STATUS_NOMEM, "out of memory");
    }
    return finish_client(tls, host, ca_file, ret, err);
}

enum status net_tls_reload(struct net_tls *tls, struct err *err)
{
    SSL_CTX *fresh = NULL;
    SSL_CTX *old;
    const enum status s = build(tls, &fresh, err);

    if (s != STATUS_OK)
        return s;
    (void)pthread_mutex_lock(&tls->lock);
    old = tls->ctx;
    tls->ctx = fresh;
    drop_sessions(tls);
    (void)atomic_fetch_add(&tls->generation, 1);
    (void)pthread_mutex_unlock(&tls->lock);
    SSL_CTX_free(old);
    return STATUS_OK;
}

unsigned net_tls_generation(struct net_tls *tls)
{
    return atomic_load(&tls->generation);
}

void net_tls_free(struct net_tls **tls)
{
    if (tls == NULL || *tls == NULL)
        return;
    if (atomic_fetch_sub(&(*tls)->references, 1) == 1)
        destroy(*tls);
    *tls = NULL;
}

struct net_tls *tls_ref(struct net_tls *tls)
{
    (void)atomic_fetch_add(&tls->references, 1);
    return tls;
}

bool tls_is_client(const struct net_tls *tls)
{
    return tls->client;
}

/* The newest session that is young enough. A TLS 1.3 ticket is used once (RFC 8446 C.4), a 1.2
 * session stays. Under the lock. */
static SSL_SESSION *take_session(struct net_tls *tls)
{
    const int64_t oldest = now_s() - SESSION_SECONDS;
    SSL_SESSION *session;

    while (tls->session_count > 0) {
        session = tls->sessions[tls->session_count - 1];
        if (verified_s(session) > oldest && SSL_SESSION_is_resumable(session)) {
            if (SSL_SESSION_get_protocol_version(session) >= TLS1_3_VERSION)
                tls->session_count--;
            else
                (void)SSL_SESSION_up_ref(session);
            return session;
        }
        tls->session_count--;
        SSL_SESSION_free(session);
    }
    return NULL;
}

static bool prepare_client(struct net_tls *tls, SSL *ssl, SSL_SESSION *session)
{
    /* RFC 6066 3: no literal addresses in SNI. */
    if (!tls->host_is_address && SSL_set_tlsext_host_name(ssl, tls->host) != 1)
        return false;
    if (session != NULL && SSL_set_session(ssl, session) != 1)
        ERR_clear_error(); /* a full handshake then */
    SSL_set_connect_state(ssl);
    return true;
}

struct ssl_ctx_st *net_tls_context(struct net_tls *tls)
{
    SSL_CTX *ctx;

    (void)pthread_mutex_lock(&tls->lock);
    ctx = tls->ctx;
    (void)SSL_CTX_up_ref(ctx);
    (void)pthread_mutex_unlock(&tls->lock);
    return ctx;
}

SSL *tls_connection(struct net_tls *tls, struct err *err)
{
    SSL_SESSION *session = NULL;
    SSL *ssl;

    ERR_clear_error();
    (void)pthread_mutex_lock(&tls->lock);
    ssl = SSL_new(tls->ctx);
    if (ssl != NULL && tls->client)
        session = take_session(tls);
    (void)pthread_mutex_unlock(&tls->lock);
    if (ssl != NULL && !tls->client)
        SSL_set_accept_state(ssl);
    if (ssl != NULL && tls->client && !prepare_client(tls, ssl, session)) {
        SSL_free(ssl);
        ssl = NULL;
    }
    SSL_SESSION_free(session);
    if (ssl == NULL)
        (void)err_set(err, STATUS_NOMEM, "TLS connection: %s", tls_reason());
    return ssl;
}
