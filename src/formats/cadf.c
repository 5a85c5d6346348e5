/* SPDX-License-Identifier: Apache-2.0
 * CADF (DMTF DSP0262 1.0.0) in JSON, in the shape that OpenStack's audit middleware gives it. */
#include <stdio.h>

#include "base/clock.h"
#include "base/digest.h"
#include "formats/inner.h"
#include "json/write.h"

enum { UUID_BYTES = 37, TIME_BYTES = CLOCK_TEXT_BYTES + 6 };

/* What the gateway's events say; NULL: what the line's operation, outcome and instance say. */
struct event_fact {
    const char *event, *action, *outcome, *target;
};
static const struct event_fact other_event = {"", NULL, NULL, NULL};
static const struct event_fact events[] = {
    {"refusal", NULL, "failure", NULL},
    {"intent", NULL, "pending", NULL},
    {"outcome", NULL, NULL, NULL},
    {"settled", NULL, NULL, NULL},
    {"orphan", "monitor", "success", NULL},
    {"policy", "configure", "success", "data/security/policy"},
    {"admin", "configure", "success", "service/security"},
    {"start", "start", "success", "service/security"},
    {"stop", "stop", "success", "service/security"},
    {"checkpoint", "capture", "success", "data/file/log"},
    {"seal", "update", "success", "data/file/log"},
};

struct pair {
    const char *from, *to;
};
static const struct pair actions[] = {
#define ACTION(operation, action) {operation, action},
#include "formats/cadf_actions.def"
#undef ACTION
};
static const struct pair method_actions[] = {
    {"GET", "read"}, {"HEAD", "read"}, {"PUT", "update"}, {"PATCH", "update"}, {"DELETE", "delete"},
};
static const struct pair outcomes[] = {
    {"created", "success"}, {"done", "success"}, {"failed", "failure"}, {"refused", "failure"}};
static const struct pair targets[] = {{"notebooks.", "compute/machine/notebook"},
                                      {"demanager.", "compute/machine/environment"}};
static const struct pair identity[] = {
    {"iam", "Confirmed"}, {"certificate", "Confirmed"}, {"signature", "Confirmed"}};

/* What is attached, by the members that are there. */
static const enum row_member caller_members[] = {ROW_USER_ROLES, ROW_USER_GROUPS,
                                                 ROW_CREDENTIAL_VERIFIED};
static const enum row_member instance_members[] = {ROW_INSTANCE_ID, ROW_INSTANCE_NAME, ROW_FLAVOR,
                                                   ROW_WORKSPACE,   ROW_POOL,          ROW_PROFILE,
                                                   ROW_STORAGE,     ROW_AUTO_STOP_S};
static const enum row_member request_members[] = {ROW_ID,     ROW_OPERATION, ROW_CLASS,
                                                  ROW_METHOD, ROW_CLIENT,    ROW_REQUEST_ID};
static const enum row_member decision_members[] = {
    ROW_DECISION, ROW_WOULD,      ROW_POLICIES,       ROW_EXCEPTIONS, ROW_REASONS,
    ROW_EDITS,    ROW_POLICY_SET, ROW_REQUEST_SHA256, ROW_RESERVATION};
static const enum row_member outcome_members[] = {
    ROW_OUTCOME,     ROW_STATUS, ROW_ERROR_CODE, ROW_UPSTREAM_REQUEST_ID,
    ROW_DURATION_US, ROW_ERROR,  ROW_COUNT,      ROW_DURABILITY};
static const enum row_member seal_members[] = {ROW_HEAD, ROW_KEY, ROW_SIGNATURE};

struct cadf {
    struct row *row;
    struct view source;
    struct jwriter w;
    const struct event_fact *event;
    bool gone; /* an instance that was found to be gone: nobody knows who did it */
};

static const struct event_fact *find_event(struct view name)
{
    for (size_t i = 0; i < ARRAY_LEN(events); i++) {
        if (view_eq(name, view_str(events[i].event)))
            return &events[i];
    }
    return &other_event;
}

static const char *find_pair(const struct pair *pairs, size_t count, struct view from,
                             const char *otherwise)
{
    for (size_t i = 0; i < count; i++) {
        if (view_eq(from, view_str(pairs[i].from)))
            return pairs[i].to;
    }
    return otherwise;
}
#define PAIR(pairs, from, otherwise) find_pair((pairs), ARRAY_LEN(pairs), (from), (otherwise))

static void member_str(struct cadf *c, const char *key, const char *text)
{
    jwriter_member_text(&c->w, key, view_str(text));
}

/* Identifiers are mandatory, and never empty. */
static void member_id(struct cadf *c, struct view id)
{
    jwriter_member_text(&c->w, "id", id.len > 0 ? id : VIEW("unknown"));
}

/* Left out when empty. */
static void member_if(struct cadf *c, const char *key, enum row_member member)
{
    struct view text = row_text(c->row, member);

    if (text.len > 0)
        jwriter_member_text(&c->w, key, text);
}

/* ---- attachments ---- */

static bool has_any(const struct row *row, const enum row_member *members, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (row->at[members[i]] != JREF_NONE)
            return true;
    }
    return false;
}

static void open_attachment(struct cadf *c, const char *name)
{
    jwriter_open_object(&c->w);
    member_str(c, "typeURI", "application/json"); /* as pycadf calls it */
    member_str(c, "contentType", "application/json");
    member_str(c, "name", name);
    jwriter_key(&c->w, "content");
    jwriter_open_object(&c->w);
}

static void close_attachment(struct cadf *c)
{
    jwriter_close_object(&c->w);
    jwriter_close_object(&c->w);
}

static void content_members(struct cadf *c, const enum row_member *members, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *name = row_member_name(members[i]);
        const char *dot = strchr(name, '.');

        if (c->row->at[members[i]] == JREF_NONE)
            continue;
        jwriter_key(&c->w, dot == NULL ? name : dot + 1);
        jwriter_raw(&c->w, jdoc_raw(&c->row->doc, c->row->at[members[i]]));
    }
}

static void attachment(struct cadf *c, const char *name, const enum row_member *members,
                       size_t count)
{
    if (!has_any(c->row, members, count))
        return;
    open_attachment(c, name);
    content_members(c, members, count);
    close_attachment(c);
}
#define ATTACH(c, name, members) attachment((c), (name), (members), ARRAY_LEN(members))

/* The attachments of a resource: one, or the member isn't there. */
static void resource_attachment(struct cadf *c, const char *name, const enum row_member *members,
                                size_t count)
{
    if (!has_any(c->row, members, count))
        return;
    jwriter_key(&c->w, "attachments");
    jwriter_open_array(&c->w);
    attachment(c, name, members, count);
    jwriter_close_array(&c->w);
}

/* The way back: the line's place in the chain and its hash, which is the next line's prev. */
static void attach_line(struct cadf *c, const char *hash)
{
    static const enum row_member place[] = {ROW_V, ROW_SEQ, ROW_PREV, ROW_EVENT};

    open_attachment(c, "line");
    content_members(c, place, ARRAY_LEN(place));
    jwriter_member_text(&c->w, "hash", view_of(hash, DIGEST_HEX_BYTES));
    close_attachment(c);
}

static void member_attachments(struct cadf *c, const char *hash)
{
    jwriter_key(&c->w, "attachments");
    jwriter_open_array(&c->w);
    attach_line(c, hash);
    ATTACH(c, "request", request_members);
    ATTACH(c, "decision", decision_members);
    ATTACH(c, "outcome", outcome_members);
    ATTACH(c, "seal", seal_members);
    jwriter_close_array(&c->w);
}

/* ---- who ---- */

/* The schema demands a token: what the journal keeps of one, the start of its digest. */
static void member_credential(struct cadf *c)
{
    struct view kind = row_text(c->row, ROW_CREDENTIAL_KIND);
    struct view digest = row_text(c->row, ROW_CREDENTIAL_DIGEST);
    struct view token = VIEW("not kept");

    if (kind.len == 0 || view_eq(kind, VIEW("none")))
        return;
    if (digest.len > 0) {
        token = arena_printf(c->row->arena, "sha256:%.*s", VIEW_ARGS(digest));
        c->row->failed = c->row->failed || token.ptr == NULL;
    }
    jwriter_key(&c->w, "credential");
    jwriter_open_object(&c->w);
    jwriter_member_text(&c->w, "type", kind);
    jwriter_member_text(&c->w, "token", token);
    member_str(c, "identity_status",
               PAIR(identity, row_text(c->row, ROW_CREDENTIAL_VERIFIED), "Unverified"));
    jwriter_close_object(&c->w);
}

/* "192.0.2.1:5000" and "[2001:db8::1]:5000" without the port. */
static struct view address_of(struct view client)
{
    size_t end = client.len;

    while (end > 0 && client.ptr[end - 1] != ':')
        end--;
    if (end > 0)
        client.len = end - 1;
    if (client.len >= 2 && client.ptr[0] == '[' && client.ptr[client.len - 1] == ']')
        client = view_of(client.ptr + 1, client.len - 2);
    return client;
}

static void member_host(struct cadf *c)
{
    struct view client = row_text(c->row, ROW_CLIENT);

    if (client.len == 0)
        return;
    jwriter_key(&c->w, "host");
    jwriter_open_object(&c->w);
    jwriter_member_text(&c->w, "address", address_of(client));
    jwriter_close_object(&c->w);
}

static void person(struct cadf *c)
{
    struct view id = row_text(c->row, ROW_USER_ID);

    member_str(c, "typeURI", "service/security/account/user");
    member_id(c, id.len > 0 ? id : row_text(c->row, ROW_USER_NAME));
    member_if(c, "name", ROW_USER_NAME);
    member_if(c, "domain", ROW_USER_DOMAIN);
    member_if(c, "project_id", ROW_PROJECT);
    member_credential(c);
    member_host(c);
    resource_attachment(c, "caller", caller_members, ARRAY_LEN(caller_members));
}

static void gateway(struct cadf *c)
{
    member_str(c, "typeURI", "service/security");
    member_id(c, c->source);
    member_str(c, "name", "postern");
}

/* Whether the line is about somebody's request; an event of a later version by what it tells. */
static bool is_request(const struct cadf *c)
{
    if (c->event == &other_event)
        return has_any(c->row, request_members, ARRAY_LEN(request_members));
    return c->event->target == NULL && strcmp(c->event->event, "orphan") != 0;
}

/* Of an operator's deed the operator, of a request its caller, else the gateway itself. */
static void member_initiator(struct cadf *c)
{
    struct view actor = row_text(c->row, ROW_ACTOR);

    jwriter_key(&c->w, "initiator");
    jwriter_open_object(&c->w);
    if (actor.len > 0) {
        member_str(c, "typeURI", "service/security/account/user");
        member_id(c, actor);
    } else if (c->gone) {
        member_str(c, "typeURI", "unknown");
        member_id(c, VIEW_NONE);
    } else if (is_request(c)) {
        person(c);
    } else {
        gateway(c);
    }
    jwriter_close_object(&c->w);
}

static void member_observer(struct cadf *c)
{
    jwriter_key(&c->w, "observer");
    jwriter_open_object(&c->w);
    gateway(c);
    jwriter_close_object(&c->w);
}

/* ---- what ---- */

static const char *action_of(struct cadf *c)
{
    struct view operation = row_text(c->row, ROW_OPERATION);
    const char *action;

    if (c->gone)
        return "delete";
    if (c->event->action != NULL)
        return c->event->action;
    action = PAIR(actions, operation, NULL);
    return action != NULL ? action : PAIR(method_actions, row_text(c->row, ROW_METHOD), "unknown");
}

static const char *outcome_of(struct cadf *c)
{
    if (strcmp(c->event->event, "policy") == 0 && c->row->at[ROW_ERROR] != JREF_NONE)
        return "failure";
    if (c->event->outcome != NULL)
        return c->event->outcome;
    return PAIR(outcomes, row_text(c->row, ROW_OUTCOME), "unknown");
}

/* The instance; before it has an id, the cloud's service in the project. */
static void instance_target(struct cadf *c)
{
    struct view id = row_text(c->row, ROW_INSTANCE_ID);
    struct view operation = row_text(c->row, ROW_OPERATION);
    const char *type = "compute/machine";

    for (size_t i = 0; i < ARRAY_LEN(targets); i++) {
        if (view_starts(operation, view_str(targets[i].from)))
            type = targets[i].to;
    }
    member_str(c, "typeURI", id.len > 0 ? type : "service/compute");
    member_id(c, id.len > 0 ? id : row_text(c->row, ROW_PROJECT));
    if (id.len > 0)
        member_if(c, "name", ROW_INSTANCE_NAME);
    member_if(c, "project_id", ROW_PROJECT);
    resource_attachment(c, "instance", instance_members, ARRAY_LEN(instance_members));
}

static void member_target(struct cadf *c)
{
    struct view set = row_text(c->row, ROW_POLICY_SET);
    const char *type = c->event->target;

    jwriter_key(&c->w, "target");
    jwriter_open_object(&c->w);
    if (type == NULL) {
        instance_target(c);
    } else {
        const bool policy = strcmp(type, "data/security/policy") == 0;
        const bool log = strcmp(type, "data/file/log") == 0;

        member_str(c, "typeURI", type);
        member_id(c, policy ? set : c->source);
        member_str(c, "name", policy ? "policy set" : log ? "journal" : "postern");
    }
    jwriter_close_object(&c->w);
}

/* Two pairs, each whole or not there: the cloud's status, or of what wasn't sent our code; and the
 * policy that the first reason names. */
static void member_reason(struct cadf *c)
{
    const int64_t status = row_number(c->row, ROW_STATUS, 0);
    jref reasons = row_list(c->row, ROW_REASONS);
    jref first = reasons == JREF_NONE ? JREF_NONE : jdoc_child(&c->row->doc, reasons);
    struct view code = row_text_in(c->row, first, VIEW("code"));
    struct view policy = row_text_in(c->row, first, VIEW("policy"));
    char number[24];

    if (status <= 0 && code.len == 0 && policy.len == 0)
        return;
    jwriter_key(&c->w, "reason");
    jwriter_open_object(&c->w);
    if (status > 0 || code.len > 0)
        member_str(c, "reasonType", status > 0 ? "HTTP" : "Postern");
    (void)snprintf(number, sizeof number, "%lld", (long long)status);
    if (status > 0)
        member_str(c, "reasonCode", number);
    else if (code.len > 0)
        jwriter_member_text(&c->w, "reasonCode", code);
    if (policy.len > 0) {
        member_str(c, "policyType", "Postern");
        jwriter_member_text(&c->w, "policyId", policy);
    }
    jwriter_close_object(&c->w);
}

/* All events of one exchange have it in common, as OpenStack's middleware tags them. */
static void member_tags(struct cadf *c)
{
    struct view id = row_text(c->row, ROW_ID), tag;

    if (id.len == 0)
        return;
    tag = arena_printf(c->row->arena, "correlation_id?value=%.*s", VIEW_ARGS(id));
    c->row->failed = c->row->failed || tag.ptr == NULL;
    jwriter_key(&c->w, "tags");
    jwriter_open_array(&c->w);
    jwriter_text(&c->w, tag);
    jwriter_close_array(&c->w);
}

/* A UUID of version 8 (RFC 9562): the start of a SHA-256 over the gateway and the line's hash. */
static void make_uuid(struct cadf *c, const char *hash, char out[UUID_BYTES])
{
    unsigned char d[DIGEST_BYTES];
    char hex[DIGEST_HEX_BYTES];
    struct view text =
        arena_printf(c->row->arena, "%.*s\n%.*s", VIEW_ARGS(c->source), DIGEST_HEX_BYTES, hash);

    c->row->failed = c->row->failed || text.ptr == NULL;
    digest_sha256(text, d);
    d[6] = (unsigned char)((d[6] & 0x0f) | 0x80);
    d[8] = (unsigned char)((d[8] & 0x3f) | 0x80);
    digest_hex(d, hex);
    (void)snprintf(out, UUID_BYTES, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16,
                   hex + 20);
}

/* DSP0262 permits no "Z". */
static void member_time(struct cadf *c, int64_t time_us)
{
    char time[CLOCK_TEXT_BYTES], text[TIME_BYTES];
    struct view utc = clock_format(time_us, time);

    (void)snprintf(text, sizeof text, "%.*s+00:00", (int)utc.len - 1, utc.ptr);
    member_str(c, "eventTime", text);
}

enum status format_cadf(const struct format_input *in, struct buf *out)
{
    struct cadf c = {.row = in->row, .source = in->source};
    char hash[DIGEST_HEX_BYTES], uuid[UUID_BYTES];
    int64_t time_us;

    if (!clock_parse(row_text(c.row, ROW_TIME), &time_us))
        return STATUS_SYNTAX;
    c.event = find_event(row_text(c.row, ROW_EVENT));
    c.gone =
        strcmp(c.event->event, "settled") == 0 && view_eq(row_text(c.row, ROW_ERROR), VIEW("gone"));
    digest_sha256_hex(in->line, hash);
    make_uuid(&c, hash, uuid);
    jwriter_init(&c.w, out);
    jwriter_open_object(&c.w);
    member_str(&c, "typeURI", "http://schemas.dmtf.org/cloud/audit/1.0/event");
    member_str(&c, "eventType", "activity");
    member_str(&c, "id", uuid);
    member_time(&c, time_us);
    member_str(&c, "action", action_of(&c));
    member_str(&c, "outcome", outcome_of(&c));
    member_reason(&c);
    member_initiator(&c);
    member_target(&c);
    member_observer(&c);
    member_if(&c, "requestPath", ROW_PATH);
    member_tags(&c);
    member_attachments(&c, hash);
    jwriter_close_object(&c.w);
    return STATUS_OK;
}
