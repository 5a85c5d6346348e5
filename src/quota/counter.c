/* SPDX-License-Identifier: Apache-2.0
 * Counters. What is not known of an instance counts for each that it could be: an entry without a
 * user counts in a counter of its own for the unknown user, whose use is added to that of every
 * user of the same project, workspace and so on. */
#include "quota/counter.h"

#include <stdlib.h>

#include "modelarts/request.h"

/* ---- whom something counts for ---- */

struct counter_key counter_key(const struct counter *counter)
{
    struct counter_key key = {.unknown = counter->unknown};

    for (unsigned i = 0; i < PER_COUNT; i++) {
        if ((counter->use->quota->per & ~counter->unknown & 1U << i) != 0)
            key.per[i] =
                view_of(counter->bytes + counter->at[i], counter->at[i + 1] - counter->at[i]);
    }
    return key;
}

static void key_hide(struct counter_key *key, unsigned bits)
{
    key->unknown |= bits;
    for (unsigned i = 0; i < PER_COUNT; i++) {
        if ((key->unknown & 1U << i) != 0)
            key->per[i] = VIEW_NONE;
    }
}

/* Whether there is somebody whom both count for. */
static bool keys_meet(const struct counter_key *a, const struct counter_key *b)
{
    for (unsigned i = 0; i < PER_COUNT; i++) {
        if (((a->unknown | b->unknown) & 1U << i) == 0 && !view_eq(a->per[i], b->per[i]))
            return false;
    }
    return true;
}

bool counter_covers(const struct counter *counter, const struct counter_key *key)
{
    const struct counter_key own = counter_key(counter);

    return (key->unknown & ~own.unknown) == 0 && keys_meet(&own, key);
}

static uint64_t key_hash(const struct quota_use *use, const struct counter_key *key)
{
    uint64_t hash = HASH_START ^ (uint64_t)(uintptr_t)use ^ (uint64_t)key->unknown << 56;

    for (unsigned i = 0; i < PER_COUNT; i++) {
        if ((use->quota->per & 1U << i) != 0)
            hash = hash_add(hash, key->per[i]);
    }
    return hash_add(hash, VIEW_NONE);
}

/* ---- counters ---- */

static struct counter *counter_find(struct tally *tally, const struct quota_use *use,
                                    const struct counter_key *key)
{
    struct hook *hook = table_first(&tally->counters, key_hash(use, key));

    for (; hook != NULL; hook = table_next(hook)) {
        struct counter *counter = OWNER_OF(hook, struct counter, hook);

        if (counter->use == use && counter->unknown == key->unknown && counter_covers(counter, key))
            return counter;
    }
    return NULL;
}

static struct counter *counter_new(struct tally *tally, struct quota_use *use,
                                   const struct counter_key *key)
{
    struct counter *counter;
    size_t bytes = 0;

    for (unsigned i = 0; i < PER_COUNT; i++)
        bytes += key->per[i].len;
    counter = malloc(sizeof *counter + bytes);
    if (counter == NULL)
        return NULL;
    *counter = (struct counter){
        .next = use->counters, .tally = tally, .use = use, .unknown = key->unknown};
    for (unsigned i = 0; i < PER_COUNT; i++) {
        if (key->per[i].len > 0)
            memcpy(counter->bytes + counter->at[i], key->per[i].ptr, key->per[i].len);
        counter->at[i + 1] = (uint16_t)(counter->at[i] + key->per[i].len);
    }
    if (use->counters != NULL)
        use->counters->prev = counter;
    use->counters = counter;
    use->shape_count[key->unknown]++;
    use->shapes |= 1U << key->unknown;
    table_add(&tally->counters, &counter->hook, key_hash(use, key));
    return counter;
}

static void counter_free(struct counter *counter)
{
    struct quota_use *use = counter->use;

    table_remove(&counter->tally->counters, &counter->hook);
    *(counter->prev == NULL ? &use->counters : &counter->prev->next) = counter->next;
    if (counter->next != NULL)
        counter->next->prev = counter->prev;
    if (--use->shape_count[counter->unknown] == 0)
        use->shapes &= ~(1U << counter->unknown);
    free(counter);
}

/* A member that is not in its counter yet. */
static struct member *member_new(struct tally *tally, struct quota_use *use,
                                 const struct counter_key *key, int64_t time_us)
{
    struct counter *counter = counter_find(tally, use, key);
    struct member *member = malloc(sizeof *member);

    if (member != NULL && counter == NULL)
        counter = counter_new(tally, use, key);
    if (member == NULL || counter == NULL) {
        free(member);
        return NULL;
    }
    counter->holds++;
    *member = (struct member){.in_counter = {.time_us = time_us}, .counter = counter, .amount = 1};
    return member;
}

static void member_link(struct member *member)
{
    order_add(&member->counter->members, &member->in_counter);
    member->counter->used += member->amount;
}

static void counter_let_go(struct counter *counter)
{
    if (--counter->holds == 0)
        counter_free(counter);
}

/* Out of its counter; its owner's list is the caller's. */
static void member_unlink(struct member *member)
{
    struct counter *counter = member->counter;

    order_remove(&counter->members, &member->in_counter);
    counter->used -= member->amount;
    counter_let_go(counter);
    free(member);
}

static struct member **owner_list(const struct member *member)
{
    if (member->counter->use->quota->counts == QUOTA_HOURS)
        return &((struct entry *)member->owner)->charges;
    return &((struct group *)member->owner)->members;
}

void member_free(struct member *member)
{
    struct member **at = owner_list(member);

    while (*at != member)
        at = &(*at)->next;
    *at = member->next;
    member_unlink(member);
}

void entry_uncharge(struct entry *entry)
{
    while (entry->charges != NULL)
        member_free(entry->charges);
}

/* The counter goes with its last member, unless the caller holds it. */
static void counter_expire(struct counter *counter, int64_t now_us)
{
    const struct quota *quota = counter->use->quota;
    struct link *oldest;

    counter->holds++;
    while (quota->counts == QUOTA_HOURS && (oldest = order_oldest(&counter->members)) != NULL &&
           oldest->time_us <= now_us - quota->window_us)
        member_free(OWNER_OF(oldest, struct member, in_counter));
    counter_let_go(counter);
}

void use_expire(struct quota_use *use, int64_t now_us)
{
    struct counter *next;

    for (struct counter *counter = use->counters; counter != NULL; counter = next) {
        next = counter->next;
        counter_expire(counter, now_us);
    }
}

/* ---- use ---- */

/* Of the counter of the key, and of those for whom less is known. */
static wide use_of_key(struct quota_use *use, const struct counter_key *key, struct tally *tally,
                       int64_t now_us)
{
    wide used = 0;

    for (uint32_t shapes = use->shapes; shapes != 0; shapes &= shapes - 1) {
        unsigned unknown = (unsigned)__builtin_ctz(shapes);
        struct counter_key hidden = *key;
        struct counter *counter;

        if ((key->unknown & ~unknown) != 0)
            continue;
        key_hide(&hidden, unknown);
        counter = counter_find(tally, use, &hidden);
        if (counter == NULL)
            continue;
        counter->holds++;
        counter_expire(counter, now_us);
        used += counter->used;
        counter_let_go(counter);
    }
    return used;
}

/* The worst off of those that the key could be; all charges of the past have left. */
static wide use_of_worst(struct quota_use *use, const struct counter_key *key, struct tally *tally,
                         int64_t now_us)
{
    wide used = use_of_key(use, key, tally, now_us), sum = 0;

    for (const struct counter *other = use->counters; other != NULL; other = other->next) {
        // NOLINTNEXTLINE(clang-analyzer-unix.Malloc): what is freed has left the list
        struct counter_key its = counter_key(other);
        wide of_it;

        if (!keys_meet(key, &its))
            continue;
        sum += other->used;
        for (unsigned i = 0; i < PER_COUNT; i++) {
            if ((its.unknown & ~key->unknown & 1U << i) != 0)
                its.per[i] = key->per[i];
        }
        its.unknown &= key->unknown;
        of_it = use_of_key(use, &its, tally, now_us);
        used = of_it > used ? of_it : used;
    }
    /* Of several unknown attributes no counter need show the worst off: all that could be theirs.
     */
    return (key->unknown & (key->unknown - 1)) == 0 ? used : sum;
}

wide use_of(struct counter *counter, int64_t now_us)
{
    const struct counter_key key = counter_key(counter);
    struct quota_use *use = counter->use;
    wide used;

    counter->holds++;
    if (key.unknown == 0) {
        used = use_of_key(use, &key, counter->tally, now_us);
    } else {
        use_expire(use, now_us);
        used = use_of_worst(use, &key, counter->tally, now_us);
    }
    counter_let_go(counter);
    return used;
}

/* ---- drafts ---- */

static bool group_starts(const struct group *group)
{
    for (const struct entry *entry = group->entries; entry != NULL; entry = entry->next) {
        if (entry_is_open(entry) && entry_kind(entry) == KIND_START)
            return true;
    }
    return false;
}

static bool is_ignored(const struct ledger *ledger, const struct entry *entry)
{
    return ledger->ignore_orphans &&
           (entry->orphan || (entry->state == LEDGER_EXISTING && !entry->claimed));
}

/* While a start is under way the instance may run with the flavor that the ledger has, whatever
 * flavor the start was judged by. */
static bool takes_place(const struct ledger *ledger, const struct entry *entry,
                        enum quota_counts counts)
{
    if (is_ignored(ledger, entry))
        return false;
    if (entry->state == LEDGER_EXISTING)
        return counts == QUOTA_EXISTING || entry->running || group_starts(entry->group);
    switch (entry_kind(entry)) {
    case KIND_START:
        return counts == QUOTA_RUNNING;
    case KIND_LEASE:
        return false;
    case KIND_CREATE:
    case KIND_CHANGE:
        break;
    }
    return true;
}

static struct view known_of(struct view own, struct view other)
{
    return own.ptr != NULL ? own : other;
}

static struct view flavor_of(struct view flavor)
{
    return view_eq(flavor, MODELARTS_CUSTOM_FLAVOR) ? VIEW_NONE : flavor;
}

static struct quota_facts own_facts(const struct entry *entry)
{
    return (struct quota_facts){
        .family = entry->op == NULL ? FAMILY_NONE : entry->op->family,
        .project = entry_text(entry, TEXT_PROJECT),
        .user = entry_user(entry),
        .domain = entry_text(entry, TEXT_DOMAIN),
        .workspace = entry_text(entry, TEXT_WORKSPACE),
        .pool = entry_text(entry, TEXT_POOL),
        .flavor = flavor_of(shared_view(entry->flavor)),
    };
}

/* What the entry doesn't know, the one that stands for its instance may. Only for places, which are
 * counted anew whenever that changes. */
static struct quota_facts place_facts(const struct entry *entry)
{
    const struct quota_facts own = own_facts(entry), head = own_facts(group_head(entry->group));

    return (struct quota_facts){
        .family = own.family,
        .project = known_of(own.project, head.project),
        .user = known_of(own.user, head.user),
        .domain = known_of(own.domain, head.domain),
        .workspace = known_of(own.workspace, head.workspace),
        .pool = known_of(own.pool, head.pool),
        .flavor = flavor_of(
            known_of(shared_view(entry->flavor), shared_view(group_head(entry->group)->flavor))),
    };
}

static struct counter_key key_of(const struct quota *quota, const struct quota_facts *facts)
{
    const struct view all[PER_COUNT] = {facts->project, facts->user, facts->domain,
                                        facts->workspace, facts->pool};
    struct counter_key key = {0};

    for (unsigned i = 0; i < PER_COUNT; i++) {
        if ((quota->per & 1U << i) == 0)
            continue;
        key.per[i] = all[i];
        if (all[i].ptr == NULL)
            key.unknown |= 1U << i;
    }
    return key;
}

static bool is_covered(const struct member *members, const struct quota_use *use,
                       const struct counter_key *key)
{
    for (; members != NULL; members = members->next) {
        if (members->counter->use == use && counter_covers(members->counter, key))
            return true;
    }
    return false;
}

/* The group's member in the counter of that key, moved to the draft's kept ones. */
static bool keep_member(struct draft *draft, const struct quota_use *use,
                        const struct counter_key *key)
{
    for (struct member **at = &draft->group->members; *at != NULL; at = &(*at)->next) {
        struct member *member = *at;

        if (member->counter->use == use && member->counter->unknown == key->unknown &&
            counter_covers(member->counter, key)) {
            *at = member->next;
            member->next = draft->kept;
            draft->kept = member;
            return true;
        }
    }
    return false;
}

static bool draft_place(struct draft *draft, struct quota_use *use, const struct entry *entry,
                        const struct quota_facts *facts)
{
    const struct counter_key key = key_of(use->quota, facts);
    struct member *member;

    if (is_covered(draft->kept, use, &key) || is_covered(draft->fresh, use, &key) ||
        keep_member(draft, use, &key))
        return true;
    member = member_new(draft->tally, use, &key, entry->in_list.time_us);
    if (member == NULL)
        return false;
    member->owner = draft->group;
    member->next = draft->fresh;
    draft->fresh = member;
    return true;
}

static bool draft_places(struct draft *draft, const struct ledger *ledger,
                         const struct entry *entry)
{
    const struct quota_facts facts = place_facts(entry);

    for (size_t i = 0; i < draft->tally->count; i++) {
        struct quota_use *use = &draft->tally->uses[i];

        if (use->quota->counts != QUOTA_HOURS && takes_place(ledger, entry, use->quota->counts) &&
            quota_admits(use->quota, &facts) && !draft_place(draft, use, entry, &facts))
            return false;
    }
    return true;
}

/* An instance that exists and never stops charges nothing: nobody knows how long it will run, and
 * it was made around the gateway or under other rules. */
static bool draft_charges(struct draft *draft, const struct ledger *ledger)
{
    struct entry *entry = draft->entry;
    struct quota_facts facts = own_facts(entry);

    if (entry->run_s < 0 || is_ignored(ledger, entry))
        return true;
    if (entry->charged != NULL)
        facts.flavor = flavor_of(shared_view(entry->charged));
    for (size_t i = 0; i < draft->tally->count; i++) {
        struct quota_use *use = &draft->tally->uses[i];
        struct counter_key key;
        struct member *member;

        if (use->quota->counts != QUOTA_HOURS || !quota_admits(use->quota, &facts))
            continue;
        key = key_of(use->quota, &facts);
        member = member_new(draft->tally, use, &key, entry->in_list.time_us);
        if (member == NULL)
            return false;
        if (__builtin_mul_overflow(entry->run_s, quota_weight(use->quota, facts.flavor),
                                   &member->amount))
            member->amount = INT64_MAX;
        member->owner = entry;
        member->next = draft->charges;
        draft->charges = member;
    }
    return true;
}

/* The existing entries first: what is under way takes only what they don't hold. */
static bool draft_all(struct draft *draft, const struct ledger *ledger)
{
    for (unsigned pass = 0; pass < 2; pass++) {
        for (const struct entry *entry = draft->group->entries; entry != NULL;
             entry = entry->next) {
            if ((entry->state == LEDGER_EXISTING) == (pass == 0) &&
                !draft_places(draft, ledger, entry))
                return false;
        }
    }
    return draft->entry == NULL || draft_charges(draft, ledger);
}

bool draft_make(struct draft *draft, const struct ledger *ledger, struct tally *tally,
                struct group *group, struct entry *entry)
{
    *draft = (struct draft){.tally = tally, .group = group, .entry = entry};
    if (draft_all(draft, ledger))
        return true;
    draft_drop(draft);
    return false;
}

static void put_in_front(struct member **list, struct member *front)
{
    struct member **end = &front;

    while (*end != NULL)
        end = &(*end)->next;
    *end = *list;
    *list = front;
}

static void link_all(struct member *members)
{
    for (; members != NULL; members = members->next)
        member_link(members);
}

void draft_keep(struct draft *draft)
{
    struct member **at = &draft->group->members;

    while (*at != NULL) {
        struct member *member = *at;

        if (member->counter->tally == draft->tally) {
            *at = member->next;
            member_unlink(member);
        } else {
            at = &member->next;
        }
    }
    link_all(draft->fresh);
    put_in_front(&draft->group->members, draft->kept);
    put_in_front(&draft->group->members, draft->fresh);
    if (draft->entry != NULL) {
        link_all(draft->charges);
        put_in_front(&draft->entry->charges, draft->charges);
    }
}

static void drop_all(struct member *members)
{
    struct member *next;

    for (; members != NULL; members = next) {
        next = members->next;
        counter_let_go(members->counter);
        free(members);
    }
}

void draft_drop(struct draft *draft)
{
    put_in_front(&draft->group->members, draft->kept);
    drop_all(draft->fresh);
    drop_all(draft->charges);
}

void group_count(struct ledger *ledger, struct group *group, struct entry *entry)
{
    struct draft draft;

    if (ledger->tally == NULL)
        return;
    if (draft_make(&draft, ledger, ledger->tally, group, entry))
        draft_keep(&draft);
    else
        ledger->stale = true;
}

bool entry_is_charged_by(const struct entry *entry, const struct quota *quota)
{
    const struct quota_facts facts = own_facts(entry);

    return quota_admits(quota, &facts);
}

/* ---- tallies ---- */

struct tally *tally_new(const struct quota *const *quotas, size_t count)
{
    struct tally *tally = calloc(1, sizeof *tally);

    if (tally == NULL)
        return NULL;
    tally->uses = calloc(count + 1, sizeof *tally->uses);
    if (tally->uses == NULL || !table_init(&tally->counters)) {
        free(tally->uses);
        free(tally);
        return NULL;
    }
    tally->count = count;
    for (size_t i = 0; i < count; i++)
        tally->uses[i].quota = quotas[i];
    return tally;
}

void tally_free(struct tally **tally)
{
    struct tally *t = *tally;

    if (t == NULL)
        return;
    for (size_t i = 0; i < t->count; i++) {
        while (t->uses[i].counters != NULL) {
            struct counter *counter = t->uses[i].counters;
            size_t left = counter->members.count;

            for (; left > 0; left--)
                // NOLINTNEXTLINE(clang-analyzer-unix.Malloc): it goes with its last member
                member_free(OWNER_OF(counter->members.first, struct member, in_counter));
        }
    }
    table_done(&t->counters);
    free(t->uses);
    free(t);
    *tally = NULL;
}

struct quota_use *tally_find(struct tally *tally, const struct quota *quota)
{
    size_t from = 0, to = tally == NULL ? 0 : tally->count;

    while (from < to) {
        size_t mid = from + (to - from) / 2;
        struct quota_use *use = &tally->uses[mid];
        int order = view_cmp(quota->name, use->quota->name);

        if (order == 0)
            return use->quota == quota ? use : NULL;
        if (order < 0)
            to = mid;
        else
            from = mid + 1;
    }
    return NULL;
}

/* Groups are found by their entries: the first one of each counts it. */
static bool fill_one(struct tally *tally, struct ledger *ledger, struct entry *entry)
{
    bool first = entry->group->entries == entry;
    struct draft draft = {.tally = tally, .group = entry->group, .entry = entry};
    bool good = first ? draft_all(&draft, ledger) : draft_charges(&draft, ledger);

    if (!good) {
        draft_drop(&draft);
        return false;
    }
    if (first) {
        draft_keep(&draft);
    } else {
        link_all(draft.charges);
        put_in_front(&entry->charges, draft.charges);
    }
    return true;
}

bool tally_fill(struct tally *tally, struct ledger *ledger)
{
    for (size_t i = 0; i < LIST_COUNT; i++) {
        for (struct link *link = order_oldest(&ledger->lists[i]); link != NULL; link = link->next) {
            if (!fill_one(tally, ledger, OWNER_OF(link, struct entry, in_list)))
                return false;
        }
    }
    return true;
}
