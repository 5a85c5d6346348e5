/* SPDX-License-Identifier: Apache-2.0
 * Mailboxes: results on their way back to a worker. A place is reserved before a line is queued, so
 * that posting cannot fail; it also keeps the mailbox's memory until the result came. */
#include <stdlib.h>

#include "base/require.h"
#include "journal/internal.h"

enum { RESULTS_MAX = 1 << 20, COLLECT_AT_ONCE = 64 };

struct result {
    uint64_t cookie;
    enum status status;
};

struct journal_mailbox {
    /* Held while wake is called, so that none comes behind journal_mailbox_free; the worker takes
     * it at no other time. Before lock. */
    pthread_mutex_t wake_lock;
    pthread_mutex_t lock;
    void (*wake)(void *user);
    void *user;
    bool lazy;
    bool closed;    /* set with both locks: either is enough to read it */
    size_t pending; /* reserved places */
    struct result *results;
    size_t first, count, cap; /* results[first..first+count) wait */
    /* The writer's: */
    struct journal_mailbox *next_touched;
    bool touched;
};

struct journal_mailbox *journal_mailbox_new(struct journal *journal, void (*wake)(void *user),
                                            void *user)
{
    struct journal_mailbox *mailbox = calloc(1, sizeof *mailbox);

    (void)journal;
    if (mailbox == NULL)
        return NULL;
    if (pthread_mutex_init(&mailbox->lock, NULL) != 0) {
        free(mailbox);
        return NULL;
    }
    if (pthread_mutex_init(&mailbox->wake_lock, NULL) != 0) {
        (void)pthread_mutex_destroy(&mailbox->lock);
        free(mailbox);
        return NULL;
    }
    mailbox->wake = wake;
    mailbox->user = user;
    return mailbox;
}

/* Unlocks it; the last one out takes the memory along. */
static void leave(struct journal_mailbox *mailbox)
{
    bool last = mailbox->closed && mailbox->pending == 0 && !mailbox->touched;

    (void)pthread_mutex_unlock(&mailbox->lock);
    if (!last)
        return;
    (void)pthread_mutex_destroy(&mailbox->lock);
    (void)pthread_mutex_destroy(&mailbox->wake_lock);
    free(mailbox->results);
    free(mailbox);
}

void journal_mailbox_free(struct journal_mailbox **mailbox)
{
    struct journal_mailbox *gone = *mailbox;

    if (gone == NULL)
        return;
    (void)pthread_mutex_lock(&gone->wake_lock);
    (void)pthread_mutex_lock(&gone->lock);
    gone->closed = true;
    /* A writer that waits for it has touched the mailbox, and so keeps it. */
    (void)pthread_mutex_unlock(&gone->wake_lock);
    leave(gone);
    *mailbox = NULL;
}

void journal_mailbox_lazy(struct journal_mailbox *mailbox)
{
    mailbox->lazy = true;
}

bool mailbox_is_lazy(const struct journal_mailbox *mailbox)
{
    return mailbox->lazy;
}

/* Room for one more behind those that wait and those that will. */
static bool make_room(struct journal_mailbox *mailbox)
{
    size_t need = mailbox->count + mailbox->pending + 1, cap = mailbox->cap;
    struct result *grown;

    if (mailbox->first > 0 && mailbox->first + need > cap) {
        memmove(mailbox->results, mailbox->results + mailbox->first,
                mailbox->count * sizeof *mailbox->results);
        mailbox->first = 0;
    }
    if (mailbox->first + need <= cap)
        return true;
    cap = cap == 0 ? COLLECT_AT_ONCE : cap * 2;
    grown = realloc(mailbox->results, cap * sizeof *grown);
    if (grown == NULL)
        return false;
    mailbox->results = grown;
    mailbox->cap = cap;
    return true;
}

enum status mailbox_reserve(struct journal_mailbox *mailbox)
{
    enum status status = STATUS_OK;

    (void)pthread_mutex_lock(&mailbox->lock);
    if (mailbox->count + mailbox->pending >= RESULTS_MAX)
        status = STATUS_LIMIT;
    else if (!make_room(mailbox))
        status = STATUS_NOMEM;
    else
        mailbox->pending++;
    (void)pthread_mutex_unlock(&mailbox->lock);
    return status;
}

void mailbox_release(struct journal_mailbox *mailbox)
{
    (void)pthread_mutex_lock(&mailbox->lock);
    mailbox->pending--;
    leave(mailbox);
}

void mailbox_post(struct journal_mailbox *mailbox, uint64_t cookie, enum status status,
                  struct journal_mailbox **touched)
{
    (void)pthread_mutex_lock(&mailbox->lock);
    REQUIRE(mailbox->pending > 0);
    mailbox->pending--;
    if (!mailbox->closed) {
        mailbox->results[mailbox->first + mailbox->count] = (struct result){cookie, status};
        mailbox->count++;
    }
    if (!mailbox->touched) {
        mailbox->touched = true;
        mailbox->next_touched = *touched;
        *touched = mailbox;
    }
    (void)pthread_mutex_unlock(&mailbox->lock);
}

void mailbox_wake_all(struct journal_mailbox **touched)
{
    struct journal_mailbox *mailbox = *touched;

    *touched = NULL;
    while (mailbox != NULL) {
        struct journal_mailbox *next = mailbox->next_touched;

        /* Without `lock`, which the worker takes first of all when it wakes. */
        (void)pthread_mutex_lock(&mailbox->wake_lock);
        if (!mailbox->closed && mailbox->wake != NULL)
            mailbox->wake(mailbox->user);
        (void)pthread_mutex_unlock(&mailbox->wake_lock);
        (void)pthread_mutex_lock(&mailbox->lock);
        mailbox->touched = false;
        leave(mailbox);
        mailbox = next;
    }
}

static size_t take(struct journal_mailbox *mailbox, struct result taken[COLLECT_AT_ONCE])
{
    size_t count = 0;

    (void)pthread_mutex_lock(&mailbox->lock);
    if (mailbox->results != NULL) {
        count = mailbox->count < COLLECT_AT_ONCE ? mailbox->count : COLLECT_AT_ONCE;
        memcpy(taken, mailbox->results + mailbox->first, count * sizeof *taken);
        mailbox->count -= count;
        mailbox->first = mailbox->count == 0 ? 0 : mailbox->first + count;
    }
    (void)pthread_mutex_unlock(&mailbox->lock);
    return count;
}

void journal_collect(struct journal_mailbox *mailbox,
                     void (*result)(void *user, uint64_t cookie, enum status status), void *user)
{
    struct result taken[COLLECT_AT_ONCE];
    size_t count;

    /* Without the lock: whoever gets a result may submit the next line at once. */
    do {
        count = take(mailbox, taken);
        for (size_t i = 0; i < count; i++)
            result(user, taken[i].cookie, taken[i].status);
    } while (count == COLLECT_AT_ONCE);
}
