/* SPDX-License-Identifier: Apache-2.0
 * The one credential that goes to the cloud: the token as it came, or a signature made anew, with
 * the caller's own key or the organisation's. */
#include "identity/sign.h"

#include "base/clock.h"
#include "base/log.h"
#include "gateway/exchange.h"
#include "gateway/outgoing.h"
#include "http1/write.h"

/* What a received head says about its sender. */
static const struct {
    const char *name;
    size_t len;
} credentials[] = {
#define NAME(text)               \
    {                            \
        (text), sizeof(text) - 1 \
    }
    NAME("x-auth-token"),     NAME("authorization"), NAME("x-project-id"),
    NAME("x-domain-id"),      NAME("x-sdk-date"),    NAME("x-sdk-content-sha256"),
    NAME("x-security-token"),
#undef NAME
};

static bool is_credential(struct view name)
{
    for (size_t i = 0; i < ARRAY_LEN(credentials); i++) {
        if (view_eq_nocase(name, view_of(credentials[i].name, credentials[i].len)))
            return true;
    }
    return false;
}

static bool has_token(const struct exchange *x)
{
    return http1_find_field(x->head->fields, x->head->count, HTTP1_X_AUTH_TOKEN, NULL) != NULL;
}

/* Of two on a call that isn't judged, the token alone is what was looked into; a temporary key's
 * token never goes without its signature. */
static bool is_of_dropped_signature(const struct exchange *x, struct view name)
{
    return view_eq_nocase(name, VIEW("x-security-token")) ||
           (view_eq_nocase(name, VIEW("authorization")) && has_token(x));
}

/* Whom it names is the gateway's to judge, and nobody else's to believe. */
static bool names_a_user(const struct exchange *x, struct view name)
{
    const struct forwarded_settings *settings = x->gw->shared->means.forwarded;

    return settings != NULL && settings->header.ptr != NULL &&
           view_eq_nocase(name, settings->header);
}

enum sign_pass sign_passes(const struct exchange *x, const struct http1_field *field)
{
    if (names_a_user(x, field->name))
        return SIGN_DROPS;
    if (!is_credential(field->name))
        return SIGN_ASKS_TABLE;
    switch (x->who.sends) {
    case SENDS_RECEIVED:
        return is_of_dropped_signature(x, field->name) ? SIGN_DROPS : SIGN_ASKS_TABLE;
    case SENDS_RELAYED:
        return SIGN_PASSES;
    case SENDS_ANEW:
    case SENDS_SERVICE:
        break;
    }
    return SIGN_DROPS;
}

static bool fail(struct exchange *x, const char *why)
{
    log_line(LOG_ERROR, "a request could not be signed id=%.*s: %s", RANDOM_ID_BYTES, x->id, why);
    x->sign_failed = true;
    return false;
}

static bool sign_as_caller(struct exchange *x, const struct outgoing *what)
{
    const struct sign_key key = {.access = x->key->access_key,
                                 .secret = x->key->secret_key,
                                 .security = x->key->security_token};
    struct canonical_field fields[3], added[SIGN_ADDED_MAX];
    struct sign_request request = {.method = what->method,
                                   .path = what->path,
                                   .query = what->query,
                                   .body = what->body,
                                   .fields = fields};
    size_t count = 0;

    fields[request.count++] = (struct canonical_field){VIEW("host"), view_str(x->gw->shared->host)};
    if (route_project(x).len > 0)
        fields[request.count++] = (struct canonical_field){VIEW("x-project-id"), route_project(x)};
    if (what->body_unread)
        fields[request.count++] =
            (struct canonical_field){VIEW("x-sdk-content-sha256"), VIEW("UNSIGNED-PAYLOAD")};
    if (sign_anew(&request, &key, clock_now_us(), x->arena, added, &count) != STATUS_OK)
        return fail(x, "out of memory");
    for (size_t i = 1; i < request.count; i++)
        http1_put_field(&x->out, fields[i].name, fields[i].value);
    for (size_t i = 0; i < count; i++)
        http1_put_field(&x->out, added[i].name, added[i].value);
    return true;
}

static bool sign_as_service(struct exchange *x, const struct outgoing *what)
{
    struct gateway_shared *shared = x->gw->shared;
    const struct service_request request = {.method = what->method,
                                            .path = what->path,
                                            .query = what->query,
                                            .host = view_str(shared->host),
                                            .project = route_project(x),
                                            .body = what->body,
                                            .body_unread = what->body_unread,
                                            .now_us = clock_now_us()};
    struct service_field fields[SERVICE_FIELDS_MAX];
    size_t count = 0;
    struct err err = {0};
    enum status status;

    /* Its secrets may be read anew by the next call: they are copied under the lock. */
    (void)pthread_mutex_lock(&shared->sign_lock);
    status = service_fields(shared->sign_as, &request, x->arena, fields, &count, &err);
    for (size_t i = 0; status == STATUS_OK && i < count; i++)
        http1_put_field(&x->out, fields[i].name, fields[i].value);
    (void)pthread_mutex_unlock(&shared->sign_lock);
    return status == STATUS_OK || fail(x, err.text[0] == '\0' ? "out of memory" : err.text);
}

bool sign_head(struct exchange *x, const struct outgoing *what)
{
    switch (x->who.sends) {
    case SENDS_RECEIVED:
    case SENDS_RELAYED:
        break;
    case SENDS_ANEW:
        return sign_as_caller(x, what);
    case SENDS_SERVICE:
        return sign_as_service(x, what);
    }
    return true;
}

enum flow sign_refuse(struct exchange *x)
{
    if (x->sign_failed)
        return exchange_refuse(x, &gateway_reasons[GATEWAY_SIGN_FAILED],
                               "the gateway's own key for the cloud could not be used; nothing was "
                               "sent, tell its operators");
    return exchange_refuse(x, &gateway_reasons[GATEWAY_JUDGE_FAILED],
                           "memory is out, nothing was sent");
}
