/* SPDX-License-Identifier: Apache-2.0
 * What the client sees: the cloud's answer as it came with our marks, or a refusal in the form that
 * every known client shows (design section 9). */
#include "base/redact.h"
#include "gateway/exchange.h"
#include "json/write.h"

enum { EDITS_HEADER_MAX = 4096, OUR_FIELDS = 6, REFUSAL_MAX = 256 << 10 };

static struct http1_field our_field(const char *name, struct view value)
{
    return (struct http1_field){.name = view_str(name), .value = value, .id = HTTP1_OTHER};
}

/* Of the cloud's fields: framing and hop-by-hop are this hop's own, Date is front's, Postern-* is
 * ours alone; Alt-Svc (RFC 7838) would name a way that doesn't lead through this gateway. */
static bool passes(const struct http1_field *field)
{
    struct view prefix = view_of(field->name.ptr, field->name.len < 8 ? field->name.len : 8);

    if (http1_is_hop_by_hop(field->id) || field->id == HTTP1_CONTENT_LENGTH ||
        field->id == HTTP1_DATE || view_eq_nocase(field->name, VIEW("alt-svc")))
        return false;
    return !view_eq_nocase(prefix, VIEW("postern-"));
}

struct http1_field *reply_fields(struct exchange *x, const struct http1_field *fields,
                                 unsigned count, unsigned *ret_count)
{
    struct http1_field *out = arena_array(x->arena, count + OUR_FIELDS, sizeof *out);
    unsigned n = 0;

    if (out == NULL)
        return NULL;
    for (unsigned i = 0; i < count; i++) {
        if (passes(&fields[i]))
            out[n++] = fields[i];
    }
    out[n++] = our_field("Postern-Id", view_of(x->id, sizeof x->id));
    *ret_count = n;
    return out;
}

/* The journal's list as one ASCII line, or how many there are if it is too long for a header. */
static struct view edits_value(struct exchange *x)
{
    struct buf text;
    struct jwriter w;
    struct view value;

    buf_init(&text, EDITS_HEADER_MAX);
    jwriter_init(&w, &text);
    w.ascii = true;
    modelarts_write_changes(&w, x->judging.changes, x->judging.change_count);
    value = text.failed == STATUS_OK ? arena_copy(x->arena, buf_view(&text))
                                     : arena_printf(x->arena, "%zu", x->judging.change_count);
    buf_done(&text);
    return value;
}

/* One printable ASCII line; a header can't carry more. */
static struct view header_text(struct exchange *x, struct view text)
{
    char *copy = arena_strdup(x->arena, text);

    if (copy == NULL)
        return VIEW("see the journal");
    for (size_t i = 0; i < text.len; i++) {
        if (copy[i] < 0x20 || copy[i] > 0x7e)
            copy[i] = '?';
    }
    text.len = redact(copy, text.len);
    return view_of(copy, text.len < EDITS_HEADER_MAX ? text.len : EDITS_HEADER_MAX);
}

/* What the warn policies held back: the sentence of their refusal, or how many edits. */
static struct view warning_value(struct exchange *x)
{
    struct view sentence;

    if (x->would.verdict == VERDICT_REFUSE)
        sentence = modelarts_refusal_sentence(x->would.reasons, x->would.reason_count, x->arena);
    else
        sentence = arena_printf(x->arena, "this request would be rewritten in %zu places",
                                x->would.change_count);
    return header_text(x, sentence);
}

static unsigned add_marks(struct exchange *x, struct http1_field *fields, unsigned n)
{
    if (x->judging.decision == NULL)
        return n;
    if (x->judging.change_count > 0 && x->reason_count == 0) {
        fields[n++] = our_field("Postern-Decision", VIEW("rewrite"));
        fields[n++] = our_field("Postern-Edits", edits_value(x));
    }
    if (x->has_would && x->warns)
        fields[n++] = our_field("Postern-Warning", warning_value(x));
    return n;
}

static enum flow reply_out_of_memory(struct exchange *x)
{
    const struct front_reply reply = {.status = 503, .close = true};

    x->sent_status = 503;
    front_reply(x->front, &reply);
    return FLOW_WAIT;
}

static enum flow reply_answer(struct exchange *x)
{
    struct front_reply reply = {.status = x->answer.status, .body = buf_view(&x->answer.body)};
    struct http1_field *fields = reply_fields(x, x->answer.fields, x->answer.count, &reply.count);

    if (fields == NULL)
        return reply_out_of_memory(x);
    reply.count = add_marks(x, fields, reply.count);
    reply.fields = fields;
    x->sent_status = (int)reply.status;
    front_reply(x->front, &reply);
    return FLOW_WAIT;
}

/* Framing can't be trusted behind these: nothing more is read on the connection. */
static bool ends_connection(const struct exchange *x)
{
    const struct reason_row *row = x->reasons[0].row;

    return x->head == NULL || (row >= http1_reasons && row < http1_reasons + HTTP1_FAULT_COUNT);
}

/* An answer of our own. */
static enum flow reply_own(struct exchange *x, int status, bool close, const struct buf *body)
{
    const struct view id = view_of(x->id, sizeof x->id);
    struct http1_field *fields = arena_array(x->arena, 4 + OUR_FIELDS, sizeof *fields);
    struct front_reply reply = {.status = (unsigned)status, .close = close};
    unsigned n = 0;

    if (fields == NULL || body->failed != STATUS_OK)
        return reply_out_of_memory(x);
    fields[n++] = our_field("Content-Type", VIEW("application/json"));
    fields[n++] = our_field("X-Request-Id", id);
    fields[n++] = our_field("x-openstack-request-id", id);
    fields[n++] = our_field("Postern-Id", id);
    /* RFC 9110 15.5.2: a 401 names a way to identify. */
    if (status == 401)
        fields[n++] = our_field("WWW-Authenticate", VIEW("X-Auth-Token"));
    reply.fields = fields;
    reply.count = add_marks(x, fields, n);
    reply.body = buf_view(body);
    x->sent_status = status;
    front_reply(x->front, &reply);
    return FLOW_WAIT;
}

/* What would have been done, beside what a refusal says anyway. */
static void write_trial(struct exchange *x, struct jwriter *w)
{
    const struct judging *judging = &x->judging;

    jwriter_member_text(
        w, "decision",
        view_str(verdict_name(x->reason_count > 0 ? VERDICT_REFUSE
                                                  : judging->decision->judgement.verdict)));
    jwriter_key(w, "edits");
    modelarts_write_changes(w, judging->changes, judging->change_count);
    if (x->has_would) {
        jwriter_key(w, "would");
        jwriter_open_object(w);
        jwriter_member_text(w, "decision", view_str(verdict_name(x->would.verdict)));
        modelarts_write_reasons(w, x->would.reasons, x->would.reason_count);
        jwriter_key(w, "edits");
        modelarts_write_changes(w, x->would.changes, x->would.change_count);
        jwriter_close_object(w);
    }
    if (x->reason_count > 0)
        return;
    jwriter_member_opt(w, "query", judging->sent_query);
    if (judging->has_body) {
        jwriter_key(w, "body");
        jwriter_raw(w, judging->sent_body);
    }
}

static enum flow reply_refusal(struct exchange *x)
{
    const struct view id = view_of(x->id, sizeof x->id);
    int status = x->reasons[0].row->status;
    struct view sentence = modelarts_refusal_sentence(x->reasons, x->reason_count, x->arena);
    CLEANUP(buf_done) struct buf body;
    struct jwriter w;

    buf_init(&body, REFUSAL_MAX);
    if (sentence.ptr == NULL)
        return reply_out_of_memory(x);
    jwriter_init(&w, &body);
    modelarts_open_refusal(&w, status, id, sentence, x->reasons, x->reason_count);
    if (x->dry_run)
        write_trial(x, &w);
    jwriter_close_object(&w);
    if (body.failed == STATUS_OK)
        body.len = redact(body.ptr, body.len);
    return reply_own(x, status, ends_connection(x), &body);
}

/* Postern-Dry-Run: nothing was forwarded, reserved or recorded. */
static enum flow reply_trial(struct exchange *x)
{
    CLEANUP(buf_done) struct buf body;
    struct jwriter w;

    buf_init(&body, REFUSAL_MAX + x->judging.sent_body.len);
    jwriter_init(&w, &body);
    jwriter_open_object(&w);
    modelarts_write_reasons(&w, NULL, 0);
    write_trial(x, &w);
    jwriter_close_object(&w);
    return reply_own(x, 200, false, &body);
}

enum flow step_reply(struct exchange *x)
{
    /* Settled: whoever has the answer may use the name again at once. */
    pending_remove(&x->gw->shared->pending, &x->pending);
    if (x->client_gone)
        return FLOW_END;
    x->replied = true;
    /* A well-framed answer reaches the caller as it came, whatever the outcome says. */
    if (x->answer.status != 0)
        return reply_answer(x);
    return x->reason_count > 0 ? reply_refusal(x) : reply_trial(x);
}
