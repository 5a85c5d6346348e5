/* SPDX-License-Identifier: Apache-2.0
 * The inventory of a set. That every name a judgement gives stands in it, is held by decision_text,
 * which all tests of this room judge with. */
#include "base/buffer.h"
#include "policy/inventory.h"
#include "unit/policy/support.h"

static const char full[] = "version: 1\n"
                           "default: refuse\n"
                           "policies:\n"
                           "  - name: z\n"
                           "    match: {users: [alice], projects: [\"*\"]}\n"
                           "    flavors: {allow: [a], deny: [b]}\n"
                           "    pools: {allow: [p]}\n"
                           "    name: {pattern: x}\n"
                           "    storage: {types: [obs], obs_prefixes: [/bucket], max_size_gb: 5}\n"
                           "    auto_stop: {required: true, default: 1h, min: 1h, max: 2h}\n"
                           "    annotations: {set: {k: v, l: w}, require: [owner]}\n"
                           "    quotas: [{name: q, limit: 1}, {name: r, limit: 2}]\n"
                           "  - name: b\n"
                           "    mode: warn\n"
                           "    match: {groups: [g]}\n"
                           "    profiles: {allow: [a]}\n"
                           "    images: {allow: [a]}\n"
                           "    workspaces: {allow: [a]}\n"
                           "    pools: {public: true}\n"
                           "    custom_spec: refuse\n"
                           "    hooks: refuse\n"
                           "    allowed_access_ips: {allow: [10.0.0.0/8], required: true}\n"
                           "    auto_stop: {max: 1h, types: [idle]}\n"
                           "exceptions:\n"
                           "  - {name: y, policy: z, match: {users: [bob]}, lift: [name], expires: "
                           "2099-12-31}\n"
                           "  - {name: x, policy: z, match: {users: [bob]}, lift: [name], expires: "
                           "2099-12-31}\n";

struct opened {
    struct policy_set *set;
    struct arena arena;
    struct inventory inventory;
};

static void open_set(const char *text, struct opened *ret)
{
    ret->set = set_of(text);
    arena_init(&ret->arena, 4096, 1 << 20);
    assert_int_equal(inventory_make(ret->set, &ret->arena, &ret->inventory), STATUS_OK);
}

static void close_set(struct opened *o)
{
    arena_done(&o->arena);
    policy_set_unref(&o->set);
}

/* A line each: "policy rule name mode line:column", implied ones in brackets. Static. */
static const char *listed(const struct inventory *inventory)
{
    static char copy[8192];
    struct buf out;

    buf_init(&out, sizeof copy - 1);
    for (size_t i = 0; i < inventory->count; i++) {
        const struct inventory_item *item = &inventory->items[i];

        buf_printf(&out, "%s%.*s %.*s%s%.*s %s %u:%u%s\n", item->implied ? "(" : "",
                   VIEW_ARGS(item->policy), VIEW_ARGS(item->rule), item->name.len > 0 ? " " : "",
                   VIEW_ARGS(item->name), item->mode, item->at.line, item->at.column,
                   item->implied ? ")" : "");
    }
    assert_int_equal(out.failed, STATUS_OK);
    if (out.len > 0)
        memcpy(copy, out.ptr, out.len);
    copy[out.len] = '\0';
    buf_done(&out);
    return copy;
}

static void everything_that_stands_is_listed(void **state)
{
    struct opened o;

    (void)state;
    open_set(full, &o);
    assert_string_equal(listed(&o.inventory), " default enforce 2:10\n"
                                              "b match warn 15:12\n"
                                              "(b match.groups warn 15:21)\n"
                                              "(b profiles warn 13:11)\n"
                                              "b profiles.allow warn 16:23\n"
                                              "(b images warn 13:11)\n"
                                              "b images.allow warn 17:21\n"
                                              "(b workspaces warn 13:11)\n"
                                              "b workspaces.allow warn 18:25\n"
                                              "(b pools warn 13:11)\n"
                                              "b pools.public warn 19:21\n"
                                              "(b auto_stop warn 13:11)\n"
                                              "b auto_stop.max warn 23:22\n"
                                              "b auto_stop.types warn 23:33\n"
                                              "b custom_spec warn 20:18\n"
                                              "b hooks warn 21:12\n"
                                              "(b allowed_access_ips warn 13:11)\n"
                                              "b allowed_access_ips.allow warn 22:33\n"
                                              "b allowed_access_ips.required warn 22:57\n"
                                              "z match enforce 5:12\n"
                                              "(z match.users enforce 5:20)\n"
                                              "(z flavors enforce 4:11)\n"
                                              "z flavors.allow enforce 6:22\n"
                                              "z flavors.deny enforce 6:33\n"
                                              "(z pools enforce 4:11)\n"
                                              "z pools.allow enforce 7:20\n"
                                              "(z pools.public enforce 7:12)\n"
                                              "(z name enforce 4:11)\n"
                                              "z name.pattern enforce 8:21\n"
                                              "(z storage enforce 4:11)\n"
                                              "z storage.types enforce 9:22\n"
                                              "z storage.obs_prefixes enforce 9:43\n"
                                              "z storage.max_size_gb enforce 9:67\n"
                                              "(z auto_stop enforce 4:11)\n"
                                              "z auto_stop.required enforce 10:27\n"
                                              "z auto_stop.default enforce 10:42\n"
                                              "z auto_stop.min enforce 10:51\n"
                                              "z auto_stop.max enforce 10:60\n"
                                              "(z auto_stop.types enforce 10:16)\n"
                                              "(z annotations enforce 4:11)\n"
                                              "z annotations.set enforce 11:28\n"
                                              "z annotations.require enforce 11:48\n"
                                              "(z custom_spec enforce 6:14)\n"
                                              "(z quotas enforce 4:11)\n"
                                              "z quotas.q q enforce 12:21\n"
                                              "z quotas.r r enforce 12:42\n"
                                              "z exception x enforce 26:12\n"
                                              "z exception y enforce 25:12\n");
    close_set(&o);
}

static void a_default_that_says_nothing_is_not_demanded(void **state)
{
    static const struct {
        const char *text, *listed;
    } rows[] = {
        {"version: 1\npolicies: []\n", "( default enforce 0:0)\n"},
        {"version: 1\ndefault: refuse\npolicies: []\n", " default enforce 2:10\n"},
        {"version: 1\ndefault: allow\npolicies: []\n", ""},
        {"version: 1\ndefault: refuse\npolicies: [{name: all}]\n",
         "( default enforce 2:10)\nall match enforce 3:19\n"},
        {"version: 1\ndefault: refuse\npolicies: [{name: all, mode: warn}]\n",
         " default enforce 2:10\nall match warn 3:19\n"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct opened o;

        open_set(rows[i].text, &o);
        assert_string_equal(listed(&o.inventory), rows[i].listed);
        close_set(&o);
    }
}

static void items_are_found_by_the_names_of_reasons(void **state)
{
    static const struct {
        const char *policy, *rule;
        unsigned line; /* 0: there is none */
    } rows[] = {
        {"z", "flavors.allow", 6},  {"z", "flavors", 4},       {"z", "quotas.r", 12},
        {"z", "match.users", 5},    {"b", "match.groups", 15}, {"b", "hooks", 21},
        {"b", "flavors.allow", 0},  {"c", "match", 0},         {"z", "quotas.s", 0},
        {"z", "match.projects", 0}, {"z", "flavor", 0},        {"a", "match", 0},
        {"zz", "match", 0},
    };
    struct opened o;

    (void)state;
    open_set(full, &o);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct inventory_item *item =
            inventory_find(&o.inventory, view_str(rows[i].policy), view_str(rows[i].rule));

        assert_row((item == NULL ? 0 : item->at.line) == rows[i].line, rows[i].rule);
    }
    assert_int_equal(inventory_find(&o.inventory, VIEW_NONE, VIEW("default"))->at.line, 2);
    assert_view(inventory_find_exception(&o.inventory, VIEW("y"))->name, "y");
    assert_null(inventory_find_exception(&o.inventory, VIEW("q")));
    close_set(&o);
}

static void edits_are_found_by_what_the_journal_keeps(void **state)
{
    static const struct {
        const char *policy, *op, *path, *rule;
    } rows[] = {
        {"z", "default", "/spec/auto_stop/duration", "auto_stop.default"},
        {"z", "set", "/spec/auto_stop/enable", "auto_stop.default"},
        {"z", "default", "/spec/auto_stop/enable", "auto_stop"},
        {"z", "default", "/auto_stop/enable", "auto_stop.default"},
        {"z", "cap", "/spec/auto_stop/duration", "auto_stop.max"},
        {"b", "set", "?duration", "auto_stop.max"},
        {"b", "cap", "/duration", "auto_stop.max"},
        {"b", "default", "/auto_stop/enable", "auto_stop"},
        {"z", "set", "/spec/annotations/k", "annotations.set"},
        {"z", "set", "/spec/annotations", "annotations.set"},
        {"b", "set", "/spec/annotations/k", NULL},
        {"c", "cap", "/duration", NULL},
    };
    struct opened o;

    (void)state;
    open_set(full, &o);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct inventory_item *item = inventory_find_edit(
            &o.inventory, view_str(rows[i].policy), view_str(rows[i].op), view_str(rows[i].path));

        assert_row((item == NULL) == (rows[i].rule == NULL), rows[i].path);
        if (item != NULL)
            assert_view_eq(item->rule, view_str(rows[i].rule));
    }
    close_set(&o);
}

static void memory_that_runs_out_is_said(void **state)
{
    struct policy_set *set = set_of(full);
    struct inventory inventory;
    struct arena arena;
    bool worked = false;

    (void)state;
    for (size_t max = 0; !worked; max += 64) {
        arena_init(&arena, 64, max);
        worked = inventory_make(set, &arena, &inventory) == STATUS_OK;
        arena_done(&arena);
        assert_true(max < 1 << 20);
    }
    policy_set_unref(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_that_stands_is_listed),
        cmocka_unit_test(a_default_that_says_nothing_is_not_demanded),
        cmocka_unit_test(items_are_found_by_the_names_of_reasons),
        cmocka_unit_test(edits_are_found_by_what_the_journal_keeps),
        cmocka_unit_test(memory_that_runs_out_is_said),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
