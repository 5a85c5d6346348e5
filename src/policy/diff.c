/* SPDX-License-Identifier: Apache-2.0
 * Two lists of facts held side by side, and what differs as sentences. */
#include "policy/diff.h"

#include "policy/facts.h"

enum { SENTENCE_BYTES = 64 << 20 };

/* Both sides of one topic; a side that isn't there is NULL. */
struct sides {
    const struct topic *old_side, *new_side;
    bool narrows; /* on both sides the policy, if it applies, can only refuse more */
    bool mends;   /* it has, or lifts, a time that another policy may need; see policies_mix */
};

struct differ {
    struct arena *arena;
    struct diff_change *changes;
    size_t count, room;
    struct buf text;
    bool no_memory;
};

static struct view take_text(struct differ *d)
{
    struct view text = arena_copy(d->arena, buf_view(&d->text));

    d->no_memory = d->no_memory || text.ptr == NULL || d->text.failed != STATUS_OK;
    buf_clear(&d->text);
    return text;
}

static void add_change(struct differ *d, const struct sides *sides,
                       const struct diff_change *change)
{
    const struct topic *topic = sides->new_side != NULL ? sides->new_side : sides->old_side;

    if (d->count == d->room) {
        size_t wide = d->room == 0 ? 64 : d->room * 2;
        struct diff_change *changes = arena_array(d->arena, wide, sizeof *changes);

        if (changes == NULL) {
            d->no_memory = true;
            return;
        }
        if (d->count > 0)
            memcpy(changes, d->changes, d->count * sizeof *changes);
        d->changes = changes;
        d->room = wide;
    }
    d->changes[d->count] = *change;
    d->changes[d->count].what = fact_about_name(topic->about);
    d->changes[d->count].name = topic->name;
    d->changes[d->count].policy = topic->policy;
    d->changes[d->count++].text = take_text(d);
}

static enum diff_sense opposite(enum diff_sense sense)
{
    return sense == DIFF_STRICTER ? DIFF_LOOSER : sense == DIFF_LOOSER ? DIFF_STRICTER : sense;
}

/* ----- words ----- */

static void add_values(struct buf *out, const struct view *values, size_t count)
{
    if (count == 0)
        buf_add_str(out, "an empty list");
    for (size_t i = 0; i < count; i++) {
        buf_add_str(out, i == 0 ? "" : ", ");
        yschema_print_text(values[i], out);
    }
}

static struct view *texts_of(struct differ *d, const struct fact *fact)
{
    struct view *texts = arena_array(d->arena, fact->count + 1, sizeof *texts);

    d->no_memory = d->no_memory || texts == NULL;
    for (size_t i = 0; texts != NULL && i < fact->count; i++)
        texts[i] = fact->values[i].text;
    return texts;
}

/* Words, times and numbers stand as they are; what somebody wrote could be anything. */
static void add_value(struct buf *out, const struct fact *fact)
{
    if (fact->row != NULL && (fact->row->more != DIFF_UNTOLD || fact->row->implied != NULL))
        buf_add(out, fact->value);
    else
        yschema_print_text(fact->value, out);
}

static void add_fact_value(struct differ *d, const struct fact *fact)
{
    const struct view *texts;

    if (!fact->is_list) {
        add_value(&d->text, fact);
        return;
    }
    texts = texts_of(d, fact);
    if (texts != NULL)
        add_values(&d->text, texts, fact->count);
}

/* What a rule of the topic is called in a sentence. */
static void add_rule(struct differ *d, const struct fact *fact)
{
    bool counts = strcmp(fact->rule, "match") == 0;

    buf_add_str(&d->text, counts ? "for default: refuse it is" : fact->rule);
    if (fact->part.ptr != NULL) {
        buf_add_byte(&d->text, ' ');
        yschema_print_text(fact->part, &d->text);
    }
}

static bool is_reach(const struct fact *fact)
{
    return view_starts(view_str(fact->rule), VIEW("match."));
}

/* "it matches groups team-a and operations demanager.create"; a policy without is for all. */
static void add_match(struct differ *d, const struct topic *topic, bool gone)
{
    size_t count = 0;

    buf_add_str(&d->text, gone ? "; it matched" : "; it matches");
    for (size_t i = 0; i < topic->count; i++) {
        const struct fact *fact = &topic->facts[i];

        if (!is_reach(fact))
            continue;
        buf_printf(&d->text, "%s %s ", count++ == 0 ? "" : " and", fact->rule + strlen("match."));
        add_fact_value(d, fact);
    }
    if (count == 0)
        buf_add_str(&d->text, " everybody and everything");
}

static void describe(struct differ *d, const struct topic *topic, bool gone)
{
    bool matches = topic->about == ABOUT_POLICY || topic->about == ABOUT_EXCEPTION;
    size_t count = 0;

    buf_add_str(&d->text, gone ? "is gone" : "is new");
    if (matches)
        add_match(d, topic, gone);
    for (size_t i = 0; i < topic->count; i++) {
        const struct fact *fact = &topic->facts[i];

        if (fact->implied || is_reach(fact))
            continue;
        if (count++ == 0)
            buf_add_str(&d->text, matches ? ", and: " : ": ");
        else
            buf_add_str(&d->text, "; ");
        add_rule(d, fact);
        buf_add_byte(&d->text, ' ');
        add_fact_value(d, fact);
    }
}

/* ----- sense ----- */

static const char stop_default[] = "auto_stop.default";
static const char stop_max[] = "auto_stop.max";

/* What can be set where a request names no time. */
static bool is_time_to_set(const struct fact *fact)
{
    return strcmp(fact->rule, stop_default) == 0 || strcmp(fact->rule, stop_max) == 0;
}

static bool judges_stop(const struct topic *topic)
{
    return topic->about == ABOUT_POLICY && fact_find(topic, "auto_stop.types") != NULL;
}

/* Whether policies of the set can need each other's times: one that has nothing to set refuses an
 * update without a time (auto_stop.incomplete) unless another one has, and a default above another
 * one's maximum is a contradiction unless a third has a smaller one. There one more rule may let in
 * what was refused. */
static bool policies_mix(const struct facts *facts)
{
    int64_t longest = INT64_MIN, shortest = INT64_MAX;
    bool bare = false;

    for (size_t i = 0; i < facts->count; i++) {
        const struct topic *topic = &facts->topics[i];
        const struct fact *preset, *max;

        if (!judges_stop(topic))
            continue;
        preset = fact_find(topic, stop_default);
        max = fact_find(topic, stop_max);
        bare = bare || (preset == NULL && max == NULL);
        if (preset != NULL && preset->number > longest)
            longest = preset->number;
        if (max != NULL && max->number < shortest)
            shortest = max->number;
    }
    return bare || longest > shortest;
}

static bool lifts_stop(const struct topic *topic)
{
    const struct fact *lift = topic->about == ABOUT_EXCEPTION ? fact_find(topic, "lift") : NULL;

    for (size_t i = 0; lift != NULL && i < lift->count; i++) {
        if (view_eq(lift->values[i].text, VIEW("auto_stop")))
            return true;
    }
    return false;
}

static bool can_mend(const struct topic *topic)
{
    if (topic == NULL)
        return false;
    return lifts_stop(topic) || (judges_stop(topic) && (fact_find(topic, stop_default) != NULL ||
                                                        fact_find(topic, stop_max) != NULL));
}

static bool is_blurred(const struct sides *sides, const struct fact_row *row)
{
    const struct topic *both[] = {sides->old_side, sides->new_side};

    for (size_t i = 0; row->blurred_by != NULL && i < ARRAY_LEN(both); i++) {
        const struct fact *other = fact_find(both[i], row->blurred_by);

        if (other != NULL && other->number != 0)
            return true;
    }
    return false;
}

/* What more of it means, or DIFF_UNTOLD. */
static enum diff_sense sense_of(const struct sides *sides, const struct fact *fact)
{
    const struct fact_row *row = fact->row;

    if (row == NULL || is_blurred(sides, row) || (row->reach && !sides->narrows))
        return DIFF_UNTOLD;
    if (sides->mends && (row->reach || row->about == ABOUT_EXCEPTION))
        return DIFF_UNTOLD;
    return row->more;
}

/* Neither warn nor observe changes a decision. */
static bool is_enforced(const struct topic *topic)
{
    const struct fact *mode = fact_find(topic, "mode");

    return mode != NULL && mode->number == 0;
}

static enum diff_sense number_sense(const struct sides *sides, const struct fact *old_fact,
                                    const struct fact *new_fact)
{
    enum diff_sense more = sense_of(sides, new_fact);

    if (old_fact->number == new_fact->number ||
        (sides->mends && strcmp(new_fact->rule, stop_default) == 0))
        return DIFF_UNTOLD;
    if (strcmp(new_fact->rule, "mode") == 0 && old_fact->number != 0 && new_fact->number != 0)
        return DIFF_UNTOLD;
    return old_fact->number < new_fact->number ? more : opposite(more);
}

/* Of a rule that came. */
static enum diff_sense came_sense(const struct sides *sides, const struct fact *fact)
{
    enum diff_sense more = sense_of(sides, fact);
    enum fact_left_out left_out = fact->row == NULL ? LEFT_UNTOLD : fact->row->left_out;

    if (left_out == LEFT_UNTOLD || (sides->mends && is_time_to_set(fact)))
        return DIFF_UNTOLD;
    /* A pattern is a rule where none was, though two patterns can't be told apart. */
    if (left_out == LEFT_ALL && more == DIFF_UNTOLD && !fact->is_list)
        return DIFF_STRICTER;
    return left_out == LEFT_ALL ? opposite(more) : more;
}

/* Of a policy, an exception or a quota that came. */
static enum diff_sense topic_sense(const struct sides *sides, const struct topic *topic)
{
    if (sides->mends)
        return DIFF_UNTOLD;
    switch (topic->about) {
    case ABOUT_POLICY:
        return sides->narrows && is_enforced(topic) ? DIFF_STRICTER : DIFF_UNTOLD;
    case ABOUT_QUOTA:
        return DIFF_STRICTER;
    case ABOUT_EXCEPTION:
        return DIFF_LOOSER;
    case ABOUT_SET:
    case ABOUT_WEIGHTS:
        break;
    }
    return DIFF_UNTOLD;
}

/* ----- lists ----- */

/* Whether the entries of a list hold this one, so that its coming or going changes nothing. */
static bool holds(struct differ *d, const struct fact *list, const struct globset *globs,
                  const struct entry *entry)
{
    struct network one, other;
    bool hit = false;

    switch (list->row->entries) {
    case ENTRIES_GLOB:
        if (globset_match(globs, entry->key, d->arena, &hit) != STATUS_OK)
            d->no_memory = true;
        return hit;
    case ENTRIES_PREFIX:
        if (globset_match_below(globs, entry->key, d->arena, &hit) != STATUS_OK)
            d->no_memory = true;
        return hit;
    case ENTRIES_NETWORK:
        for (size_t i = 0; !hit && i < list->count; i++)
            hit = network_parse(list->values[i].text, &one) == NETWORK_OK &&
                  network_parse(entry->text, &other) == NETWORK_OK && network_holds(&one, &other);
        return hit;
    case ENTRIES_WORD:
    case ENTRIES_OPERATION:
    case ENTRIES_FAMILY:
    case ENTRIES_LIFTED:
    case ENTRIES_DATE:
        break;
    }
    return false;
}

static const struct globset *globs_of(struct differ *d, const struct fact *list)
{
    const struct globset *globs = NULL;
    const struct view *texts = texts_of(d, list);

    if (texts != NULL && globset_build(texts, list->count, d->arena, &globs) != STATUS_OK)
        d->no_memory = true;
    return globs;
}

/* A prefix that is filled for each caller refuses those for whom it can't be filled. */
static bool is_open(const struct fact *list, struct view text)
{
    if (list->row->entries != ENTRIES_PREFIX)
        return false;
    for (size_t i = 0; i + 1 < text.len; i++) {
        if (text.ptr[i] == '$' && text.ptr[i + 1] == '{')
            return true;
    }
    return false;
}

/* What it means that `list` has these and `other` does not. more: what an entry more means. */
static enum diff_sense entries_sense(struct differ *d, const struct fact *list,
                                     const struct fact *other, const struct entry *entries,
                                     size_t count, enum diff_sense more)
{
    const struct globset *globs;
    size_t held = 0;

    if (list->row == NULL)
        return DIFF_UNTOLD;
    globs = globs_of(d, other);
    if (globs == NULL)
        return DIFF_UNTOLD;
    for (size_t i = 0; i < count; i++) {
        if (is_open(list, entries[i].text))
            return DIFF_UNTOLD;
        held += holds(d, other, globs, &entries[i]) ? 1 : 0;
    }
    return held == count ? DIFF_COVERED : more;
}

/* The entries of one that the other has not, in a list of one's length. */
static struct entry *without(struct differ *d, const struct fact *one, const struct fact *other,
                             size_t *ret_count)
{
    struct entry *left = arena_array(d->arena, one->count + 1, sizeof *left);
    size_t k = 0, count = 0;

    if (left == NULL) {
        d->no_memory = true;
        return NULL;
    }
    for (size_t i = 0; i < one->count; i++) {
        while (k < other->count && view_cmp(other->values[k].key, one->values[i].key) < 0)
            k++;
        if (k == other->count || !view_eq(other->values[k].key, one->values[i].key))
            left[count++] = one->values[i];
    }
    *ret_count = count;
    return left;
}

/* What the one has and the other has not, as one change. came: it is the new side that has it. */
static void list_change(struct differ *d, const struct sides *sides, const struct fact *one,
                        const struct fact *other, bool came)
{
    const struct fact *old_fact = came ? other : one, *new_fact = came ? one : other;
    enum diff_sense more = sense_of(sides, one);
    struct diff_change change = {
        .rule = one->rule, .kind = DIFF_CHANGED, .old_at = old_fact->at, .new_at = new_fact->at};
    struct view *texts;
    struct entry *entries = without(d, one, other, &change.value_count);
    struct fact picked = {.values = entries, .count = change.value_count};

    if (entries == NULL || change.value_count == 0)
        return;
    texts = texts_of(d, &picked);
    if (texts == NULL)
        return;
    change.values = texts;
    change.sense =
        entries_sense(d, one, other, entries, picked.count, came ? more : opposite(more));
    add_rule(d, one);
    buf_add_str(&d->text, came ? " now has " : " no longer has ");
    add_values(&d->text, texts, picked.count);
    if (change.sense == DIFF_COVERED)
        buf_add_str(&d->text, came ? ", which other entries held before"
                                   : ", which other entries still hold");
    add_change(d, sides, &change);
}

/* ----- facts ----- */

static const struct view *value_of(struct differ *d, const struct fact *fact, size_t *ret_count)
{
    struct view *one;

    if (fact->is_list) {
        *ret_count = fact->count;
        return texts_of(d, fact);
    }
    one = ARENA_NEW(d->arena, struct view);
    if (one == NULL) {
        d->no_memory = true;
        return NULL;
    }
    *one = fact->value;
    *ret_count = 1;
    return one;
}

/* A fact of one side only. What is only implied goes with its group. */
static void fact_alone(struct differ *d, const struct sides *sides, const struct fact *fact,
                       bool came)
{
    bool as_list = fact->is_list && fact->row != NULL && fact->row->left_out == LEFT_NONE;
    const struct topic *other = came ? sides->old_side : sides->new_side;
    const struct fact none = {
        .row = fact->row, .rule = fact->rule, .is_list = true, .at = other->at};
    struct diff_change change = {.rule = fact->rule,
                                 .kind = came ? DIFF_ADDED : DIFF_REMOVED,
                                 .old_at = sides->old_side->at,
                                 .new_at = sides->new_side->at};
    enum diff_sense sense = came_sense(sides, fact);

    if (fact->implied)
        return;
    if (as_list) {
        list_change(d, sides, fact, &none, came);
        return;
    }
    change.sense = came ? sense : opposite(sense);
    *(came ? &change.new_at : &change.old_at) = fact->at;
    change.values = value_of(d, fact, &change.value_count);
    add_rule(d, fact);
    buf_add_str(&d->text, came ? " is new: " : " is gone; it was ");
    add_fact_value(d, fact);
    add_change(d, sides, &change);
}

static void fact_both(struct differ *d, const struct sides *sides, const struct fact *old_fact,
                      const struct fact *new_fact)
{
    struct diff_change change = {.rule = new_fact->rule,
                                 .kind = DIFF_CHANGED,
                                 .old_at = old_fact->at,
                                 .new_at = new_fact->at};

    if (new_fact->is_list) {
        list_change(d, sides, old_fact, new_fact, false);
        list_change(d, sides, new_fact, old_fact, true);
        return;
    }
    if (new_fact->is_text ? view_eq(old_fact->value, new_fact->value)
                          : old_fact->number == new_fact->number)
        return;
    change.sense = number_sense(sides, old_fact, new_fact);
    change.values = value_of(d, new_fact, &change.value_count);
    add_rule(d, new_fact);
    buf_add_byte(&d->text, ' ');
    add_value(&d->text, old_fact);
    buf_add_str(&d->text, " -> ");
    add_value(&d->text, new_fact);
    add_change(d, sides, &change);
}

static void compare_facts(struct differ *d, const struct sides *sides)
{
    const struct topic *one = sides->old_side, *two = sides->new_side;
    size_t i = 0, k = 0;

    while (!d->no_memory && (i < one->count || k < two->count)) {
        int order = i == one->count   ? 1
                    : k == two->count ? -1
                                      : fact_order(&one->facts[i], &two->facts[k]);

        if (order < 0)
            fact_alone(d, sides, &one->facts[i++], false);
        else if (order > 0)
            fact_alone(d, sides, &two->facts[k++], true);
        else
            fact_both(d, sides, &one->facts[i++], &two->facts[k++]);
    }
}

static void topic_alone(struct differ *d, const struct sides *sides, const struct topic *topic,
                        bool came)
{
    enum diff_sense sense = topic_sense(sides, topic);
    struct diff_change change = {.rule = "", .kind = came ? DIFF_ADDED : DIFF_REMOVED};

    change.sense = came ? sense : opposite(sense);
    *(came ? &change.new_at : &change.old_at) = topic->at;
    describe(d, topic, !came);
    add_change(d, sides, &change);
}

/* Whether it can only refuse: nothing is let in by it. A new match may let in what the default
 * refused. */
static bool can_only_refuse(const struct facts *facts, const struct topic *topic)
{
    return topic == NULL || facts->allow_unmatched || !topic->is_match;
}

/* What stands on both sides, or on the one whose topic comes first in the order of both. */
static struct sides next_sides(const struct facts *old_facts, size_t old_at,
                               const struct facts *new_facts, size_t new_at)
{
    struct sides sides = {.old_side = old_at < old_facts->count ? &old_facts->topics[old_at] : NULL,
                          .new_side =
                              new_at < new_facts->count ? &new_facts->topics[new_at] : NULL};
    int order = sides.old_side == NULL || sides.new_side == NULL
                    ? 0
                    : topic_order(sides.old_side, sides.new_side);

    if (order < 0)
        sides.new_side = NULL;
    if (order > 0)
        sides.old_side = NULL;
    sides.narrows =
        can_only_refuse(old_facts, sides.old_side) && can_only_refuse(new_facts, sides.new_side);
    return sides;
}

static void compare_topics(struct differ *d, const struct facts *old_facts,
                           const struct facts *new_facts)
{
    bool mix = policies_mix(old_facts) || policies_mix(new_facts);
    size_t i = 0, k = 0;

    while (!d->no_memory && (i < old_facts->count || k < new_facts->count)) {
        struct sides sides = next_sides(old_facts, i, new_facts, k);

        sides.mends = mix && (can_mend(sides.old_side) || can_mend(sides.new_side));
        if (sides.old_side != NULL && sides.new_side != NULL)
            compare_facts(d, &sides);
        else if (sides.old_side != NULL)
            topic_alone(d, &sides, sides.old_side, false);
        else if (sides.new_side != NULL)
            topic_alone(d, &sides, sides.new_side, true);
        i += sides.old_side != NULL ? 1 : 0;
        k += sides.new_side != NULL ? 1 : 0;
    }
}

enum status policy_diff(const struct policy_file *old_files, size_t old_count,
                        const struct policy_file *new_files, size_t new_count, struct arena *arena,
                        const struct policy_diff **ret)
{
    struct differ d = {.arena = arena};
    struct facts old_facts, new_facts;
    struct policy_diff *made = ARENA_NEW(arena, struct policy_diff);
    enum status status;

    if (made == NULL)
        return STATUS_NOMEM;
    status = facts_read(old_files, old_count, arena, &old_facts);
    if (status == STATUS_OK)
        status = facts_read(new_files, new_count, arena, &new_facts);
    if (status != STATUS_OK)
        return status;
    buf_init(&d.text, SENTENCE_BYTES);
    compare_topics(&d, &old_facts, &new_facts);
    buf_done(&d.text);
    if (d.no_memory)
        return STATUS_NOMEM;
    *made = (struct policy_diff){d.changes, d.count};
    *ret = made;
    return STATUS_OK;
}

const char *diff_sense_name(enum diff_sense sense)
{
    static const char *const names[] = {[DIFF_UNTOLD] = "",
                                        [DIFF_STRICTER] = "stricter",
                                        [DIFF_LOOSER] = "looser",
                                        [DIFF_COVERED] = "no effect"};

    return names[sense];
}

const char *diff_kind_name(enum diff_kind kind)
{
    static const char *const names[] = {
        [DIFF_ADDED] = "added", [DIFF_REMOVED] = "removed", [DIFF_CHANGED] = "changed"};

    return names[kind];
}
