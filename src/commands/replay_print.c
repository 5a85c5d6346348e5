/* SPDX-License-Identifier: Apache-2.0
 * A replay as text for a person and as JSON for a program. */
#include <inttypes.h>

#include "base/printable.h"
#include "commands/replay.h"
#include "commands/who.h"

/* ---- JSON ---- */

static void member_reasons(struct jwriter *w, const struct replay_judgement *judgement)
{
    if (judgement->reason_count == 0)
        return;
    jwriter_key(w, "reasons");
    jwriter_open_array(w);
    for (size_t i = 0; i < judgement->reason_count; i++) {
        const struct replay_reason *reason = &judgement->reasons[i];

        jwriter_open_object(w);
        jwriter_member_opt(w, "code", reason->code);
        jwriter_member_opt(w, "policy", reason->policy);
        jwriter_member_opt(w, "rule", reason->rule);
        jwriter_member_opt(w, "message", reason->message);
        jwriter_close_object(w);
    }
    jwriter_close_array(w);
}

static void member_edits(struct jwriter *w, const struct replay_judgement *judgement)
{
    if (judgement->edit_count == 0)
        return;
    jwriter_key(w, "edits");
    jwriter_open_array(w);
    for (size_t i = 0; i < judgement->edit_count; i++) {
        const struct replay_edit *edit = &judgement->edits[i];

        jwriter_open_object(w);
        jwriter_member_opt(w, "op", edit->op);
        jwriter_member_opt(w, "path", edit->path);
        jwriter_member_raw_opt(w, "old", edit->old_json);
        jwriter_member_raw_opt(w, "new", edit->new_json);
        jwriter_member_opt(w, "policy", edit->policy);
        jwriter_close_object(w);
    }
    jwriter_close_array(w);
}

static void members_judgement(struct jwriter *w, const struct replay_judgement *judgement)
{
    jwriter_member_text(w, "decision", view_str(verdict_name(judgement->verdict)));
    member_reasons(w, judgement);
    member_edits(w, judgement);
}

static void member_answer(struct jwriter *w, const char *key, const struct replay_answer *answer)
{
    jwriter_key(w, key);
    jwriter_open_object(w);
    members_judgement(w, &answer->is);
    if (answer->has_would) {
        jwriter_key(w, "would");
        jwriter_open_object(w);
        members_judgement(w, &answer->would);
        jwriter_close_object(w);
    }
    jwriter_close_object(w);
}

static void member_if(struct jwriter *w, const char *key, bool value)
{
    if (!value)
        return;
    jwriter_key(w, key);
    jwriter_bool(w, true);
}

void replay_print_change(struct jwriter *w, const struct replay_change *change)
{
    jwriter_open_object(w);
    jwriter_member_text(w, "change", view_str(replay_kind_name(change->kind)));
    jwriter_member_opt(w, "id", change->id);
    jwriter_member_opt(w, "time", change->time);
    jwriter_member_opt(w, "operation", change->operation);
    jwriter_member_opt(w, "project", change->project);
    jwriter_key(w, "user");
    jwriter_open_object(w);
    jwriter_member_opt(w, "id", change->user.id);
    jwriter_member_opt(w, "name", change->user.name);
    jwriter_member_opt(w, "domain", change->user.domain);
    jwriter_close_object(w);
    jwriter_member_opt(w, "policy_set", change->policy_set);
    member_if(w, "redacted", change->redacted);
    member_if(w, "not_reproducible", change->not_reproducible);
    member_answer(w, "before", change->before);
    member_answer(w, "after", change->after);
    jwriter_close_object(w);
}

static void member_count(struct jwriter *w, const char *key, uint64_t count)
{
    jwriter_member_int(w, key, (int64_t)count);
}

void replay_print_totals_json(struct jwriter *w, const struct replayed *replayed, uint64_t untold)
{
    static const char *const obstacles[REPLAY_OBSTACLES] = {
        [REPLAY_NO_SET] = "no_policy_set", [REPLAY_UNREADABLE] = "unreadable"};
    const struct replay_totals *totals = replayed->totals;

    member_count(w, "unlisted", untold);
    jwriter_key(w, "totals");
    jwriter_open_object(w);
    member_count(w, "requests", totals->lines);
    member_count(w, "kept", totals->kept);
    member_count(w, "judged", totals->judged);
    member_count(w, "changed", totals->changed);
    for (size_t i = 0; i < REPLAY_KINDS; i++)
        member_count(w, replay_kind_name((enum replay_kind)i), totals->kinds[i]);
    jwriter_key(w, "not_comparable");
    jwriter_open_object(w);
    for (size_t i = 0; i < REPLAY_OBSTACLES; i++)
        member_count(w, obstacles[i], totals->obstacles[i]);
    jwriter_close_object(w);
    member_count(w, "not_reproducible", totals->not_reproducible);
    member_count(w, "redacted", totals->redacted);
    member_count(w, "refused_by_quota_or_gateway", totals->aside);
    member_count(w, "refused_unread", totals->unjudged);
    member_count(w, "unreadable_lines", totals->bad_lines);
    jwriter_close_object(w);
    jwriter_key(w, "missing_policy_sets");
    jwriter_open_array(w);
    for (size_t i = 0; i < totals->missing_count; i++)
        jwriter_text(w, view_str(totals->missing[i]));
    jwriter_close_array(w);
    jwriter_member_text(w, "policies", view_str(replayed->policies));
    jwriter_member_text(w, "policy_set", view_str(replayed->digest));
}

/* ---- text ---- */

/* "team-a/flavors.allow (flavor.not_allowed)" */
static void say_cause(struct buf *out, const struct replay_group *group)
{
    if (group->policy.ptr != NULL)
        printable_add(out, group->policy);
    if (group->policy.ptr != NULL && group->rule.ptr != NULL)
        buf_add_byte(out, '/');
    if (group->rule.ptr != NULL)
        printable_add(out, group->rule);
    if (group->policy.ptr == NULL && group->rule.ptr == NULL)
        buf_add_str(out, "the set as a whole");
    if (group->code.ptr != NULL)
        buf_printf(out, " (%.*s)", VIEW_ARGS(group->code));
}

/* The words around the cause. */
static const struct {
    const char *before, *after;
} phrases[REPLAY_KINDS] = {
    [REPLAY_NEWLY_REFUSED] = {"allowed now would be refused by ", ""},
    [REPLAY_NEWLY_ALLOWED] = {"refused now by ", " would be allowed"},
    [REPLAY_EDITED_DIFFERENTLY] = {"would be edited differently: ", ""},
    [REPLAY_REFUSED_OTHERWISE] = {"would be refused for another reason: ", ""},
    [REPLAY_WARNED_DIFFERENTLY] = {"would be warned about differently: ", ""},
};

static void say_edit(struct buf *out, const struct replay_group *group)
{
    buf_printf(out, "%.*s of ", VIEW_ARGS(group->code));
    printable_add(out, group->rule);
    buf_add_str(out, " by ");
    printable_add(out, group->policy);
}

static void say_group(struct buf *out, const struct replay_group *group)
{
    bool is_edit = group->kind == REPLAY_EDITED_DIFFERENTLY && group->rule.ptr != NULL;

    who_add(out, group->user.id, group->user.name, group->user.domain, "(nobody known)");
    buf_printf(out, ": %" PRIu64 " request%s %s", group->count, group->count == 1 ? "" : "s",
               phrases[group->kind].before);
    if (is_edit)
        say_edit(out, group);
    else
        say_cause(out, group);
    buf_printf(out, "%s, first ", phrases[group->kind].after);
    printable_add(out, group->first);
    buf_add_str(out, ", last ");
    printable_add(out, view_str(group->last));
    buf_add_str(out, ", e.g. ");
    printable_add(out, group->example);
    buf_add_byte(out, '\n');
    if (group->message.len > 0) {
        buf_add_str(out, "    ");
        printable_add(out, group->message);
        buf_add_byte(out, '\n');
    }
}

static void say_count(struct buf *out, uint64_t count, const char *what)
{
    if (count > 0)
        buf_printf(out, "%12" PRIu64 "  %s\n", count, what);
}

static void say_doubts(struct buf *out, const struct replay_totals *totals)
{
    for (size_t i = 0; i < REPLAY_OBSTACLES; i++) {
        if (totals->obstacles[i] > 0)
            buf_printf(out, "%12" PRIu64 "  not comparable: %s\n", totals->obstacles[i],
                       replay_obstacle_text((enum replay_obstacle)i));
    }
    for (size_t i = 0; i < totals->missing_count; i++)
        buf_printf(out, "              set %s\n", totals->missing[i]);
    say_count(out, totals->lines - totals->kept,
              "not kept: judged while journal.requests was digest, or too long for a line");
    say_count(out, totals->not_reproducible,
              "not reproducible: the set that judged them says something else today");
    say_count(out, totals->redacted, "with something redacted, which may have been judged");
    say_count(out, totals->aside,
              "refused then by a quota or the gateway; compared as the policies alone see them");
    say_count(out, totals->unjudged, "refused before any policy was asked; they stay so");
    say_count(out, totals->bad_lines,
              "lines that can't be read; `postern audit verify` names them");
}

static void say_totals(struct buf *out, const struct replay_totals *totals)
{
    static const char *const kinds[REPLAY_KINDS] = {
        [REPLAY_NEWLY_REFUSED] = "newly refused",
        [REPLAY_NEWLY_ALLOWED] = "newly allowed",
        [REPLAY_EDITED_DIFFERENTLY] = "edited differently",
        [REPLAY_REFUSED_OTHERWISE] = "refused for another reason",
        [REPLAY_WARNED_DIFFERENTLY] = "warned about differently",
    };

    buf_printf(out, "%12" PRIu64 "  requests were judged then\n", totals->lines);
    buf_printf(out, "%12" PRIu64 "  of them were kept\n", totals->kept);
    buf_printf(out, "%12" PRIu64 "  of these were judged again\n", totals->judged);
    buf_printf(out, "%12" PRIu64 "  would be answered differently\n", totals->changed);
    for (size_t i = 0; i < REPLAY_KINDS; i++)
        say_count(out, totals->kinds[i], kinds[i]);
    say_doubts(out, totals);
}

bool replay_print_text(const struct replayed *replayed, const struct replay_groups *groups,
                       struct arena *arena, struct buf *out)
{
    const struct replay_group **all = replay_groups_sorted(groups, arena);

    if (all == NULL)
        return false;
    for (size_t i = 0; i < groups->count; i++)
        say_group(out, all[i]);
    if (groups->untold > 0)
        buf_printf(out, "and %" PRIu64 " more changed request%s in groups over --limit\n",
                   groups->untold, groups->untold == 1 ? "" : "s");
    if (groups->count == 0)
        buf_add_str(out, replayed->totals->judged > 0 ? "Nothing changes.\n"
                                                      : "Nothing could be judged again.\n");
    buf_add_byte(out, '\n');
    say_totals(out, replayed->totals);
    buf_printf(out, "Policies %s, set %s. Quotas are not replayed.\n", replayed->policies,
               replayed->digest);
    return out->failed == STATUS_OK;
}
