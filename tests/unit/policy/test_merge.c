/* SPDX-License-Identifier: Apache-2.0
 * Policies together: who matches, what several add up to, exceptions, warn and observe, defaults,
 * limits, and what explain is told. */
#include "base/clock.h"
#include "unit/policy/support.h"

typedef void change(struct sample *s);

struct set_row {
    const char *name, *text; /* behind "version: 1\n" */
    change *change;
    const char *decision;
};

static void check_rows(const struct set_row *rows, size_t count, bool messages)
{
    size_t wrong = 0;

    for (size_t i = 0; i < count; i++) {
        char text[4096];
        struct policy_set *set;
        struct sample s;
        const char *got;

        (void)snprintf(text, sizeof text, "version: 1\n%s", rows[i].text);
        set = set_of(text);
        sample_init(&s);
        if (rows[i].change != NULL)
            rows[i].change(&s);
        got = decision_text(set, &s, messages);
        if (strcmp(got, rows[i].decision) != 0) {
            print_error("row \"%s\":\ngot  %s\nwant %s\n", rows[i].name, got, rows[i].decision);
            wrong++;
        }
        policy_set_unref(&set);
    }
    assert_int_equal(wrong, 0);
}

static void user_unknown(struct sample *s)
{
    s->subject.known &= ~(unsigned)SUBJECT_USER;
}

static void roles_unknown(struct sample *s)
{
    s->subject.known &= ~(unsigned)SUBJECT_ROLES;
}

static void all_unknown(struct sample *s)
{
    s->subject.known = 0;
}

static void roles_empty(struct sample *s)
{
    s->subject.role_count = 0;
}

static void name_absent(struct sample *s)
{
    s->subject.user_name = VIEW_NONE;
}

static void name_empty(struct sample *s)
{
    s->subject.user_name = VIEW("");
}

static void two_groups(struct sample *s)
{
    s->groups[1] = VIEW("team-b");
    s->subject.group_count = 2;
}

/* A policy that refuses everything, if it matches. */
#define MATCH(keys) \
    "default: allow\npolicies: [{name: a, match: {" keys "}, workspaces: {allow: []}}]\n"
#define HIT  "refuse workspace.not_allowed by a"
#define DARK "refuse identity.attribute_unknown by a"

static void matches_who_and_what(void **state)
{
    static const struct set_row rows[] = {
        {"everybody", MATCH(""), NULL, HIT},
        {"project", MATCH("projects: [0123456789abcdef0123456789abcdef]"), NULL, HIT},
        {"another project", MATCH("projects: [0123456789abcdef0123456789abcde]"), NULL, "allow"},
        {"user", MATCH("users: [bob, alice]"), NULL, HIT},
        {"another user", MATCH("users: [bob, Alice]"), NULL, "allow"},
        {"user by glob", MATCH("users: [\"al*\"]"), NULL, HIT},
        {"user id", MATCH("user_ids: [u-1]"), NULL, HIT},
        {"a name is no id", MATCH("user_ids: [alice]"), NULL, "allow"},
        {"an id is no name", MATCH("users: [u-1]"), NULL, "allow"},
        {"domain", MATCH("domains: [acme]"), NULL, HIT},
        {"another domain", MATCH("domains: [d-1]"), NULL, "allow"},
        {"role", MATCH("roles: [x, te_admin]"), NULL, HIT},
        {"another role", MATCH("roles: [x]"), NULL, "allow"},
        {"group", MATCH("groups: [team-a]"), NULL, HIT},
        {"second group", MATCH("groups: [team-b]"), two_groups, HIT},
        {"operation", MATCH("operations: [demanager.create]"), NULL, HIT},
        {"another operation", MATCH("operations: [demanager.update, notebooks.create]"), NULL,
         "allow"},
        {"class", MATCH("operations: [create]"), NULL, HIT},
        {"another class", MATCH("operations: [change, start, mount]"), NULL, "allow"},
        {"operation by glob", MATCH("operations: [\"*.create\"]"), NULL, HIT},
        {"family", MATCH("families: [demanager]"), NULL, HIT},
        {"another family", MATCH("families: [notebooks]"), NULL, "allow"},
        {"every key", MATCH("users: [alice], roles: [te_admin], families: [demanager]"), NULL, HIT},
        {"all but one key", MATCH("users: [alice], roles: [te_admin], groups: [x]"), NULL, "allow"},
        {"unknown user", MATCH("users: [alice]"), user_unknown, DARK},
        {"unknown id", MATCH("user_ids: [u-1]"), user_unknown, DARK},
        {"unknown domain", MATCH("domains: [acme]"), all_unknown, DARK},
        {"unknown groups", MATCH("groups: [x]"), all_unknown, DARK},
        {"unknown roles", MATCH("roles: [x]"), roles_unknown, DARK},
        {"unknown roles, but another key doesn't hold", MATCH("users: [bob], roles: [x]"),
         roles_unknown, "allow"},
        {"unknown roles, and the key behind doesn't hold", MATCH("roles: [x], groups: [y]"),
         roles_unknown, "allow"},
        {"unknown, also by a glob", MATCH("roles: [\"*\"]"), roles_unknown, DARK},
        {"two unknown", MATCH("roles: [x], groups: [y]"), all_unknown, DARK},
        {"empty simply doesn't match", MATCH("roles: [x]"), roles_empty, "allow"},
        {"empty doesn't match a glob", MATCH("roles: [\"*\"]"), roles_empty, "allow"},
        {"an absent name is unknown", MATCH("users: [alice]"), name_absent, DARK},
        {"an empty name doesn't match", MATCH("users: [\"*\"]"), name_empty, "allow"},
        {"projects need no identity", MATCH("projects: [\"*\"]"), all_unknown, HIT},
    };

    (void)state;
    check_rows(rows, ARRAY_LEN(rows), false);
}

static void says_what_is_unknown(void **state)
{
    static const struct set_row rows[] = {
        {"roles", MATCH("roles: [x]"), roles_unknown,
         "refuse identity.attribute_unknown by a (match.roles at p.yaml:3:37): the credential does "
         "not tell roles, which this policy needs to know"},
    };

    (void)state;
    check_rows(rows, ARRAY_LEN(rows), true);
}

static void stop_missing(struct sample *s)
{
    s->request.stop_count = 0;
}

static void stop_2h(struct sample *s)
{
    s->stops[0].duration_ms = 7200000;
}

static void stop_8h(struct sample *s)
{
    s->stops[0].duration_ms = 8L * 3600000;
}

static void stop_30m(struct sample *s)
{
    s->stops[0].duration_ms = 1800000;
}

/* Matches that differ, so that nothing can be seen at load. */
#define TWO(a, b)                                                \
    "policies:\n  - {name: a, match: {users: [alice]}, " a "}\n" \
    "  - {name: b, match: {groups: [team-a]}, " b "}\n"

static void adds_policies_up(void **state)
{
    static const struct set_row rows[] = {
        {"allow-lists intersect",
         TWO("flavors: {allow: [\"*kat1*\"]}", "flavors: {allow: [\"*xlarge\"]}"), NULL, "allow"},
        {"one list is not enough",
         TWO("flavors: {allow: [\"*kat1*\"]}", "flavors: {allow: [\"*cpu*\"]}"), NULL,
         "refuse flavor.not_allowed by b"},
        {"denials add up", TWO("flavors: {deny: [\"*kat1*\"]}", "flavors: {allow: [\"*\"]}"), NULL,
         "refuse flavor.denied by a"},
        {"all reasons", TWO("flavors: {deny: [\"*\"]}", "workspaces: {allow: []}"), NULL,
         "refuse flavor.denied by a, workspace.not_allowed by b"},
        {"the smallest max", TWO("auto_stop: {max: 4h}", "auto_stop: {max: 1h}"), stop_8h,
         "rewrite cap 3600 by b"},
        {"credit to the first of equals", TWO("auto_stop: {max: 1h}", "auto_stop: {max: 1h}"),
         stop_8h, "rewrite cap 3600 by a"},
        {"the smallest default",
         TWO("auto_stop: {required: true, default: 2h}", "auto_stop: {default: 1h}"), stop_missing,
         "rewrite default 3600 by b"},
        {"each judges the value as received: one caps",
         TWO("auto_stop: {max: 1h}", "auto_stop: {max: 4h, over_max: refuse}"), stop_2h,
         "rewrite cap 3600 by a"},
        {"refuse beats cap", TWO("auto_stop: {max: 1h}", "auto_stop: {max: 4h, over_max: refuse}"),
         stop_8h, "refuse auto_stop.over_max by b"},
        {"missing beats cap too",
         TWO("auto_stop: {required: true, max: 1h}", "auto_stop: {max: 4h, over_max: refuse}"),
         stop_missing, "refuse auto_stop.over_max by b"},
        {"the largest min", TWO("auto_stop: {min: 1h}", "auto_stop: {min: 30m}"), stop_30m,
         "refuse auto_stop.below_min by a"},
        {"min above max", TWO("auto_stop: {min: 4h}", "auto_stop: {max: 2h}"), stop_8h,
         "refuse policy.conflict by a"},
        {"min above max, whatever the value", TWO("auto_stop: {min: 4h}", "auto_stop: {max: 2h}"),
         stop_2h, "refuse auto_stop.below_min by a, policy.conflict by a"},
        {"default above max, when it is needed",
         TWO("auto_stop: {required: true, default: 4h}", "auto_stop: {max: 2h}"), stop_missing,
         "refuse policy.conflict by a"},
        {"default above max, when it isn't",
         TWO("auto_stop: {required: true, default: 4h}", "auto_stop: {max: 2h}"), stop_2h, "allow"},
        {"default below min",
         TWO("auto_stop: {required: true, default: 1h}", "auto_stop: {min: 2h}"), stop_missing,
         "refuse policy.conflict by a"},
        {"annotations add up",
         TWO("name: {pattern: \".*\"}, annotations: {set: {x: \"1\"}}",
             "annotations: {set: {w: \"2\", x: \"1\"}}"),
         NULL, "rewrite set w=2 by b, set x=1 by a"},
        {"two values for one annotation",
         TWO("annotations: {set: {x: \"1\"}}",
             "annotations: {set: {x: \"2\"}}, name: {pattern: \".*\"}"),
         NULL, "refuse policy.conflict by a"},
        {"stop and annotation", TWO("auto_stop: {max: 1h}", "annotations: {set: {x: \"1\"}}"),
         stop_8h, "rewrite cap 3600 by a, set x=1 by b"},
        {"no edits with a refusal", TWO("auto_stop: {max: 1h}", "flavors: {allow: []}"), stop_8h,
         "refuse flavor.not_allowed by b"},
    };

    (void)state;
    check_rows(rows, ARRAY_LEN(rows), false);
}

static void says_what_contradicts(void **state)
{
    static const struct set_row rows[] = {
        {"times", TWO("auto_stop: {min: 4h}", "auto_stop: {max: 2h}"), stop_8h,
         "refuse policy.conflict by a (auto_stop.min at p.yaml:3:57): policies a and b contradict "
         "each other: auto_stop.min of 4h and auto_stop.max of 2h"},
        {"annotations",
         TWO("annotations: {set: {x: \"1\"}}",
             "annotations: {set: {x: \"2\"}}, name: {pattern: \".*\"}"),
         NULL,
         "refuse policy.conflict by a (annotations.set at p.yaml:3:63): policies a and b "
         "contradict "
         "each other: annotation x set to \"1\" and annotation x set to \"2\""},
    };

    (void)state;
    check_rows(rows, ARRAY_LEN(rows), true);
}

#define NOBODY "match: {users: [nobody]}"

static void the_default_decides_without_a_match(void **state)
{
    static const struct set_row rows[] = {
        {"no policy", "policies: []\n", NULL, "refuse policy.no_match"},
        {"no policy, allow", "default: allow\n", NULL, "allow"},
        {"none matches", "policies: [{name: a, " NOBODY "}]\n", NULL, "refuse policy.no_match"},
        {"none matches, allow", "default: allow\npolicies: [{name: a, " NOBODY "}]\n", NULL,
         "allow"},
        {"a policy without rules is a match", "policies: [{name: a}]\n", NULL, "allow"},
        {"annotations alone are none", "policies: [{name: a, annotations: {set: {x: \"1\"}}}]\n",
         NULL, "refuse policy.no_match"},
        {"annotations beside another are",
         "policies: [{name: a, annotations: {set: {x: \"1\"}}}, {name: b}]\n", NULL,
         "rewrite set x=1 by a"},
        {"warn is no match", "policies: [{name: a, mode: warn}]\n", NULL,
         "refuse policy.no_match | would allow (warn)"},
        {"observe is no match", "policies: [{name: a, mode: observe}]\n", NULL,
         "refuse policy.no_match | would allow"},
    };

    (void)state;
    check_rows(rows, ARRAY_LEN(rows), false);
}

#define HOLD(mode, rest) "policies: [{name: base}, {name: x, mode: " mode ", " rest "}]\n"

static void warn_and_observe_change_nothing(void **state)
{
    static const struct set_row rows[] = {
        {"nothing to say", HOLD("warn", "flavors: {allow: [\"*\"]}"), NULL, "allow"},
        {"warn refuses", HOLD("warn", "flavors: {allow: []}"), NULL,
         "allow | would refuse flavor.not_allowed by x (warn)"},
        {"observe refuses", HOLD("observe", "flavors: {allow: []}"), NULL,
         "allow | would refuse flavor.not_allowed by x"},
        {"warn caps", HOLD("warn", "auto_stop: {max: 1h}"), stop_8h,
         "allow | would rewrite cap 3600 by x (warn)"},
        {"observe sets", HOLD("observe", "annotations: {set: {k: v}}"), NULL,
         "allow | would rewrite set k=v by x"},
        {"unknown", HOLD("observe", "match: {roles: [r]}"), roles_unknown,
         "allow | would refuse identity.attribute_unknown by x"},
        {"not matched", HOLD("warn", NOBODY ", flavors: {allow: []}"), NULL, "allow"},
        {"with the rest",
         "policies: [{name: a, auto_stop: {max: 2h}}, {name: b, mode: observe, auto_stop: {max: "
         "1h}}]\n",
         stop_8h, "rewrite cap 7200 by a | would rewrite cap 3600 by b"},
        {"the same edit is no difference",
         "policies: [{name: b, auto_stop: {max: 1h}}, {name: a, mode: warn, auto_stop: {max: "
         "1h}}]\n",
         stop_8h, "rewrite cap 3600 by b"},
        {"a conflict",
         "policies: [{name: a, auto_stop: {min: 2h}}, {name: b, mode: warn, auto_stop: {max: "
         "1h}}]\n",
         stop_2h, "allow | would refuse policy.conflict by a (warn)"},
        {"judged on the received request",
         "policies: [{name: a, auto_stop: {max: 1h}}, {name: b, mode: warn, auto_stop: {max: 4h, "
         "over_max: refuse}}]\n",
         stop_8h, "rewrite cap 3600 by a | would refuse auto_stop.over_max by b (warn)"},
        {"observe does, warn doesn't",
         "policies: [{name: a, mode: observe, flavors: {allow: []}}, {name: b, mode: warn, "
         "flavors: "
         "{allow: [\"*\"]}}, {name: c}]\n",
         NULL, "allow | would refuse flavor.not_allowed by a"},
        {"more reasons are a difference",
         "policies: [{name: a, flavors: {allow: []}}, {name: b, mode: warn, workspaces: {allow: "
         "[]}}]\n",
         NULL,
         "refuse flavor.not_allowed by a | would refuse flavor.not_allowed by a, "
         "workspace.not_allowed by b (warn)"},
    };

    (void)state;
    check_rows(rows, ARRAY_LEN(rows), false);
}

static void gpu(struct sample *s)
{
    s->request.flavor.value = VIEW("gpu");
}

static void gpu_missing(struct sample *s)
{
    gpu(s);
    stop_missing(s);
}

static void gpu_8h(struct sample *s)
{
    gpu(s);
    stop_8h(s);
}

static void gpu_unknown(struct sample *s)
{
    gpu(s);
    user_unknown(s);
}

static void gpu_pool(struct sample *s)
{
    s->request.has_pool = true;
    s->request.pool = (struct text_field){true, VIEW("pool-x")};
}

static void team_x(struct sample *s)
{
    s->storages[0].path.value = VIEW("/team-x/a/");
    assert_int_equal(obs_parse_path(s->storages[0].path.value, &s->storages[0].obs), OBS_OK);
}

static void own_path(struct sample *s)
{
    s->storages[0].path.value = VIEW("/homes/alice/");
    assert_int_equal(obs_parse_path(s->storages[0].path.value, &s->storages[0].obs), OBS_OK);
}

static void evs(struct sample *s)
{
    s->storages[0] =
        (struct storage_request){.own = true, .type = VIEW("evs"), .pointer = "/spec/storage"};
}

static void custom(struct sample *s)
{
    s->request.has_custom_spec = true;
}

#define EXCEPT(rules, exceptions) "policies: [{name: a, " rules "}]\nexceptions:\n" exceptions
#define FOR_ALICE(name, gives) \
    "  - {name: " name ", policy: a, match: {users: [alice]}, " gives ", expires: 2026-12-31}\n"
#define FOR_BOB(name, gives) \
    "  - {name: " name ", policy: a, match: {users: [bob]}, " gives ", expires: 2026-12-31}\n"
#define KAT "flavors: {allow: [\"*kat1*\"], deny: [evil]}"

static const struct set_row exception_rows[] = {
    {"adds a value", EXCEPT(KAT, FOR_ALICE("e", "allow: {flavors: [gpu]}")), gpu, "allow except e"},
    {"not needed, not used", EXCEPT(KAT, FOR_ALICE("e", "allow: {flavors: [gpu]}")), NULL, "allow"},
    {"another value", EXCEPT(KAT, FOR_ALICE("e", "allow: {flavors: [gpu2]}")), gpu,
     "refuse flavor.not_allowed by a"},
    {"somebody else's", EXCEPT(KAT, FOR_BOB("e", "allow: {flavors: [gpu]}")), gpu,
     "refuse flavor.not_allowed by a"},
    {"deny wins over what is added",
     EXCEPT("flavors: {allow: [x], deny: [gpu]}", FOR_ALICE("e", "allow: {flavors: [gpu]}")), gpu,
     "refuse flavor.denied by a, flavor.not_allowed by a"},
    {"lift flavors", EXCEPT("flavors: {deny: [gpu]}", FOR_ALICE("e", "lift: [flavors]")), gpu,
     "allow except e"},
    {"unknown user: it does not apply", EXCEPT(KAT, FOR_ALICE("e", "allow: {flavors: [gpu]}")),
     gpu_unknown, "refuse flavor.not_allowed by a"},
    {"the first that suffices",
     EXCEPT(KAT, FOR_ALICE("f", "allow: {flavors: [gpu]}") FOR_ALICE(
                     "e", "allow: {flavors: [other]}") FOR_ALICE("g", "allow: {flavors: [gpu]}")),
     gpu, "allow except f"},
    {"several do not combine",
     EXCEPT(KAT ", workspaces: {allow: []}",
            FOR_ALICE("e", "allow: {flavors: [gpu]}") FOR_ALICE("f", "lift: [workspaces]")),
     gpu, "refuse flavor.not_allowed by a, workspace.not_allowed by a"},
    {"one that does both",
     EXCEPT(KAT ", workspaces: {allow: []}",
            FOR_ALICE("e", "allow: {flavors: [gpu], workspaces: [\"0\"]}")),
     gpu, "allow except e"},
    {"the rest of the policy stays",
     EXCEPT(KAT ", auto_stop: {required: true, default: 1h, max: 4h}",
            FOR_ALICE("e", "allow: {flavors: [gpu]}")),
     gpu_8h, "rewrite cap 14400 by a except e"},
    {"and its defaults",
     EXCEPT(KAT ", auto_stop: {required: true, default: 1h, max: 4h}",
            FOR_ALICE("e", "allow: {flavors: [gpu]}")),
     gpu_missing, "rewrite default 3600 by a except e"},
    {"lift auto_stop where it would cap",
     EXCEPT("auto_stop: {max: 4h}", FOR_ALICE("e", "lift: [auto_stop]")), stop_8h,
     "allow except e"},
    {"lift auto_stop where it would not",
     EXCEPT("auto_stop: {max: 4h}", FOR_ALICE("e", "lift: [auto_stop]")), stop_2h, "allow"},
    {"the one that leaves nothing to say goes first",
     EXCEPT(KAT ", auto_stop: {max: 4h}",
            FOR_ALICE("e", "allow: {flavors: [gpu]}") FOR_ALICE("f", "lift: [\"*\"]")),
     gpu_8h, "allow except f"},
    {"lift annotations",
     EXCEPT("name: {pattern: \".*\"}, annotations: {require: [o]}",
            FOR_ALICE("e", "lift: [annotations]")),
     NULL, "allow except e"},
    {"a lifted policy is still a match",
     EXCEPT(KAT, FOR_ALICE("e", "lift: [flavors, custom_spec]")), gpu, "allow except e"},
    {"custom_spec is a group of its own", EXCEPT(KAT, FOR_ALICE("e", "lift: [flavors]")), custom,
     "refuse custom_spec.refused by a"},
    {"lift custom_spec", EXCEPT(KAT, FOR_ALICE("e", "lift: [custom_spec]")), custom,
     "allow except e"},
    {"pools", EXCEPT("pools: {allow: [p]}", FOR_ALICE("e", "allow: {pools: [\"pool-*\"]}")),
     gpu_pool, "allow except e"},
    {"types", EXCEPT("storage: {types: [obs]}", FOR_ALICE("e", "allow: {storage: {types: [evs]}}")),
     evs, "allow except e"},
    {"prefixes",
     EXCEPT("storage: {obs_prefixes: [/team-a/]}",
            FOR_ALICE("e", "allow: {storage: {obs_prefixes: [/team-x/]}}")),
     team_x, "allow except e"},
    {"prefixes with placeholders",
     EXCEPT("storage: {obs_prefixes: [/team-a/]}",
            FOR_ALICE("e", "allow: {storage: {obs_prefixes: [\"/homes/${user.name}/\"]}}")),
     own_path, "allow except e"},
    {"another policy still refuses",
     "policies: [{name: a, flavors: {allow: []}}, {name: b, flavors: {allow: []}}]\n"
     "exceptions:\n" FOR_ALICE("e", "lift: [flavors]"),
     NULL, "refuse flavor.not_allowed by b except e"},
    {"an exception of an observed policy is not used",
     "policies: [{name: b}, {name: a, mode: observe, flavors: {allow: []}}]\n"
     "exceptions:\n" FOR_ALICE("e", "lift: [flavors]"),
     NULL, "allow"},
    {"what a policy can't be told stays refused",
     "policies: [{name: a, match: {roles: [r]}, flavors: {allow: []}}]\n"
     "exceptions:\n" FOR_ALICE("e", "lift: [\"*\"]"),
     roles_unknown, "refuse identity.attribute_unknown by a"},
};

static void exceptions_add_and_lift(void **state)
{

    (void)state;
    check_rows(exception_rows, ARRAY_LEN(exception_rows), false);
}

static enum verdict verdict_at(const struct policy_set *set, const struct sample *s, int64_t now_us)
{
    const struct decision *d = NULL;
    struct arena arena;
    enum verdict verdict;

    arena_init(&arena, 4096, 1 << 20);
    assert_int_equal(policy_judge(set, &s->request, &s->subject, now_us, false, &arena, &d),
                     STATUS_OK);
    verdict = d->judgement.verdict;
    arena_done(&arena);
    return verdict;
}

static void an_exception_holds_through_its_day(void **state)
{
    struct policy_set *set =
        set_of("version: 1\n" EXCEPT(KAT, FOR_ALICE("e", "allow: {flavors: [gpu]}")));
    struct sample s;
    int64_t last = 0;

    (void)state;
    sample_init(&s);
    gpu(&s);
    assert_true(clock_parse(VIEW("2026-12-31T23:59:59.999999Z"), &last));
    assert_int_equal(verdict_at(set, &s, last), VERDICT_ALLOW);
    assert_int_equal(verdict_at(set, &s, last + 1), VERDICT_REFUSE);
    policy_set_unref(&set);
}

static void sixty_four_edits_are_the_limit(void **state)
{
    struct buf text;
    struct policy_set *set;
    struct sample s;

    (void)state;
    for (unsigned more = 0; more < 2; more++) {
        buf_init(&text, 1 << 16);
        buf_add_str(&text, "version: 1\npolicies:\n  - name: a\n    workspaces: {allow: [0]}\n"
                           "    annotations:\n      set:\n");
        for (unsigned i = 0; i < 63; i++)
            buf_printf(&text, "        k%02u: v\n", i);
        buf_add_str(&text, "  - name: b\n    auto_stop: {max: 1h}\n");
        if (more == 1)
            buf_add_str(&text, "    annotations: {set: {z: v}}\n");
        buf_add_byte(&text, '\0');
        set = set_of(text.ptr);
        sample_init(&s);
        stop_8h(&s);
        if (more == 0)
            assert_int_equal(verdict_at(set, &s, 0), VERDICT_REWRITE);
        else
            assert_string_equal(decision_text(set, &s, true),
                                "refuse policy.too_many_edits by b ( at :0:0): the policies ask "
                                "for 65 edits; at most 64 are made");
        policy_set_unref(&set);
        buf_done(&text);
    }
}

/* What has no rules is refused, never waved through, also with default: allow. */
static void what_policies_do_not_judge_is_refused(void **state)
{
    struct policy_set *set = set_of("version: 1\ndefault: allow\n");
    struct sample s;

    (void)state;
    for (size_t i = 0; i < OP_COUNT; i++) {
        sample_init(&s);
        s.request.op = &operations[i];
        assert_row((verdict_at(set, &s, 0) == VERDICT_ALLOW) == operation_is_judged(&operations[i]),
                   operations[i].name);
    }
    s.request.op = NULL;
    assert_string_equal(decision_text(set, &s, true),
                        "refuse policy.not_judged ( at :0:0): policies do not judge this "
                        "operation");
    policy_set_unref(&set);
}

static void names_and_contact_stand_in_the_decision(void **state)
{
    struct policy_set *set =
        set_of("version: 1\npolicies:\n  - {name: c, mode: observe}\n  - {name: b, " NOBODY "}\n"
               "  - {name: a, contact: me@example.org, flavors: {allow: []}}\n  - {name: d, match: "
               "{roles: "
               "[r]}}\n");
    const struct decision *d = NULL;
    struct arena arena;
    struct sample s;

    (void)state;
    sample_init(&s);
    roles_unknown(&s);
    arena_init(&arena, 4096, 1 << 20);
    assert_int_equal(policy_judge(set, &s.request, &s.subject, 0, false, &arena, &d), STATUS_OK);
    assert_int_equal(d->policy_count, 2);
    assert_view(d->policies[0], "a");
    assert_view(d->policies[1], "c");
    assert_int_equal(d->judgement.reason_count, 2);
    assert_view(d->judgement.reasons[0].contact, "me@example.org");
    assert_null(d->judgement.reasons[1].contact.ptr);
    assert_int_equal(d->trace_count, 0);
    arena_done(&arena);
    policy_set_unref(&set);
}

static void the_trace_tells_rule_by_rule(void **state)
{
    static const char *const kinds[] = {"match", "no match", "ok", "edit", "refuse", "not applied"};
    struct policy_set *set = set_of(
        "version: 1\npolicies:\n"
        "  - {name: a, match: {users: [bob]}}\n"
        "  - {name: b, flavors: {allow: [\"*\"]}, images: {allow: [i]}, auto_stop: {max: 1h}}\n"
        "  - {name: c, mode: observe, workspaces: {allow: []}}\n"
        "  - {name: d, name: {pattern: x}}\n"
        "exceptions:\n"
        "  - {name: e, policy: d, match: {users: [alice]}, lift: [name], expires: 2026-12-31}\n");
    const struct decision *d = NULL;
    struct arena arena;
    struct sample s;
    struct buf out;

    (void)state;
    sample_init(&s);
    stop_8h(&s);
    arena_init(&arena, 4096, 1 << 20);
    buf_init(&out, 1 << 16);
    assert_int_equal(policy_judge(set, &s.request, &s.subject, 0, true, &arena, &d), STATUS_OK);
    for (size_t i = 0; i < d->trace_count; i++) {
        const struct trace_line *t = &d->trace[i];

        buf_printf(&out, "%.*s %.*s %s %s:%u:%u %.*s\n", VIEW_ARGS(t->policy), VIEW_ARGS(t->rule),
                   kinds[t->what], t->at.file, t->at.line, t->at.column, VIEW_ARGS(t->text));
    }
    assert_view(buf_view(&out),
                "a match no match p.yaml:3:30 users does not hold\n"
                "b match match p.yaml:4:12 every key holds; mode enforce\n"
                "b flavors.allow ok p.yaml:4:32 the value is allowed\n"
                "b images not applied p.yaml:4:12 this family has nothing of the kind\n"
                "b auto_stop.max edit p.yaml:4:79 auto_stop is too long and is capped\n"
                "b custom_spec not applied p.yaml:4:24 the request has none\n"
                "c match match p.yaml:5:12 every key holds; mode observe\n"
                "c workspaces.allow refuse p.yaml:5:50 workspace 0 is not allowed; allowed: none\n"
                "d match match p.yaml:6:12 every key holds; mode enforce\n"
                "d exception ok p.yaml:8:12 exception e is used\n"
                "d name not applied p.yaml:8:12 lifted by an exception\n"
                "b auto_stop.max edit p.yaml:4:79 auto_stop becomes 1h\n");
    buf_done(&out);
    arena_done(&arena);
    policy_set_unref(&set);
}

static void reasons_have_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < POLICY_REASON_COUNT; i++) {
        assert_int_equal(policy_reasons[i].status, 403);
        assert_true(strlen(policy_reasons[i].help) > 10);
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(policy_reasons[i].code, policy_reasons[k].code);
    }
    assert_string_equal(verdict_name(VERDICT_ALLOW), "allow");
    assert_string_equal(verdict_name(VERDICT_REWRITE), "rewrite");
    assert_string_equal(verdict_name(VERDICT_REFUSE), "refuse");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(matches_who_and_what),
        cmocka_unit_test(says_what_is_unknown),
        cmocka_unit_test(adds_policies_up),
        cmocka_unit_test(says_what_contradicts),
        cmocka_unit_test(the_default_decides_without_a_match),
        cmocka_unit_test(warn_and_observe_change_nothing),
        cmocka_unit_test(exceptions_add_and_lift),
        cmocka_unit_test(an_exception_holds_through_its_day),
        cmocka_unit_test(sixty_four_edits_are_the_limit),
        cmocka_unit_test(what_policies_do_not_judge_is_refused),
        cmocka_unit_test(names_and_contact_stand_in_the_decision),
        cmocka_unit_test(the_trace_tells_rule_by_rule),
        cmocka_unit_test(reasons_have_rows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
