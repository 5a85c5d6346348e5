/* SPDX-License-Identifier: Apache-2.0
 * One complete list of a project against the ledger, in this order: what is listed corrects what
 * is known and settles what was lost; what is not listed is missed; what nobody made is an orphan.
 *
 * A list says nothing of what happened after it was begun, and lags behind the cloud's answers by
 * up to the grace. So what would free a place needs a list begun a grace after the ledger's own
 * last news of the entry; what takes one is believed at once. */
#include "quota/scan.h"

#include "quota/inner.h"

/* The cloud's clock may be behind the gateway's by this much when it stamps what was made after
 * the intent. Instances of the same name, user and flavor made so shortly before can hardly be told
 * apart, and each still counts once. */
enum { SKEW_US = 5000000 };

const char *scan_finding_name(enum scan_finding finding)
{
    static const char *const names[] = {
        [SCAN_CREATED] = "created", [SCAN_DONE] = "done",       [SCAN_ABSENT] = "absent",
        [SCAN_GONE] = "gone",       [SCAN_STOPPED] = "stopped", [SCAN_STARTED] = "started",
        [SCAN_CHANGED] = "changed", [SCAN_ORPHAN] = "orphan",
    };

    return names[finding];
}

struct scanning {
    struct ledger *ledger;
    const struct scan *scan;
    const struct scan_rules *rules;
    int64_t now_us;
    uint32_t number;
};

static void report(const struct scanning *s, enum scan_finding finding,
                   const struct ledger_item *item)
{
    if (s->rules->report != NULL)
        s->rules->report(s->rules->user, finding, item);
}

static void report_entry(const struct scanning *s, enum scan_finding finding,
                         const struct entry *entry)
{
    const struct ledger_item item = entry_item(entry);

    report(s, finding, &item);
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* Begun so late that even a lagging list shows what the ledger knows of the entry. */
static bool is_fresh(const struct scanning *s, const struct entry *entry)
{
    return s->scan->begun_us >= entry->changed_us + s->scan->grace_us;
}

/* Nothing more can come of what was sent, and a lagging list would show it. */
static bool is_final(const struct scanning *s, const struct entry *entry)
{
    int64_t over_us = later(entry->settle_after_us, entry->in_list.time_us);

    return s->scan->begun_us >= over_us + s->scan->grace_us;
}

/* Whether what the entry made would be in the list if it were there. */
static bool is_covered(const struct scanning *s, const struct entry *entry)
{
    return view_eq(entry_text(entry, TEXT_PROJECT), ledger_cut(s->scan->project)) &&
           (s->scan->own_of.ptr == NULL || view_eq(entry_user(entry), ledger_cut(s->scan->own_of)));
}

/* Its outcome is lost, and it is for this gateway to find it. */
static bool is_ours(const struct scanning *s, const struct entry *entry)
{
    return entry->state == LEDGER_UNKNOWN &&
           (s->rules->mine.ptr == NULL ||
            view_eq(entry_text(entry, TEXT_GATEWAY), ledger_cut(s->rules->mine)));
}

/* Notes that the list doesn't show what it should; true: that is proof. Each list counts once. */
static bool is_missed_again(const struct scanning *s, struct entry *entry)
{
    if (s->scan->begun_us < later(entry->in_list.time_us, entry->missed_us))
        return false;
    if (entry->missed_us == 0) {
        entry->missed_us = s->scan->begun_us;
        return false;
    }
    return s->scan->begun_us > entry->missed_us && is_final(s, entry);
}

static void settle_absent(const struct scanning *s, struct entry *entry)
{
    struct ledger *ledger = s->ledger;
    const struct ledger_item item = entry_item(entry);

    ledger_detach(ledger, entry);
    ledger_tell(ledger, entry, true);
    report(s, SCAN_ABSENT, &item);
    ledger_forget(ledger, entry);
}

static void settle_gone(const struct scanning *s, struct entry *entry)
{
    const struct ledger_item item = entry_item(entry);
    bool stays = ledger_end(s->ledger, entry, s->now_us);

    report(s, SCAN_GONE, &item);
    if (!stays)
        ledger_forget(s->ledger, entry);
}

/* A start or change is done; where that ends its entry, the entry is told as it was. */
static void settle_seen(const struct scanning *s, struct entry *entry)
{
    bool stays = ledger_settle_done(s->ledger, entry, s->now_us);

    report_entry(s, SCAN_DONE, entry);
    if (!stays)
        ledger_forget(s->ledger, entry);
}

static void settle_found(const struct scanning *s, struct entry *entry,
                         const struct scan_instance *listed)
{
    ledger_settle_created(s->ledger, entry, listed->id, s->scan->begun_us);
    entry->group->seen = s->number;
    report_entry(s, SCAN_CREATED, entry);
}

/* ---- what is listed ---- */

/* False: memory. */
static bool correct(const struct scanning *s, struct entry *entry,
                    const struct scan_instance *listed)
{
    bool fresh = is_fresh(s, entry);
    struct shared_text *flavor = NULL;

    if (fresh && listed->flavor.ptr != NULL &&
        !view_eq(ledger_cut(listed->flavor), shared_view(entry->flavor))) {
        flavor = shared_new(listed->flavor);
        if (flavor == NULL)
            return false;
        ledger_correct(s->ledger, entry, entry->running, flavor, entry->changed_us);
        shared_unref(&flavor);
        report_entry(s, SCAN_CHANGED, entry);
    }
    if (listed->runs && !entry->running && s->scan->begun_us >= entry->changed_us) {
        ledger_correct(s->ledger, entry, true, NULL, entry->changed_us);
        report_entry(s, SCAN_STARTED, entry);
    } else if (!listed->runs && entry->running && fresh) {
        ledger_correct(s->ledger, entry, false, NULL, entry->changed_us);
        report_entry(s, SCAN_STOPPED, entry);
    }
    return true;
}

enum sight { SIGHT_NONE, SIGHT_DONE, SIGHT_NOT };

/* What the list shows of a start or change. A lease can't be seen: its charge stays. */
static enum sight sight_of(const struct scanning *s, const struct entry *entry,
                           const struct scan_instance *listed)
{
    struct view flavor = shared_view(entry->flavor);

    switch (entry_kind(entry)) {
    case KIND_START:
        return listed->runs ? SIGHT_DONE : SIGHT_NOT;
    case KIND_CHANGE:
        if (listed->flavor.ptr == NULL || flavor.ptr == NULL)
            return SIGHT_NONE;
        return view_eq(flavor, ledger_cut(listed->flavor)) ? SIGHT_DONE : SIGHT_NOT;
    case KIND_LEASE:
        return is_final(s, entry) ? SIGHT_DONE : SIGHT_NONE;
    case KIND_CREATE:
        break;
    }
    return SIGHT_NONE;
}

/* An unsettled start or change of a listed instance. */
static void look_at(const struct scanning *s, struct entry *entry,
                    const struct scan_instance *listed)
{
    const struct entry *existing = group_existing(entry->group);
    enum sight sight = sight_of(s, entry, listed);
    bool late = s->scan->begun_us >= entry->in_list.time_us;

    /* The former flavor's place is freed, so the flavor must not be an older one that came back. */
    if (entry_kind(entry) == KIND_CHANGE && existing != NULL)
        late = late && is_fresh(s, existing);
    if (sight == SIGHT_DONE && late)
        settle_seen(s, entry);
    else if (sight == SIGHT_NOT && is_missed_again(s, entry))
        settle_absent(s, entry);
}

static void look_at_all(const struct scanning *s, struct group *group,
                        const struct scan_instance *listed)
{
    struct entry *next;

    for (struct entry *entry = group->entries; entry != NULL; entry = next) {
        next = entry->next;
        if (is_ours(s, entry))
            look_at(s, entry, listed);
    }
}

/* False: memory. */
static bool see(const struct scanning *s, struct group *group, const struct scan_instance *listed)
{
    struct entry *existing;

    if (listed->exists) {
        group->seen = s->number;
        group->refs++; /* it may lose its last entry */
        look_at_all(s, group, listed);
        existing = group_existing(group);
        group_release(s->ledger, group);
    } else {
        existing = group_existing(group);
    }
    if (existing == NULL || !s->rules->leads)
        return true;
    if (!listed->exists) {
        settle_gone(s, existing);
        return true;
    }
    existing->missed_us = 0;
    return correct(s, existing, listed);
}

/* Whether the reservation may have made the instance: what either doesn't say can't differ. */
static bool may_have_made(const struct scanning *s, const struct entry *entry,
                          const struct scan_instance *listed)
{
    enum family family = entry->op == NULL ? FAMILY_NONE : entry->op->family;
    struct view user_id = entry_text(entry, TEXT_USER_ID);
    struct view user_name = entry_text(entry, TEXT_USER_NAME);
    struct view flavor = shared_view(entry->flavor);

    if (family != FAMILY_NONE && family != listed->family)
        return false;
    if (listed->created_us != 0 && listed->created_us < entry->in_list.time_us - SKEW_US)
        return false;
    if (flavor.ptr != NULL && listed->flavor.ptr != NULL &&
        !view_eq(flavor, ledger_cut(listed->flavor)))
        return false;
    if (user_id.ptr != NULL && listed->user_id.ptr != NULL)
        return view_eq(user_id, ledger_cut(listed->user_id)) ||
               (s->rules->agent.len > 0 && view_eq(s->rules->agent, listed->user_id));
    return user_name.ptr == NULL || listed->user_name.ptr == NULL ||
           view_eq(user_name, ledger_cut(listed->user_name));
}

/* The reservation that made the instance, most likely: of several the one whose intent is the
 * latest, so that an older instance still finds an older one. claim: only lost ones of ours. */
static struct entry *maker_of(const struct scanning *s, const struct scan_instance *listed,
                              bool claim)
{
    const struct view names[] = {listed->name, VIEW_NONE};
    struct entry *best = NULL;

    for (size_t i = listed->name.ptr == NULL ? 1 : 0; i < ARRAY_LEN(names); i++) {
        struct entry *entry = NULL;

        while ((entry = entry_named(s->ledger, s->scan->project, names[i], entry)) != NULL) {
            if ((!claim || is_ours(s, entry)) && !entry->group->known &&
                may_have_made(s, entry, listed) &&
                (best == NULL || entry->in_list.time_us > best->in_list.time_us))
                best = entry;
        }
    }
    return best;
}

static bool has_id(const struct scan_instance *listed)
{
    return listed->id.ptr != NULL && listed->id.len > 0;
}

/* An id that an entry has (but for one that is nobody's yet) settles no reservation. */
static bool claim(const struct scanning *s, const struct scan_instance *listed, struct group *group)
{
    struct entry *entry, *existing = group == NULL ? NULL : group_existing(group);

    if (!listed->exists || (group != NULL && (existing == NULL || existing->claimed)))
        return false;
    entry = maker_of(s, listed, true);
    if (entry == NULL)
        return false;
    settle_found(s, entry, listed);
    return true;
}

/* What was nobody's when it was listed may be somebody's by now: another gateway, whose answer came
 * later, could not know of it. */
static void drop_listed(const struct scanning *s, const struct group *group)
{
    struct entry *listed = NULL;
    bool claimed = false;

    for (struct entry *entry = group->entries; entry != NULL; entry = entry->next) {
        if (entry->state == LEDGER_EXISTING && entry->claimed)
            claimed = true;
        else if (entry->state == LEDGER_EXISTING)
            listed = entry;
    }
    if (!claimed || listed == NULL)
        return;
    ledger_detach(s->ledger, listed);
    ledger_tell(s->ledger, listed, true);
    ledger_forget(s->ledger, listed);
}

/* False: memory. */
static bool read_item(const struct scanning *s, const struct scan_instance *listed)
{
    struct group *group = has_id(listed) ? group_find(s->ledger, listed->id) : NULL;

    if (group != NULL)
        drop_listed(s, group);
    if (!has_id(listed) || claim(s, listed, group) || group == NULL)
        return true;
    return see(s, group, listed);
}

/* Those that don't say when they were made come last: they could take any reservation. */
static bool read_items(const struct scanning *s)
{
    for (unsigned pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < s->scan->count; i++) {
            const struct scan_instance *listed = &s->scan->items[i];

            if ((listed->created_us == 0) == (pass == 1) && !read_item(s, listed))
                return false;
        }
    }
    return true;
}

/* ---- what isn't listed ---- */

/* Of a start or change the instance is what the list would show, whoever asked for it. */
static bool would_be_listed(const struct scanning *s, const struct entry *entry)
{
    const struct entry *existing = group_existing(entry->group);

    if (entry_kind(entry) == KIND_CREATE || existing != NULL)
        return is_covered(s, existing == NULL ? entry : existing);
    return s->scan->own_of.ptr == NULL && is_covered(s, entry);
}

static void miss_open(const struct scanning *s)
{
    struct link *next;

    for (struct link *link = s->ledger->lists[LIST_OPEN].first; link != NULL; link = next) {
        struct entry *entry = OWNER_OF(link, struct entry, in_list);

        next = link->next;
        if (is_ours(s, entry) && !(entry->group->known && entry->group->seen == s->number) &&
            would_be_listed(s, entry) && is_missed_again(s, entry))
            settle_absent(s, entry);
    }
}

static void miss_existing(const struct scanning *s)
{
    struct link *next;

    for (struct link *link = s->ledger->lists[LIST_EXISTING].first; link != NULL; link = next) {
        struct entry *entry = OWNER_OF(link, struct entry, in_list);

        next = link->next;
        if (entry->group->seen != s->number && is_covered(s, entry) &&
            s->scan->begun_us >= entry->changed_us && is_missed_again(s, entry) &&
            is_fresh(s, entry))
            settle_gone(s, entry);
    }
}

/* ---- what nobody made ---- */

/* maker: an open reservation may have made it, so that it is nobody's yet. */
static struct ledger_item listed_item(const struct scanning *s, const struct scan_instance *listed,
                                      bool maker, struct view id)
{
    return (struct ledger_item){
        .id = id,
        .state = LEDGER_EXISTING,
        .op = &operations[listed->family == FAMILY_DEMANAGER ? OP_DEMANAGER_CREATE
                                                             : OP_NOTEBOOKS_CREATE],
        .time_us = listed->created_us != 0 ? listed->created_us : s->scan->begun_us,
        .project = s->scan->project,
        .user_id = listed->user_id,
        .user_name = listed->user_name,
        .domain = listed->domain,
        .workspace = listed->workspace,
        .pool = listed->pool,
        .flavor = listed->flavor,
        .name = listed->name,
        .instance = listed->id,
        .run_s = -1,
        .running = listed->runs,
        .orphan = !maker,
        .claimed = !maker,
        .gateway = s->rules->mine,
    };
}

/* False: memory. */
static bool add_listed(const struct scanning *s, const struct scan_instance *listed, bool maker)
{
    char id[32];
    struct ledger_item item;
    struct entry *entry;

    if (ledger_is_full(s->ledger))
        return false;
    s->rules->new_id(s->rules->user, id);
    item = listed_item(s, listed, maker, view_of(id, sizeof id));
    entry = entry_new(&item);
    if (entry == NULL)
        return false;
    if (!entry_join(s->ledger, entry, listed->id)) {
        entry_free(entry);
        return false;
    }
    entry->group->seen = s->number;
    ledger_attach(s->ledger, entry);
    ledger_tell(s->ledger, entry, false);
    if (!maker)
        report_entry(s, SCAN_ORPHAN, entry);
    return true;
}

static void become_orphan(const struct scanning *s, struct entry *entry)
{
    entry_unlist(s->ledger, entry);
    entry->orphan = entry->claimed = true;
    entry_list(s->ledger, entry);
    ledger_tell(s->ledger, entry, false);
    report_entry(s, SCAN_ORPHAN, entry);
}

static bool find_orphans(const struct scanning *s)
{
    for (size_t i = 0; i < s->scan->count; i++) {
        const struct scan_instance *listed = &s->scan->items[i];
        const struct group *group = has_id(listed) ? group_find(s->ledger, listed->id) : NULL;
        struct entry *existing = group == NULL ? NULL : group_existing(group);
        bool maker;

        if (!has_id(listed) || !listed->exists || (existing != NULL && existing->claimed))
            continue;
        maker = maker_of(s, listed, false) != NULL;
        if (existing != NULL && !maker)
            become_orphan(s, existing);
        else if (existing == NULL && !add_listed(s, listed, maker))
            return false;
    }
    return true;
}

enum status ledger_reconcile(struct ledger *ledger, const struct scan *scan,
                             const struct scan_rules *rules, int64_t now_us)
{
    const struct scanning s = {.ledger = ledger,
                               .scan = scan,
                               .rules = rules,
                               .now_us = now_us,
                               .number = ++ledger->scans};

    ledger_purge(ledger, now_us, true);
    if (!read_items(&s))
        return STATUS_NOMEM;
    miss_open(&s);
    if (!rules->leads)
        return STATUS_OK;
    miss_existing(&s);
    return find_orphans(&s) ? STATUS_OK : STATUS_NOMEM;
}
