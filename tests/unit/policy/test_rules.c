/* SPDX-License-Identifier: Apache-2.0
 * Which rule judges what: every group of rules against every judged operation, once with a request
 * that offends the rule and once with one that doesn't name what it judges. */
#include "unit/policy/support.h"

typedef void change(struct sample *s);

static void flavor(struct sample *s)
{
    s->request.flavor = (struct text_field){true, VIEW("evil")};
}

static void no_flavor(struct sample *s)
{
    s->request.flavor.set = false;
}

static void profile(struct sample *s)
{
    s->request.profile = (struct text_field){true, VIEW("evil")};
}

static void no_profile(struct sample *s)
{
    s->request.profile.set = false;
}

static void image(struct sample *s)
{
    s->request.image = (struct text_field){true, VIEW("evil")};
}

static void no_image(struct sample *s)
{
    s->request.image.set = false;
}

static void workspace(struct sample *s)
{
    s->request.workspace = (struct text_field){true, VIEW("evil")};
}

static void no_workspace(struct sample *s)
{
    s->request.workspace.set = false;
}

static void pool(struct sample *s)
{
    s->request.has_pool = true;
    s->request.pool = (struct text_field){true, VIEW("evil")};
}

static void no_pool(struct sample *s)
{
    s->request.has_pool = s->request.pool.set = false;
}

static void name(struct sample *s)
{
    s->request.name = (struct text_field){true, VIEW("evil")};
}

static void no_name(struct sample *s)
{
    s->request.name.set = false;
}

static void storage(struct sample *s)
{
    s->storages[0] =
        (struct storage_request){.own = true, .type = VIEW("evil"), .pointer = "/volume"};
    s->request.storage_count = 1;
}

static void growth(struct sample *s)
{
    s->storages[0] = (struct storage_request){.own = true,
                                              .grows = true,
                                              .has_size = true,
                                              .size_gb = 500,
                                              .pointer = "/storage_new_size"};
    s->request.storage_count = 1;
}

static void no_storage(struct sample *s)
{
    s->request.storage_count = 0;
}

static void stop(struct sample *s)
{
    sample_stop(s, 86400000);
}

static void no_stop(struct sample *s)
{
    s->request.stop_count = 0;
}

static void annotation(struct sample *s)
{
    s->annotations[0] = (struct pair){VIEW("other"), VIEW("x")};
    s->request.annotation_count = 1;
}

static void stray_annotation(struct sample *s)
{
    s->strays[0] = (struct pair){VIEW("other"), VIEW("x")};
    s->request.stray_annotation_count = 1;
}

static void no_annotation(struct sample *s)
{
    s->request.annotation_count = s->request.stray_annotation_count = 0;
}

static void custom_spec(struct sample *s)
{
    s->request.has_custom_spec = true;
}

static void no_custom_spec(struct sample *s)
{
    s->request.has_custom_spec = false;
}

static void hooks(struct sample *s)
{
    s->request.has_hooks = true;
}

static void no_hooks(struct sample *s)
{
    s->request.has_hooks = false;
}

static void endpoint(struct sample *s)
{
    sample_endpoint(s, true, "192.0.2.1");
}

static void no_endpoint(struct sample *s)
{
    s->request.endpoint_count = 0;
}

/* The table as the manual has it. Columns: create, update, start, lease, mount; 'x' always, 'n' if
 * the request names it, '-' never. An offending request is answered with `decision`. */
static const struct cell_row {
    const char *group, *rules;
    enum family only; /* FAMILY_NONE: both families */
    const char *cells;
    change *offend, *leave_out;
    const char *decision;
} rows[] = {
    {"flavors", "flavors: {allow: [good]}, custom_spec: allow", FAMILY_NONE, "xnx--", flavor,
     no_flavor, "refuse flavor.not_allowed by a"},
    {"flavors", "flavors: {deny: [evil]}, custom_spec: allow", FAMILY_NONE, "xnx--", flavor,
     no_flavor, "refuse flavor.denied by a"},
    {"custom_spec", "custom_spec: refuse", FAMILY_NONE, "xnx--", custom_spec, no_custom_spec,
     "refuse custom_spec.refused by a"},
    {"profiles", "profiles: {allow: [good]}", FAMILY_DEMANAGER, "xn---", profile, no_profile,
     "refuse profile.not_allowed by a"},
    {"images", "images: {allow: [good]}", FAMILY_NOTEBOOKS, "xnx--", image, no_image,
     "refuse image.not_allowed by a"},
    {"workspaces", "workspaces: {allow: [good]}", FAMILY_NONE, "xnx--", workspace, no_workspace,
     "refuse workspace.not_allowed by a"},
    {"pools", "pools: {allow: [good]}", FAMILY_NONE, "xnx--", pool, no_pool,
     "refuse pool.not_allowed by a"},
    {"name", "name: {pattern: good}", FAMILY_NONE, "xn---", name, no_name,
     "refuse name.pattern by a"},
    {"storage", "storage: {types: [good]}", FAMILY_NONE, "xnx-x", storage, no_storage,
     "refuse storage.type_not_allowed by a"},
    {"storage", "storage: {types: [good], max_size_gb: 100}", FAMILY_NONE, "xnx-x", growth,
     no_storage, "refuse storage.too_large by a"},
    {"auto_stop", "auto_stop: {max: 1h, over_max: refuse}", FAMILY_NONE, "xnxx-", stop, no_stop,
     "refuse auto_stop.over_max by a"},
    {"annotations", "custom_spec: allow, annotations: {set: {k: v}}", FAMILY_DEMANAGER, "xn---",
     annotation, no_annotation, "rewrite set k=v by a"},
    {"annotations", "custom_spec: allow, annotations: {require: [k]}", FAMILY_DEMANAGER, "xn---",
     stray_annotation, no_annotation, "refuse annotation.missing by a"},
    {"hooks", "hooks: refuse", FAMILY_NOTEBOOKS, "xnx--", hooks, no_hooks,
     "refuse hooks.refused by a"},
    {"allowed_access_ips", "allowed_access_ips: {allow: [10.0.0.0/8]}", FAMILY_NOTEBOOKS, "xnx--",
     endpoint, no_endpoint, "refuse access_ips.not_allowed by a"},
};

static size_t column_of(const struct operation *op)
{
    static const struct {
        const char *name;
        size_t column;
    } columns[] = {
        {"demanager.create", 0}, {"notebooks.create", 0}, {"demanager.update", 1},
        {"notebooks.update", 1}, {"demanager.start", 2},  {"notebooks.start", 2},
        {"notebooks.lease", 3},  {"notebooks.mount", 4},
    };

    for (size_t i = 0; i < ARRAY_LEN(columns); i++) {
        if (strcmp(columns[i].name, op->name) == 0)
            return columns[i].column;
    }
    fail();
    return 0;
}

/* Why the trace says that the group doesn't judge; "" if it doesn't say so. */
static const char *why_not(const struct policy_set *set, const struct sample *s, const char *group)
{
    static const char *const reasons[] = {"this family has nothing of the kind",
                                          "it does not judge this operation",
                                          "the update does not name it"};
    const struct decision *d = NULL;
    const char *found = "";
    struct arena arena;

    arena_init(&arena, 4096, 1 << 20);
    assert_int_equal(policy_judge(set, &s->request, &s->subject, 0, true, &arena, &d), STATUS_OK);
    for (size_t i = 0; i < d->trace_count; i++) {
        if (!view_eq(d->trace[i].rule, view_str(group)) || d->trace[i].what != TRACE_NOT_APPLIED)
            continue;
        for (size_t k = 0; k < ARRAY_LEN(reasons); k++)
            found = view_eq(d->trace[i].text, view_str(reasons[k])) ? reasons[k] : found;
    }
    arena_done(&arena);
    return found;
}

static const char *expected_why(const struct cell_row *row, const struct operation *op, char cell)
{
    if (row->only != FAMILY_NONE && row->only != op->family)
        return "this family has nothing of the kind";
    if (cell == '-')
        return "it does not judge this operation";
    return cell == 'n' ? "the update does not name it" : "";
}

/* Judged or not, in words. */
static void check_cell(const struct cell_row *row, const struct policy_set *set,
                       const struct operation *op)
{
    char cell = row->cells[column_of(op)], what[128];
    bool judges = cell != '-' && (row->only == FAMILY_NONE || row->only == op->family);
    struct sample s;

    (void)snprintf(what, sizeof what, "%s, %s", row->rules, op->name);
    sample_init(&s);
    sample_as(&s, op->id);
    row->offend(&s);
    assert_row(strcmp(decision_text(set, &s, false), judges ? row->decision : "allow") == 0, what);
    assert_row((why_not(set, &s, row->group)[0] == '\0') == judges, what);

    sample_init(&s);
    sample_as(&s, op->id);
    row->leave_out(&s);
    assert_row(strcmp(why_not(set, &s, row->group), expected_why(row, op, cell)) == 0, what);
    if (expected_why(row, op, cell)[0] != '\0')
        assert_row(strcmp(decision_text(set, &s, false), "allow") == 0, what);
}

static void every_cell_of_the_table(void **state)
{
    size_t cells = 0;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char text[512];
        struct policy_set *set;

        (void)snprintf(text, sizeof text, "version: 1\npolicies:\n  - {name: a, %s}\n",
                       rows[i].rules);
        set = set_of(text);
        for (size_t k = 0; k < OP_COUNT; k++) {
            if (!operation_is_judged(&operations[k]))
                continue;
            check_cell(&rows[i], set, &operations[k]);
            cells++;
        }
        policy_set_unref(&set);
    }
    assert_int_equal(cells, ARRAY_LEN(rows) * 9);
}

/* What doesn't apply takes no part in what policies add up to. Matches differ, so that both load.
 */
static void what_does_not_apply_neither_merges_nor_conflicts(void **state)
{
    static const char text[] =
        "version: 1\npolicies:\n"
        "  - {name: a, match: {users: [alice]}, auto_stop: {min: 4h, default: 5h}, custom_spec: "
        "allow, annotations: {set: {k: x}}}\n"
        "  - {name: b, match: {groups: [team-a]}, auto_stop: {max: 2h}, annotations: {set: {k: "
        "y}}}\n";
    static const struct {
        enum operation_id op;
        change *change;
        const char *decision;
    } requests[] = {
        {OP_DEMANAGER_CREATE, no_stop, "refuse policy.conflict by a, policy.conflict by a"},
        {OP_NOTEBOOKS_CREATE, no_stop, "refuse policy.conflict by a"},
        {OP_NOTEBOOKS_MOUNT, storage, "allow"},
        {OP_NOTEBOOKS_UPDATE, annotation, "allow"},
        {OP_DEMANAGER_UPDATE, name, "allow"},
        {OP_DEMANAGER_UPDATE, annotation, "refuse policy.conflict by a"},
        {OP_NOTEBOOKS_LEASE, no_stop, "refuse policy.conflict by a"},
    };
    struct policy_set *set = set_of(text);

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
        struct sample s;

        sample_init(&s);
        sample_as(&s, requests[i].op);
        requests[i].change(&s);
        assert_row(strcmp(decision_text(set, &s, false), requests[i].decision) == 0,
                   requests[i].decision);
    }
    policy_set_unref(&set);
}

/* A policy for `operations: [words]` that refuses whatever it matches: it asks for roles, and
 * nobody can tell them. */
static const char *decided_for(const char *words, enum operation_id op)
{
    const char *decision;
    char text[256];
    struct policy_set *set;
    struct sample s;

    (void)snprintf(text, sizeof text,
                   "version: 1\npolicies:\n  - {name: a, match: {operations: [%s], roles: [r]}}\n",
                   words);
    set = set_of(text);
    sample_init(&s);
    sample_as(&s, op);
    s.subject.known &= ~(unsigned)SUBJECT_ROLES;
    decision = decision_text(set, &s, false);
    policy_set_unref(&set);
    return decision;
}

/* Two spellings of one operation have one name. */
static void matches_and_the_default_hold_for_all_operations(void **state)
{
    (void)state;
    for (size_t i = 0; i < OP_COUNT; i++) {
        const struct operation *op = &operations[i];
        bool mounts = op->class == CLASS_MOUNT;

        if (!operation_is_judged(op))
            continue;
        assert_string_equal(decided_for(op->name, op->id),
                            "refuse identity.attribute_unknown by a");
        assert_string_equal(decided_for(op_class_name(op->class), op->id),
                            "refuse identity.attribute_unknown by a");
        assert_string_equal(decided_for(mounts ? "create" : "mount", op->id),
                            "refuse policy.no_match");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_cell_of_the_table),
        cmocka_unit_test(what_does_not_apply_neither_merges_nor_conflicts),
        cmocka_unit_test(matches_and_the_default_hold_for_all_operations),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
