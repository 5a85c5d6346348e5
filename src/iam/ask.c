/* SPDX-License-Identifier: Apache-2.0
 * The workers' side: the cache, and waiting for a look-up together. Lock order: the room's, then a
 * shard's of a cache. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/require.h"
#include "iam/inner.h"
#include "identity/facts.h"
#include "identity/identity.h"

static enum iam_answer refuse(struct iam_verdict *ret, enum identity_reason id, const char *message)
{
    *ret = (struct iam_verdict){.why = &identity_reasons[id], .message = message};
    return IAM_REFUSED;
}

static enum iam_answer refuse_memory(struct iam_verdict *ret)
{
    return refuse(ret, IDENTITY_UNAVAILABLE, "there is no memory to verify the token now");
}

/* ---- mailboxes ---- */

struct iam_mailbox *iam_mailbox_new(struct iam *iam, void (*wake)(void *user), void *user)
{
    struct iam_mailbox *mailbox = calloc(1, sizeof *mailbox);

    if (mailbox == NULL)
        return NULL;
    mailbox->iam = iam;
    mailbox->wake = wake;
    mailbox->user = user;
    TAILQ_INIT(&mailbox->ready);
    TAILQ_INIT(&mailbox->all);
    (void)pthread_mutex_lock(&iam->lock);
    iam->mailboxes++;
    (void)pthread_mutex_unlock(&iam->lock);
    return mailbox;
}

void iam_mailbox_free(struct iam_mailbox **mailbox)
{
    struct iam_mailbox *const box = *mailbox;
    struct iam_ticket *ticket, *next;

    if (box == NULL)
        return;
    /* The thread puts no new tickets into `all`. */
    for (ticket = TAILQ_FIRST(&box->all); ticket != NULL; ticket = next) {
        next = TAILQ_NEXT(ticket, of_box);
        iam_abandon(ticket);
    }
    (void)pthread_mutex_lock(&box->iam->lock);
    box->iam->mailboxes--;
    (void)pthread_mutex_unlock(&box->iam->lock);
    free(box);
    *mailbox = NULL;
}

/* ---- flights ---- */

void flight_free(struct flight *flight)
{
    wipe(&flight->token);
    wipe(&flight->head);
    buf_done(&flight->body);
    arena_done(&flight->arena);
    free(flight);
}

/* Under the lock. True: it is the caller's to free, after the lock. */
static bool unref(struct flight *flight)
{
    REQUIRE(flight->refs > 0);
    if (--flight->refs > 0)
        return false;
    flight->iam->flight_count--;
    return true;
}

static struct chain *chain_of(struct iam *iam, const unsigned char *digest)
{
    return &iam->chains[digest[0] % BUCKETS];
}

static struct flight *find_flight(struct iam *iam, const unsigned char *digest)
{
    struct flight *flight = LIST_FIRST(chain_of(iam, digest));

    while (flight != NULL && memcmp(flight->digest, digest, DIGEST_BYTES) != 0)
        flight = LIST_NEXT(flight, chain);
    return flight;
}

static struct flight *new_flight(struct iam *iam, const struct token_question *question)
{
    struct flight *flight = calloc(1, sizeof *flight);

    if (flight == NULL)
        return NULL;
    flight->iam = iam;
    memcpy(flight->digest, question->digest, DIGEST_BYTES);
    TAILQ_INIT(&flight->waiting);
    flight->refs = 1;
    flight->asked_us = question->now_us;
    flight->deadline_us = clock_monotonic_us() + iam->settings.timeout_ms * 1000;
    arena_init(&flight->arena, FLIGHT_ARENA_BLOCK, FLIGHT_ARENA_BYTES);
    buf_init(&flight->body, IAM_ANSWER_BYTES_MAX);
    /* It never grows: no copy of a secret stays behind. */
    buf_init(&flight->token, question->token.len);
    buf_add(&flight->token, question->token);
    if (flight->token.failed != STATUS_OK) {
        flight_free(flight);
        return NULL;
    }
    return flight;
}

void flight_settle(struct flight *flight, enum iam_answer answer, const struct iam_verdict *verdict)
{
    struct iam *const iam = flight->iam;
    struct iam_ticket *ticket;
    bool last;

    (void)pthread_mutex_lock(&iam->lock);
    flight->answer = answer;
    flight->verdict = *verdict;
    LIST_REMOVE(flight, chain);
    while ((ticket = TAILQ_FIRST(&flight->waiting)) != NULL) {
        struct iam_mailbox *const mailbox = ticket->mailbox;
        const bool first = TAILQ_EMPTY(&mailbox->ready);

        TAILQ_REMOVE(&flight->waiting, ticket, next);
        TAILQ_INSERT_TAIL(&mailbox->ready, ticket, next);
        ticket->ready = true;
        if (first)
            mailbox->wake(mailbox->user);
    }
    last = unref(flight);
    (void)pthread_mutex_unlock(&iam->lock);
    if (last)
        flight_free(flight);
}

/* ---- asking ---- */

/* Printable, without what would let IAM choose between several. */
static bool is_word(struct view token)
{
    if (token.len == 0 || token.len > TOKEN_BYTES_MAX)
        return false;
    for (size_t i = 0; i < token.len; i++) {
        if (token.ptr[i] <= ' ' || token.ptr[i] > '~' || token.ptr[i] == ',')
            return false;
    }
    return true;
}

/* IAM_WAITS: neither cache has it. */
static enum iam_answer ask_caches(struct iam *iam, const struct token_question *question,
                                  struct arena *arena, struct iam_verdict *ret)
{
    struct token_facts facts;

    if (iam->settings.cache_ms == 0)
        return IAM_WAITS;
    if (shared_cache_find(iam->known, question->digest, question->now_us, arena, &facts)) {
        *ret = (struct iam_verdict){.facts = facts};
        return IAM_KNOWN;
    }
    if (shared_cache_find(iam->refused, question->digest, question->now_us, arena, &facts))
        return refuse(ret, IDENTITY_TOKEN_REFUSED, "IAM does not accept the token; get a new one");
    return IAM_WAITS;
}

/* While IAM is away only one look-up from time to time is let through, to see whether it is back.
 */
static bool is_held_back(struct iam *iam)
{
    const int64_t now_us = clock_monotonic_us();

    if (iam->troubles <= TROUBLES_TOLERATED)
        return false;
    if (now_us < iam->held_until_us)
        return true;
    iam->held_until_us = now_us + iam_pause_us(iam);
    return false;
}

/* A new flight, among the others but not yet under way; NULL: *ret says why not. */
static struct flight *launch(struct iam *iam, const struct token_question *question,
                             struct iam_verdict *ret)
{
    struct flight *flight;

    if (iam->flight_count >= IAM_WAITING_MAX) {
        iam->state.overflows++;
        (void)refuse(ret, IDENTITY_UNAVAILABLE, "too many tokens wait to be verified; try again");
        return NULL;
    }
    if (is_held_back(iam)) {
        (void)refuse(ret, IDENTITY_UNAVAILABLE,
                     "the token cannot be verified, because IAM does not answer; try again");
        return NULL;
    }
    flight = new_flight(iam, question);
    if (flight == NULL) {
        (void)refuse_memory(ret);
        return NULL;
    }
    LIST_INSERT_HEAD(chain_of(iam, question->digest), flight, chain);
    TAILQ_INSERT_TAIL(&iam->fresh, flight, next);
    iam->flight_count++;
    net_loop_wake(&iam->loop);
    return flight;
}

static void board(struct iam_ticket *ticket, struct flight *flight)
{
    struct iam_mailbox *const mailbox = ticket->mailbox;

    ticket->flight = flight;
    flight->refs++;
    TAILQ_INSERT_TAIL(&flight->waiting, ticket, next);
    TAILQ_INSERT_TAIL(&mailbox->all, ticket, of_box);
    mailbox->iam->state.waiting++;
}

/* Under the lock. */
static enum iam_answer wait_for(struct iam_ticket *ticket, const struct token_question *question,
                                struct iam_verdict *ret)
{
    struct iam *const iam = ticket->mailbox->iam;
    struct flight *flight;

    if (iam->state.waiting >= IAM_WAITING_MAX) {
        iam->state.overflows++;
        return refuse(ret, IDENTITY_UNAVAILABLE, "too many requests wait for IAM; try again");
    }
    flight = find_flight(iam, question->digest);
    if (flight != NULL) {
        iam->state.joined++;
    } else {
        /* A look-up may have ended since the caches were asked. */
        enum iam_answer answer = ask_caches(iam, question, ticket->arena, ret);

        if (answer != IAM_WAITS)
            return answer;
        flight = launch(iam, question, ret);
        if (flight == NULL)
            return IAM_REFUSED;
    }
    board(ticket, flight);
    return IAM_WAITS;
}

/* One parameter more than usual: an answer, or a ticket for it. */
// NOLINTNEXTLINE(readability-function-size)
enum iam_answer iam_ask(struct iam_mailbox *mailbox, const struct token_question *question,
                        void *user, struct arena *arena, struct iam_verdict *ret,
                        struct iam_ticket **ret_ticket)
{
    struct iam *const iam = mailbox->iam;
    struct iam_ticket *ticket;
    enum iam_answer answer = ask_caches(iam, question, arena, ret);

    if (answer != IAM_WAITS)
        return answer;
    if (!is_word(question->token))
        return refuse(ret, IDENTITY_TOKEN_MALFORMED,
                      "this is no token; send an unchanged IAM token of a project");
    ticket = calloc(1, sizeof *ticket);
    if (ticket == NULL)
        return refuse_memory(ret);
    ticket->mailbox = mailbox;
    ticket->user = user;
    ticket->arena = arena;
    (void)pthread_mutex_lock(&iam->lock);
    answer = wait_for(ticket, question, ret);
    (void)pthread_mutex_unlock(&iam->lock);
    if (answer == IAM_WAITS)
        *ret_ticket = ticket;
    else
        free(ticket);
    return answer;
}

/* ---- answers ---- */

static struct iam_ticket *next_ready(struct iam_mailbox *mailbox)
{
    struct iam *const iam = mailbox->iam;
    struct iam_ticket *ticket;

    (void)pthread_mutex_lock(&iam->lock);
    ticket = TAILQ_FIRST(&mailbox->ready);
    if (ticket != NULL) {
        TAILQ_REMOVE(&mailbox->ready, ticket, next);
        TAILQ_REMOVE(&mailbox->all, ticket, of_box);
        iam->state.waiting--;
    }
    (void)pthread_mutex_unlock(&iam->lock);
    return ticket;
}

static void leave(struct flight *flight)
{
    bool last;

    (void)pthread_mutex_lock(&flight->iam->lock);
    last = unref(flight);
    (void)pthread_mutex_unlock(&flight->iam->lock);
    if (last)
        flight_free(flight);
}

void iam_collect(struct iam_mailbox *mailbox, void (*answered)(void *user, enum iam_answer answer,
                                                               const struct iam_verdict *verdict))
{
    struct iam_ticket *ticket;

    while ((ticket = next_ready(mailbox)) != NULL) {
        enum iam_answer answer = ticket->flight->answer;
        struct iam_verdict verdict = ticket->flight->verdict;
        void *const user = ticket->user;

        if (answer == IAM_KNOWN &&
            !facts_copy(&ticket->flight->verdict.facts, ticket->arena, &verdict.facts))
            answer = refuse_memory(&verdict);
        leave(ticket->flight);
        free(ticket);
        answered(user, answer, &verdict);
    }
}

void iam_abandon(struct iam_ticket *ticket)
{
    struct iam_mailbox *const mailbox = ticket->mailbox;
    struct flight *const flight = ticket->flight;

    (void)pthread_mutex_lock(&mailbox->iam->lock);
    TAILQ_REMOVE(ticket->ready ? &mailbox->ready : &flight->waiting, ticket, next);
    TAILQ_REMOVE(&mailbox->all, ticket, of_box);
    mailbox->iam->state.waiting--;
    (void)pthread_mutex_unlock(&mailbox->iam->lock);
    leave(flight);
    free(ticket);
}
