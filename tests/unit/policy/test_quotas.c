/* SPDX-License-Identifier: Apache-2.0
 * Quotas from text to decision: every form and every fault with its place, what passes filters,
 * weights, and which operation asks which quota of which policy. */
#include <stdlib.h>

#include "policy/quota.h"
#include "unit/policy/support.h"

#define HEAD    "version: 1\npolicies:\n"
#define Q(text) HEAD "  - name: a\n    quotas:\n      - " text "\n"
#define BUDGET  "name: q, hours: 500, window: 30d"
#define TABLES  "weights: {price: {\"*gpu*\": 3.2, \"*\": 0.5}}\n"

static void faults_of_quotas(void **state)
{
    static const struct fault_row rows[] = {
        {"places", Q("{name: q, limit: 1}"), NULL},
        {"nothing may be created", Q("{name: q, limit: 0}"), NULL},
        {"many", Q("{name: q, limit: 1000000}"), NULL},
        {"running", Q("{name: q, limit: 1, counts: running}"), NULL},
        {"existing", Q("{name: q, limit: 1, counts: existing}"), NULL},
        {"a budget", Q("{" BUDGET "}"), NULL},
        {"no hours", Q("{name: q, hours: 0, window: 1h}"), NULL},
        {"most hours", Q("{name: q, hours: 1000000000, window: 92d}"), NULL},
        {"for each of all", Q("{name: q, limit: 1, per: [project, user, domain, workspace, pool]}"),
         NULL},
        {"for the whole organisation", Q("{name: q, limit: 1, per: []}"), NULL},
        {"all filters",
         Q("{name: q, limit: 1, flavors: [\"*gpu*\", a], families: [demanager, \"n*\"], "
           "pools: [p], workspaces: [\"0\"]}"),
         NULL},
        {"block style", Q("name: q\n        limit: 1\n        per:\n          - user"), NULL},
        {"not a list", HEAD "  - name: a\n    quotas: {name: q, limit: 1}\n",
         "p.yaml:4:13: quotas: expected a list, found a mapping\n"},
        {"not a mapping", Q("q"), "p.yaml:5:9: expected a mapping, found \"q\"\n"},
        {"unknown key", Q("{name: q, limit: 1, flavor: [a]}"),
         "p.yaml:5:29: unknown key \"flavor\"; did you mean \"flavors\"?\n"},
        {"no name", Q("{limit: 1}"), "p.yaml:5:9: name is missing\n"},
        {"a key without a value", Q("{name: q, limit: 1, per: }"),
         "p.yaml:5:29: \"per\" has no value; give it one or leave it out\n"},
        {"control character", Q("{name: \"a\\tb\", limit: 1}"),
         "p.yaml:5:16: name: control characters can't stand here\n"},
        {"neither", Q("{name: q}"), "p.yaml:5:9: a quota needs limit, or hours and a window\n"},
        {"both", Q("{name: q, limit: 1, hours: 1, window: 1d}"),
         "p.yaml:5:36: hours: a quota has either limit or hours\n"},
        {"hours alone", Q("{name: q, hours: 1}"),
         "p.yaml:5:26: hours needs a window, in which they are added up\n"},
        {"window with limit", Q("{name: q, limit: 1, window: 1d}"),
         "p.yaml:5:37: window does nothing without hours\n"},
        {"weight with limit", Q("{name: q, limit: 1, weight: price}") TABLES,
         "p.yaml:5:37: weight does nothing without hours\n"},
        {"counts with hours", Q("{" BUDGET ", counts: running}"),
         "p.yaml:5:52: counts: a budget of hours counts starts, not instances\n"},
        {"negative", Q("{name: q, limit: -1}"),
         "p.yaml:5:26: limit: expected a whole number from 0 to 1000000, found \"-1\"\n"},
        {"too many", Q("{name: q, limit: 1000001}"),
         "p.yaml:5:26: limit: expected a whole number from 0 to 1000000, found \"1000001\"\n"},
        {"a part", Q("{name: q, limit: 1.5}"),
         "p.yaml:5:26: limit: expected a whole number from 0 to 1000000, found \"1.5\"\n"},
        {"too many hours", Q("{name: q, hours: 1000000001, window: 1d}"),
         "p.yaml:5:26: hours: expected a whole number from 0 to 1000000000, found "
         "\"1000000001\"\n"},
        {"short window", Q("{name: q, hours: 1, window: 59m}"),
         "p.yaml:5:37: window: expected a duration from 1h to 2208h (a whole number and one of ms "
         "s m h d), found \"59m\"\n"},
        {"long window", Q("{name: q, hours: 1, window: 93d}"),
         "p.yaml:5:37: window: expected a duration from 1h to 2208h (a whole number and one of ms "
         "s m h d), found \"93d\"\n"},
        {"counts", Q("{name: q, limit: 1, counts: runing}"),
         "p.yaml:5:37: counts: expected existing or running, found \"runing\"\n"},
        {"per", Q("{name: q, limit: 1, per: [project, usr]}"),
         "p.yaml:5:44: per: expected project, user, domain, workspace or pool, found \"usr\" (did "
         "you mean \"user\"?)\n"},
        {"per as text", Q("{name: q, limit: 1, per: user}"),
         "p.yaml:5:34: per: expected a list of texts, [like, this], found \"user\"\n"},
        {"family", Q("{name: q, limit: 1, families: [notebook]}"),
         "p.yaml:5:40: families: \"notebook\" is no family (did you mean \"notebooks\"?)\n"},
        {"empty filters",
         Q("{name: q, limit: 1, flavors: [], pools: [], workspaces: [], families: []}"),
         "p.yaml:5:38: flavors: an empty list passes no instance; leave it out\n"
         "p.yaml:5:49: pools: an empty list passes no instance; leave it out\n"
         "p.yaml:5:65: workspaces: an empty list passes no instance; leave it out\n"
         "p.yaml:5:79: families: an empty list passes no instance; leave it out\n"},
        {"empty entry", Q("{name: q, limit: 1, flavors: [\"\"]}"),
         "p.yaml:5:39: list: an entry is empty\n"},
        {"placeholder", Q("{name: q, limit: 1, pools: [\"${user.name}\"]}"),
         "p.yaml:5:37: pools: placeholders work only in obs_prefixes\n"},
        {"several faults", Q("{name: q, limit: x, per: [y], families: [z]}"),
         "p.yaml:5:26: limit: expected a whole number from 0 to 1000000, found \"x\"\n"
         "p.yaml:5:35: per: expected project, user, domain, workspace or pool, found \"y\"\n"
         "p.yaml:5:50: families: \"z\" is no family\n"},
        {"one name twice", Q("{name: q, limit: 1}\n      - {name: q, limit: 2}"),
         "p.yaml:6:16: name: a quota \"q\" stands at p.yaml:5:16 already\n"},
        {"one name in two policies",
         Q("{name: q, limit: 1}") "  - {name: b, quotas: [{name: q, limit: 1}]}\n",
         "p.yaml:6:31: name: a quota \"q\" stands at p.yaml:5:16 already\n"},
        {"one name for a policy and a quota", Q("{name: a, limit: 1}"), NULL},
    };
    const struct policy_options options = {.now_us = 0};

    (void)state;
    check_loads(rows, ARRAY_LEN(rows), &options);
}

static void faults_of_weights(void **state)
{
#define W(text) Q("{" BUDGET ", weight: t}") "weights:\n  t: " text "\n"
#define NUMBER \
    "weights: expected a number from 0 to 1000000 with at most 3 digits behind the point, found "
    static const struct fault_row rows[] = {
        {"a table", W("{\"*gpu*\": 3.2, \"*\": 0.5}"), NULL},
        {"only the rest", W("{\"*\": 1}"), NULL},
        {"all digits", W("{a: 0, b: 1000000, c: 0.001, d: 1000000.000, e: 12.34, \"*\": 0.0}"),
         NULL},
        {"no tables", HEAD "weights:\n", NULL},
        {"not a mapping", HEAD "weights: [a]\n",
         "p.yaml:3:10: weights: expected a mapping of names to tables, found a list\n"},
        {"a table that is a number", W("1"),
         "p.yaml:7:6: weights: expected a mapping of flavors to numbers, found text\n"},
        {"no rest", W("{a: 1}"),
         "p.yaml:7:6: weights: table \"t\" needs a row \"*\", for flavors "
         "that no other row names\n"},
        {"an empty table", W("{}"),
         "p.yaml:7:6: weights: table \"t\" needs a row \"*\", for "
         "flavors that no other row names\n"},
        {"over", W("{\"*\": 1000000.001}"), "p.yaml:7:12: " NUMBER "\"1000000.001\"\n"},
        {"far over", W("{\"*\": 99999999999999999999}"),
         "p.yaml:7:12: " NUMBER "\"99999999999999999999\"\n"},
        {"negative", W("{\"*\": -1}"), "p.yaml:7:12: " NUMBER "\"-1\"\n"},
        {"negative nothing", W("{\"*\": -0.5}"), "p.yaml:7:12: " NUMBER "\"-0.5\"\n"},
        {"four digits", W("{\"*\": 0.1234}"), "p.yaml:7:12: " NUMBER "\"0.1234\"\n"},
        {"no digits behind", W("{\"*\": 1.}"), "p.yaml:7:12: " NUMBER "\"1.\"\n"},
        {"no digits before", W("{\"*\": .5}"), "p.yaml:7:12: " NUMBER "\".5\"\n"},
        {"an exponent", W("{\"*\": 1e3}"), "p.yaml:7:12: " NUMBER "\"1e3\"\n"},
        {"a sign behind the point", W("{\"*\": 1.-5}"), "p.yaml:7:12: " NUMBER "\"1.-5\"\n"},
        {"text", W("{\"*\": \"1\"}"), "p.yaml:7:12: " NUMBER "\"1\"\n"},
        {"null", W("{\"*\": }"), "p.yaml:7:12: " NUMBER "nothing\n"},
        {"a mapping", W("{\"*\": {a: 1}}"), "p.yaml:7:12: " NUMBER "a mapping\n"},
        {"a placeholder", W("{\"${user.name}\": 1, \"*\": 1}"),
         "p.yaml:7:7: weights: placeholders work only in obs_prefixes\n"},
        {"an empty flavor", W("{\"\": 1, \"*\": 1}"), "p.yaml:7:7: list: an entry is empty\n"},
        {"no such table", Q("{" BUDGET ", weight: prise}") TABLES,
         "p.yaml:5:52: weight: \"prise\" is no table of weights (did you mean \"price\"?)\n"
         "p.yaml:6:11: warning: weights: no quota names the table \"price\"\n"},
        {"no table at all", Q("{" BUDGET ", weight: t}"),
         "p.yaml:5:52: weight: \"t\" is no table of weights\n"},
        {"of no use", HEAD TABLES,
         "p.yaml:3:11: warning: weights: no quota names the table \"price\"\n"},
    };
    const struct policy_options options = {.now_us = 0};

    (void)state;
    check_loads(rows, ARRAY_LEN(rows), &options);
}

static void quotas_that_nobody_asks_are_warnings(void **state)
{
#define NEVER                                                                                   \
    "warning: quota \"q\" is never asked: its policy matches no operation of a family that it " \
    "counts\n"
#define M(match, quota) \
    HEAD "  - name: a\n    match: {" match "}\n    quotas: [{name: q, " quota "}]\n"
    static const struct fault_row rows[] = {
        {"another family", M("families: [demanager]", "limit: 1, families: [notebooks]"),
         "p.yaml:5:21: " NEVER},
        {"the same family", M("families: [demanager]", "limit: 1, families: [\"*\"]"), NULL},
        {"existing at a start", M("operations: [start]", "limit: 1"), "p.yaml:5:21: " NEVER},
        {"running at a start", M("operations: [start]", "limit: 1, counts: running"), NULL},
        {"hours at a start", M("operations: [start]", "hours: 1, window: 1d"), NULL},
        {"a mount", M("operations: [mount]", "hours: 1, window: 1d"), "p.yaml:5:21: " NEVER},
        {"a lease", M("operations: [notebooks.lease]", "limit: 1, counts: running"),
         "p.yaml:5:21: " NEVER},
        {"hours of a lease", M("operations: [notebooks.lease]", "hours: 1, window: 1d"), NULL},
        {"hours of a lease of no notebooks",
         M("operations: [notebooks.lease]", "hours: 1, window: 1d, families: [demanager]"),
         "p.yaml:5:21: " NEVER},
        {"hours of an update", M("operations: [demanager.update]", "hours: 1, window: 1d"),
         "p.yaml:5:21: " NEVER},
        {"an update", M("operations: [demanager.update]", "limit: 1"), NULL},
    };
    const struct policy_options options = {.now_us = 0};

    (void)state;
    check_loads(rows, ARRAY_LEN(rows), &options);
}

static void without_identity_nothing_is_per_person(void **state)
{
    static const struct fault_row rows[] = {
        {"user", Q("{name: q, limit: 1, per: [project, user]}"),
         "p.yaml:5:44: per: user needs to know who is calling, which \"verify: off\" does not "
         "tell\n"},
        {"domain", Q("{name: q, limit: 1, per: [domain]}"),
         "p.yaml:5:35: per: domain needs to know who is calling, which \"verify: off\" does not "
         "tell\n"},
        {"others", Q("{name: q, limit: 1, per: [project, workspace, pool]}"), NULL},
    };
    const struct policy_options options = {.no_identity = true};

    (void)state;
    check_loads(rows, ARRAY_LEN(rows), &options);
}

static const char *faults_of_list(size_t count)
{
    const struct policy_options options = {.now_us = 0};
    const char *faults;
    struct buf out;

    buf_init(&out, 1 << 20);
    buf_add_str(&out, HEAD "  - name: a\n    quotas:\n      - name: q\n        limit: 1\n"
                           "        flavors: [");
    for (size_t i = 0; i < count; i++)
        buf_printf(&out, "%sf%zu%s", i == 0 ? "" : ",", i, i % 2 == 0 ? "*" : "");
    buf_add(&out, view_of("]\n", 3));
    faults = faults_of(out.ptr, &options);
    buf_done(&out);
    return faults;
}

static void lists_have_a_limit(void **state)
{
    (void)state;
    assert_null(faults_of_list(256));
    assert_string_equal(faults_of_list(257),
                        "p.yaml:7:18: flavors: at most 256 entries may stand here\n");
}

static const struct quota *quota_of(const struct policy_set *set, const char *name)
{
    size_t count = 0;
    const struct quota *const *quotas = policy_set_quotas(set, &count);

    for (size_t i = 0; i < count; i++) {
        if (view_eq(quotas[i]->name, view_str(name)))
            return quotas[i];
    }
    fail_msg("no quota %s", name);
    return NULL;
}

static void a_set_tells_its_quotas_in_name_order(void **state)
{
    struct policy_set *set =
        set_of(HEAD "  - name: b\n    contact: ops\n    quotas:\n"
                    "      - {name: z, limit: 3, counts: running, per: [workspace, pool]}\n"
                    "      - {name: m, hours: 2, window: 1d, per: [project, user, domain]}\n"
                    "  - {name: a, mode: observe, quotas: [{name: n, hours: 1000000000, window: "
                    "92d}, {name: c, limit: 0}]}\n");
    static const char *const names[] = {"c", "m", "n", "z"};
    size_t count = 0;
    const struct quota *const *quotas = policy_set_quotas(set, &count);
    const struct quota *z = quota_of(set, "z"), *m = quota_of(set, "m"), *n = quota_of(set, "n");

    (void)state;
    assert_int_equal(count, ARRAY_LEN(names));
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        assert_true(view_eq(quotas[i]->name, view_str(names[i])));
    assert_int_equal(z->counts, QUOTA_RUNNING);
    assert_int_equal(z->limit, 3);
    assert_int_equal(z->window_us, 0);
    assert_int_equal(z->per, QUOTA_PER_WORKSPACE | QUOTA_PER_POOL);
    assert_true(view_eq(z->policy, VIEW("b")) && view_eq(z->contact, VIEW("ops")));
    assert_string_equal(z->at.file, "p.yaml");
    assert_int_equal(z->at.line, 6);
    assert_int_equal(m->counts, QUOTA_HOURS);
    assert_true(m->limit == (int64_t)2 * 3600 * QUOTA_WEIGHT_ONE);
    assert_true(m->window_us == (int64_t)24 * 3600 * 1000000);
    assert_int_equal(m->per, QUOTA_PER_PROJECT | QUOTA_PER_USER | QUOTA_PER_DOMAIN);
    assert_true(n->limit == (int64_t)3600000000000 * QUOTA_WEIGHT_ONE);
    assert_int_equal(n->per, 0);
    assert_int_equal(quota_of(set, "c")->counts, QUOTA_EXISTING);
    assert_true(policy_set_window_us(set) == (int64_t)92 * 24 * 3600 * 1000000);
    policy_set_unref(&set);
    set = set_of(HEAD);
    (void)policy_set_quotas(set, &count);
    assert_int_equal(count, 0);
    assert_true(policy_set_window_us(set) == 0);
    policy_set_unref(&set);
}

static struct quota_facts facts_of(const char *flavor, const char *pool, const char *workspace)
{
    return (struct quota_facts){.family = FAMILY_NOTEBOOKS,
                                .project = VIEW("p"),
                                .flavor = view_str(flavor),
                                .pool = view_str(pool),
                                .workspace = view_str(workspace)};
}

static void filters_pass_what_may_be_meant(void **state)
{
    static const struct {
        const char *filter, *flavor, *pool, *workspace;
        bool passes;
    } rows[] = {
        {"", "a", "", "0", true},
        {"", NULL, NULL, NULL, true},
        {", flavors: [\"*gpu*\"]", "modelarts.vm.gpu.v100", "", "0", true},
        {", flavors: [\"*gpu*\"]", "modelarts.vm.cpu.2u", "", "0", false},
        {", flavors: [\"*gpu*\"]", "", "", "0", false},
        {", flavors: [\"*gpu*\"]", NULL, "", "0", true},
        {", flavors: [b, \"*gpu*\", a, \"*.8u\"]", "a", "", "0", true},
        {", flavors: [b, \"*gpu*\", a, \"*.8u\"]", "x.8u", "", "0", true},
        {", flavors: [b, \"*gpu*\", a, \"*.8u\"]", "x.8U", "", "0", false},
        {", pools: [\"*\"]", "a", "p-1", "0", true},
        {", pools: [\"*\"]", "a", "", "0", false},
        {", pools: [\"*\"]", "a", NULL, "0", true},
        {", pools: [p-1]", "a", "p-2", "0", false},
        {", workspaces: [\"0\"]", "a", "", "0", true},
        {", workspaces: [\"0\"]", "a", "", "00", false},
        {", workspaces: [\"0\"]", "a", "", NULL, true},
        {", workspaces: [\"0\"], flavors: [a]", "a", "", "0", true},
        {", workspaces: [\"0\"], flavors: [a]", "b", "", "0", false},
        {", workspaces: [\"0\"], flavors: [a]", "a", "", "1", false},
        {", families: [notebooks]", "a", "", "0", true},
        {", families: [demanager]", "a", "", "0", false},
        {", families: [\"*\"]", "a", "", "0", true},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct quota_facts facts = facts_of(rows[i].flavor, rows[i].pool, rows[i].workspace);
        char text[512];
        struct policy_set *set;

        (void)snprintf(text, sizeof text, HEAD "  - {name: a, quotas: [{name: q, limit: 1%s}]}\n",
                       rows[i].filter);
        set = set_of(text);
        if (quota_admits(quota_of(set, "q"), &facts) != rows[i].passes)
            fail_msg("row %zu: %s", i, rows[i].filter);
        policy_set_unref(&set);
    }
}

static void the_weight_is_that_of_the_most_literal_row(void **state)
{
    static const struct {
        const char *flavor;
        int64_t weight;
    } rows[] = {
        {"modelarts.vm.gpu.v100", 7500},    /* whole */
        {"modelarts.vm.gpu.v100.8u", 3200}, /* of two with as many bytes the heaviest */
        {"modelarts.vm.gpu.t4", 3200},
        {"x.gpu.y", 3200},
        {"modelarts.vm.cpu.2u", 0},
        {"anything", 500},
        {"", 500},
        {NULL, 7500},
    };
    struct policy_set *set = set_of(Q(
        "{" BUDGET
        ", weight: t}\n      - {name: one, hours: 1, window: 1d}") "weights:\n  t:\n"
                                                                   "    \"*\": 0.5\n    \"*gpu*\": "
                                                                   "3.2\n    \"*vm*\": 0.001\n    "
                                                                   "\"*gp*u*\": 1.25\n"
                                                                   "    modelarts.vm.gpu.v100: "
                                                                   "7.5\n    \"*.cpu.*\": 0\n");

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_true(quota_weight(quota_of(set, "q"), view_str(rows[i].flavor)) == rows[i].weight);
    assert_int_equal(quota_weight(quota_of(set, "one"), VIEW("x")), QUOTA_WEIGHT_ONE);
    assert_int_equal(quota_weight(quota_of(set, "one"), VIEW_NONE), QUOTA_WEIGHT_ONE);
    policy_set_unref(&set);
}

static const char three[] =
    HEAD "  - name: a\n    quotas:\n"
         "      - {name: existing, limit: 1}\n"
         "      - {name: gpus, limit: 1, counts: running, flavors: [\"*gpu*\"]}\n"
         "      - {name: hours, hours: 5, window: 1d}\n"
         "      - {name: pool, limit: 1, counts: running, pools: [\"*\"]}\n"
         "      - {name: running, limit: 1, counts: running}\n"
         "      - {name: workspace-1, limit: 1, workspaces: [\"1\"]}\n"
         "  - {name: everybody}\n";

static void operations_ask_what_they_take(void **state)
{
    static const struct {
        enum operation_id op;
        bool custom_spec;
        const char *flavor, *pool, *decision;
    } rows[] = {
        {OP_DEMANAGER_CREATE, false, "x", NULL, "allow asks existing, hours, running"},
        {OP_NOTEBOOKS_CREATE, false, "x", NULL, "allow asks existing, hours, running"},
        {OP_NOTEBOOKS_CREATE, false, "x.gpu", NULL, "allow asks existing, gpus, hours, running"},
        {OP_NOTEBOOKS_CREATE, false, NULL, NULL, "allow asks existing, gpus, hours, running"},
        {OP_DEMANAGER_CREATE, true, "x", NULL, "allow asks existing, gpus, hours, running"},
        {OP_DEMANAGER_CREATE, false, "x", "p-1", "allow asks existing, hours, pool, running"},
        {OP_DEMANAGER_CREATE, false, "x", "", "allow asks existing, hours, pool, running"},
        {OP_DEMANAGER_START, false, "x", NULL, "allow asks hours, running"},
        {OP_NOTEBOOKS_START, false, "x.gpu", "p-1", "allow asks gpus, hours, pool, running"},
        {OP_NOTEBOOKS_START_GET, false, "x", NULL, "allow asks hours, running"},
        {OP_DEMANAGER_UPDATE, false, NULL, NULL, "allow"},
        {OP_DEMANAGER_UPDATE, false, "x", NULL, "allow asks existing, pool, running, workspace-1"},
        {OP_NOTEBOOKS_UPDATE, false, "gpu", NULL,
         "allow asks existing, gpus, pool, running, workspace-1"},
        {OP_DEMANAGER_UPDATE, true, NULL, NULL,
         "allow asks existing, gpus, pool, running, workspace-1"},
        {OP_NOTEBOOKS_LEASE, false, NULL, NULL, "allow asks hours"},
        {OP_NOTEBOOKS_MOUNT, false, NULL, NULL, "allow"},
    };
    struct policy_set *set = set_of(three);

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct sample s;

        sample_init(&s);
        sample_as(&s, rows[i].op);
        s.request.flavor = (struct text_field){rows[i].flavor != NULL, view_str(rows[i].flavor)};
        s.request.has_custom_spec = rows[i].custom_spec;
        s.request.has_pool = rows[i].pool != NULL; /* "": without its id */
        s.request.pool = (struct text_field){rows[i].pool != NULL && rows[i].pool[0] != '\0',
                                             view_str(rows[i].pool)};
        if (strcmp(decision_text(set, &s, false), rows[i].decision) != 0)
            fail_msg("row %zu: %s", i, decision_text(set, &s, false));
    }
    policy_set_unref(&set);
}

static void check_create(const char *text, const char *decision)
{
    struct policy_set *set = set_of(text);
    struct sample s;

    sample_init(&s);
    assert_string_equal(decision_text(set, &s, false), decision);
    policy_set_unref(&set);
}

static void modes_and_matches_choose_the_quotas(void **state)
{
    (void)state;
    check_create(HEAD "  - {name: e, quotas: [{name: q1, limit: 1}]}\n"
                      "  - {name: w, mode: warn, quotas: [{name: q2, limit: 1}]}\n"
                      "  - {name: o, mode: observe, quotas: [{name: q0, limit: 1}]}\n"
                      "  - {name: n, match: {users: [bob]}, quotas: [{name: q3, limit: 1}]}\n"
                      "  - {name: u, mode: warn, match: {groups: [x]}, quotas: [{name: q4, limit: "
                      "1}]}\n  - {name: everybody}\n",
                 "allow asks q0 (observe), q1, q2 (warn)");
}

static void a_refusal_asks_nothing(void **state)
{
    (void)state;
    check_create(HEAD "  - {name: a, quotas: [{name: q, limit: 1}], flavors: {allow: [x]}}\n",
                 "refuse flavor.not_allowed by a");
    /* What only would be refused asks on. */
    check_create(HEAD "  - {name: a, mode: observe, quotas: [{name: q, limit: 1}], flavors: "
                      "{allow: [x]}}\n  - {name: b}\n",
                 "allow | would refuse flavor.not_allowed by a asks q (observe)");
    check_create(HEAD "  - {name: a, quotas: [{name: q, limit: 1}], auto_stop: {max: 30m}}\n",
                 "rewrite cap 1800 by a asks q");
}

static void quotas_alone_are_no_match(void **state)
{
    (void)state;
    check_create(HEAD "  - {name: a, quotas: [{name: q, limit: 1}]}\n", "refuse policy.no_match");
    check_create(HEAD "  - {name: a, quotas: [{name: q, limit: 1}], annotations: {set: {k: v}}}\n",
                 "refuse policy.no_match");
    check_create(HEAD "  - {name: a, annotations: {set: {k: v}}}\n", "refuse policy.no_match");
    check_create(HEAD "  - {name: a, quotas: [{name: q, limit: 1}], custom_spec: allow}\n",
                 "allow asks q");
    check_create("default: allow\n" HEAD "  - {name: a, quotas: [{name: q, limit: 1}]}\n",
                 "allow asks q");
}

#define EXCEPTION(name, rest) \
    "  - {name: " name ", policy: a, match: {users: [alice]}, expires: 2026-12-31, " rest "}\n"

static void exceptions_lift_quotas(void **state)
{
#define RULES HEAD "  - {name: a, quotas: [{name: q, limit: 1}], flavors: {allow: [%s]}}\n"
    (void)state;
    /* Nothing else is wrong. */
    check_create(HEAD "  - {name: a, quotas: [{name: q, limit: 1}], custom_spec: refuse}\n"
                      "exceptions:\n" EXCEPTION("x", "lift: [quotas]"),
                 "allow except x");
    /* What is edited stays so: the exception answers the quotas alone. */
    check_create(HEAD "  - {name: a, quotas: [{name: q, limit: 1}], auto_stop: {max: 30m}}\n"
                      "exceptions:\n" EXCEPTION("x", "lift: [quotas]"),
                 "rewrite cap 1800 by a except x");
    /* They do not combine: against the refusal first, then against the quotas. */
    check_create(HEAD "  - {name: a, quotas: [{name: q, limit: 1}], flavors: {allow: [x]}}\n"
                      "exceptions:\n" EXCEPTION("x", "lift: [quotas]")
                          EXCEPTION("y", "allow: {flavors: [\"*kat1*\"]}"),
                 "allow asks q except y");
    check_create(HEAD "  - {name: a, quotas: [{name: q, limit: 1}], flavors: {allow: [x]}}\n"
                      "exceptions:\n" EXCEPTION("y", "allow: {flavors: [\"*kat1*\"]}")
                          EXCEPTION("z", "lift: [quotas, flavors]"),
                 "allow except z");
    /* For somebody else, or for another group. */
    check_create(HEAD "  - {name: a, quotas: [{name: q, limit: 1}], custom_spec: refuse}\n"
                      "exceptions:\n  - {name: x, policy: a, match: {users: [bob]}, expires: "
                      "2026-12-31, lift: [quotas]}\n" EXCEPTION("y", "lift: [custom_spec]"),
                 "allow asks q");
    /* Another policy's stay. */
    check_create(HEAD "  - {name: a, quotas: [{name: q, limit: 1}], custom_spec: refuse}\n"
                      "  - {name: b, quotas: [{name: r, limit: 1}]}\n"
                      "exceptions:\n" EXCEPTION("x", "lift: [\"*\"]"),
                 "allow asks r except x");
}

static const char *trace_of(const char *text, enum operation_id op, int64_t stop_ms)
{
    static char copy[1024];
    struct policy_set *set = set_of(text);
    const struct decision *d = NULL;
    struct arena arena;
    struct sample s;
    size_t used = 0;

    copy[0] = '\0';
    arena_init(&arena, 4096, 1 << 20);
    sample_init(&s);
    sample_as(&s, op);
    sample_stop(&s, stop_ms);
    assert_int_equal(policy_judge(set, &s.request, &s.subject, 0, true, &arena, &d), STATUS_OK);
    for (size_t i = 0; i < d->trace_count; i++) {
        const struct trace_line *line = &d->trace[i];

        if (line->what == TRACE_QUOTA)
            used += (size_t)snprintf(copy + used, sizeof copy - used, "%.*s %.*s %u: %.*s\n",
                                     VIEW_ARGS(line->policy), VIEW_ARGS(line->rule), line->at.line,
                                     VIEW_ARGS(line->text));
    }
    arena_done(&arena);
    policy_set_unref(&set);
    return copy;
}

static void the_trace_tells_what_is_needed(void **state)
{
    (void)state;
    assert_string_equal(
        trace_of(Q("{name: q, limit: 2, per: [project, user]}\n      - {name: r, limit: 3, counts: "
                   "running}\n        ") "  - {name: b}\n",
                 OP_DEMANAGER_CREATE, 3600000),
        "a quotas 5: quota q: needs a place of 2 per project, user; use is known to the gateway "
        "only\n"
        "a quotas 6: quota r: needs a place of 3 for running instances; use is known to the "
        "gateway only\n");
    assert_string_equal(
        trace_of(
            Q("{" BUDGET ", per: [project], weight: price}") "    auto_stop: {max: 90m}\n" TABLES,
            OP_NOTEBOOKS_CREATE, 86400000),
        "a quotas 5: quota q: needs 90m, each hour weighing 0.500, of 500 hours in 720h per "
        "project; use is known to the gateway only\n");
    assert_string_equal(trace_of(Q("{" BUDGET "}") "  - {name: b}\n", OP_NOTEBOOKS_START, 7200000),
                        "a quotas 5: quota q: needs 2h, of 500 hours in 720h; use is "
                        "known to the gateway only\n");
    assert_string_equal(trace_of(Q("{" BUDGET "}") "  - {name: b}\n", OP_NOTEBOOKS_CREATE, -1),
                        "a quotas 5: quota q: needs to know how long the instance may run, and "
                        "nothing would stop it; "
                        "use is known to the gateway only\n");
    assert_string_equal(trace_of(Q("{name: q, limit: 2}"), OP_NOTEBOOKS_CREATE, 1000), "");
}

static const char large[] =
    HEAD "  - name: a\n    quotas:\n"
         "      - {name: q, limit: 2, per: [user], flavors: [\"*gpu*\", a, b, \"*kat1*\"]}\n"
         "      - {name: r, hours: 2, window: 1d, weight: price, workspaces: [\"0\"]}\n"
         "  - {name: b, mode: warn, quotas: [{name: s, limit: 1}]}\n"
         "  - {name: c}\n" TABLES "exceptions:\n"
         "  - {name: x, policy: b, match: {users: [alice]}, lift: [hooks], expires: 2026-12-31}\n";

/* Faults are all right: a message for want of memory is one. */
static void memory_that_runs_out_loads_nothing(void **state)
{
    const struct policy_file file = {"p.yaml", view_str(large)};
    enum status status = STATUS_NOMEM;
    unsigned bare = 0;

    (void)state;
    for (size_t max = 64; status != STATUS_OK; max += 509) {
        const struct policy_options options = {.max_bytes = max};
        struct policy_set *set = NULL;
        struct arena arena;
        struct diag diag;

        arena_init(&arena, 4096, 1 << 20);
        diag_init(&diag, &arena);
        status = policy_set_load(&file, 1, &options, &diag, &set);
        assert_int_equal(set != NULL, status == STATUS_OK);
        bare += status == STATUS_NOMEM ? 1 : 0;
        policy_set_unref(&set);
        arena_done(&arena);
    }
    assert_true(bare > 10);
}

static void memory_that_runs_out_is_no_decision(void **state)
{
    struct policy_set *set = set_of(large);
    enum status status = STATUS_NOMEM;
    unsigned bare = 0;
    struct sample s;

    (void)state;
    sample_init(&s);
    for (size_t max = 64; status != STATUS_OK; max += 61) {
        const struct decision *d = NULL;
        struct arena arena;

        arena_init(&arena, 64, max);
        status = policy_judge(set, &s.request, &s.subject, 0, true, &arena, &d);
        assert_int_equal(d != NULL, status == STATUS_OK);
        if (d != NULL)
            assert_int_equal(d->quota_count, 3);
        bare += status == STATUS_NOMEM ? 1 : 0;
        arena_done(&arena);
    }
    assert_true(bare > 10);
    policy_set_unref(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(faults_of_quotas),
        cmocka_unit_test(faults_of_weights),
        cmocka_unit_test(quotas_that_nobody_asks_are_warnings),
        cmocka_unit_test(without_identity_nothing_is_per_person),
        cmocka_unit_test(lists_have_a_limit),
        cmocka_unit_test(a_set_tells_its_quotas_in_name_order),
        cmocka_unit_test(filters_pass_what_may_be_meant),
        cmocka_unit_test(the_weight_is_that_of_the_most_literal_row),
        cmocka_unit_test(operations_ask_what_they_take),
        cmocka_unit_test(modes_and_matches_choose_the_quotas),
        cmocka_unit_test(a_refusal_asks_nothing),
        cmocka_unit_test(quotas_alone_are_no_match),
        cmocka_unit_test(exceptions_lift_quotas),
        cmocka_unit_test(the_trace_tells_what_is_needed),
        cmocka_unit_test(memory_that_runs_out_loads_nothing),
        cmocka_unit_test(memory_that_runs_out_is_no_decision),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
