/* SPDX-License-Identifier: Apache-2.0
 * See judged.h. */
#include "judged.h"

#include "base/attr.h"
#include "base/buffer.h"
#include "policy/quota.h"

enum { TEXT_MAX = 1 << 24, NOW_US = 0 };

static const struct jlimits limits = {.bytes = 1 << 20, .depth = 64, .members = 8192};

#define PROJECT  VIEW("0123456789abcdef0123456789abcdef")
#define INSTANCE VIEW("i-1")

static const struct view roles[] = {{"te_admin", 8}, {"readonly", 8}};
static const struct view groups[] = {{"team-a", 6}};
static const struct view odd[] = {{"", 0}, {"*", 1}, {"\xff\n", 2}};

const struct subject judged_subjects[SUBJECTS] = {
    {
        .known = SUBJECT_USER | SUBJECT_DOMAIN | SUBJECT_PROJECT | SUBJECT_ROLES | SUBJECT_GROUPS,
        .user_id = {"u-1", 3},
        .user_name = {"alice", 5},
        .domain_id = {"d-1", 3},
        .domain_name = {"acme", 4},
        .project_id = {"0123456789abcdef0123456789abcdef", 32},
        .project_name = {"eu-de_ml", 8},
        .roles = roles,
        .role_count = ARRAY_LEN(roles),
        .groups = groups,
        .group_count = ARRAY_LEN(groups),
    },
    {.known = 0},
    {
        .known = SUBJECT_USER | SUBJECT_PROJECT | SUBJECT_ROLES | SUBJECT_GROUPS,
        .user_id = {"..", 2},
        .user_name = {"a/../b", 6},
        .project_id = {"p", 1},
        .project_name = {"", 0},
        .roles = odd,
        .role_count = ARRAY_LEN(odd),
        .groups = odd,
        .group_count = 0,
    },
};

static void check_faults(enum status status, const struct body_faults *faults)
{
    REQUIRE(status == STATUS_OK || status == STATUS_INVALID);
    REQUIRE((status == STATUS_INVALID) == (faults->count > 0));
    REQUIRE(faults->count <= BODY_REASONS_MAX);
    for (size_t i = 0; i < faults->count; i++)
        REQUIRE(faults->items[i].row != NULL && faults->items[i].message.len > 0);
}

/* The answer that completes a start or a lease, which began an hour before. */
static bool read_stored(struct judged *judged, const struct jdoc *answer, struct arena *arena)
{
    static const int64_t now_us = (int64_t)3 * 3600 * 1000 * 1000;
    struct body_faults faults = {.count = 0};
    enum status status =
        modelarts_read_stored(&judged->raw, answer, now_us, arena, &judged->request, &faults);

    check_faults(status, &faults);
    return status == STATUS_OK;
}

static void read_json(struct view text, struct arena *arena, struct jdoc *ret)
{
    struct jfault fault;

    REQUIRE(jdoc_read(text, &limits, arena, ret, &fault) == STATUS_OK);
}

/* Reads what stands in judged->raw, without the stored instance. */
static bool read_raw(struct judged *judged, enum unknown_fields unknown, struct arena *arena)
{
    struct body_faults faults = {.count = 0};
    enum status status = modelarts_read(&judged->raw, unknown, arena, &judged->request, &faults);

    check_faults(status, &faults);
    return status == STATUS_OK;
}

/* With the stored instance, where the operation needs it. */
static bool complete(struct judged *judged, const struct jdoc *stored, struct arena *arena)
{
    return !modelarts_needs_stored(judged->raw.op) || read_stored(judged, stored, arena);
}

static void leased(struct arena *arena, struct jdoc *ret)
{
    read_json(VIEW("{\"id\":\"i-1\",\"lease\":{\"create_at\":7200000}}"), arena, ret);
}

bool judged_read(enum operation_id op, struct view text, enum unknown_fields unknown,
                 struct arena *arena, struct judged *ret)
{
    bool is_start = operations[op].class == CLASS_START;
    struct jfault fault;
    struct jdoc stored;

    *ret = (struct judged){.raw = {.op = &operations[op], .project = PROJECT}};
    if (operations[op].class != CLASS_CREATE)
        ret->raw.instance = INSTANCE;
    if (jdoc_read(text, &limits, arena, &ret->doc, &fault) != STATUS_OK)
        return false;
    stored = ret->doc;
    if (is_start && operations[op].family == FAMILY_NOTEBOOKS)
        ret->raw.query = VIEW("duration=86400000");
    if (op == OP_DEMANAGER_START)
        read_json(VIEW("{\"action\":\"start\"}"), arena, &ret->doc);
    if (!is_start || op == OP_DEMANAGER_START)
        ret->raw.doc = &ret->doc;
    if (op == OP_NOTEBOOKS_LEASE)
        leased(arena, &stored);
    return read_raw(ret, unknown, arena) && complete(ret, &stored, arena);
}

static void check_judgement(const struct judgement *j)
{
    REQUIRE((j->verdict == VERDICT_REFUSE) == (j->reason_count > 0));
    REQUIRE((j->verdict == VERDICT_REWRITE) == (j->edit_count > 0));
    REQUIRE(j->edit_count <= EDITS_MAX);
    for (size_t i = 0; i < j->reason_count; i++)
        REQUIRE(j->reasons[i].row != NULL && j->reasons[i].row->status >= 400 &&
                j->reasons[i].message.len > 0);
}

static void write_judgement(const struct judgement *j, struct buf *out)
{
    buf_add_str(out, verdict_name(j->verdict));
    for (size_t i = 0; i < j->reason_count; i++) {
        const struct reason *r = &j->reasons[i];

        buf_printf(out, "\n%s %s:%u:%u", r->row->code, r->at.file == NULL ? "" : r->at.file,
                   r->at.line, r->at.column);
        buf_add(out, r->policy);
        buf_add(out, r->rule);
        buf_add(out, r->message);
    }
    for (size_t i = 0; i < j->edit_count; i++) {
        const struct edit *e = &j->edits[i];

        buf_printf(out, "\n%s %d %lld", edit_op_name(e->op), (int)e->field, (long long)e->seconds);
        buf_add(out, e->key);
        buf_add(out, e->value);
        buf_add(out, e->policy);
    }
}

struct view judged_text(const struct policy_set *set, const struct judged *judged,
                        const struct subject *subject, struct arena *arena,
                        const struct decision **ret_decision)
{
    CLEANUP(buf_done) struct buf out;
    const struct decision *d = NULL, *traced = NULL;

    REQUIRE(policy_judge(set, &judged->request, subject, NOW_US, false, arena, &d) == STATUS_OK);
    REQUIRE(policy_judge(set, &judged->request, subject, NOW_US, true, arena, &traced) ==
            STATUS_OK);
    check_judgement(&d->judgement);
    REQUIRE(d->judgement.verdict == traced->judgement.verdict && d->trace_count == 0);
    buf_init(&out, TEXT_MAX);
    write_judgement(&d->judgement, &out);
    if (d->has_would) {
        check_judgement(&d->would);
        buf_add_str(&out, "\nwould ");
        write_judgement(&d->would, &out);
    }
    buf_printf(&out, "\nwarn %d", d->warn);
    for (size_t i = 0; i < d->policy_count; i++)
        buf_add(&out, d->policies[i]);
    for (size_t i = 0; i < d->exception_count; i++)
        buf_add(&out, d->exceptions[i]);
    REQUIRE(d->quota_count == traced->quota_count);
    REQUIRE(d->quota_count == 0 || d->judgement.verdict != VERDICT_REFUSE);
    for (size_t i = 0; i < d->quota_count; i++)
        buf_printf(&out, "\nasks %.*s %d%d", VIEW_ARGS(d->quotas[i].quota->name),
                   d->quotas[i].enforced, d->quotas[i].warn);
    REQUIRE(out.failed == STATUS_OK);
    if (ret_decision != NULL)
        *ret_decision = d;
    return arena_copy(arena, buf_view(&out));
}

/* The edited request. All but its time is as it was stored. */
static void read_again(const struct judged *judged, const struct buf *body, const struct buf *query,
                       enum unknown_fields unknown, struct arena *arena, struct judged *ret)
{
    struct instance_request times;

    *ret = *judged;
    ret->raw.query = query->len > 0 ? buf_view(query) : VIEW_NONE;
    ret->raw.doc = body->len > 0 ? &ret->doc : NULL;
    if (body->len > 0)
        read_json(buf_view(body), arena, &ret->doc);
    REQUIRE(read_raw(ret, unknown, arena));
    if (!modelarts_needs_stored(judged->raw.op))
        return;
    times = ret->request;
    ret->request = judged->request;
    ret->request.stops = times.stops;
    ret->request.stop_count = times.stop_count;
    ret->request.stop_type = times.stop_type;
}

void judged_check_rewrite(const struct policy_set *set, const struct judged *judged,
                          const struct subject *subject, const struct decision *decision,
                          enum unknown_fields unknown, struct arena *arena)
{
    CLEANUP(buf_done) struct buf body;
    CLEANUP(buf_done) struct buf query;
    const struct judgement *j = &decision->judgement;
    const struct change *changes;
    const struct decision *d;
    struct judged again;
    size_t count = 0;

    buf_init(&body, TEXT_MAX);
    buf_init(&query, TEXT_MAX);
    if (decision->has_would)
        REQUIRE(modelarts_render(&judged->raw, &judged->request, decision->would.edits,
                                 decision->would.edit_count, arena, &changes, &count) == STATUS_OK);
    if (j->verdict != VERDICT_REWRITE)
        return;
    REQUIRE(modelarts_render(&judged->raw, &judged->request, j->edits, j->edit_count, arena,
                             &changes, &count) == STATUS_OK);
    REQUIRE(count > 0);
    REQUIRE(modelarts_apply(&judged->raw, &judged->request, j->edits, j->edit_count, arena, &body,
                            &query) == STATUS_OK);
    read_again(judged, &body, &query, unknown, arena, &again);
    (void)judged_text(set, &again, subject, arena, &d);
    REQUIRE(d->judgement.verdict == VERDICT_ALLOW);
}
