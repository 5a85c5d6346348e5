/* SPDX-License-Identifier: Apache-2.0
 * Reservations that wait for their answer, and the mailboxes by which it comes back. A thread of
 * its own answers those whose time is over, whatever the database, libpq or the resolver are doing.
 */
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "quota/shared.h"

enum { REASON_BLOCK_BYTES = 1024, REASON_MAX_BYTES = 65536, US_PER_S = 1000000, NS_PER_US = 1000 };

struct quota_mailbox {
    struct quota_store *store;
    void (*wake)(void *user);
    void *user;
    struct ticket_list answered;
};

static void list_append(struct ticket_list *list, struct quota_ticket *ticket)
{
    ticket->prev = list->last;
    ticket->next = NULL;
    if (list->last == NULL)
        list->first = ticket;
    else
        list->last->next = ticket;
    list->last = ticket;
    list->count++;
}

static void list_remove(struct ticket_list *list, struct quota_ticket *ticket)
{
    if (list->first == ticket)
        list->first = ticket->next;
    else
        ticket->prev->next = ticket->next;
    if (ticket->next == NULL)
        list->last = ticket->prev;
    else
        ticket->next->prev = ticket->prev;
    list->count--;
}

static void ticket_free(struct quota_ticket *ticket)
{
    arena_done(&ticket->arena);
    free(ticket);
}

struct quota_mailbox *quota_mailbox_new(struct quota_store *store, void (*wake)(void *user),
                                        void *user)
{
    struct quota_mailbox *mailbox = calloc(1, sizeof *mailbox);

    if (mailbox != NULL)
        *mailbox = (struct quota_mailbox){.store = store, .wake = wake, .user = user};
    return mailbox;
}

static struct quota_ticket *first_of(struct quota_mailbox *mailbox)
{
    struct quota_ticket *ticket = mailbox->answered.first;

    /* Each one found is taken off its list, which the analyzer doesn't follow. */
    /* NOLINTBEGIN(clang-analyzer-unix.Malloc) */
    if (ticket != NULL || mailbox->store->shared == NULL)
        return ticket;
    ticket = mailbox->store->shared->waiting.first;
    while (ticket != NULL && ticket->mailbox != mailbox)
        ticket = ticket->next;
    return ticket;
    /* NOLINTEND(clang-analyzer-unix.Malloc) */
}

void quota_mailbox_free(struct quota_mailbox **mailbox)
{
    struct quota_mailbox *gone = *mailbox;
    struct quota_ticket *ticket;

    if (gone == NULL)
        return;
    /* Nobody but this thread adds or abandons tickets of this mailbox. */
    do {
        (void)pthread_mutex_lock(&gone->store->lock);
        gone->wake = NULL;
        ticket = first_of(gone);
        (void)pthread_mutex_unlock(&gone->store->lock);
        if (ticket != NULL)
            quota_abandon(ticket);
    } while (ticket != NULL);
    free(gone);
    *mailbox = NULL;
}

static struct quota_ticket *ticket_new(struct quota_mailbox *mailbox, const struct ledger_ask *ask,
                                       void *user, struct arena *arena)
{
    struct quota_ticket *ticket = calloc(1, sizeof *ticket);

    if (ticket == NULL)
        return NULL;
    ticket->mailbox = mailbox;
    ticket->ask = ask;
    ticket->user = user;
    ticket->caller_arena = arena;
    ticket->asked_us = clock_monotonic_us();
    ticket->deadline_us = ticket->asked_us + mailbox->store->shared->timeout_ms * 1000;
    arena_init(&ticket->arena, REASON_BLOCK_BYTES, REASON_MAX_BYTES);
    ticket->id = arena_copy(&ticket->arena, ask->item.id);
    if (ticket->id.ptr != NULL)
        return ticket;
    ticket_free(ticket);
    return NULL;
}

/* ticket: NULL when memory was out. */
static enum quota_answer wait_for_it(struct quota_ticket *ticket, struct quota_mailbox *mailbox,
                                     const struct reason **ret_reasons, size_t *ret_count,
                                     struct quota_ticket **ret_ticket)
{
    struct quota_store *store = mailbox->store;
    struct shared *shared = store->shared;
    bool waits;

    (void)pthread_mutex_lock(&store->lock);
    waits = ticket != NULL && shared->waiting.count < TICKETS_MAX;
    if (waits) {
        list_append(&shared->waiting, ticket);
        if (shared->waiting.count == 1)
            (void)pthread_cond_signal(&shared->timer_wake);
    } else {
        *ret_reasons =
            store_reason(ticket == NULL ? QUOTA_REASON_FAILED : QUOTA_REASON_UNAVAILABLE);
        *ret_count = 1;
        store_count(store, QUOTA_REFUSED, *ret_reasons, 1);
    }
    (void)pthread_mutex_unlock(&store->lock);
    if (waits) {
        *ret_ticket = ticket;
        shared_wake(shared);
        return QUOTA_WAITS;
    }
    if (ticket != NULL)
        ticket_free(ticket);
    return QUOTA_REFUSED;
}

/* One parameter more than usual: reasons and the ticket are both results. */
// NOLINTNEXTLINE(readability-function-size)
enum quota_answer quota_reserve(struct quota_mailbox *mailbox, const struct ledger_ask *ask,
                                void *user, struct arena *arena, const struct reason **ret_reasons,
                                size_t *ret_count, struct quota_ticket **ret_ticket)
{
    struct quota_store *store = mailbox->store;
    enum quota_answer answer;

    if (store->shared != NULL && store_is_checked(ask))
        return wait_for_it(ticket_new(mailbox, ask, user, arena), mailbox, ret_reasons, ret_count,
                           ret_ticket);
    (void)pthread_mutex_lock(&store->lock);
    answer = store_decide(store, ask, arena, ret_reasons, ret_count);
    store_count(store, answer, *ret_reasons, *ret_count);
    (void)pthread_mutex_unlock(&store->lock);
    return answer;
}

void ticket_answer(struct quota_ticket *ticket, enum quota_answer answer,
                   const struct reason *reasons, size_t count)
{
    struct quota_mailbox *mailbox = ticket->mailbox;

    if (ticket->place != NULL)
        ticket->place->ticket = NULL;
    ticket->place = NULL;
    ticket->state = TICKET_ANSWERED;
    ticket->answer = answer;
    ticket->reasons = reasons;
    ticket->reason_count = count;
    store_count(mailbox->store, answer, reasons, count);
    list_remove(&mailbox->store->shared->waiting, ticket);
    list_append(&mailbox->answered, ticket);
    if (mailbox->answered.count == 1 && mailbox->wake != NULL)
        mailbox->wake(mailbox->user);
}

void ticket_refuse(struct quota_ticket *ticket, enum quota_reason reason)
{
    ticket_answer(ticket, QUOTA_REFUSED, store_reason(reason), 1);
}

/* The reason with texts of the arena; false when memory is out. */
static bool copy_reason(struct arena *arena, const struct reason *from, struct reason *to)
{
    struct view *const texts[] = {&to->policy, &to->rule, &to->message, &to->contact};

    *to = *from;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        if (texts[i]->ptr == NULL)
            continue;
        *texts[i] = arena_copy(arena, *texts[i]);
        if (texts[i]->ptr == NULL)
            return false;
    }
    return true;
}

static const struct reason *copy_reasons(const struct quota_ticket *ticket)
{
    struct reason *copies = arena_array(ticket->caller_arena, ticket->reason_count, sizeof *copies);

    for (size_t i = 0; copies != NULL && i < ticket->reason_count; i++) {
        if (!copy_reason(ticket->caller_arena, &ticket->reasons[i], &copies[i]))
            return NULL;
    }
    return copies;
}

void quota_collect(struct quota_mailbox *mailbox,
                   void (*answered)(void *user, enum quota_answer answer,
                                    const struct reason *reasons, size_t count))
{
    for (;;) {
        struct quota_ticket *ticket;
        const struct reason *reasons;
        size_t count;

        (void)pthread_mutex_lock(&mailbox->store->lock);
        ticket = mailbox->answered.first;
        if (ticket != NULL)
            list_remove(&mailbox->answered, ticket);
        (void)pthread_mutex_unlock(&mailbox->store->lock);
        if (ticket == NULL)
            return;
        /* Now this thread's alone. */
        count = ticket->answer == QUOTA_GRANTED ? 0 : ticket->reason_count;
        reasons = count == 0 ? NULL : copy_reasons(ticket);
        if (count > 0 && reasons == NULL) {
            reasons = store_reason(QUOTA_REASON_FAILED);
            count = 1;
        }
        answered(ticket->user, ticket->answer, reasons, count);
        ticket_free(ticket);
    }
}

void quota_abandon(struct quota_ticket *ticket)
{
    struct quota_store *store = ticket->mailbox->store;

    (void)pthread_mutex_lock(&store->lock);
    if (ticket->place != NULL)
        ticket->place->ticket = NULL;
    if (ticket->state != TICKET_ANSWERED) {
        list_remove(&store->shared->waiting, ticket);
    } else {
        list_remove(&ticket->mailbox->answered, ticket);
        if (ticket->answer == QUOTA_GRANTED)
            (void)ledger_settle(store->ledger, ticket->id, LEDGER_NOTHING, VIEW_NONE,
                                clock_now_us());
    }
    (void)pthread_mutex_unlock(&store->lock);
    ticket_free(ticket);
}

struct quota_ticket *tickets_queued(struct shared *shared, const struct quota_ticket *after)
{
    struct quota_ticket *ticket = after == NULL ? shared->waiting.first : after->next;

    while (ticket != NULL && ticket->state != TICKET_QUEUED)
        ticket = ticket->next;
    return ticket;
}

bool tickets_want(const struct shared *shared, struct view id)
{
    for (const struct quota_ticket *t = shared->waiting.first; t != NULL; t = t->next) {
        if (view_eq(t->id, id))
            return true;
    }
    return false;
}

bool ticket_place(struct quota_ticket *ticket, const struct ledger_item *item, struct place **ret)
{
    struct place *place = calloc(1, sizeof *place);

    if (place == NULL || (place->item = item_copy(item)) == NULL) {
        free(place);
        return false;
    }
    place->ticket = ticket;
    ticket->place = place;
    ticket->state = TICKET_PLACED;
    *ret = place;
    return true;
}

static void place_free(struct place *place)
{
    if (place->ticket != NULL)
        place->ticket->place = NULL;
    free(place->item);
    free(place);
}

void place_taken(struct shared *shared, struct place *place)
{
    struct quota_ticket *ticket = place->ticket;
    bool may_send = shared_may_send(shared);

    if (ticket != NULL && may_send)
        ticket_answer(ticket, QUOTA_GRANTED, NULL, 0);
    else if (ticket != NULL)
        ticket_refuse(ticket, QUOTA_REASON_LATE);
    if (ticket == NULL || !may_send)
        (void)ledger_settle(shared->store->ledger, place->item->id, LEDGER_NOTHING, VIEW_NONE,
                            clock_now_us());
    place_free(place);
}

void place_undone(struct shared *shared, struct place *place)
{
    ledger_drop(shared->store->ledger, place->item->id);
    if (place->ticket != NULL)
        place->ticket->state = TICKET_QUEUED;
    place_free(place);
}

static void wait_until(struct shared *shared, int64_t until_us)
{
    struct timespec until = {.tv_sec = until_us / US_PER_S,
                             .tv_nsec = until_us % US_PER_S * NS_PER_US};

    (void)pthread_cond_timedwait(&shared->timer_wake, &shared->store->lock, &until);
}

void *tickets_timer(void *user)
{
    struct shared *shared = user;

    (void)pthread_mutex_lock(&shared->store->lock);
    while (!shared->stopping) {
        struct quota_ticket *first = shared->waiting.first;

        if (first == NULL)
            (void)pthread_cond_wait(&shared->timer_wake, &shared->store->lock);
        else if (first->deadline_us > clock_monotonic_us())
            wait_until(shared, first->deadline_us);
        else
            ticket_refuse(first, QUOTA_REASON_UNAVAILABLE);
    }
    (void)pthread_mutex_unlock(&shared->store->lock);
    return NULL;
}

void tickets_drop(struct shared *shared)
{
    while (shared->waiting.first != NULL) {
        struct quota_ticket *ticket = shared->waiting.first;

        list_remove(&shared->waiting, ticket);
        ticket_free(ticket);
    }
    while (shared->doubts != NULL) {
        struct place *place = shared->doubts;

        shared->doubts = place->next;
        place->ticket = NULL;
        place_free(place);
    }
}
