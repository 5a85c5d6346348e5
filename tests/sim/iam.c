/* SPDX-License-Identifier: Apache-2.0
 * GET, HEAD and POST /v3/auth/tokens. A token needs no more than to be one: whoever made it, it is
 * good until it expires or is revoked, unless `verify` is set. */
#include "iam.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/pem.h>

#include "answer.h"
#include "exchange.h"
#include "sim.h"
#include "token.h"

enum { DAY_S = 86400 };

/* ---- beginning and end ---- */

static FILE *open_file(const char *path)
{
    FILE *file = fopen(path, "re");
    if (file == NULL)
        (void)fprintf(stderr, "modelarts-sim: cannot read %s\n", path);
    return file;
}

static bool load_key(struct iam *iam, const char *certificate, const char *key)
{
    FILE *one = open_file(certificate), *two = open_file(key);
    if (one != NULL)
        iam->certificate = PEM_read_X509(one, NULL, NULL, NULL);
    if (two != NULL)
        iam->key = PEM_read_PrivateKey(two, NULL, NULL, NULL);
    if (one != NULL)
        (void)fclose(one);
    if (two != NULL)
        (void)fclose(two);
    if (iam->certificate == NULL || iam->key == NULL ||
        X509_check_private_key(iam->certificate, iam->key) != 1) {
        (void)fprintf(stderr, "modelarts-sim: cannot sign with certificate %s and key %s\n",
                      certificate, key);
        return false;
    }
    return true;
}

bool iam_init(struct iam *iam, const char *certificate, const char *key)
{
    *iam = (struct iam){.counts = json_object(), .revoked = json_object(), .expires_s = DAY_S};
    return certificate == NULL || load_key(iam, certificate, key);
}

void iam_done(struct iam *iam)
{
    json_decref(iam->counts);
    json_decref(iam->revoked);
    X509_free(iam->certificate);
    EVP_PKEY_free(iam->key);
}

/* ---- answers ---- */

static void answer_error(struct answer *answer, int status, const char *message)
{
    answer_json(answer, status,
                json_pack("{s:{s:i,s:s,s:s}}", "error", "code", status, "message", message, "title",
                          answer_reason(status)));
}

static void write_time(char text[64], long long from_now_s)
{
    struct timespec now;
    time_t when;
    struct tm tm;
    char seconds[32];
    clock_gettime(CLOCK_REALTIME, &now);
    when = now.tv_sec + (time_t)from_now_s;
    gmtime_r(&when, &tm);
    (void)strftime(seconds, sizeof seconds, "%Y-%m-%dT%H:%M:%S", &tm);
    (void)snprintf(text, 64, "%s.000000Z", seconds);
}

/* Texts in one form: they compare as times do. */
static bool is_over(json_t *token)
{
    const char *end = json_string_value(json_object_get(token, "expires_at"));
    char now[64];
    write_time(now, 0);
    return end == NULL || strcmp(end, now) <= 0;
}

/* The document of a token that is good; NULL if it isn't. */
static json_t *open_good(struct iam *iam, const char *token)
{
    char digest[65];
    json_t *document;
    token_digest(token, digest);
    if (json_object_get(iam->revoked, digest) != NULL)
        return NULL;
    document = token_open(token, iam->verify ? iam->certificate : NULL);
    if (is_over(json_object_get(document, "token"))) {
        json_decref(document);
        return NULL;
    }
    return document;
}

/* ---- validation ---- */

static void count_validation(struct iam *iam, const char *token)
{
    char digest[65];
    token_digest(token, digest);
    iam->validations++;
    json_object_set_new(iam->counts, digest,
                        json_integer(json_integer_value(json_object_get(iam->counts, digest)) + 1));
}

/* Validating another's token takes a right. */
static bool may_look(json_t *document)
{
    json_t *roles = json_object_get(json_object_get(document, "token"), "roles"), *role;
    size_t i;
    json_array_foreach (roles, i, role) {
        const char *name = json_string_value(json_object_get(role, "name"));
        if (name != NULL && strcmp(name, "secu_admin") == 0)
            return true;
    }
    return false;
}

static void answer_valid(struct exchange *exchange, const char *token, json_t *document)
{
    struct answer *answer = &exchange->answer;
    const char *uri = evhttp_request_get_uri(exchange->request);
    json_t *inner = json_object_get(document, "token");
    if (strstr(uri, "nocatalog=true") != NULL)
        json_object_del(inner, "catalog");
    if (evhttp_request_get_command(exchange->request) == EVHTTP_REQ_HEAD) {
        answer_json(answer, 200, NULL);
    } else {
        answer_json(answer, 200, json_incref(document));
    }
    evhttp_add_header(&answer->headers, "X-Subject-Token", token);
}

static void validate_for(struct exchange *exchange, const char *caller, const char *subject)
{
    struct iam *iam = &exchange->sim->iam;
    json_t *by = open_good(iam, caller), *of = open_good(iam, subject);
    if (by == NULL)
        answer_error(&exchange->answer, 401, "The token must be updated.");
    else if (strcmp(caller, subject) != 0 && !may_look(by))
        answer_error(&exchange->answer, 403, "You are not authorized to perform this action.");
    else if (of == NULL)
        answer_error(&exchange->answer, 404, "The token is unknown.");
    else
        answer_valid(exchange, subject, of);
    json_decref(by);
    json_decref(of);
}

static void validate(struct exchange *exchange)
{
    struct iam *iam = &exchange->sim->iam;
    struct answer *answer = &exchange->answer;
    struct evkeyvalq *in = evhttp_request_get_input_headers(exchange->request);
    const char *caller = evhttp_find_header(in, "X-Auth-Token");
    const char *subject = evhttp_find_header(in, "X-Subject-Token");
    if (iam->get_status != 0 && evhttp_request_get_command(exchange->request) == EVHTTP_REQ_GET) {
        answer_front_door(answer, iam->get_status, "APIG.0101",
                          "The API does not exist or has not been published.");
        return;
    }
    if (subject != NULL)
        count_validation(iam, subject);
    if (iam->status != 0)
        answer_error(answer, iam->status, "So the test wants it.");
    else if (caller == NULL)
        answer_error(answer, 401, "The request you have made requires authentication.");
    else if (subject == NULL)
        answer_error(answer, 400, "X-Subject-Token is missing.");
    else
        validate_for(exchange, caller, subject);
}

/* ---- issue ---- */

/* The text at the end of a path of members, or `missing`. */
static const char *text_at(json_t *at, const char *const *path, const char *missing)
{
    for (; *path != NULL && at != NULL; path++)
        at = json_object_get(at, *path);
    return json_is_string(at) ? json_string_value(at) : missing;
}

static json_t *make_roles(unsigned count)
{
    json_t *roles = json_pack("[{s:s,s:s}]", "name", "te_admin", "id", "0");
    for (unsigned i = 0; i < count; i++) {
        char name[40];
        (void)snprintf(name, sizeof name, "op_gated_example_%06u", i);
        json_array_append_new(roles, json_pack("{s:s,s:s}", "name", name, "id", "0"));
    }
    return roles;
}

static json_t *make_document(const struct iam *iam, json_t *wanted)
{
    static const char *const user[] = {"auth", "identity", "password", "user", "name", NULL};
    static const char *const domain[] = {"auth",   "identity", "password", "user",
                                         "domain", "name",     NULL};
    static const char *const id[] = {"auth", "scope", "project", "id", NULL};
    static const char *const name[] = {"auth", "scope", "project", "name", NULL};
    const char *who = text_at(wanted, user, NULL), *org = text_at(wanted, domain, "example-org");
    const char *project = text_at(wanted, id, "0123456789abcdef0123456789abcdef");
    char expires[64], issued[64];
    json_t *document;
    if (who == NULL)
        return NULL;
    write_time(expires, iam->expires_s);
    write_time(issued, 0);
    document =
        json_pack("{s:{s:s,s:s,s:[s],s:[],s:o,s:{s:s+,s:s,s:s,s:{s:s+,s:s}}}}", "token",
                  "expires_at", expires, "issued_at", issued, "methods", "password", "catalog",
                  "roles", make_roles(iam->roles), "user", "id", "user-id-of-", who, "name", who,
                  "password_expires_at", "", "domain", "id", "domain-id-of-", org, "name", org);
    if (text_at(wanted, id, NULL) != NULL || text_at(wanted, name, NULL) != NULL)
        json_object_set_new(json_object_get(document, "token"), "project",
                            json_pack("{s:s,s:s,s:{s:s+,s:s}}", "id", project, "name",
                                      text_at(wanted, name, "eu-de"), "domain", "id",
                                      "domain-id-of-", org, "name", org));
    return document;
}

static void issue(struct exchange *exchange)
{
    struct iam *iam = &exchange->sim->iam;
    struct answer *answer = &exchange->answer;
    struct evbuffer *in = evhttp_request_get_input_buffer(exchange->request);
    size_t length = evbuffer_get_length(in);
    json_t *wanted = length == 0 ? NULL
                                 : json_loadb((const char *)evbuffer_pullup(in, -1), length,
                                              JSON_REJECT_DUPLICATES, NULL);
    json_t *document = make_document(iam, wanted);
    char *token = document == NULL || iam->key == NULL
                      ? NULL
                      : token_sign(document, iam->certificate, iam->key);
    if (document == NULL)
        answer_error(answer, 400, "The request body is invalid.");
    else if (token == NULL)
        answer_error(answer, 500, "There is no key to sign with.");
    else {
        answer_json(answer, 201, json_incref(document));
        evhttp_add_header(&answer->headers, "X-Subject-Token", token);
        iam->issued++;
    }
    free(token);
    json_decref(document);
    json_decref(wanted);
}

void iam_serve(struct exchange *exchange)
{
    static const char path[] = "/v3/auth/tokens";
    const char *uri = evhttp_request_get_uri(exchange->request);
    const char *end = uri + sizeof path - 1;
    bool known = strncmp(uri, path, sizeof path - 1) == 0 && (*end == '\0' || *end == '?');
    switch (evhttp_request_get_command(exchange->request)) {
    case EVHTTP_REQ_GET:
    case EVHTTP_REQ_HEAD:
        if (known) {
            validate(exchange);
            return;
        }
        break;
    case EVHTTP_REQ_POST:
        if (known) {
            issue(exchange);
            return;
        }
        break;
    default:
        break;
    }
    answer_front_door(&exchange->answer, 404, "APIG.0101",
                      "The API does not exist or has not been published.");
}

/* ---- control ---- */

void iam_control_get(struct sim *sim, json_t *body, struct answer *answer)
{
    const struct iam *iam = &sim->iam;
    (void)body;
    answer_json(answer, 200,
                json_pack("{s:O,s:O,s:I,s:I,s:i,s:i,s:i,s:i,s:b,s:b}", "counts", iam->counts,
                          "revoked", iam->revoked, "validations", (json_int_t)iam->validations,
                          "issued", (json_int_t)iam->issued, "status", iam->status, "get",
                          iam->get_status, "expires_s", iam->expires_s, "roles", (int)iam->roles,
                          "verify", iam->verify, "down", iam->down));
}

/* Connections that are open, too. */
static void set_down(struct sim *sim, bool down)
{
    struct conn *conn = TAILQ_FIRST(&sim->wire.conns), *next;
    sim->iam.down = down;
    for (; conn != NULL; conn = next) {
        next = TAILQ_NEXT(conn, next);
        if (down && conn->iam)
            wire_later(conn, wire_end);
    }
}

void iam_control_set(struct sim *sim, json_t *body, struct answer *answer)
{
    struct iam *iam = &sim->iam;
    const char *revoke = NULL;
    int roles = (int)iam->roles, verify = iam->verify, down = iam->down;
    if (json_unpack_ex(body, NULL, JSON_STRICT, "{s?i,s?i,s?i,s?i,s?b,s?b,s?s}", "status",
                       &iam->status, "get", &iam->get_status, "expires_s", &iam->expires_s, "roles",
                       &roles, "verify", &verify, "down", &down, "revoke", &revoke) != 0) {
        answer_json(answer, 400, json_pack("{s:s}", "error", "no such setting of IAM"));
        return;
    }
    iam->roles = (unsigned)roles;
    iam->verify = verify != 0;
    if (revoke != NULL)
        json_object_set_new(iam->revoked, revoke, json_true());
    if (iam->down != (down != 0))
        set_down(sim, down != 0);
    iam_control_get(sim, NULL, answer);
}

void iam_control_forget(struct sim *sim, json_t *body, struct answer *answer)
{
    struct iam *iam = &sim->iam;
    json_object_clear(iam->counts);
    json_object_clear(iam->revoked);
    iam->validations = 0;
    iam_control_get(sim, body, answer);
}
