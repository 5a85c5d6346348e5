/* SPDX-License-Identifier: Apache-2.0
 * Loading: the contract's example, every fault with its whole text, warnings, what other options
 * change, digests, and memory. */
#include <stdlib.h>

#include "base/clock.h"
#include "unit/policy/support.h"

#define HEAD "version: 1\npolicies:\n"

/* The example of the contract, and what came to it. */
static const char contract[] =
    "version: 1\n"
    "default: refuse                  # a judged request that no policy matches\n"
    "policies:\n"
    "  - name: team-a-notebooks\n"
    "    contact: ml-platform@example.org          # shown to the caller who is refused\n"
    "    mode: enforce                             # enforce (if left out) | warn | observe\n"
    "    match:                                    # every key must hold; within a list any\n"
    "      projects: [0123456789abcdef0123456789abcdef]\n"
    "      users: [alice, \"svc-*\"]                 # names; user_ids: ids\n"
    "      domains: [acme]\n"
    "      roles: [te_admin]\n"
    "      groups: [team-a]\n"
    "      operations: [create, notebooks.lease]   # classes or names\n"
    "      families: [demanager, notebooks]\n"
    "    flavors:    {allow: [\"modelarts.vm.cpu.*\"], deny: [\"*.8u\"]}     # deny wins\n"
    "    profiles:   {allow: [\"*\"]}\n"
    "    images:     {allow: [\"*\"]}\n"
    "    workspaces: {allow: [\"0\"]}\n"
    "    pools:      {allow: [pool-a], public: true}\n"
    "    name:       {pattern: \"team-a-[a-z0-9-]+\"}\n"
    "    storage:\n"
    "      types: [obs, evs]\n"
    "      obs_prefixes: [\"/team-a/\", \"/shared/${user.name}/\"]\n"
    "      max_size_gb: 100\n"
    "    auto_stop:\n"
    "      required: true\n"
    "      default: 1h\n"
    "      min: 1h\n"
    "      max: 4h\n"
    "      over_max: cap\n"
    "      types: [timing, idle]\n"
    "    annotations: {set: {cost-centre: \"4711\"}, require: [owner]}\n"
    "    custom_spec: refuse\n"
    "    hooks: refuse\n"
    "    allowed_access_ips: {allow: [\"10.0.0.0/8\", \"2001:db8::/32\"], required: true}\n"
    "    quotas:\n"
    "      - {name: gpus-per-user, limit: 2, per: [project, user], flavors: [\"*gpu*\"]}\n"
    "exceptions:\n"
    "  - name: alice-v100-december\n"
    "    policy: team-a-notebooks\n"
    "    match: {users: [alice]}      # required\n"
    "    allow: {flavors: [\"modelarts.vm.gpu.v100\"]}\n"
    "    reason: benchmark for the grant report\n"
    "    approved_by: bob\n"
    "    expires: 2026-12-31\n";

static void the_contracts_example_loads(void **state)
{
    struct policy_set *set = set_of(contract);

    (void)state;
    assert_int_equal(policy_set_policies(set), 1);
    assert_int_equal(policy_set_exceptions(set), 1);
    assert_int_equal(strlen(policy_set_digest(set)), 64);
    policy_set_unref(&set);
    assert_null(set);
}

static void faults_of_files(void **state)
{
    static const struct fault_row rows[] = {
        {"nothing but a version", "version: 1\n", NULL},
        {"empty lists", "version: 1\npolicies: []\nexceptions: []\n", NULL},
        {"null lists", "version: 1\npolicies:\nexceptions:\n", NULL},
        {"empty file", "", "p.yaml:1:1: version is missing\n"},
        {"no version", "policies: []\n", "p.yaml:1:1: version is missing\n"},
        {"version 2", "version: 2\n",
         "p.yaml:1:10: version: this version of the program reads version 1\n"},
        {"version as text", "version: \"1\"\n",
         "p.yaml:1:10: version: expected a whole number, found \"1\"\n"},
        {"unknown key", "version: 1\npolicy: []\n",
         "p.yaml:2:1: unknown key \"policy\"; did you mean \"policies\"?\n"},
        {"default", "version: 1\ndefault: deny\n",
         "p.yaml:2:10: default: expected refuse or allow, found \"deny\"\n"},
        {"not a list", "version: 1\npolicies: {name: a}\n",
         "p.yaml:2:11: policies: expected a list, found a mapping\n"},
        {"not a mapping", HEAD "  - a\n", "p.yaml:3:5: expected a mapping, found \"a\"\n"},
        {"duplicate key", "version: 1\nversion: 1\n",
         "p.yaml:2:1: duplicate key \"version\"; it is at line 1 already\n"},
        {"broken", "version: [\n",
         "p.yaml:2:1: not valid YAML: did not find expected node content, while parsing a flow "
         "node\n"},
    };
    const struct policy_options options = {.now_us = 0};

    (void)state;
    check_loads(rows, ARRAY_LEN(rows), &options);
}

static void faults_of_policies(void **state)
{
    static const struct fault_row rows[] = {
        {"only a name", HEAD "  - name: a\n", NULL},
        {"no name", HEAD "  - mode: warn\n", "p.yaml:3:5: name is missing\n"},
        {"only the rule", HEAD "  - name: {pattern: a}\n", "p.yaml:3:5: name is missing\n"},
        {"name and rule", HEAD "  - name: a\n    name: {pattern: a}\n", NULL},
        {"rule and name", HEAD "  - name: {pattern: a}\n    name: a\n", NULL},
        {"two names", HEAD "  - name: a\n    name: b\n",
         "p.yaml:4:5: duplicate key \"name\"; it is at line 3 already\n"},
        {"one name twice", HEAD "  - name: a\n  - name: b\n  - name: a\n",
         "p.yaml:5:11: name: a policy \"a\" stands at p.yaml:3:11 already\n"},
        {"control character", HEAD "  - name: \"a\\nb\"\n",
         "p.yaml:3:11: name: control characters can't stand here\n"},
        {"contact", HEAD "  - {name: a, contact: \"a\\tb\"}\n",
         "p.yaml:3:24: contact: control characters can't stand here\n"},
        {"mode", HEAD "  - name: a\n    mode: enforced\n",
         "p.yaml:4:11: mode: expected enforce, warn or observe, found \"enforced\"\n"},
        {"unknown rule", HEAD "  - name: a\n    flavours: {allow: [a]}\n",
         "p.yaml:4:5: unknown key \"flavours\"; did you mean \"flavors\"?\n"},
        {"no quotas", HEAD "  - name: a\n    quotas: []\n",
         "p.yaml:4:13: quotas: an empty list counts nothing; leave it out\n"},
        {"quotas without a value", HEAD "  - name: a\n    quotas:\n",
         "p.yaml:4:5: \"quotas\" has no value; give it one or leave it out\n"},
        {"a key without a value", HEAD "  - name: a\n    match:\n      users:\n",
         "p.yaml:5:7: \"users\" has no value; give it one or leave it out\n"},
        {"an empty group", HEAD "  - name: a\n    flavors: {}\n",
         "p.yaml:4:5: \"flavors\" is empty; give it a key or leave it out\n"},
        {"an empty match is everybody", HEAD "  - name: a\n    match: {}\n", NULL},
        {"custom_spec", HEAD "  - {name: a, custom_spec: maybe}\n",
         "p.yaml:3:28: custom_spec: expected refuse or allow, found \"maybe\"\n"},
        {"two faults", HEAD "  - name: a\n    mode: x\n    flavors: {alow: []}\n",
         "p.yaml:4:11: mode: expected enforce, warn or observe, found \"x\"\n"
         "p.yaml:5:15: unknown key \"alow\"; did you mean \"allow\"?\n"},
    };
    const struct policy_options options = {.now_us = 0};

    (void)state;
    check_loads(rows, ARRAY_LEN(rows), &options);
}

static void faults_of_match(void **state)
{
    static const struct fault_row rows[] = {
        {"unknown key", HEAD "  - name: a\n    match: {user: [a]}\n",
         "p.yaml:4:13: unknown key \"user\"; did you mean \"users\"?\n"},
        {"a lone value", HEAD "  - name: a\n    match: {users: alice}\n",
         "p.yaml:4:20: users: expected a list of texts, [like, this], found \"alice\"\n"},
        {"an empty list", HEAD "  - name: a\n    match: {users: []}\n",
         "p.yaml:4:20: users: an empty list matches nobody; leave it out\n"},
        {"empty operations", HEAD "  - name: a\n    match: {operations: []}\n",
         "p.yaml:4:25: operations: an empty list matches nobody; leave it out\n"},
        {"an empty entry", HEAD "  - name: a\n    match: {roles: [\"\"]}\n",
         "p.yaml:4:21: roles: an entry is empty\n"},
        {"classes", HEAD "  - name: a\n    match: {operations: [create, change, start, mount]}\n",
         NULL},
        {"names",
         HEAD "  - name: a\n    match: {operations: [demanager.create, demanager.update, "
              "demanager.start, notebooks.create, notebooks.update, notebooks.lease, "
              "notebooks.start, notebooks.mount]}\n",
         NULL},
        {"globs", HEAD "  - name: a\n    match: {operations: [\"demanager.*\", \"*\"]}\n", NULL},
        {"a misspelt operation", HEAD "  - name: a\n    match: {operations: [demanager.crate]}\n",
         "p.yaml:4:26: operations: \"demanager.crate\" is no operation or class (did you mean "
         "\"demanager.create\"?)\n"},
        {"a misspelt class", HEAD "  - name: a\n    match: {operations: [creat]}\n",
         "p.yaml:4:26: operations: \"creat\" is no operation or class (did you mean "
         "\"create\"?)\n"},
        {"nothing near", HEAD "  - name: a\n    match: {operations: [zzzzzzzzzz]}\n",
         "p.yaml:4:26: operations: \"zzzzzzzzzz\" is no operation or class\n"},
        {"never judged", HEAD "  - name: a\n    match: {operations: [demanager.list]}\n",
         "p.yaml:4:26: operations: demanager.list is never judged\n"},
        {"a class that is never judged", HEAD "  - name: a\n    match: {operations: [read]}\n",
         "p.yaml:4:26: operations: \"read\" is no operation or class\n"},
        {"a glob that matches no operation",
         HEAD "  - name: a\n    match: {operations: [\"x*\"]}\n",
         "p.yaml:4:26: operations: \"x*\" is no operation or class\n"},
        {"a misspelt family", HEAD "  - name: a\n    match: {families: [notebook]}\n",
         "p.yaml:4:24: families: \"notebook\" is no family (did you mean \"notebooks\"?)\n"},
        {"placeholder", HEAD "  - name: a\n    match: {users: [\"${user.name}\"]}\n",
         "p.yaml:4:21: users: placeholders work only in obs_prefixes\n"},
        {"too many stars",
         HEAD "  - name: a\n    match: {users: [\"*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*\"]}\n",
         "p.yaml:4:21: users: an entry may have at most 16 stars\n"},
        {"as many stars as may be",
         HEAD "  - name: a\n    match: {users: [\"*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a\"]}\n", NULL},
    };
    const struct policy_options options = {.now_us = 0};

    (void)state;
    check_loads(rows, ARRAY_LEN(rows), &options);
}

static void faults_of_rules(void **state)
{
    static const struct fault_row rows[] = {
        {"deny only of flavors", HEAD "  - name: a\n    profiles: {deny: [x]}\n",
         "p.yaml:4:16: unknown key \"deny\"; known here: allow\n"},
        {"an empty allow-list allows nothing",
         HEAD "  - name: a\n    pools: {allow: [], public: true}\n", NULL},
        {"public", HEAD "  - name: a\n    pools: {public: \"yes\"}\n",
         "p.yaml:4:21: public: expected true or false (without quotes), found \"yes\"\n"},
        {"pattern", HEAD "  - name: a\n    name: {pattern: \"(a\"}\n",
         "p.yaml:4:21: pattern: at position 1: a group is not closed\n"},
        {"back-reference", HEAD "  - name: a\n    name: {pattern: '(a)\\1'}\n",
         "p.yaml:4:21: pattern: at position 4: back-references are not allowed\n"},
        {"no pattern", HEAD "  - name: a\n    name: {patern: a}\n",
         "p.yaml:4:12: unknown key \"patern\"; did you mean \"pattern\"?\n"
         "p.yaml:4:11: pattern is missing\n"},
        {"size 0", HEAD "  - name: a\n    storage: {max_size_gb: 0}\n",
         "p.yaml:4:28: max_size_gb: expected a whole number from 1 to 1048576, found \"0\"\n"},
        {"prefix", HEAD "  - name: a\n    storage: {obs_prefixes: [team-a/]}\n",
         "p.yaml:4:30: obs_prefixes: a prefix needs to begin with '/' and the bucket's name\n"},
        {"dots in a prefix", HEAD "  - name: a\n    storage: {obs_prefixes: [/team-a/../b/]}\n",
         "p.yaml:4:30: obs_prefixes: a prefix may not hold a segment \".\" or \"..\"\n"},
        {"escape in a prefix", HEAD "  - name: a\n    storage: {obs_prefixes: [/team-a/%2e/]}\n",
         "p.yaml:4:30: obs_prefixes: a prefix may not hold a percent escape; write the character "
         "itself\n"},
        {"good prefixes",
         HEAD
         "  - name: a\n    storage: {obs_prefixes: [/team-a, /team-a/, \"/team-*/x/\", "
         "\"/shared/${user.name}/${user.id}\", \"/p-${project.id}/\", \"/${project.name}/\"]}\n",
         NULL},
        {"unknown placeholder",
         HEAD "  - name: a\n    storage: {obs_prefixes: [\"/a/${user.nam}/\"]}\n",
         "p.yaml:4:30: obs_prefixes: \"${user.nam}\" is not a placeholder (did you mean "
         "\"user.name\"?)\n"},
        {"open placeholder",
         HEAD "  - name: a\n    storage: {obs_prefixes: [\"/abc/${user.name\"]}\n",
         "p.yaml:4:30: obs_prefixes: \"${user.name\" is not a placeholder\n"},
        {"annotation set and required",
         HEAD "  - name: a\n    annotations: {set: {o: x}, require: [o]}\n",
         "p.yaml:4:42: require: this annotation is set by the same policy\n"},
        {"annotation without a name", HEAD "  - name: a\n    annotations: {set: {\"\": x}}\n",
         "p.yaml:4:25: set: an annotation needs a name\n"},
    };
    const struct policy_options options = {.now_us = 0};

    (void)state;
    check_loads(rows, ARRAY_LEN(rows), &options);
}

#define STOP(rule) HEAD "  - name: a\n    auto_stop: {" rule "}\n"

static void faults_of_auto_stop(void **state)
{
    static const struct fault_row rows[] = {
        {"all", STOP("required: true, default: 1h, min: 30m, max: 4h, over_max: refuse"), NULL},
        {"default at both ends", STOP("default: 1h, min: 1h, max: 1h"), NULL},
        {"default below min", STOP("default: 59m, min: 1h"),
         "p.yaml:4:26: default lies outside min to max\n"},
        {"default above max", STOP("default: 61m, max: 1h"),
         "p.yaml:4:26: default lies outside min to max\n"},
        {"min above max", STOP("min: 2h, max: 1h"), "p.yaml:4:22: min is above max\n"},
        {"nothing to set", STOP("required: true"),
         "p.yaml:4:27: required: true needs a default or a max to set, or on_missing: refuse\n"},
        {"nothing to set but a refusal", STOP("required: true, on_missing: refuse"), NULL},
        {"max to set", STOP("required: true, max: 1h"), NULL},
        {"on_missing alone", STOP("on_missing: refuse, max: 1h"),
         "p.yaml:4:29: on_missing does nothing without required: true\n"},
        {"over_max alone", STOP("over_max: refuse, min: 1h"),
         "p.yaml:4:27: over_max does nothing without max\n"},
        {"milliseconds", STOP("max: 1500ms"), "p.yaml:4:22: max: expected whole seconds\n"},
        {"zero", STOP("max: 0s"),
         "p.yaml:4:22: max: expected a duration from 1s to 8784h (a whole number and one of ms s m "
         "h d), found \"0s\"\n"},
        {"a number", STOP("max: 3600"),
         "p.yaml:4:22: max: expected a duration from 1s to 8784h (a whole number and one of ms s m "
         "h d), found \"3600\"\n"},
        {"types", STOP("types: [timing, idle]"), NULL},
        {"types, misspelt", STOP("types: [timing, idel]"),
         "p.yaml:4:33: types: expected timing or idle, found \"idel\" (did you mean \"idle\"?)\n"},
        {"types, in another case", STOP("types: [TIMING]"),
         "p.yaml:4:25: types: expected timing or idle, found \"TIMING\"\n"},
        {"types, no globs", STOP("types: [\"*\"]"),
         "p.yaml:4:25: types: expected timing or idle, found \"*\"\n"},
        {"types, none", STOP("types: []"),
         "p.yaml:4:24: types: an empty list would refuse every auto_stop\n"},
        {"over_max", STOP("max: 1h, over_max: cut"),
         "p.yaml:4:36: over_max: expected cap or refuse, found \"cut\"\n"},
        {"on_missing", STOP("required: true, max: 1h, on_missing: add"),
         "p.yaml:4:54: on_missing: expected set or refuse, found \"add\"\n"},
    };
    const struct policy_options options = {.now_us = 0};

    (void)state;
    check_loads(rows, ARRAY_LEN(rows), &options);
}

#define IPS(rule) HEAD "  - name: a\n    allowed_access_ips: {" rule "}\n"

static void faults_of_access(void **state)
{
    static const struct fault_row rows[] = {
        {"hooks", HEAD "  - {name: a, hooks: allow}\n", NULL},
        {"hooks, misspelt", HEAD "  - {name: a, hooks: deny}\n",
         "p.yaml:3:22: hooks: expected refuse or allow, found \"deny\"\n"},
        {"networks", IPS("allow: [10.0.0.0/8, 192.0.2.7, \"2001:db8::/32\", \"::1\"]"), NULL},
        {"none", IPS("allow: [], required: false"), NULL},
        {"no list", IPS("required: true"), "p.yaml:4:25: allow is missing\n"},
        {"required", IPS("allow: [], required: 1"),
         "p.yaml:4:47: required: expected true or false (without quotes), found \"1\"\n"},
        {"host bits", IPS("allow: [192.0.2.0/24, 10.0.0.1/8]"),
         "p.yaml:4:48: allowed_access_ips: \"10.0.0.1/8\" has bits set behind its prefix\n"},
        {"leading zeros", IPS("allow: [010.0.0.0/8, 10.0.0.0/08]"),
         "p.yaml:4:34: allowed_access_ips: \"010.0.0.0/8\" has a number with a leading zero\n"
         "p.yaml:4:47: allowed_access_ips: \"10.0.0.0/08\" has a number with a leading zero\n"},
        {"no length", IPS("allow: [10.0.0.0/33]"),
         "p.yaml:4:34: allowed_access_ips: \"10.0.0.0/33\" has no prefix length of its family (0 "
         "to "
         "32, 0 to 128)\n"},
        {"a name", IPS("allow: [office.example]"),
         "p.yaml:4:34: allowed_access_ips: \"office.example\" is no IPv4 or IPv6 address or "
         "network\n"},
        {"a glob", IPS("allow: [\"10.*\"]"),
         "p.yaml:4:34: allowed_access_ips: \"10.*\" is no IPv4 or IPv6 address or network\n"},
        {"an empty entry", IPS("allow: [\"\"]"),
         "p.yaml:4:34: allowed_access_ips: \"\" is no IPv4 or IPv6 address or network\n"},
    };
    const struct policy_options options = {.now_us = 0};

    (void)state;
    check_loads(rows, ARRAY_LEN(rows), &options);
}

static const char *faults_of_networks(unsigned count)
{
    const struct policy_options options = {.now_us = 0};
    const char *faults;
    struct buf text;

    buf_init(&text, 1 << 16);
    buf_add_str(&text, HEAD "  - name: a\n    allowed_access_ips:\n      allow: [");
    for (unsigned i = 0; i < count; i++)
        buf_printf(&text, "%s10.0.%u.%u", i == 0 ? "" : ", ", i / 256, i % 256);
    buf_add_str(&text, "]\n");
    buf_add_byte(&text, '\0');
    faults = faults_of(text.ptr, &options);
    buf_done(&text);
    return faults;
}

static void networks_have_a_limit(void **state)
{
    (void)state;
    assert_null(faults_of_networks(256));
    assert_string_equal(faults_of_networks(257),
                        "p.yaml:5:14: allowed_access_ips: at most 256 entries may stand here\n");
}

#define POLICY_A "version: 1\npolicies: [{name: a, flavors: {allow: [x]}}]\nexceptions:\n"

static void faults_of_exceptions(void **state)
{
    static const struct fault_row rows[] = {
        {"the least",
         POLICY_A
         "  - {name: e, policy: a, match: {users: [u]}, lift: [flavors], expires: 2026-12-31}\n",
         NULL},
        {"everything",
         POLICY_A
         "  - {name: e, policy: a, match: {users: [u]}, allow: {flavors: [y]}, lift: [\"*\"],\n"
         "     reason: r, approved_by: b, expires: 2026-12-31}\n",
         NULL},
        {"nothing", POLICY_A "  - {reason: r}\n",
         "p.yaml:4:5: name is missing\np.yaml:4:5: policy is missing\np.yaml:4:5: expires is "
         "missing\n"
         "p.yaml:4:5: match is missing; an exception is for somebody\n"
         "p.yaml:4:5: an exception needs allow or lift\n"},
        {"match without a key",
         POLICY_A "  - {name: e, policy: a, match: {}, lift: [flavors], expires: 2026-12-31}\n",
         "p.yaml:4:33: match: an exception needs at least one key\n"},
        {"unknown policy",
         "version: 1\npolicies: [{name: team-a}]\nexceptions:\n"
         "  - {name: e, policy: team-b, match: {users: [u]}, lift: [flavors], expires: "
         "2026-12-31}\n",
         "p.yaml:4:23: policy: \"team-b\" is no policy of the set (did you mean \"team-a\"?)\n"},
        {"unknown group",
         POLICY_A
         "  - {name: e, policy: a, match: {users: [u]}, lift: [flavor], expires: 2026-12-31}\n",
         "p.yaml:4:54: lift: \"flavor\" is no group of rules (did you mean \"flavors\"?)\n"},
        {"empty lift",
         POLICY_A "  - {name: e, policy: a, match: {users: [u]}, lift: [], expires: 2026-12-31}\n",
         "p.yaml:4:53: lift: an empty list lifts nothing\n"},
        {"no date",
         POLICY_A
         "  - {name: e, policy: a, match: {users: [u]}, lift: [flavors], expires: 2026-02-30}\n",
         "p.yaml:4:73: expires: expected a date like 2026-12-31, found \"2026-02-30\"\n"},
        {"one name twice",
         POLICY_A
         "  - {name: e, policy: a, match: {users: [u]}, lift: [flavors], expires: 2026-12-31}\n"
         "  - {name: e, policy: a, match: {users: [v]}, lift: [flavors], expires: 2026-12-31}\n",
         "p.yaml:5:12: name: an exception \"e\" stands at p.yaml:4:12 already\n"},
        {"what isn't there",
         POLICY_A "  - {name: e, policy: a, match: {users: [u]}, allow: {pools: [x], storage: "
                  "{obs_prefixes: [/abc/]}}, expires: 2026-12-31}\n",
         "p.yaml:4:62: warning: policy \"a\" has no pools.allow to add to\n"
         "p.yaml:4:91: warning: policy \"a\" has no storage.obs_prefixes to add to\n"},
        {"networks that aren't there",
         POLICY_A "  - {name: e, policy: a, match: {users: [u]}, allow: {allowed_access_ips: "
                  "[10.0.0.0/8]}, expires: 2026-12-31}\n",
         "p.yaml:4:75: warning: policy \"a\" has no allowed_access_ips.allow to add to\n"},
        {"networks that are none",
         POLICY_A "  - {name: e, policy: a, match: {users: [u]}, allow: {allowed_access_ips: [x]}, "
                  "expires: 2026-12-31}\n",
         "p.yaml:4:76: allowed_access_ips: \"x\" is no IPv4 or IPv6 address or network\n"
         "p.yaml:4:75: warning: policy \"a\" has no allowed_access_ips.allow to add to\n"},
        {"the new groups can be lifted",
         "version: 1\npolicies: [{name: a, hooks: refuse}]\nexceptions:\n"
         "  - {name: e, policy: a, match: {users: [u]}, lift: [hooks, allowed_access_ips], "
         "expires: 2026-12-31}\n",
         NULL},
        {"nothing to lift",
         POLICY_A
         "  - {name: e, policy: a, match: {users: [u]}, lift: [storage], expires: 2026-12-31}\n",
         "p.yaml:4:12: warning: policy \"a\" has nothing of what is lifted\n"},
        {"max_size_gb can't be added",
         POLICY_A
         "  - {name: e, policy: a, match: {users: [u]}, allow: {storage: {max_size_gb: 1}}, "
         "expires: 2026-12-31}\n",
         "p.yaml:4:65: unknown key \"max_size_gb\"; known here: types, obs_prefixes\n"},
    };
    const struct policy_options options = {.now_us = 0};

    (void)state;
    check_loads(rows, ARRAY_LEN(rows), &options);
}

/* It holds through the end of its day, UTC. */
static void an_expired_exception_is_a_warning(void **state)
{
    static const char text[] = POLICY_A
        "  - {name: e, policy: a, match: {users: [u]}, lift: [flavors], expires: 2026-12-31}\n";
    struct policy_options options = {.now_us = 0};

    (void)state;
    assert_true(clock_parse(VIEW("2026-12-31T23:59:59.999999Z"), &options.now_us));
    assert_null(faults_of(text, &options));
    options.now_us++;
    assert_string_equal(faults_of(text, &options),
                        "p.yaml:4:73: warning: exception \"e\" has expired\n");
}

#define STOPS(a, b) \
    HEAD "  - name: a\n    auto_stop: {" a "}\n  - name: b\n    auto_stop: {" b "}\n"
#define STOPS_FOR(ma, a, mb, b)                                                                   \
    HEAD "  - name: a\n    match: {" ma "}\n    auto_stop: {" a "}\n  - name: b\n    match: {" mb \
         "}\n    auto_stop: {" b "}\n"

static void contradictions_that_can_be_seen(void **state)
{
    static const struct fault_row rows[] = {
        {"min and max", STOPS("min: 2h", "max: 1h"),
         "p.yaml:6:22: auto_stop: min above max contradicts policy \"a\" at p.yaml:4:22\n"},
        {"max and min", STOPS("max: 1h", "min: 2h"),
         "p.yaml:6:22: auto_stop: min above max contradicts policy \"a\" at p.yaml:4:22\n"},
        {"min and max meet", STOPS("min: 1h", "max: 1h"), NULL},
        {"default and max", STOPS("default: 2h", "max: 1h"),
         "p.yaml:6:22: auto_stop: default above max contradicts policy \"a\" at p.yaml:4:26\n"},
        {"default and min", STOPS("default: 1h", "min: 2h"),
         "p.yaml:6:22: auto_stop: default below min contradicts policy \"a\" at p.yaml:4:26\n"},
        {"a smaller default helps",
         HEAD "  - {name: a, auto_stop: {default: 2h}}\n  - {name: b, auto_stop: {max: 1h}}\n"
              "  - {name: c, auto_stop: {default: 30m}}\n",
         NULL},
        {"the same match in another order",
         STOPS_FOR("users: [u, v], projects: [p]", "min: 2h", "projects: [p], users: [v, u, u]",
                   "max: 1h"),
         "p.yaml:8:22: auto_stop: min above max contradicts policy \"a\" at p.yaml:5:22\n"},
        {"a class and its operations are the same",
         STOPS_FOR("operations: [create]", "min: 2h",
                   "operations: [notebooks.create, demanager.create]", "max: 1h"),
         "p.yaml:8:22: auto_stop: min above max contradicts policy \"a\" at p.yaml:5:22\n"},
        {"no operation is judged by it",
         STOPS_FOR("operations: [mount]", "min: 2h", "operations: [notebooks.mount]", "max: 1h"),
         NULL},
        {"one of two can't speak", STOPS_FOR("", "min: 2h", "operations: [mount]", "max: 1h"),
         NULL},
        {"everybody and somebody", STOPS_FOR("", "min: 2h", "users: [u]", "max: 1h"),
         "p.yaml:8:22: auto_stop: min above max contradicts policy \"a\" at p.yaml:5:22\n"},
        {"other matches", STOPS_FOR("users: [v]", "min: 2h", "users: [u]", "max: 1h"), NULL},
        {"only a warning",
         HEAD
         "  - {name: a, mode: warn, auto_stop: {min: 2h}}\n  - {name: b, auto_stop: {max: 1h}}\n",
         NULL},
        {"annotations",
         HEAD "  - {name: b, annotations: {set: {k: x, l: y}}}\n  - {name: a, annotations: {set: "
              "{k: z, l: y}}}\n",
         "p.yaml:3:38: annotations: another value contradicts policy \"a\" at p.yaml:4:38\n"},
        {"annotations of a family that has none",
         HEAD "  - {name: b, match: {families: [notebooks]}, annotations: {set: {k: x}}}\n"
              "  - {name: a, match: {families: [notebooks]}, annotations: {set: {k: z}}}\n",
         NULL},
        {"types are no contradiction", STOPS("types: [idle]", "max: 1h"), NULL},
        {"reported once",
         HEAD "  - {name: a, auto_stop: {min: 2h}}\n  - {name: b, auto_stop: {max: 1h}}\n"
              "  - {name: c, match: {users: [u]}, auto_stop: {max: 5h}}\n",
         "p.yaml:4:32: auto_stop: min above max contradicts policy \"a\" at p.yaml:3:32\n"},
    };
    const struct policy_options options = {.now_us = 0};

    (void)state;
    check_loads(rows, ARRAY_LEN(rows), &options);
}

static void without_identity_much_does_not_load(void **state)
{
    static const struct fault_row rows[] = {
        {"projects", HEAD "  - {name: a, match: {projects: [p], operations: [create]}}\n", NULL},
        {"users", HEAD "  - {name: a, match: {users: [u]}}\n",
         "p.yaml:3:30: users: this needs to know who is calling, which \"verify: off\" does not "
         "tell\n"},
        {"user_ids", HEAD "  - {name: a, match: {user_ids: [u]}}\n",
         "p.yaml:3:33: user_ids: this needs to know who is calling, which \"verify: off\" does not "
         "tell\n"},
        {"domains", HEAD "  - {name: a, match: {domains: [u]}}\n",
         "p.yaml:3:32: domains: this needs to know who is calling, which \"verify: off\" does not "
         "tell\n"},
        {"roles", HEAD "  - {name: a, match: {roles: [u]}}\n",
         "p.yaml:3:30: roles: this needs to know who is calling, which \"verify: off\" does not "
         "tell\n"},
        {"groups", HEAD "  - {name: a, match: {groups: [u]}}\n",
         "p.yaml:3:31: groups: this needs to know who is calling, which \"verify: off\" does not "
         "tell\n"},
        {"exception",
         POLICY_A
         "  - {name: e, policy: a, match: {users: [u]}, lift: [flavors], expires: 2026-12-31}\n",
         "p.yaml:4:41: users: this needs to know who is calling, which \"verify: off\" does not "
         "tell\n"},
        {"project placeholder",
         HEAD "  - {name: a, storage: {obs_prefixes: [\"/b-${project.id}/\"]}}\n", NULL},
        {"user placeholder",
         HEAD "  - {name: a, storage: {obs_prefixes: [\"/abc/${user.id}/\"]}}\n",
         "p.yaml:3:40: obs_prefixes: this placeholder needs to know who is calling, which "
         "\"verify: off\" does not tell\n"},
        {"project's name",
         HEAD "  - {name: a, storage: {obs_prefixes: [\"/abc/${project.name}/\"]}}\n",
         "p.yaml:3:40: obs_prefixes: this placeholder needs to know who is calling, which "
         "\"verify: off\" does not tell\n"},
    };
    const struct policy_options options = {.no_identity = true};

    (void)state;
    check_loads(rows, ARRAY_LEN(rows), &options);
}

static enum status load_files(const struct policy_file *files, size_t count, size_t max_bytes,
                              struct buf *out, struct policy_set **ret)
{
    const struct policy_options options = {.max_bytes = max_bytes};
    struct arena arena;
    struct diag diag;
    enum status status;

    arena_init(&arena, 4096, 1 << 20);
    diag_init(&diag, &arena);
    status = policy_set_load(files, count, &options, &diag, ret);
    diag_print(&diag, out);
    arena_done(&arena);
    return status;
}

static void files_are_one_set(void **state)
{
    const struct policy_file files[] = {
        {"b.yaml", VIEW("version: 1\ndefault: allow\npolicies: [{name: x}]\n")},
        {"a.yaml",
         VIEW("version: 1\ndefault: refuse\npolicies: [{name: x}]\nexceptions: [{name: e, "
              "policy: y, match: {users: [u]}, lift: [name], expires: 2026-01-01}]\n")},
        {"c.yaml", VIEW("version: 1\npolicies: [{name: y}]\n")},
    };
    struct policy_set *set = NULL;
    struct buf out;

    (void)state;
    buf_init(&out, 1 << 16);
    assert_int_equal(load_files(files, 3, 0, &out, &set), STATUS_INVALID);
    assert_null(set);
    assert_view(buf_view(&out),
                "b.yaml:2:10: default is allow here, but refuse at a.yaml:2:10\n"
                "b.yaml:3:19: name: a policy \"x\" stands at a.yaml:3:19 already\n"
                "a.yaml:4:21: warning: policy \"y\" has nothing of what is lifted\n");
    buf_done(&out);
}

/* sha256("a.yaml\0" "11\0" "version: 1\n" "b.yaml\0" "12\0" "version: 1\n\n"), from another
 * program. */
static void the_digest_covers_names_and_bytes_in_name_order(void **state)
{
    const struct policy_file files[] = {{"b.yaml", VIEW("version: 1\n\n")},
                                        {"a.yaml", VIEW("version: 1\n")}};
    struct policy_set *set = NULL, *other;
    struct buf out;

    (void)state;
    buf_init(&out, 1 << 16);
    assert_int_equal(load_files(files, 2, 0, &out, &set), STATUS_OK);
    assert_string_equal(policy_set_digest(set),
                        "24fa631a9fcc42e0296ba89c327b93a587529d068039b32164941333e177bf3b");
    other = policy_set_ref(set);
    assert_ptr_equal(other, set);
    policy_set_unref(&set);
    assert_int_equal(policy_set_policies(other), 0);
    policy_set_unref(&other);
    policy_set_unref(&other);
    policy_set_unref(NULL);
    buf_done(&out);
}

/* Promise 7: up to 20 in one run, and how many more there are. */
static void twenty_faults_are_shown(void **state)
{
    struct buf text, out;
    struct policy_set *set = NULL;
    struct policy_file file = {"p.yaml", VIEW_NONE};
    size_t lines = 0;

    (void)state;
    buf_init(&text, 1 << 16);
    buf_init(&out, 1 << 16);
    buf_add_str(&text, HEAD);
    for (int i = 0; i < 25; i++)
        buf_printf(&text, "  - {name: n%d, mode: x}\n", i);
    file.bytes = buf_view(&text);
    assert_int_equal(load_files(&file, 1, 0, &out, &set), STATUS_INVALID);
    for (size_t i = 0; i < out.len; i++)
        lines += out.ptr[i] == '\n' ? 1 : 0;
    assert_int_equal(lines, 21);
    buf_done(&text);
    buf_done(&out);
}

/* With whatever memory: loaded, or said why not. */
static void memory_that_runs_out_loads_nothing(void **state)
{
    const struct policy_file file = {"p.yaml", view_str(contract)};
    enum status status = STATUS_NOMEM;
    unsigned bare = 0;

    (void)state;
    for (size_t max = 64; status != STATUS_OK; max += 1021) {
        struct policy_set *set = NULL;
        struct buf out;

        buf_init(&out, 1 << 16);
        status = load_files(&file, 1, max, &out, &set);
        assert_true(status == STATUS_OK || status == STATUS_NOMEM || status == STATUS_INVALID);
        assert_int_equal(set != NULL, status == STATUS_OK);
        if (status == STATUS_INVALID)
            assert_true(out.len > 0);
        bare += status == STATUS_NOMEM ? 1 : 0;
        policy_set_unref(&set);
        buf_done(&out);
    }
    assert_true(bare > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_contracts_example_loads),
        cmocka_unit_test(faults_of_files),
        cmocka_unit_test(faults_of_policies),
        cmocka_unit_test(faults_of_match),
        cmocka_unit_test(faults_of_rules),
        cmocka_unit_test(faults_of_auto_stop),
        cmocka_unit_test(faults_of_access),
        cmocka_unit_test(networks_have_a_limit),
        cmocka_unit_test(faults_of_exceptions),
        cmocka_unit_test(an_expired_exception_is_a_warning),
        cmocka_unit_test(contradictions_that_can_be_seen),
        cmocka_unit_test(without_identity_much_does_not_load),
        cmocka_unit_test(files_are_one_set),
        cmocka_unit_test(the_digest_covers_names_and_bytes_in_name_order),
        cmocka_unit_test(twenty_faults_are_shown),
        cmocka_unit_test(memory_that_runs_out_loads_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
