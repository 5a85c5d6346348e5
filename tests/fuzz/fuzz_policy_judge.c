/* SPDX-License-Identifier: Apache-2.0
 * Bodies and stored instances of every judged operation, judged by fixed sets for fixed callers:
 * the same decision each time, and the edits of a rewrite make a request that is allowed as it is.
 */
#include "judged.h"

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
    "    quotas: [{name: p, limit: 2, per: [user], flavors: [\"*gpu*\", \"*.vm.*\"]}]\n"
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
    /* Notebooks, updates and leases. */
    "version: 1\ndefault: allow\npolicies:\n"
    "  - {name: a, auto_stop: {min: 1h, max: 4h, types: [timing, idle]}, images: {allow: "
    "[\"*\"]}}\n"
    "  - {name: b, match: {operations: [change]}, auto_stop: {default: 2h, max: 5h}}\n"
    "  - {name: c, hooks: refuse, allowed_access_ips: {allow: [10.0.0.0/8, \"2001:db8::/32\"]}}\n"
    "  - {name: d, storage: {types: [obs, evs], max_size_gb: 100}, custom_spec: refuse}\n"
    "  - name: q\n"
    "    mode: warn\n"
    "    quotas:\n"
    "      - {name: hours, hours: 5, window: 1d, weight: w}\n"
    "      - {name: here, limit: 1, counts: running, workspaces: [\"0\"], pools: [\"p*\"]}\n"
    "weights: {w: {\"*.vm.*\": 2.5, \"*\": 1}}\n"
    "exceptions:\n"
    "  - {name: e, policy: c, match: {users: [alice]}, allow: {allowed_access_ips: "
    "[192.0.2.0/24]}, expires: 2099-12-31}\n",
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

static void check(const struct policy_set *set, enum operation_id op, struct view text,
                  enum unknown_fields unknown)
{
    for (size_t s = 0; s < SUBJECTS; s++) {
        const struct subject *subject = &judged_subjects[s];
        const struct decision *decision;
        struct judged judged;
        struct arena arena;
        struct view said;

        fuzz_arena(&arena);
        if (judged_read(op, text, unknown, &arena, &judged)) {
            said = judged_text(set, &judged, subject, &arena, &decision);
            REQUIRE(view_eq(said, judged_text(set, &judged, subject, &arena, NULL)));
            judged_check_rewrite(set, &judged, subject, decision, unknown, &arena);
        }
        arena_done(&arena);
    }
}

/* Most inputs are a request of one operation or none: the others are done with at once. */
static bool is_read(enum operation_id op, struct view text, enum unknown_fields unknown)
{
    struct judged judged;
    struct arena arena;
    bool read;

    fuzz_arena(&arena);
    read = judged_read(op, text, unknown, &arena, &judged);
    arena_done(&arena);
    return read;
}

static void check_all(enum operation_id op, struct view text, enum unknown_fields unknown)
{
    if (!operation_is_judged(&operations[op]) || !is_read(op, text, unknown))
        return;
    for (size_t i = 0; i < ARRAY_LEN(sets); i++)
        check(sets[i], op, text, unknown);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct view text = fuzz_input(data, size);

    if (sets[0] == NULL)
        load_sets();
    for (size_t op = 0; op < OP_COUNT; op++) {
        check_all((enum operation_id)op, text, UNKNOWN_REFUSE);
        check_all((enum operation_id)op, text, UNKNOWN_PASS);
    }
    return 0;
}
