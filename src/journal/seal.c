/* SPDX-License-Identifier: Apache-2.0
 * A seal is a line like any other, alone in its batch, so that its seq and the hash before it are
 * known when it is signed. It never costs another line its place: where there is no room for it, it
 * is left out, and the next one covers what it would have. */
#include "journal/seal.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"

enum {
    SIGNED_BYTES = 160, /* at most, of what is signed */
    HEX_BYTES = 2 * ED25519_SIGNATURE_BYTES,
};

enum status seal_start(struct journal *journal, const struct journal_settings *settings,
                       const struct recovery *found)
{
    struct witness_settings witness = {
        .target = settings->witness,
        .dir_fd = journal->dir_fd,
        .segment = found->segment,
        .until = journal->chain.seq,
    };

    if (settings->seal_key == NULL)
        return STATUS_OK;
    journal->sealing = true;
    journal->seal_key = *settings->seal_key;
    journal->seal_every_us = settings->seal_every_us;
    journal->seal_due_us = clock_monotonic_us() + journal->seal_every_us;
    journal->seal_soon =
        found->seal_key[0] != '\0' && strcmp(found->seal_key, journal->seal_key.public.id) != 0;
    journal->state.sealing = true;
    memcpy(journal->state.seal_key, journal->seal_key.public.id, sizeof journal->state.seal_key);
    if (settings->witness == NULL)
        return STATUS_OK;
    journal->witness = witness_new(&witness);
    return journal->witness == NULL ? STATUS_NOMEM : STATUS_OK;
}

void journal_seal_with(struct journal *journal, const struct ed25519_private *key)
{
    (void)pthread_mutex_lock(&journal->lock);
    journal->next_key = *key;
    journal->has_next_key = true;
    memcpy(journal->state.seal_key, key->public.id, sizeof journal->state.seal_key);
    journal->poked = true;
    (void)pthread_cond_signal(&journal->work);
    (void)pthread_mutex_unlock(&journal->lock);
}

void seal_look(struct journal *journal)
{
    if (journal->has_next_key &&
        strcmp(journal->next_key.public.id, journal->seal_key.public.id) != 0)
        journal->seal_soon = true;
}

static void take_next_key(struct journal *journal)
{
    (void)pthread_mutex_lock(&journal->lock);
    if (journal->has_next_key) {
        journal->seal_key = journal->next_key;
        ed25519_wipe(&journal->next_key);
        journal->has_next_key = false;
    }
    (void)pthread_mutex_unlock(&journal->lock);
}

uint64_t seal_room(const struct journal *journal)
{
    return journal->sealing ? SEAL_LINE_BYTES : 0;
}

void seal_note_segment(struct journal *journal)
{
    if (journal->sealed)
        journal->seal_due_us = clock_monotonic_us() + journal->seal_every_us;
    journal->sealed = false;
}

void seal_note(struct journal *journal, const struct node *last, struct view line)
{
    if (last->step.event != JOURNAL_SEAL) {
        seal_note_segment(journal);
        return;
    }
    journal->sealed = true;
    (void)pthread_mutex_lock(&journal->lock);
    journal->state.seq = last->then.seq; /* never behind its last seal */
    journal->state.seals++;
    journal->state.seal_seq = last->then.seq;
    journal->state.seal_time_us = journal->seal_time_us;
    (void)pthread_mutex_unlock(&journal->lock);
    if (journal->witness != NULL)
        witness_add(journal->witness, last->then.seq, line);
    journal->witness_due = journal->witness != NULL;
}

void seal_durable(struct journal *journal)
{
    if (!journal->witness_due)
        return;
    journal->witness_due = false;
    witness_durable(journal->witness, journal->chain.seq);
}

int64_t seal_due_us(const struct journal *journal)
{
    if (!journal->sealing || journal->sealed)
        return INT64_MAX;
    return journal->seal_soon && journal->begun ? 0 : journal->seal_due_us;
}

/* The signature over the line that comes next, in hex. */
static enum status sign(const struct journal *journal, int64_t time_us, char hex[HEX_BYTES])
{
    static const char digits[] = "0123456789abcdef";
    unsigned char raw[ED25519_SIGNATURE_BYTES];
    char text[SIGNED_BYTES], time[CLOCK_TEXT_BYTES];
    struct view time_text = clock_format(time_us, time);
    uint64_t seq = journal->chain.seq + 1;
    int len =
        snprintf(text, sizeof text, "postern seal v1\n%llu\n%.*s\n%.*s\n", (unsigned long long)seq,
                 (int)sizeof journal->chain.hash, journal->chain.hash, VIEW_ARGS(time_text));
    enum status status = ed25519_sign(&journal->seal_key, view_of(text, (size_t)len), raw);

    if (status != STATUS_OK)
        return status;
    for (size_t i = 0; i < sizeof raw; i++) {
        hex[2 * i] = digits[raw[i] >> 4];
        hex[2 * i + 1] = digits[raw[i] & 15];
    }
    return STATUS_OK;
}

/* NULL when memory is out. */
static struct node *make(struct journal *journal)
{
    char signature[HEX_BYTES];
    struct journal_facts facts = {
        .time_us = clock_now_us(),
        .event = JOURNAL_SEAL,
        .duration_us = -1,
        .head = view_of(journal->chain.hash, sizeof journal->chain.hash),
        .signature = view_of(signature, sizeof signature),
    };
    struct node *node;

    take_next_key(journal);
    facts.key = view_str(journal->seal_key.public.id);
    if (sign(journal, facts.time_us, signature) != STATUS_OK)
        return NULL;
    journal->seal_time_us = facts.time_us;
    node = node_new();
    if (node != NULL && node_fill(node, &facts) != STATUS_OK)
        node_free(&node);
    return node;
}

static void write_seal(struct journal *journal)
{
    struct list list = {NULL, NULL};
    struct node *node = make(journal);

    journal->seal_due_us = clock_monotonic_us() + journal->seal_every_us;
    if (node == NULL) {
        log_line(LOG_ERROR, "no memory for a seal of the journal");
        return;
    }
    list_add(&list, node);
    writer_write_batch(journal, &list);
}

/* Beside what was promised its room: by what was set aside in the segment, or since the disk has
 * plenty. */
static bool has_room(struct journal *journal)
{
    const struct segment *segment = &journal->segment;
    uint64_t end = segment->size + writer_open_room(journal) + SEAL_LINE_BYTES;

    if (segment->fd < 0 || journal->stuck == TROUBLE_DISK || journal->stuck == TROUBLE_DAMAGE)
        return false;
    return end <= segment->room || writer_judge(journal) == TROUBLE_NONE;
}

void seal_end(struct journal *journal)
{
    if (journal->sealing && journal->begun && !journal->sealed && has_room(journal))
        write_seal(journal);
}

void seal_if_due(struct journal *journal)
{
    if (clock_monotonic_us() < seal_due_us(journal))
        return;
    journal->seal_due_us = clock_monotonic_us() + journal->seal_every_us;
    journal->seal_soon = false;
    if (journal->segment.fd < 0 || journal->stuck != TROUBLE_NONE)
        return; /* tried again when its time comes anew */
    /* The room that was set aside is for the segment's end. */
    if (writer_fit(journal) >= SEAL_LINE_BYTES)
        seal_end(journal);
    else
        (void)writer_begin_segment(journal, 0);
}
