/* SPDX-License-Identifier: Apache-2.0
 * Facts to one line of the journal. The order of the calls is the order of the contract (design
 * section 8), so this file is read top to bottom beside it. */
#include "journal/record.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/redact.h"
#include "json/write.h"
#include "modelarts/changes.h"

static const char *const event_names[] = {
    [JOURNAL_REFUSAL] = "refusal", [JOURNAL_INTENT] = "intent",
    [JOURNAL_OUTCOME] = "outcome", [JOURNAL_SETTLED] = "settled",
    [JOURNAL_POLICY] = "policy",   [JOURNAL_START] = "start",
    [JOURNAL_STOP] = "stop",       [JOURNAL_CHECKPOINT] = "checkpoint",
    [JOURNAL_SEAL] = "seal",       [JOURNAL_ORPHAN] = "orphan",
    [JOURNAL_ADMIN] = "admin",
};
static const char *const outcome_names[] = {
    [OUTCOME_NONE] = "",         [OUTCOME_CREATED] = "created", [OUTCOME_DONE] = "done",
    [OUTCOME_FAILED] = "failed", [OUTCOME_UNKNOWN] = "unknown", [OUTCOME_REFUSED] = "refused",
};

const char *journal_event_name(enum journal_event event)
{
    return event_names[event];
}

const char *journal_outcome_name(enum journal_outcome outcome)
{
    return outcome_names[outcome];
}

bool journal_event_find(struct view name, enum journal_event *ret)
{
    for (size_t i = 0; i < ARRAY_LEN(event_names); i++) {
        if (view_eq(name, view_str(event_names[i]))) {
            *ret = (enum journal_event)i;
            return true;
        }
    }
    return false;
}

bool journal_outcome_find(struct view name, enum journal_outcome *ret)
{
    for (size_t i = OUTCOME_CREATED; i < ARRAY_LEN(outcome_names); i++) {
        if (view_eq(name, view_str(outcome_names[i]))) {
            *ret = (enum journal_outcome)i;
            return true;
        }
    }
    return false;
}

int64_t journal_auto_stop_s(const struct instance_request *request)
{
    /* The first is the one at the documented place, if there is one. */
    const struct stop_request *stop = request->stop_count == 0 ? NULL : &request->stops[0];

    if (stop == NULL || !stop->enable || !stop->has_duration || stop->duration_ms < 0)
        return -1;
    return stop->duration_ms / 1000;
}

int64_t journal_run_s(const struct journal_facts *facts)
{
    if (facts->has_run)
        return facts->run_s;
    return facts->instance == NULL ? -1 : journal_auto_stop_s(facts->instance);
}

struct view journal_instance_id(const struct journal_facts *facts)
{
    if (facts->instance_id.ptr != NULL || facts->listed == NULL)
        return facts->instance_id;
    return facts->listed->id;
}

struct view journal_flavor(const struct instance_request *request)
{
    if (request->has_custom_spec)
        return MODELARTS_CUSTOM_FLAVOR;
    return request->flavor.set ? request->flavor.value : VIEW_NONE;
}

struct view journal_profile(const struct instance_request *request)
{
    if (request->profile.set)
        return request->profile.value;
    return request->image.set ? request->image.value : VIEW_NONE;
}

static struct view field(const struct text_field *field)
{
    return field->set ? field->value : VIEW_NONE;
}

static struct view first_of(struct view a, struct view b)
{
    return a.ptr != NULL ? a : b;
}

struct journal_instance journal_instance_of(const struct journal_facts *facts)
{
    const struct instance_request *asked = facts->instance;
    struct journal_instance of = {.name = VIEW_NONE};

    if (facts->listed != NULL)
        of = *facts->listed;
    of.id = journal_instance_id(facts);
    of.name = first_of(facts->instance_name, of.name);
    if (asked == NULL)
        return of;
    of.name = first_of(field(&asked->name), of.name);
    of.flavor = first_of(journal_flavor(asked), of.flavor);
    of.workspace = first_of(field(&asked->workspace), of.workspace);
    of.pool = first_of(field(&asked->pool), of.pool);
    return of;
}

/* Words of strangers: cut, and all but printable ASCII as \xNN, so that two readers of the journal
 * see the same thing. */
static void member_escaped(struct jwriter *w, const char *key, struct view v)
{
    char text[4 * JOURNAL_CUT_BYTES + 1];
    size_t used = 0;

    if (v.ptr == NULL)
        return;
    for (size_t i = 0; i < v.len && i < JOURNAL_CUT_BYTES; i++) {
        unsigned char byte = (unsigned char)v.ptr[i];

        if (byte < 0x20 || byte >= 0x7f || byte == '\\')
            used += (size_t)snprintf(text + used, sizeof text - used, "\\x%02x", byte);
        else
            text[used++] = (char)byte;
    }
    jwriter_member_text(w, key, view_of(text, used));
}

static void member_names(struct jwriter *w, const char *key, const struct view *names, size_t count)
{
    jwriter_key(w, key);
    jwriter_open_array(w);
    for (size_t i = 0; i < count; i++)
        jwriter_text(w, names[i]);
    jwriter_close_array(w);
}

/* With these the subject can be made again as it was: a domain_id that equals `domain` says that
 * its name isn't known. The project's name counts only for the project of the path. */
static void members_subject(struct jwriter *w, const struct journal_facts *facts)
{
    const struct subject *user = facts->user;

    if ((user->known & SUBJECT_DOMAIN) && !view_eq(user->domain_id, user->domain_name))
        jwriter_member_opt(w, "domain_id", user->domain_id);
    if ((user->known & SUBJECT_PROJECT) && view_eq(user->project_id, facts->project))
        jwriter_member_opt(w, "project_name", user->project_name);
}

/* Known and empty is written, as an empty list; unknown is left out. */
static void member_user(struct jwriter *w, const struct journal_facts *facts)
{
    const struct subject *user = facts->user;
    const unsigned told = SUBJECT_USER | SUBJECT_DOMAIN | SUBJECT_ROLES | SUBJECT_GROUPS |
                          (facts->kept != NULL ? SUBJECT_PROJECT : 0);

    if (user == NULL || (user->known & told) == 0)
        return;
    jwriter_key(w, "user");
    jwriter_open_object(w);
    if (user->known & SUBJECT_USER) {
        jwriter_member_opt(w, "id", user->user_id);
        jwriter_member_opt(w, "name", user->user_name);
    }
    if (user->known & SUBJECT_DOMAIN)
        jwriter_member_opt(w, "domain",
                           user->domain_name.ptr != NULL ? user->domain_name : user->domain_id);
    if (user->known & SUBJECT_ROLES)
        member_names(w, "roles", user->roles, user->role_count);
    if (user->known & SUBJECT_GROUPS)
        member_names(w, "groups", user->groups, user->group_count);
    if (facts->kept != NULL)
        members_subject(w, facts);
    jwriter_close_object(w);
}

static void member_credential(struct jwriter *w, const struct journal_facts *facts)
{
    if (facts->credential_kind == NULL)
        return;
    jwriter_key(w, "credential");
    jwriter_open_object(w);
    jwriter_member_opt(w, "kind", view_str(facts->credential_kind));
    jwriter_member_opt(w, "digest", view_str(facts->credential_digest));
    jwriter_member_opt(w, "verified", view_str(facts->credential_verified));
    jwriter_close_object(w);
}

static void member_storage(struct jwriter *w, const struct instance_request *request)
{
    bool open = false;

    for (size_t i = 0; i < request->storage_count; i++) {
        if (!request->storages[i].path.set)
            continue;
        if (!open) {
            jwriter_key(w, "storage");
            jwriter_open_array(w);
            open = true;
        }
        jwriter_text(w, request->storages[i].path.value);
    }
    if (open)
        jwriter_close_array(w);
}

static void member_instance(struct jwriter *w, const struct journal_facts *facts)
{
    const struct journal_instance of = journal_instance_of(facts);

    if (facts->instance == NULL && facts->listed == NULL && of.id.ptr == NULL &&
        of.name.ptr == NULL)
        return;
    jwriter_key(w, "instance");
    jwriter_open_object(w);
    jwriter_member_opt(w, "id", of.id);
    jwriter_member_opt(w, "name", of.name);
    jwriter_member_opt(w, "flavor", of.flavor);
    jwriter_member_opt(w, "workspace", of.workspace);
    jwriter_member_opt(w, "pool", of.pool);
    if (facts->instance != NULL) {
        jwriter_member_opt(w, "profile", journal_profile(facts->instance));
        member_storage(w, facts->instance);
    }
    if (journal_run_s(facts) >= 0)
        jwriter_member_int(w, "auto_stop_s", journal_run_s(facts));
    jwriter_close_object(w);
}

static void member_at(struct jwriter *w, const struct loc *at)
{
    char text[512];
    int len;

    if (at->file == NULL)
        return;
    if (at->line > 0 && at->column > 0)
        len = snprintf(text, sizeof text, "%s:%u:%u", at->file, at->line, at->column);
    else if (at->line > 0)
        len = snprintf(text, sizeof text, "%s:%u", at->file, at->line);
    else
        len = snprintf(text, sizeof text, "%s", at->file);
    if (len > 0)
        jwriter_member_text(w, "at", view_str(text));
}

static void member_reasons(struct jwriter *w, const struct reason *reasons, size_t count)
{
    if (count == 0)
        return;
    jwriter_key(w, "reasons");
    jwriter_open_array(w);
    for (size_t i = 0; i < count; i++) {
        const struct reason *reason = &reasons[i];

        jwriter_open_object(w);
        jwriter_member_opt(w, "code", view_str(reason->row == NULL ? NULL : reason->row->code));
        jwriter_member_opt(w, "policy", reason->policy);
        jwriter_member_opt(w, "rule", reason->rule);
        member_at(w, &reason->at);
        jwriter_member_opt(w, "message", reason->message);
        jwriter_close_object(w);
    }
    jwriter_close_array(w);
}

static void member_edits(struct jwriter *w, const struct change *changes, size_t count)
{
    if (count == 0)
        return;
    jwriter_key(w, "edits");
    modelarts_write_changes(w, changes, count);
}

static void member_would(struct jwriter *w, const struct journal_would *would)
{
    if (would == NULL)
        return;
    jwriter_key(w, "would");
    jwriter_open_object(w);
    jwriter_member_text(w, "decision", view_str(verdict_name(would->verdict)));
    member_reasons(w, would->reasons, would->reason_count);
    member_edits(w, would->changes, would->change_count);
    jwriter_close_object(w);
}

/* id .. request_id: which request, whose */
static void members_request(struct jwriter *w, const struct journal_facts *facts)
{
    jwriter_member_opt(w, "id", facts->id);
    if (facts->operation != NULL) {
        jwriter_member_text(w, "operation", view_str(facts->operation->name));
        jwriter_member_text(w, "class", view_str(op_class_name(facts->operation->class)));
    }
    jwriter_member_opt(w, "method", facts->method);
    jwriter_member_opt(w, "path", facts->path);
    jwriter_member_opt(w, "project", facts->project);
    member_user(w, facts);
    member_credential(w, facts);
    jwriter_member_opt(w, "client", facts->client);
    member_escaped(w, "request_id", facts->request_id);
    member_instance(w, facts);
}

/* decision .. reservation: what was decided, by what */
static void members_decision(struct jwriter *w, const struct journal_facts *facts)
{
    if (facts->has_decision)
        jwriter_member_text(w, "decision", view_str(verdict_name(facts->decision)));
    member_would(w, facts->would);
    if (facts->policy_count > 0)
        member_names(w, "policies", facts->policies, facts->policy_count);
    if (facts->exception_count > 0)
        member_names(w, "exceptions", facts->exceptions, facts->exception_count);
    member_reasons(w, facts->reasons, facts->reason_count);
    member_edits(w, facts->changes, facts->change_count);
    jwriter_member_opt(w, "policy_set", facts->policy_set);
    jwriter_member_opt(w, "request_sha256", facts->request_sha256);
    jwriter_member_opt(w, "reservation", facts->reservation);
}

/* outcome .. durability: what came of it */
static void members_outcome(struct jwriter *w, const struct journal_facts *facts)
{
    if (facts->outcome != OUTCOME_NONE)
        jwriter_member_text(w, "outcome", view_str(journal_outcome_name(facts->outcome)));
    if (facts->status != 0)
        jwriter_member_int(w, "status", facts->status);
    member_escaped(w, "error_code", facts->error_code);
    member_escaped(w, "upstream_request_id", facts->upstream_request_id);
    if (facts->duration_us >= 0)
        jwriter_member_int(w, "duration_us", facts->duration_us);
    jwriter_member_opt(w, "actor", facts->actor);
    jwriter_member_opt(w, "error", facts->error);
    if (facts->count != 0)
        jwriter_member_int(w, "count", facts->count);
    jwriter_member_opt(w, "durability", facts->durability);
}

/* request .. redacted: the request itself */
static void members_kept(struct jwriter *w, const struct journal_kept *kept)
{
    if (kept == NULL)
        return;
    jwriter_member_raw_opt(w, "request", kept->request);
    jwriter_member_opt(w, "query", kept->query);
    jwriter_member_raw_opt(w, "stored", kept->stored);
    if (kept->redacted_count > 0)
        member_names(w, "redacted", kept->redacted, kept->redacted_count);
}

static void members_seal(struct jwriter *w, const struct journal_facts *facts)
{
    jwriter_member_opt(w, "head", facts->head);
    jwriter_member_opt(w, "key", facts->key);
    jwriter_member_opt(w, "signature", facts->signature);
}

void journal_format(const struct journal_facts *facts, struct buf *out)
{
    const size_t from = out->len;
    char time[CLOCK_TEXT_BYTES];
    struct jwriter w;

    jwriter_init(&w, out);
    w.depth = 1; /* the brace that opens the line is the writer's */
    jwriter_member_text(&w, "time", clock_format(facts->time_us, time));
    jwriter_member_text(&w, "event", view_str(journal_event_name(facts->event)));
    members_request(&w, facts);
    members_decision(&w, facts);
    members_outcome(&w, facts);
    members_kept(&w, facts->kept);
    members_seal(&w, facts);
    jwriter_close_object(&w);
    if (out->failed == STATUS_OK)
        out->len = from + redact(out->ptr + from, out->len - from);
}
