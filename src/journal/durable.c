/* SPDX-License-Identifier: Apache-2.0
 * What readers beside the gateway may have: how far lines are on disk, who is told when there are
 * more, and which segments somebody still needs. */
#include "base/clock.h"
#include "journal/rotate.h"
#include "journal/seal.h"

void durable_moved(struct journal *journal)
{
    (void)pthread_mutex_lock(&journal->lock);
    journal->durable_seq = journal->chain.seq;
    (void)pthread_mutex_unlock(&journal->lock);
    seal_durable(journal);
    (void)pthread_mutex_lock(&journal->watch_lock);
    if (journal->watch_wake != NULL)
        journal->watch_wake(journal->watch_user);
    (void)pthread_mutex_unlock(&journal->watch_lock);
}

uint64_t journal_durable_seq(struct journal *journal)
{
    uint64_t seq;

    (void)pthread_mutex_lock(&journal->lock);
    seq = journal->durable_seq;
    (void)pthread_mutex_unlock(&journal->lock);
    return seq;
}

void journal_watch(struct journal *journal, void (*wake)(void *user), void *user)
{
    (void)pthread_mutex_lock(&journal->watch_lock);
    journal->watch_wake = wake;
    journal->watch_user = user;
    (void)pthread_mutex_unlock(&journal->watch_lock);
}

void journal_hold(struct journal *journal, uint64_t seq)
{
    (void)pthread_mutex_lock(&journal->lock);
    journal->hold_seq = seq;
    (void)pthread_mutex_unlock(&journal->lock);
}

void retire_old(struct journal *journal)
{
    struct retire_plan plan = {
        .dir_fd = journal->dir_fd,
        .keep_us = journal->keep_us,
        .now_us = clock_now_us(),
        .open_us = open_oldest_us(journal->open),
    };

    (void)pthread_mutex_lock(&journal->lock);
    plan.hold_seq = journal->hold_seq;
    (void)pthread_mutex_unlock(&journal->lock);
    segments_retire(&plan);
}
