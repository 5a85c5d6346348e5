/* SPDX-License-Identifier: Apache-2.0
 * Shared by the tests of the policy room. */
#include "unit/policy/support.h"

#include "policy/inventory.h"
#include "policy/quota.h"

const struct operation *create_operation(void)
{
    return &operations[OP_DEMANAGER_CREATE];
}

void sample_init(struct sample *s)
{
    memset(s, 0, sizeof *s);
    s->request.op = create_operation();
    s->request.project = VIEW("0123456789abcdef0123456789abcdef");
    s->request.name = (struct text_field){true, VIEW("notebook-d115")};
    s->request.profile = (struct text_field){true, VIEW("Ascend-Power-Engine 1.0(python3)")};
    s->request.flavor = (struct text_field){true, VIEW("modelarts.kat1.xlarge")};
    s->request.workspace = (struct text_field){true, VIEW("0")};
    s->stops[0] = (struct stop_request){.has_enable = true,
                                        .enable = true,
                                        .has_duration = true,
                                        .duration_ms = 3600000,
                                        .pointer = "/spec/auto_stop"};
    s->request.stop_count = 1;
    s->storages[0] = (struct storage_request){.own = true,
                                              .type = VIEW("obs"),
                                              .path = {true, VIEW("/aaaaaaaaa/output/")},
                                              .has_obs = true,
                                              .pointer = "/spec/storage"};
    assert_int_equal(obs_parse_path(s->storages[0].path.value, &s->storages[0].obs), OBS_OK);
    s->request.storage_count = 1;
    sample_settle(s);
    s->roles[0] = VIEW("te_admin");
    s->groups[0] = VIEW("team-a");
    s->subject = (struct subject){.known = SUBJECT_USER | SUBJECT_DOMAIN | SUBJECT_PROJECT |
                                           SUBJECT_ROLES | SUBJECT_GROUPS,
                                  .user_id = VIEW("u-1"),
                                  .user_name = VIEW("alice"),
                                  .domain_id = VIEW("d-1"),
                                  .domain_name = VIEW("acme"),
                                  .project_id = s->request.project,
                                  .project_name = VIEW("eu-de_ml"),
                                  .roles = s->roles,
                                  .role_count = 1,
                                  .groups = s->groups,
                                  .group_count = 1};
}

void sample_settle(struct sample *s)
{
    s->request.stops = s->stops;
    s->request.storages = s->storages;
    s->request.annotations = s->annotations;
    s->request.stray_annotations = s->strays;
    s->request.endpoints = s->endpoints;
    for (size_t i = 0; i < ARRAY_LEN(s->endpoints); i++)
        s->endpoints[i].ips = s->ips[i];
}

void sample_endpoint(struct sample *s, bool ssh, const char *ip)
{
    struct endpoint_request *endpoint = &s->endpoints[s->request.endpoint_count];

    endpoint->ssh = ssh;
    endpoint->pointer = s->request.endpoint_count == 0 ? "/endpoints/0" : "/endpoints/1";
    s->ips[s->request.endpoint_count][0] = view_str(ip);
    endpoint->ip_count = ip == NULL ? 0 : 1;
    s->request.endpoint_count++;
}

void sample_stop(struct sample *s, int64_t duration_ms)
{
    s->stops[0] = (struct stop_request){.has_enable = s->request.op->family == FAMILY_DEMANAGER,
                                        .enable = true,
                                        .has_duration = true,
                                        .duration_ms = duration_ms,
                                        .pointer = "/stop"};
    s->request.stop_count = 1;
}

static void name_nothing(struct sample *s)
{
    struct instance_request *r = &s->request;

    r->name.set = r->profile.set = r->image.set = r->flavor.set = r->workspace.set = false;
    r->stop_count = r->storage_count = 0;
}

void sample_as(struct sample *s, enum operation_id op)
{
    struct instance_request *r = &s->request;

    r->op = &operations[op];
    if (r->op->family == FAMILY_NOTEBOOKS) {
        r->profile.set = false;
        r->image = (struct text_field){true, VIEW("i-1")};
        s->stops[0].has_enable = false;
    }
    if (r->op->class == CLASS_CHANGE || r->op->class == CLASS_MOUNT)
        name_nothing(s);
    r->stored = r->op->class == CLASS_START;
    r->stops_stored = op == OP_DEMANAGER_START;
}

static struct policy_set *load_one(const char *text, const struct policy_options *options,
                                   struct buf *out)
{
    struct policy_file file = {"p.yaml", view_str(text)};
    struct policy_set *set = NULL;
    struct arena arena;
    struct diag diag;
    enum status status;

    arena_init(&arena, 4096, 1 << 20);
    diag_init(&diag, &arena);
    status = policy_set_load(&file, 1, options, &diag, &set);
    diag_print(&diag, out);
    assert_int_equal(status == STATUS_OK, diag.faults == 0);
    assert_int_equal(status == STATUS_OK, set != NULL);
    arena_done(&arena);
    return set;
}

struct policy_set *set_of(const char *text)
{
    const struct policy_options options = {.now_us = 0};
    struct policy_set *set;
    struct buf out;

    buf_init(&out, 1 << 16);
    set = load_one(text, &options, &out);
    if (set == NULL)
        print_error("%.*s%s\n", VIEW_ARGS(buf_view(&out)), text);
    buf_done(&out);
    assert_non_null(set);
    return set;
}

const char *faults_of(const char *text, const struct policy_options *options)
{
    static char copy[8192];
    struct policy_set *set;
    struct buf out;

    buf_init(&out, sizeof copy - 1);
    set = load_one(text, options, &out);
    policy_set_unref(&set);
    assert_int_equal(out.failed, STATUS_OK);
    if (out.len > 0)
        memcpy(copy, out.ptr, out.len);
    copy[out.len] = '\0';
    buf_done(&out);
    return copy[0] == '\0' ? NULL : copy;
}

static void add_judgement(struct buf *out, const struct judgement *j, bool messages)
{
    buf_add_str(out, verdict_name(j->verdict));
    for (size_t i = 0; i < j->reason_count; i++) {
        const struct reason *r = &j->reasons[i];

        buf_printf(out, "%s %s", i == 0 ? "" : ",", r->row->code);
        if (r->policy.len > 0)
            buf_printf(out, " by %.*s", VIEW_ARGS(r->policy));
        if (messages)
            buf_printf(out, " (%.*s at %s:%u:%u): %.*s", VIEW_ARGS(r->rule),
                       r->at.file == NULL ? "" : r->at.file, r->at.line, r->at.column,
                       VIEW_ARGS(r->message));
    }
    for (size_t i = 0; i < j->edit_count; i++) {
        const struct edit *e = &j->edits[i];

        buf_printf(out, "%s %s ", i == 0 ? "" : ",", edit_op_name(e->op));
        if (e->field == EDIT_AUTO_STOP)
            buf_printf(out, "%lld", (long long)e->seconds);
        else
            buf_printf(out, "%.*s=%.*s", VIEW_ARGS(e->key), VIEW_ARGS(e->value));
        buf_printf(out, " by %.*s", VIEW_ARGS(e->policy));
    }
}

static void check_named(const struct inventory *inventory, const struct judgement *judgement)
{
    for (size_t i = 0; i < judgement->reason_count; i++) {
        const struct reason *reason = &judgement->reasons[i];

        if (reason->rule.ptr != NULL)
            assert_row(inventory_find(inventory, reason->policy, reason->rule) != NULL,
                       reason->rule.ptr);
    }
    for (size_t i = 0; i < judgement->edit_count; i++) {
        const struct edit *edit = &judgement->edits[i];
        struct view path = edit->field == EDIT_ANNOTATION ? VIEW("/spec/annotations/k")
                                                          : VIEW("/spec/auto_stop/enable");

        assert_row(inventory_find_edit(inventory, edit->policy, view_str(edit_op_name(edit->op)),
                                       path) != NULL,
                   edit_op_name(edit->op));
    }
}

/* Whatever a judgement names stands in the inventory of its set. */
static void check_inventory(const struct policy_set *set, const struct decision *d,
                            struct arena *arena)
{
    struct inventory inventory;

    assert_int_equal(inventory_make(set, arena, &inventory), STATUS_OK);
    check_named(&inventory, &d->judgement);
    check_named(&inventory, &d->would);
    for (size_t i = 0; i < d->trace_count; i++) {
        if (d->trace[i].rule.ptr != NULL)
            assert_row(inventory_find_line(&inventory, &d->trace[i]) != NULL, d->trace[i].rule.ptr);
    }
    for (size_t i = 0; i < d->exception_count; i++)
        assert_non_null(inventory_find_exception(&inventory, d->exceptions[i]));
}

const char *decision_text(const struct policy_set *set, const struct sample *s, bool messages)
{
    static char copy[16384];
    const struct decision *d = NULL;
    struct arena arena;
    struct buf out;

    arena_init(&arena, 4096, 1 << 24);
    buf_init(&out, sizeof copy - 1);
    assert_int_equal(policy_judge(set, &s->request, &s->subject, 0, true, &arena, &d), STATUS_OK);
    check_inventory(set, d, &arena);
    add_judgement(&out, &d->judgement, messages);
    if (d->has_would) {
        buf_add_str(&out, " | would ");
        add_judgement(&out, &d->would, messages);
    }
    if (d->warn)
        buf_add_str(&out, " (warn)");
    for (size_t i = 0; i < d->quota_count; i++)
        buf_printf(&out, "%s%.*s%s", i == 0 ? " asks " : ", ", VIEW_ARGS(d->quotas[i].quota->name),
                   d->quotas[i].enforced ? ""
                   : d->quotas[i].warn   ? " (warn)"
                                         : " (observe)");
    for (size_t i = 0; i < d->exception_count; i++)
        buf_printf(&out, " except %.*s", VIEW_ARGS(d->exceptions[i]));
    assert_int_equal(out.failed, STATUS_OK);
    memcpy(copy, out.ptr, out.len);
    copy[out.len] = '\0';
    buf_done(&out);
    arena_done(&arena);
    return copy;
}

static void apply_annotation(struct sample *s, const struct edit *edit)
{
    bool found = false;

    for (size_t i = 0; i < s->request.annotation_count; i++) {
        if (!view_eq(s->annotations[i].key, edit->key))
            continue;
        s->annotations[i].value = edit->value;
        found = true;
    }
    if (!found)
        s->annotations[s->request.annotation_count++] = (struct pair){edit->key, edit->value};
    for (size_t i = 0; i < s->request.stray_annotation_count; i++) {
        if (view_eq(s->strays[i].key, edit->key))
            s->strays[i].value = edit->value;
    }
}

static void apply_stop(struct sample *s, const struct edit *edit)
{
    if (s->request.stop_count == 0 || s->stops[0].misplaced) {
        memmove(&s->stops[1], &s->stops[0], s->request.stop_count * sizeof s->stops[0]);
        s->stops[0] = (struct stop_request){.pointer = "/spec/auto_stop"};
        s->request.stop_count++;
    }
    for (size_t i = 0; i < s->request.stop_count; i++) {
        s->stops[i].has_enable = s->stops[i].enable = s->stops[i].has_duration = true;
        s->stops[i].duration_ms = edit->seconds * 1000;
    }
}

void apply_edits(struct sample *s, const struct edit *edits, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (edits[i].field == EDIT_AUTO_STOP)
            apply_stop(s, &edits[i]);
        else
            apply_annotation(s, &edits[i]);
    }
}

void check_loads(const struct fault_row *rows, size_t count, const struct policy_options *options)
{
    size_t wrong = 0;

    for (size_t i = 0; i < count; i++) {
        const char *got = faults_of(rows[i].text, options);
        const char *want = rows[i].faults;

        if (got == want || (got != NULL && want != NULL && strcmp(got, want) == 0))
            continue;
        print_error("row \"%s\":\ngot  %s\nwant %s\n", rows[i].name, got == NULL ? "-" : got,
                    want == NULL ? "-" : want);
        wrong++;
    }
    assert_int_equal(wrong, 0);
}
