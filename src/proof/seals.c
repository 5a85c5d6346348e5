/* SPDX-License-Identifier: Apache-2.0 */
#include "proof/seals.h"

#include <stdio.h>

enum { SIGNED_BYTES = 256 };

static int nibble(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool read_signature(struct view hex, unsigned char out[ED25519_SIGNATURE_BYTES])
{
    if (hex.len != 2 * (size_t)ED25519_SIGNATURE_BYTES)
        return false;
    for (size_t i = 0; i < ED25519_SIGNATURE_BYTES; i++) {
        int high = nibble(hex.ptr[2 * i]), low = nibble(hex.ptr[2 * i + 1]);

        if (high < 0 || low < 0)
            return false;
        out[i] = (unsigned char)(high << 4 | low);
    }
    return true;
}

static const struct ed25519_public *find_key(const struct seals *seals, struct view id)
{
    for (size_t i = 0; i < seals->key_count; i++) {
        if (view_eq(id, view_of(seals->keys[i].id, DIGEST_HEX_BYTES)))
            return &seals->keys[i];
    }
    return NULL;
}

static bool holds(const struct ed25519_public *key, struct row *row)
{
    unsigned char signature[ED25519_SIGNATURE_BYTES];
    struct view head = row_text(row, ROW_HEAD), time = row_text(row, ROW_TIME);
    char text[SIGNED_BYTES];
    int len;

    if (time.len > SIGNED_BYTES / 4 || !read_signature(row_text(row, ROW_SIGNATURE), signature))
        return false;
    len = snprintf(text, sizeof text, "postern seal v1\n%llu\n%.*s\n%.*s\n",
                   (unsigned long long)row->seq, VIEW_ARGS(head), VIEW_ARGS(time));
    return len > 0 && (size_t)len < sizeof text &&
           ed25519_verify(key, view_of(text, (size_t)len), signature);
}

/* Keys follow each other as they were given: no seal is good behind one of a later key, so that a
 * key that was changed away from serves nobody. */
static bool follows(struct seals *seals, struct view id)
{
    for (size_t i = seals->latest; i < seals->key_count; i++) {
        if (view_eq(id, view_of(seals->keys[i].id, DIGEST_HEX_BYTES))) {
            seals->latest = i;
            return true;
        }
    }
    return false;
}

/* Each such key is named once, not at each of its seals. */
static void add_strange(struct seals *seals, struct view id, bool known, struct fault_place at,
                        struct fault_list *faults)
{
    if (view_eq(id, view_of(seals->strange, sizeof seals->strange)))
        return;
    (void)verify_fault(faults, FAULT_SEAL, at, "it is signed with key %.*s, %s",
                       id.len > DIGEST_HEX_BYTES ? DIGEST_HEX_BYTES : (int)id.len, id.ptr,
                       known ? "but a key that was given after it had sealed by then"
                             : "which was not given");
    if (id.len == sizeof seals->strange)
        memcpy(seals->strange, id.ptr, sizeof seals->strange);
}

static void prove(struct seals *seals, struct row *row, uint64_t whole_from,
                  const struct ed25519_public *key)
{
    seals->good++;
    seals->from = whole_from;
    seals->until = row->seq - 1;
    seals->proven_us = row->time_us;
    memcpy(seals->key, key->id, sizeof seals->key);
}

/* The first line that no seal covers. In front of the first seal, whoever takes all segments away
 * and puts one of his own there is told like that, too; but the very first checkpoint is made by
 * the start that stands behind it. */
static uint64_t uncovered_from(const struct seals *seals, uint64_t first_seq)
{
    if (seals->good > 0)
        return seals->until + 2;
    return first_seq == 1 ? 2 : first_seq;
}

void seals_add_start(struct seals *seals, uint64_t seq, uint64_t first_seq)
{
    struct seals_late *late = &seals->late;
    const uint64_t from = uncovered_from(seals, first_seq);

    if (seals->key_count == 0 || seq <= from)
        return;
    if (late->places == 0 || late->from != from) {
        late->places++;
        late->from = from;
        late->until = from - 1;
    }
    late->lines += seq - 1 - late->until;
    late->until = seq - 1;
}

void seals_add(struct seals *seals, struct row *row, struct fault_place at, uint64_t whole_from,
               struct fault_list *faults)
{
    struct view id = row_text(row, ROW_KEY), head = row_text(row, ROW_HEAD);
    struct view time = row_text(row, ROW_TIME);
    const struct ed25519_public *key = find_key(seals, id);

    seals->count++;
    if (id.ptr == NULL || head.len != DIGEST_HEX_BYTES || !view_eq(head, row_text(row, ROW_PREV))) {
        (void)verify_fault(faults, FAULT_SEAL, at,
                           "its `head` isn't its `prev`, or it has no `key`");
        return;
    }
    if (key != NULL && !holds(key, row)) {
        (void)verify_fault(
            faults, FAULT_SEAL, at,
            "its signature doesn't hold: what stands behind seq %llu was changed, or "
            "the seal itself",
            (unsigned long long)seals->until);
        return;
    }
    if (time.len != sizeof seals->time) {
        (void)verify_fault(faults, FAULT_SEAL, at, "its time is none");
        return;
    }
    /* The chain orders seals, their times don't: a clock may be set right. */
    if (memcmp(time.ptr, seals->time, sizeof seals->time) < 0) {
        seals->earlier.count++;
        seals->earlier.seq = row->seq;
    }
    memcpy(seals->time, time.ptr, sizeof seals->time);
    if (seals->key_count == 0)
        return;
    if (follows(seals, id))
        prove(seals, row, whole_from, key);
    else
        add_strange(seals, id, key != NULL, at, faults);
}

void seals_end(const struct seals *seals, struct fault_place at, struct fault_list *faults)
{
    const char *last;

    if (seals->key_count == 0)
        return;
    last = seals->keys[seals->key_count - 1].id;
    if (seals->count == 0)
        (void)verify_fault(faults, FAULT_SEAL, at,
                           "a key was given, but up to here there is no seal at all");
    else if (seals->good > 0 && memcmp(seals->key, last, sizeof seals->key) != 0)
        (void)verify_fault(faults, FAULT_SEAL, at,
                           "the last good seal is not of key %.*s, the last that was given",
                           DIGEST_HEX_BYTES, last);
}
