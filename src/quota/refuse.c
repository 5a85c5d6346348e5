/* SPDX-License-Identifier: Apache-2.0
 * What a caller is told who doesn't get a place. */
#include <inttypes.h>
#include <stdio.h>

#include "base/number.h"
#include "modelarts/unicode.h"
#include "quota/counter.h"

enum {
    SAID_MAX = 96,        /* of one text of a caller */
    MESSAGE_MAX = 4096,   /* of the whole sentence */
    LOOKED_AT_MAX = 1000, /* members that are looked at for some to name */
};

/* A caller's text: what is not seen or turns text round is replaced, and long ones are cut. */
static void say(struct buf *out, struct view text)
{
    size_t said = 0;

    for (size_t i = 0; i < text.len;) {
        uint32_t point;
        size_t bytes = utf8_decode(view_from(text, i), &point);
        struct view part =
            bytes == 0 || unicode_is_hidden(point) ? VIEW("?") : view_of(text.ptr + i, bytes);

        said += part.len;
        if (said > SAID_MAX) {
            buf_add_str(out, "...");
            return;
        }
        buf_add(out, part);
        i += bytes == 0 ? 1 : bytes;
    }
}

static bool finish(struct buf *out, enum quota_reason code, const struct quota *quota,
                   struct arena *arena, struct reason *ret)
{
    *ret = (struct reason){.row = &quota_reasons[code]};
    ret->message = out->failed == STATUS_OK ? arena_copy(arena, buf_view(out)) : VIEW_NONE;
    buf_done(out);
    if (quota == NULL)
        return ret->message.ptr != NULL;
    ret->policy = quota->policy;
    ret->rule = arena_printf(arena, "quotas.%.*s", VIEW_ARGS(quota->name));
    ret->at = quota->at;
    ret->contact = quota->contact;
    return ret->message.ptr != NULL && ret->rule.ptr != NULL;
}

static void add_per(struct buf *out, const struct quota *quota)
{
    static const char *const words[PER_COUNT] = {"project", "user", "domain", "workspace", "pool"};
    const char *before = " per ";

    for (unsigned i = 0; i < PER_COUNT; i++) {
        if ((quota->per & 1U << i) == 0)
            continue;
        buf_printf(out, "%s%s", before, words[i]);
        before = ", ";
    }
}

/* Thousandths of weighted seconds as hours; up to the next hundredth. */
static void add_hours(struct buf *out, wide amount)
{
    wide hundredths = (amount + 35999) / 36000;
    int64_t whole = hundredths / 100 > INT64_MAX ? INT64_MAX : (int64_t)(hundredths / 100);
    int rest = (int)(hundredths % 100);

    buf_add_i64(out, whole);
    if (rest != 0)
        buf_printf(out, rest % 10 == 0 ? ".%d" : ".%02d", rest % 10 == 0 ? rest / 10 : rest);
}

static const struct entry *entry_of(const struct member *member)
{
    if (member->counter->use->quota->counts == QUOTA_HOURS)
        return member->owner;
    return group_head(member->owner);
}

/* Starts of one instance follow each other; it is named once. */
static bool was_named(const struct entry *const *named, size_t count, const struct entry *entry)
{
    for (size_t i = 0; i < count; i++) {
        if (named[i]->group == entry->group)
            return true;
    }
    return false;
}

static void add_name(struct buf *out, const struct entry *entry, const char *before)
{
    struct view name = entry_text(entry, TEXT_NAME), owner = entry_text(entry, TEXT_USER_NAME);

    if (name.len == 0)
        name = entry_instance(entry);
    if (owner.len == 0)
        owner = entry_text(entry, TEXT_USER_ID);
    buf_add_str(out, before);
    buf_add_byte(out, '"');
    say(out, name);
    buf_add_byte(out, '"');
    if (owner.len == 0)
        return;
    buf_add_str(out, " (");
    say(out, owner);
    buf_add_byte(out, ')');
}

/* ` by "a" (alice), "b" (bob)`: the oldest, of the asking project alone. How many were named. */
static size_t add_names(struct buf *out, const struct lack *lack)
{
    struct link *link = order_oldest(&lack->counter->members);
    const struct entry *named[LEDGER_NAMES_MAX];
    const struct view project = ledger_cut(lack->asked->project);
    size_t count = 0;

    for (size_t i = 0; link != NULL && i < LOOKED_AT_MAX && count < LEDGER_NAMES_MAX;
         i++, link = link->next) {
        const struct entry *entry = entry_of(OWNER_OF(link, struct member, in_counter));

        if (!view_eq(entry_text(entry, TEXT_PROJECT), project) || was_named(named, count, entry))
            continue;
        add_name(out, entry, count == 0 ? " by " : ", ");
        named[count++] = entry;
    }
    return count;
}

static void add_places(struct buf *out, const struct lack *lack)
{
    const struct quota *quota = lack->quota;
    size_t named;

    buf_printf(out, "%" PRId64 " of %" PRId64 " places", (int64_t)lack->used, quota->limit);
    add_per(out, quota);
    buf_add_str(out, " are taken");
    named = add_names(out, lack);
    if (named > 0 && (wide)named < lack->used)
        buf_printf(out, " and %" PRId64 " more", (int64_t)lack->used - (int64_t)named);
    if (quota->limit == 0)
        buf_add_str(out, "; ask for more");
    else if (quota->counts == QUOTA_RUNNING)
        buf_add_str(out, "; stop one, or ask for more");
    else
        buf_add_str(out, "; stop and delete one, or ask for more");
}

static void add_window(struct buf *out, int64_t window_us)
{
    const int64_t day_us = INT64_C(86400000000);
    char text[NUM_TEXT_BYTES];

    if (window_us % day_us == 0)
        buf_printf(out, "%" PRId64 "d", window_us / day_us);
    else
        buf_add(out, num_format_duration(window_us / 1000, text));
}

static void add_budget(struct buf *out, const struct lack *lack)
{
    add_hours(out, lack->used);
    buf_add_str(out, " of ");
    add_hours(out, lack->quota->limit);
    buf_add_str(out, " hours");
    add_per(out, lack->quota);
    buf_add_str(out, " within ");
    add_window(out, lack->quota->window_us);
    buf_add_str(out, " are spent");
    (void)add_names(out, lack);
    buf_add_str(out, ", and this asks for ");
    add_hours(out, lack->more);
    buf_add_str(out,
                "; let it stop sooner, wait until earlier starts no longer count, or ask for more");
}

bool refuse_lack(const struct lack *lack, struct arena *arena, struct reason *ret)
{
    struct buf out;

    buf_init(&out, MESSAGE_MAX);
    buf_printf(&out, "quota %.*s has no room: ", VIEW_ARGS(lack->quota->name));
    if (lack->quota->counts == QUOTA_HOURS)
        add_budget(&out, lack);
    else
        add_places(&out, lack);
    return finish(&out, QUOTA_REASON_EXCEEDED, lack->quota, arena, ret);
}

bool refuse_endless(const struct quota *quota, struct arena *arena, struct reason *ret)
{
    struct buf out;

    buf_init(&out, MESSAGE_MAX);
    buf_printf(&out,
               "quota %.*s is a budget of hours, and nothing would stop this instance; "
               "set auto_stop",
               VIEW_ARGS(quota->name));
    return finish(&out, QUOTA_REASON_ENDLESS, quota, arena, ret);
}

bool refuse_pending(const struct ledger_item *asked, struct arena *arena, struct reason *ret)
{
    struct buf out;

    buf_init(&out, MESSAGE_MAX);
    buf_add_str(&out, "another create of \"");
    say(&out, asked->name);
    buf_add_str(&out, "\" in this project has not been settled yet; wait until the cloud's list "
                      "shows what came of it, or take another name");
    return finish(&out, QUOTA_REASON_CREATE_PENDING, NULL, arena, ret);
}
