/* SPDX-License-Identifier: Apache-2.0
 * Bodies of creates, judged by fixed sets for fixed callers: the same decision each time, and the
 * edits of a rewrite make a body that is allowed as it is. */
#include "create.h"

static const char *const texts[] = {
    /* The starter set. */
    "version: 1\npolicies:\n"
    "  - {name: a-stop, auto_stop: {required: true, default: 1h, max: 12h}}\n"
    "  - {name: b-flavors, flavors: {allow: [\"modelarts.vm.cpu.*\", \"modelarts.kat1.*\"]}}\n"
    "  - name: c-storage\n"
    "    storage: {types: [obs, evs], obs_prefixes: [/aaaaaaaaa/output, \"/s-${user.name}/\"], "
    "max_size_gb: 500}\n",
    /* Every rule, and exceptions. */
    "version: 1\npolicies:\n"
    "  - name: all\n"
    "    contact: c\n"
    "    match: {projects: [\"0*\"], operations: [create], families: [demanager]}\n"
    "    flavors: {allow: [\"*\"], deny: [\"*gpu*\"]}\n"
    "    profiles: {allow: [\"*python3*\"]}\n"
    "    workspaces: {allow: [\"0\"]}\n"
    "    pools: {allow: [pool-a], public: true}\n"
    "    name: {pattern: \"team-[a-z]+(-[a-z0-9]+)*\"}\n"
    "    storage: {types: [obs, obsfs, evs], obs_prefixes: [/team-a/, /team-files]}\n"
    "    auto_stop: {required: true, default: 90m, min: 30m, max: 4h}\n"
    "    annotations: {set: {cost-centre: \"4711\", \"a b\": \"\\u00e9\"}, require: [owner]}\n"
    "  - {name: roles, match: {roles: [readonly]}, auto_stop: {max: 2h, over_max: refuse}}\n"
    "exceptions:\n"
    "  - {name: e1, policy: all, match: {users: [alice]}, lift: [name, annotations], expires: "
    "2099-12-31}\n"
    "  - {name: e2, policy: all, match: {users: [alice]}, lift: [\"*\"], expires: 2099-12-31}\n"
    "  - {name: e3, policy: roles, match: {groups: [team-a]}, lift: [auto_stop], expires: "
    "2099-12-31}\n",
    /* Contradictions, and what is only tried out. */
    "version: 1\ndefault: allow\npolicies:\n"
    "  - {name: low, match: {users: [alice]}, auto_stop: {max: 1h, default: 30m}}\n"
    "  - {name: high, match: {groups: [team-a]}, auto_stop: {min: 45m, default: 2h, required: "
    "true}}\n"
    "  - {name: x, match: {roles: [te_admin]}, annotations: {set: {k: x}}}\n"
    "  - {name: y, mode: warn, annotations: {set: {k: y, l: z}}}\n"
    "  - {name: z, mode: observe, auto_stop: {required: true, default: 10m, on_missing: "
    "refuse}}\n"
    "  - {name: w, mode: warn, flavors: {allow: [nothing]}, pools: {public: false}}\n",
    /* Caps without a default, labels without a place. */
    "version: 1\npolicies:\n"
    "  - {name: cap, auto_stop: {max: 3h}}\n"
    "  - {name: cap2, auto_stop: {required: true, default: 2h}}\n"
    "  - {name: label, annotations: {set: {owner: us}}}\n",
};

static struct policy_set *sets[ARRAY_LEN(texts)];

static void load_sets(void)
{
    static const struct policy_options options = {.now_us = 0};

    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        const struct policy_file file = {"p.yaml", view_str(texts[i])};
        struct arena arena;
        struct diag diag;
        struct buf out;
        bool loaded;

        fuzz_arena(&arena);
        diag_init(&diag, &arena);
        loaded = policy_set_load(&file, 1, &options, &diag, &sets[i]) == STATUS_OK;
        buf_init(&out, 1 << 16);
        diag_print(&diag, &out);
        if (!loaded)
            fuzz_show("faults", buf_view(&out));
        REQUIRE(loaded);
        buf_done(&out);
        arena_done(&arena);
    }
}

static void check(const struct policy_set *set, struct view body, enum unknown_fields unknown)
{
    for (size_t s = 0; s < SUBJECTS; s++) {
        const struct decision *decision;
        struct create create;
        struct arena arena;
        struct view text;

        fuzz_arena(&arena);
        if (create_read(body, unknown, &arena, &create)) {
            text = create_judge(set, &create, &create_subjects[s], &arena, &decision);
            REQUIRE(view_eq(text, create_judge(set, &create, &create_subjects[s], &arena, NULL)));
            create_check_rewrite(set, &create, &create_subjects[s], decision, unknown, &arena);
        }
        arena_done(&arena);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct view body = fuzz_input(data, size);

    if (sets[0] == NULL)
        load_sets();
    for (size_t i = 0; i < ARRAY_LEN(sets); i++) {
        check(sets[i], body, UNKNOWN_REFUSE);
        check(sets[i], body, UNKNOWN_PASS);
    }
    return 0;
}
