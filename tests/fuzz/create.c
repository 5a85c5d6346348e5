/* SPDX-License-Identifier: Apache-2.0
 * See create.h. */
#include "create.h"

#include "base/attr.h"
#include "base/buffer.h"

enum { TEXT_MAX = 1 << 24, NOW_US = 0 };

static const struct jlimits limits = {.bytes = 1 << 20, .depth = 64, .members = 8192};

static const struct view roles[] = {{"te_admin", 8}, {"readonly", 8}};
static const struct view groups[] = {{"team-a", 6}};
static const struct view odd[] = {{"", 0}, {"*", 1}, {"\xff\n", 2}};

const struct subject create_subjects[SUBJECTS] = {
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

bool create_read(struct view body, enum unknown_fields unknown, struct arena *arena,
                 struct create *ret)
{
    struct body_faults faults = {.count = 0};
    struct jfault fault;
    enum status status;

    if (jdoc_read(body, &limits, arena, &ret->doc, &fault) != STATUS_OK)
        return false;
    status = modelarts_read_create(&ret->doc, FUZZ_PROJECT, unknown, arena, &ret->request, &faults);
    if (status == STATUS_OK) {
        REQUIRE(faults.count == 0 && ret->request.op == &operations[OP_DEMANAGER_CREATE]);
        return true;
    }
    REQUIRE(status == STATUS_INVALID && faults.count > 0 && faults.count <= BODY_REASONS_MAX);
    for (size_t i = 0; i < faults.count; i++)
        REQUIRE(faults.items[i].row != NULL && faults.items[i].message.len > 0);
    return false;
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

struct view create_judge(const struct policy_set *set, const struct create *create,
                         const struct subject *subject, struct arena *arena,
                         const struct decision **ret_decision)
{
    CLEANUP(buf_done) struct buf out;
    const struct decision *d = NULL, *traced = NULL;

    REQUIRE(policy_judge(set, &create->request, subject, NOW_US, false, arena, &d) == STATUS_OK);
    REQUIRE(policy_judge(set, &create->request, subject, NOW_US, true, arena, &traced) ==
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
    REQUIRE(out.failed == STATUS_OK);
    if (ret_decision != NULL)
        *ret_decision = d;
    return arena_copy(arena, buf_view(&out));
}

void create_check_rewrite(const struct policy_set *set, const struct create *create,
                          const struct subject *subject, const struct decision *decision,
                          enum unknown_fields unknown, struct arena *arena)
{
    CLEANUP(buf_done) struct buf out;
    const struct judgement *j = &decision->judgement;
    const struct change *changes;
    const struct decision *d;
    struct create again;
    size_t count = 0;

    buf_init(&out, TEXT_MAX);
    if (decision->has_would)
        REQUIRE(modelarts_render(&create->doc, &create->request, decision->would.edits,
                                 decision->would.edit_count, arena, &changes, &count) == STATUS_OK);
    if (j->verdict != VERDICT_REWRITE)
        return;
    REQUIRE(modelarts_render(&create->doc, &create->request, j->edits, j->edit_count, arena,
                             &changes, &count) == STATUS_OK);
    REQUIRE(count > 0);
    REQUIRE(modelarts_apply(&create->doc, &create->request, j->edits, j->edit_count, arena, &out) ==
            STATUS_OK);
    REQUIRE(create_read(buf_view(&out), unknown, arena, &again));
    (void)create_judge(set, &again, subject, arena, &d);
    REQUIRE(d->judgement.verdict == VERDICT_ALLOW);
}
