/* SPDX-License-Identifier: Apache-2.0
 * A journal's lines come in the order of time, so that one or two sets are in use at a time. */
#include "trial/replay_sets.h"

#include "base/digest.h"

static bool is_missing(const struct replay_totals *totals, const char *digest)
{
    for (size_t i = 0; i < totals->missing_count; i++) {
        if (strcmp(totals->missing[i], digest) == 0)
            return true;
    }
    return false;
}

static void note_missing(struct replay_totals *totals, const char *digest)
{
    if (totals->missing_count < REPLAY_MISSING_MAX)
        memcpy(totals->missing[totals->missing_count++], digest, sizeof totals->missing[0]);
}

static size_t oldest(const struct replay_sets *sets)
{
    size_t at = 0;

    for (size_t i = 1; i < REPLAY_SETS_MAX; i++)
        at = sets->slots[i].used < sets->slots[at].used ? i : at;
    return at;
}

static const struct policy_set *load(struct replay_sets *sets, const char *digest)
{
    struct policy_set *set = sets->plan->load_set(sets->plan->user, digest);
    size_t at = oldest(sets);

    /* What stands under another's name didn't judge. */
    if (set != NULL && strcmp(policy_set_digest(set), digest) != 0)
        policy_set_unref(&set);
    if (set == NULL) {
        note_missing(sets->totals, digest);
        return NULL;
    }
    policy_set_unref(&sets->slots[at].set);
    sets->slots[at].set = set;
    sets->slots[at].used = ++sets->clock;
    return set;
}

const struct policy_set *replay_set(struct replay_sets *sets, struct view text)
{
    char digest[DIGEST_HEX_BYTES + 1];

    if (!digest_read_hex(text, digest) || is_missing(sets->totals, digest))
        return NULL;
    for (size_t i = 0; i < REPLAY_SETS_MAX; i++) {
        if (sets->slots[i].set == NULL ||
            strcmp(policy_set_digest(sets->slots[i].set), digest) != 0)
            continue;
        sets->slots[i].used = ++sets->clock;
        return sets->slots[i].set;
    }
    return load(sets, digest);
}

void replay_sets_done(struct replay_sets *sets)
{
    for (size_t i = 0; i < REPLAY_SETS_MAX; i++)
        policy_set_unref(&sets->slots[i].set);
}
