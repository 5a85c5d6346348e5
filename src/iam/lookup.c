/* SPDX-License-Identifier: Apache-2.0
 * One look-up, on the thread: GET, or HEAD and the token's own words where GET isn't there. What
 * IAM's answer means (API reference, "Verifying a Token"): 200 is yes. Of a token that validates
 * itself 400, 401, 403 and 404 are no: 403 too, because nobody else's rights are in play. With the
 * gateway's own token 401 and 403 are about that one, so that they say nothing about the caller's.
 */
#include "base/clock.h"
#include "http1/write.h"
#include "iam/inner.h"
#include "identity/iam_answer.h"
#include "identity/identity.h"

enum { HEAD_ROOM = 1024 }; /* of a request, beside its tokens */

static void ask_iam(struct flight *flight, bool by_head);

/* ---- ends ---- */

static void end(struct flight *flight, enum iam_answer answer, const struct iam_verdict *verdict)
{
    if (flight->armed)
        (void)event_del(&flight->deadline);
    TAILQ_REMOVE(&flight->iam->flying, flight, next);
    wipe(&flight->token);
    wipe(&flight->head);
    flight_settle(flight, answer, verdict);
}

static void end_refused(struct flight *flight, enum identity_reason id, const char *message)
{
    const struct iam_verdict verdict = {.why = &identity_reasons[id], .message = message};

    end(flight, IAM_REFUSED, &verdict);
}

static void end_in_trouble(struct flight *flight, const char *what)
{
    iam_tell_trouble(flight->iam, what);
    end_refused(flight, IDENTITY_UNAVAILABLE,
                "the token cannot be verified, because IAM does not answer; try again");
}

/* It answers, so that others may still be asked about: a user with an odd token is not to hold up
 * everybody. */
static void end_unread(struct flight *flight, const char *what)
{
    iam_tell_unread(flight->iam, what);
    end_refused(flight, IDENTITY_UNAVAILABLE,
                "the token cannot be verified, because IAM's answer about it cannot be read");
}

static void count(struct iam *iam, uint64_t *counter)
{
    (void)pthread_mutex_lock(&iam->lock);
    (*counter)++;
    (void)pthread_mutex_unlock(&iam->lock);
}

static void end_no(struct flight *flight)
{
    struct iam *const iam = flight->iam;
    const int64_t cache_ms = iam->settings.cache_ms;
    const int64_t keep_ms = cache_ms < IAM_REFUSED_KEEP_MS ? cache_ms : IAM_REFUSED_KEEP_MS;
    const struct token_facts nothing = {.expires_us = 0};

    iam_tell_well(iam);
    count(iam, &iam->state.refused);
    shared_cache_add(iam->refused, flight->digest, &nothing, flight->asked_us,
                     flight->asked_us + keep_ms * 1000);
    end_refused(flight, IDENTITY_TOKEN_REFUSED, "IAM does not accept the token; get a new one");
}

static void end_yes(struct flight *flight, const struct token_facts *facts)
{
    struct iam *const iam = flight->iam;
    const struct iam_verdict verdict = {.facts = *facts};
    int64_t until_us = flight->asked_us + iam->settings.cache_ms * 1000;

    iam_tell_well(iam);
    if (clock_now_us() >= facts->expires_us) {
        end_refused(flight, IDENTITY_TOKEN_EXPIRED, "the token has expired; get a new one");
        return;
    }
    if (until_us > facts->expires_us)
        until_us = facts->expires_us;
    shared_cache_add(iam->known, flight->digest, facts, flight->asked_us, until_us);
    end(flight, IAM_KNOWN, &verdict);
}

void lookup_drop(struct flight *flight)
{
    const struct iam_verdict verdict = {.why = &identity_reasons[IDENTITY_UNAVAILABLE],
                                        .message = "the gateway ends"};

    if (flight->call != NULL)
        upstream_cancel(flight->call);
    end(flight, IAM_REFUSED, &verdict);
}

static void on_deadline(evutil_socket_t fd, short what, void *user)
{
    struct flight *const flight = user;

    (void)fd;
    (void)what;
    if (flight->call != NULL)
        upstream_cancel(flight->call);
    flight->call = NULL;
    end_in_trouble(flight, "no answer in time");
}

/* ---- answers ---- */

static void judge_yes(struct flight *flight)
{
    struct token_facts facts;
    enum status status;

    if (flight->other_token) {
        end_unread(flight, "the answer is about another token");
        return;
    }
    if (flight->by_head)
        status = token_read(buf_view(&flight->token), &flight->arena, &facts);
    else
        status = iam_answer_read(buf_view(&flight->body), &flight->arena, &facts);
    if (status == STATUS_OK)
        end_yes(flight, &facts);
    else if (flight->by_head && status == STATUS_SYNTAX)
        end_refused(flight, IDENTITY_TOKEN_MALFORMED,
                    "the token cannot be decoded; send an unchanged IAM token of a project");
    else
        end_unread(flight, "the answer can't be read");
}

static void remember_absent(struct iam *iam)
{
    iam->head_until_us = clock_monotonic_us() + (int64_t)IAM_HEAD_KEEP_MS * 1000;
    (void)pthread_mutex_lock(&iam->lock);
    iam->state.by_head = true;
    (void)pthread_mutex_unlock(&iam->lock);
}

/* GET may not be there: IAM that has only HEAD says 405 or 501, or 404 without a word about the
 * token. */
static bool is_absent(struct flight *flight)
{
    if (flight->by_head)
        return false;
    if (flight->status == 405 || flight->status == 501)
        return true;
    return flight->status == 404 && !iam_answer_is_verdict(buf_view(&flight->body), &flight->arena);
}

static bool is_no(const struct flight *flight)
{
    switch (flight->status) {
    case 400:
    case 404:
        return true;
    case 401:
    case 403:
        return flight->iam->settings.service_token == NULL;
    default:
        return false;
    }
}

static void judge(struct flight *flight)
{
    if (flight->body.failed != STATUS_OK) {
        end_unread(flight, "the answer is too long");
    } else if (flight->status == 200 || (flight->by_head && flight->status == 204)) {
        /* A 404 alone doesn't prove that GET isn't there; that HEAD says yes does. */
        if (flight->maybe_absent)
            remember_absent(flight->iam);
        judge_yes(flight);
    } else if (is_absent(flight)) {
        if (flight->status == 404)
            flight->maybe_absent = true;
        else
            remember_absent(flight->iam);
        ask_iam(flight, true);
    } else if (is_no(flight)) {
        end_no(flight);
    } else if (flight->status == 401 || flight->status == 403) {
        end_in_trouble(flight, "IAM does not accept the gateway's own token");
    } else {
        end_in_trouble(flight, flight->status == 429 ? "IAM is asked too often"
                                                     : "IAM answers with a failure");
    }
}

static void on_head(void *user, const struct http1_response *head)
{
    struct flight *const flight = user;
    unsigned echoes;
    const struct http1_field *echo =
        http1_find_field(head->fields, head->count, HTTP1_X_SUBJECT_TOKEN, &echoes);

    flight->status = head->status;
    flight->other_token = !iam_answer_is_about(buf_view(&flight->token), echoes,
                                               echo == NULL ? VIEW_NONE : echo->value);
}

static void on_data(void *user, struct view data)
{
    buf_add(&((struct flight *)user)->body, data);
}

static void on_end(void *user)
{
    struct flight *const flight = user;

    flight->call = NULL;
    judge(flight);
}

static void on_failed(void *user, enum upstream_failure failure, bool sent, const char *detail)
{
    struct flight *const flight = user;

    (void)sent;
    (void)detail;
    flight->call = NULL;
    end_in_trouble(flight, upstream_failure_name(failure));
}

static const struct upstream_handler handler = {
    .on_head = on_head, .on_data = on_data, .on_end = on_end, .on_failed = on_failed};

/* ---- requests ---- */

static enum status write_head(struct flight *flight, struct view method, struct view by)
{
    const struct iam_settings *const settings = &flight->iam->settings;
    struct buf *const head = &flight->head;
    struct view target =
        arena_printf(&flight->arena, "%s/v3/auth/tokens?nocatalog=true", settings->path);

    wipe(head);
    buf_init(head, HEAD_ROOM + strlen(settings->host) + strlen(settings->path) + by.len +
                       flight->token.len);
    /* All at once: no copy of a secret stays behind. */
    if (target.ptr == NULL || !buf_reserve(head, head->max))
        return STATUS_NOMEM;
    http1_put_request_line(head, method, target);
    http1_put_field(head, VIEW("Host"), view_str(settings->host));
    http1_put_field(head, VIEW("Accept"), VIEW("application/json"));
    http1_put_field(head, VIEW("X-Auth-Token"), by);
    http1_put_field(head, VIEW("X-Subject-Token"), buf_view(&flight->token));
    http1_put_end(head);
    return head->failed;
}

static enum status write_request(struct flight *flight, struct view method)
{
    const struct iam_settings *const settings = &flight->iam->settings;
    struct buf own;
    enum status status;

    if (settings->service_token == NULL)
        return write_head(flight, method, buf_view(&flight->token));
    buf_init(&own, TOKEN_BYTES_MAX);
    status = buf_reserve(&own, TOKEN_BYTES_MAX) ? STATUS_OK : STATUS_NOMEM;
    if (status == STATUS_OK)
        status = settings->service_token(settings->service_user, &own);
    if (status == STATUS_OK && (own.failed != STATUS_OK || own.len == 0))
        status = STATUS_INVALID;
    if (status == STATUS_OK)
        status = write_head(flight, method, buf_view(&own));
    wipe(&own);
    return status;
}

static void ask_iam(struct flight *flight, bool by_head)
{
    const struct view method = by_head ? VIEW("HEAD") : VIEW("GET");
    enum status status = write_request(flight, method);
    struct upstream_order order = {.method = method, .idempotent = true, .urgent = true};

    flight->by_head = by_head;
    flight->other_token = false;
    buf_clear(&flight->body);
    if (status == STATUS_OK) {
        order.head = buf_view(&flight->head);
        flight->call = upstream_start(flight->iam->upstream, &order, &handler, flight);
    }
    if (flight->call == NULL)
        end_in_trouble(flight, status == STATUS_OK || status == STATUS_NOMEM
                                   ? "out of memory"
                                   : "the gateway's own token can't be had");
}

static bool arm(struct flight *flight)
{
    const int64_t left_us = flight->deadline_us - clock_monotonic_us();
    const struct timeval wait = {.tv_sec = left_us <= 0 ? 0 : left_us / 1000000,
                                 .tv_usec = left_us <= 0 ? 0 : left_us % 1000000};

    if (event_assign(&flight->deadline, flight->iam->loop.base, -1, 0, on_deadline, flight) != 0)
        return false;
    flight->armed = event_add(&flight->deadline, &wait) == 0;
    return flight->armed;
}

void lookup_start(struct flight *flight)
{
    struct iam *const iam = flight->iam;
    const bool by_head = clock_monotonic_us() < iam->head_until_us;

    (void)pthread_mutex_lock(&iam->lock);
    iam->state.lookups++;
    iam->state.by_head = by_head;
    (void)pthread_mutex_unlock(&iam->lock);
    if (arm(flight))
        ask_iam(flight, by_head);
    else
        end_in_trouble(flight, "out of memory");
}
