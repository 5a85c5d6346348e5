/* SPDX-License-Identifier: Apache-2.0
 * What changed between two sets: the sentences, what is no change, and that no key of the language
 * can change unseen. */
#include "policy/diff.h"
#include "policy/doc.h"
#include "unit/policy/support.h"

static char printed[65536];

static void load_file(const char *text, struct policy_file *ret)
{
    struct policy_set *set = set_of(text); /* fails the test if it doesn't load */

    policy_set_unref(&set);
    *ret = (struct policy_file){"p.yaml", view_str(text)};
}

static const struct policy_diff *diff_of(const char *old_text, const char *new_text,
                                         struct arena *arena)
{
    const struct policy_diff *diff = NULL;
    struct policy_file old_file, new_file;

    load_file(old_text, &old_file);
    load_file(new_text, &new_file);
    assert_int_equal(policy_diff(&old_file, 1, &new_file, 1, arena, &diff), STATUS_OK);
    return diff;
}

/* "what name: sentence (sense)", a line each. */
static const char *words(const char *old_text, const char *new_text)
{
    const struct policy_diff *diff;
    struct arena arena;
    size_t len = 0;

    arena_init(&arena, 65536, 64 << 20);
    diff = diff_of(old_text, new_text, &arena);
    printed[0] = '\0';
    for (size_t i = 0; i < diff->count; i++) {
        const struct diff_change *change = &diff->changes[i];
        const char *sense = diff_sense_name(change->sense);

        len += (size_t)snprintf(printed + len, sizeof printed - len, "%s%s %.*s: %.*s%s%s%s",
                                i == 0 ? "" : "\n", change->what, VIEW_ARGS(change->name),
                                VIEW_ARGS(change->text), sense[0] == '\0' ? "" : " (", sense,
                                sense[0] == '\0' ? "" : ")");
        assert_true(len < sizeof printed);
    }
    arena_done(&arena);
    return printed;
}

#define HEAD             "version: 1\npolicies:\n"
#define SET(policy)      HEAD "  - {name: a, " policy "}\n"
#define OPEN_SET(policy) "default: allow\n" HEAD policy

static const struct {
    const char *old_text, *new_text, *words;
} sentences[] = {
    {SET("flavors: {allow: [x, w]}"), SET("flavors: {allow: [x]}"),
     "policy a: flavors.allow no longer has w (stricter)"},
    {SET("flavors: {allow: [x]}"), SET("flavors: {allow: [w, x, z]}"),
     "policy a: flavors.allow now has w, z (looser)"},
    {SET("flavors: {deny: [x]}"), SET("flavors: {deny: [x, w]}"),
     "policy a: flavors.deny now has w (stricter)"},
    {SET("flavors: {deny: [x]}"), SET("flavors: {deny: [x], allow: [w]}"),
     "policy a: flavors.allow is new: w (stricter)"},
    {SET("flavors: {deny: [x], allow: []}"), SET("flavors: {deny: [x]}"),
     "policy a: flavors.allow is gone; it was an empty list (looser)"},
    {SET("flavors: {allow: ['a*', a1]}"), SET("flavors: {allow: ['a*']}"),
     "policy a: flavors.allow no longer has a1, which other entries still hold (no effect)"},
    {SET("flavors: {allow: ['a*']}"), SET("flavors: {allow: ['a*', 'a*b']}"),
     "policy a: flavors.allow now has a*b, which other entries held before (no effect)"},
    {SET("flavors: {allow: [x]}"), SET("hooks: allow"),
     "policy a: custom_spec refuse -> allow (looser)\n"
     "policy a: flavors.allow is gone; it was x (looser)"},
    {SET("storage: {obs_prefixes: [/buc/]}"), SET("storage: {obs_prefixes: [/buc/, /buc/c]}"),
     "policy a: storage.obs_prefixes now has /buc/c/, which other entries held before (no effect)"},
    {SET("storage: {obs_prefixes: [/buc/]}"),
     SET("storage: {obs_prefixes: [/buc/, '/cuc/${user.name}']}"),
     "policy a: storage.obs_prefixes now has \"/cuc/${user.name}/\""},
    {SET("allowed_access_ips: {allow: [10.0.0.0/8, '2001:db8:0::/32']}"),
     SET("allowed_access_ips: {allow: ['2001:db8::/32', 10.0.0.0/8, 10.1.0.0/16]}"),
     "policy a: allowed_access_ips.allow now has 10.1.0.0/16, which other entries held before (no "
     "effect)"},
    {SET("auto_stop: {max: 4h}"), SET("auto_stop: {max: 8h}"),
     "policy a: auto_stop.max 4h -> 8h (looser)"},
    {SET("auto_stop: {max: 4h}"), SET("auto_stop: {max: 4h, over_max: refuse}"),
     "policy a: auto_stop.over_max cap -> refuse (stricter)"},
    /* With a refusal over the maximum, `required` would set what was refused. */
    {SET("auto_stop: {max: 4h, over_max: refuse}"),
     SET("auto_stop: {max: 4h, over_max: refuse, required: true}"),
     "policy a: auto_stop.required false -> true"},
    {SET("auto_stop: {max: 4h}"), SET("auto_stop: {max: 4h, required: true}"),
     "policy a: auto_stop.required false -> true (stricter)"},
    {SET("name: {pattern: a+}"), SET("name: {pattern: b+}"), "policy a: name.pattern a+ -> b+"},
    {SET("hooks: refuse, name: {pattern: a+}"), SET("hooks: refuse"),
     "policy a: name.pattern is gone; it was a+ (looser)"},
    {SET("annotations: {set: {cc: '1', x: '2'}}"), SET("annotations: {set: {cc: '3', w: '2'}}"),
     "policy a: annotations.set cc \"1\" -> \"3\"\n"
     "policy a: annotations.set w is new: \"2\"\n"
     "policy a: annotations.set x is gone; it was \"2\""},
    /* Under `default: refuse` a policy also lets in. */
    {SET("hooks: refuse"), SET("mode: warn, hooks: refuse"), "policy a: mode enforce -> warn"},
    {SET("hooks: refuse, match: {users: [u]}"), SET("hooks: refuse, match: {users: [u, v]}"),
     "policy a: match.users now has v"},
    {SET("match: {users: [u]}, quotas: [{name: q, limit: 1}]"),
     SET("match: {users: [u, v]}, quotas: [{name: q, limit: 1}]"),
     "policy a: match.users now has v (stricter)"},
    {OPEN_SET("  - {name: a, hooks: refuse, match: {users: [u]}}\n"),
     OPEN_SET("  - {name: a, hooks: refuse, match: {users: [u, v]}}\n"),
     "policy a: match.users now has v (stricter)"},
    /* Who can't tell roles was judged by the rules, and is refused now. */
    {OPEN_SET("  - {name: a, flavors: {allow: [x]}}\n"),
     OPEN_SET("  - {name: a, flavors: {allow: [x]}, match: {roles: [r], projects: [p]}}\n"),
     "policy a: match.projects is new: p (looser)\npolicy a: match.roles is new: r"},
    /* An update without a time needs one to set, or is refused (auto_stop.incomplete). */
    {SET("auto_stop: {min: 1h, max: 4h}"), SET("auto_stop: {min: 2h}"),
     "policy a: auto_stop.max is gone; it was 4h\n"
     "policy a: auto_stop.min 1h -> 2h (stricter)"},
    {OPEN_SET("  - {name: a, auto_stop: {min: 1h}}\n"),
     OPEN_SET("  - {name: a, auto_stop: {min: 1h}}\n  - {name: b, auto_stop: {default: 2h}}\n"),
     "policy b: is new; it matches everybody and everything, and: auto_stop.default 2h"},
    {OPEN_SET("  - {name: a, auto_stop: {min: 1h}}\n  - {name: b, auto_stop: {max: 2h}}\n"),
     OPEN_SET(
         "  - {name: a, auto_stop: {min: 1h}}\n  - {name: b, auto_stop: {max: 2h}}\n") "exceptions:"
                                                                                       " [{name: "
                                                                                       "e, policy: "
                                                                                       "b, match: "
                                                                                       "{users: "
                                                                                       "[u]}, "
                                                                                       "lift: "
                                                                                       "[auto_stop]"
                                                                                       ", expires: "
                                                                                       "2099-12-31}"
                                                                                       "]\n",
     "exception e: is new; it matches users u, and: expires 2099-12-31; lift auto_stop; policy b"},
    /* A default above another policy's maximum refuses (policy.conflict), and a smaller one
     * doesn't. */
    {SET("match: {users: [u]}, auto_stop: {default: 3h}}\n  - {name: b, match: {users: [v]}, "
         "auto_stop: {max: 2h}"),
     SET("match: {users: [u]}, auto_stop: {default: 1h}}\n  - {name: b, match: {users: [v]}, "
         "auto_stop: {max: 2h}"),
     "policy a: auto_stop.default 3h -> 1h"},
    {SET("match: {users: [u]}, auto_stop: {default: 2h}}\n  - {name: b, match: {users: [v]}, "
         "auto_stop: {max: 2h}"),
     SET("match: {users: [u]}, auto_stop: {default: 1h}}\n  - {name: b, match: {users: [v]}, "
         "auto_stop: {max: 2h}"),
     "policy a: auto_stop.default 2h -> 1h (stricter)"},
    {OPEN_SET("  - {name: a, hooks: refuse}\n"),
     OPEN_SET("  - {name: a, hooks: refuse, mode: observe}\n"),
     "policy a: mode enforce -> observe (looser)"},
    {OPEN_SET("  - {name: a, hooks: refuse}\n"),
     OPEN_SET("  - {name: a, hooks: refuse}\n  - {name: b, match: {groups: [g], operations: "
              "[mount]}, hooks: refuse}\n"),
     "policy b: is new; it matches groups g and operations notebooks.mount, and: hooks refuse "
     "(stricter)"},
    {SET("annotations: {require: [o]}"), SET("annotations: {require: [o]}, hooks: allow"),
     "policy a: for default: refuse it is no match -> a match (looser)"},
    {SET("match: {operations: [create]}, hooks: refuse"),
     SET("match: {operations: [demanager.create]}, hooks: refuse"),
     "policy a: match.operations no longer has notebooks.create"},
    {SET("quotas: [{name: q, limit: 2}]"), SET("quotas: [{name: q, limit: 1, flavors: [x]}]"),
     "quota q: flavors is new: x (looser)\nquota q: limit 2 -> 1 (stricter)"},
    {SET("quotas: [{name: q, limit: 2}]"), SET("quotas: [{name: q, hours: 2, window: 1d}]"),
     "quota q: counts is gone; it was existing\n"
     "quota q: hours is new: 2 (stricter)\n"
     "quota q: limit is gone; it was 2 (looser)\n"
     "quota q: window is new: 24h"},
    {HEAD "  - {name: a}\n  - {name: b, quotas: [{name: q, limit: 2}]}\n",
     HEAD "  - {name: a, quotas: [{name: q, limit: 2}], hooks: allow}\n  - {name: b}\n",
     "policy b: for default: refuse it is no match -> a match (looser)\n"
     "quota q: policy b -> a"},
    {"weights: {t: {'*': 1, g: 2}}\n" SET("quotas: [{name: q, hours: 2, window: 1d, weight: t}]"),
     "weights: {t: {'*': 1.5, g: 2.0}}\n" SET(
         "quotas: [{name: q, hours: 2, window: 1d, weight: t}]"),
     "weights t: weights \"*\" 1 -> 1.5 (stricter)"},
    {SET("hooks: refuse"), "default: allow\n" SET("hooks: refuse"),
     "default : default refuse -> allow (looser)"},
    {SET("hooks: refuse"),
     SET("hooks: refuse") "exceptions: [{name: e, policy: a, match: {users: [u]}, lift: [hooks], "
                          "expires: 2099-12-31}]\n",
     "exception e: is new; it matches users u, and: expires 2099-12-31; lift hooks; policy a "
     "(looser)"},
};

static void it_says_what_changed(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(sentences); i++) {
        const char *found = words(sentences[i].old_text, sentences[i].new_text);

        assert_string_equal(found, sentences[i].words);
    }
}

static const struct {
    const char *one, *other;
} equal[] = {
    {SET("mode: enforce, hooks: refuse"), "# said\ndefault: refuse\n" SET("hooks: refuse")},
    {SET("flavors: {allow: [x, w, x]}"), SET("custom_spec: refuse, flavors: {allow: [w, x]}")},
    {SET("match: {operations: [create], families: ['*']}"),
     SET("match: {operations: [demanager.create, notebooks.create], families: [notebooks, "
         "demanager]}")},
    {SET("storage: {obs_prefixes: [/buc/c]}"), SET("storage: {obs_prefixes: ['/buc/c/']}")},
    {SET("auto_stop: {max: 60m}"), SET("auto_stop: {max: 1h, over_max: cap, types: [timing]}")},
    {SET("pools: {allow: []}"), SET("pools: {public: false, allow: []}")},
    {SET("quotas: [{name: q, limit: 1, per: [user, project]}]"),
     SET("quotas: [{name: q, per: [project, user], counts: existing, limit: 1}]")},
    {SET("allowed_access_ips: {allow: ['2001:db8::/32']}"),
     SET("allowed_access_ips: {required: true, allow: ['2001:DB8:0::/32']}")},
    {HEAD "  - {name: a}\n  - {name: b}\n", HEAD "  - {name: b}\n  - {name: a}\n"},
    {SET("flavors: {deny: [], allow: [x]}"), SET("flavors: {allow: [x]}")},
};

static void other_words_for_the_same_are_no_change(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(equal); i++) {
        assert_string_equal(words(equal[i].one, equal[i].other), "");
        assert_string_equal(words(equal[i].other, equal[i].one), "");
    }
}

/* Every key of the language stands in it. */
static const char rich[] =
    "version: 1\n"
    "default: refuse\n"
    "weights:\n"
    "  table: {\"*\": 1, gpu: 2}\n"
    "  other: {\"*\": 1}\n"
    "policies:\n"
    "  - name: p\n"
    "    contact: c@example.org\n"
    "    mode: enforce\n"
    "    match: {projects: [mp], users: [mu], user_ids: [mi], domains: [md], roles: [mr], groups: "
    "[mg], operations: [create], families: [demanager]}\n"
    "    flavors: {allow: [fa], deny: [fd]}\n"
    "    profiles: {allow: [pa]}\n"
    "    images: {allow: [ia]}\n"
    "    workspaces: {allow: [wa]}\n"
    "    pools: {allow: [oa], public: false}\n"
    "    name: {pattern: np}\n"
    "    storage: {types: [obs], obs_prefixes: [/spp/], max_size_gb: 77}\n"
    "    auto_stop: {required: true, on_missing: set, default: 2h, min: 1h, max: 4h, over_max: "
    "cap, types: [timing]}\n"
    "    annotations: {set: {as: v}, require: [ar]}\n"
    "    custom_spec: refuse\n"
    "    hooks: refuse\n"
    "    allowed_access_ips: {allow: [10.0.0.0/8], required: true}\n"
    "    quotas:\n"
    "      - {name: qa, limit: 88, counts: existing, per: [project], flavors: [qf], families: "
    "[demanager], pools: [qp], workspaces: [qw]}\n"
    "      - {name: qb, hours: 99, window: 7d, weight: table}\n"
    "      - {name: qc, hours: 99, window: 7d, weight: other}\n"
    "exceptions:\n"
    "  - name: e\n"
    "    policy: p\n"
    "    match: {projects: [xp], users: [xu], user_ids: [xi], domains: [xd], roles: [xr], groups: "
    "[xg], operations: [start], families: [notebooks]}\n"
    "    allow: {flavors: [yf], profiles: [yp], images: [yi], workspaces: [yw], pools: [yo], "
    "storage: {types: [evs], obs_prefixes: [/ybb/]}, allowed_access_ips: [192.0.2.0/24]}\n"
    "    lift: [hooks]\n"
    "    reason: er\n"
    "    approved_by: ea\n"
    "    expires: 2099-06-30\n"
    "  - {name: e2, policy: p, match: {users: [z]}, lift: [name], expires: 2099-06-30}\n";

/* One key's value, the place of which is found by `from`, and which rule of what must be named. */
struct mutation {
    const char *from, *to, *what, *name, *rule;
};

#define POLICY(from, to, rule)        \
    {                                 \
        from, to, "policy", "p", rule \
    }
#define QUOTA(from, to, rule)         \
    {                                 \
        from, to, "quota", "qa", rule \
    }
#define EXCEPTION(from, to, rule)        \
    {                                    \
        from, to, "exception", "e", rule \
    }
static const struct mutation mutations[] = {
    {"default: refuse", "default: allow", "default", "", "default"},
    {"gpu: 2", "gpu: 2.001", "weights", "table", "weights"},
    {"name: p\n", "name: p2\n", "policy", "p", ""},
    POLICY("c@example.org", "d@example.org", "contact"),
    POLICY("mode: enforce", "mode: observe", "mode"),
    POLICY("[mp]", "[mp2]", "match.projects"),
    POLICY("[mu]", "[mu2]", "match.users"),
    POLICY("[mi]", "[mi2]", "match.user_ids"),
    POLICY("[md]", "[md2]", "match.domains"),
    POLICY("[mr]", "[mr2]", "match.roles"),
    POLICY("[mg]", "[mg2]", "match.groups"),
    POLICY("[create]", "[create, start]", "match.operations"),
    POLICY("operations: [create], families: [demanager]", "operations: [create]", "match.families"),
    POLICY("[fa]", "[fA]", "flavors.allow"),
    POLICY("[fd]", "[fd2]", "flavors.deny"),
    POLICY("[pa]", "[pa2]", "profiles.allow"),
    POLICY("[ia]", "[ia2]", "images.allow"),
    POLICY("[wa]", "[wa2]", "workspaces.allow"),
    POLICY("[oa]", "[oa2]", "pools.allow"),
    POLICY("public: false", "public: true", "pools.public"),
    POLICY("pattern: np", "pattern: np2", "name.pattern"),
    POLICY("types: [obs]", "types: [obs, efs]", "storage.types"),
    POLICY("[/spp/]", "[/spp2/]", "storage.obs_prefixes"),
    POLICY("max_size_gb: 77", "max_size_gb: 78", "storage.max_size_gb"),
    POLICY("required: true, on_missing: set, default", "default", "auto_stop.required"),
    POLICY("on_missing: set", "on_missing: refuse", "auto_stop.on_missing"),
    POLICY("default: 2h", "default: 3h", "auto_stop.default"),
    POLICY("min: 1h", "min: 2h", "auto_stop.min"),
    POLICY("max: 4h", "max: 5h", "auto_stop.max"),
    POLICY("over_max: cap", "over_max: refuse", "auto_stop.over_max"),
    POLICY("types: [timing]", "types: [idle]", "auto_stop.types"),
    POLICY("{as: v}", "{as: w}", "annotations.set"),
    POLICY("[ar]", "[ar2]", "annotations.require"),
    POLICY("custom_spec: refuse", "custom_spec: allow", "custom_spec"),
    POLICY("hooks: refuse", "hooks: allow", "hooks"),
    POLICY("10.0.0.0/8]", "10.0.0.0/9]", "allowed_access_ips.allow"),
    POLICY("8], required: true", "8], required: false", "allowed_access_ips.required"),
    {"name: qa", "name: qz", "quota", "qa", ""},
    QUOTA("limit: 88", "limit: 89", "limit"),
    QUOTA("counts: existing", "counts: running", "counts"),
    QUOTA("per: [project]", "per: [user]", "per"),
    QUOTA("[qf]", "[qf2]", "flavors"),
    QUOTA("[qf], families: [demanager]", "[qf]", "families"),
    QUOTA("[qp]", "[qp2]", "pools"),
    QUOTA("[qw]", "[qw2]", "workspaces"),
    {"hours: 99", "hours: 98", "quota", "qb", "hours"},
    {"window: 7d", "window: 8d", "quota", "qb", "window"},
    {"weight: table", "weight: other", "quota", "qb", "weight"},
    {"name: e\n", "name: ee\n", "exception", "e", ""},
    {"policy: p\n", "policy: p2\n", "exception", "e", "policy"},
    EXCEPTION("[xp]", "[xp2]", "match.projects"),
    EXCEPTION("[xu]", "[xu2]", "match.users"),
    EXCEPTION("[xi]", "[xi2]", "match.user_ids"),
    EXCEPTION("[xd]", "[xd2]", "match.domains"),
    EXCEPTION("[xr]", "[xr2]", "match.roles"),
    EXCEPTION("[xg]", "[xg2]", "match.groups"),
    EXCEPTION("[start]", "[create, start]", "match.operations"),
    EXCEPTION("families: [notebooks]", "families: ['*']", "match.families"),
    EXCEPTION("[yf]", "[yf2]", "allow.flavors"),
    EXCEPTION("[yp]", "[yp2]", "allow.profiles"),
    EXCEPTION("[yi]", "[yi2]", "allow.images"),
    EXCEPTION("[yw]", "[yw2]", "allow.workspaces"),
    EXCEPTION("[yo]", "[yo2]", "allow.pools"),
    EXCEPTION("types: [evs]", "types: [efs]", "allow.storage.types"),
    EXCEPTION("/ybb/", "/ybb2/", "allow.storage.obs_prefixes"),
    EXCEPTION("192.0.2.0/24", "192.0.2.0/25", "allow.allowed_access_ips"),
    EXCEPTION("lift: [hooks]", "lift: [images]", "lift"),
    EXCEPTION("reason: er", "reason: er2", "reason"),
    EXCEPTION("approved_by: ea", "approved_by: ea2", "approved_by"),
    EXCEPTION("expires: 2099-06-30\n", "expires: 2099-07-01\n", "expires"),
};

static const char *mutated(const struct mutation *mutation)
{
    static char text[sizeof rich + 64];
    const char *at = strstr(rich, mutation->from);

    assert_non_null(at);
    (void)snprintf(text, sizeof text, "%.*s%s%s", (int)(at - rich), rich, mutation->to,
                   at + strlen(mutation->from));
    return text;
}

static bool names(const struct policy_diff *diff, const struct mutation *mutation)
{
    for (size_t i = 0; i < diff->count; i++) {
        const struct diff_change *change = &diff->changes[i];

        if (strcmp(change->what, mutation->what) == 0 &&
            view_eq(change->name, view_str(mutation->name)) &&
            strcmp(change->rule, mutation->rule) == 0)
            return true;
    }
    return false;
}

/* p2 isn't in the set: it takes the policy along. */
static const char *settled(const struct mutation *mutation, char *room, size_t size)
{
    const char *text = mutated(mutation);

    if (strcmp(mutation->what, "policy") == 0 && mutation->rule[0] == '\0') {
        const char *at = strstr(text, "policy: p\n"), *other = strstr(text, "policy: p,");

        assert_true(at != NULL && other != NULL);
        (void)snprintf(room, size, "%.*spolicy: p2%.*spolicy: p2%s", (int)(at - text), text,
                       (int)(other - at - 9), at + 9, other + 9);
        return room;
    }
    if (strcmp(mutation->rule, "policy") == 0) {
        const char *at = strstr(text, "policies:\n");

        (void)snprintf(room, size, "%.*spolicies:\n  - name: p2\n%s", (int)(at - text), text,
                       at + strlen("policies:\n"));
        return room;
    }
    return text;
}

static void no_key_changes_unseen(void **state)
{
    char room[sizeof rich + 256];
    struct arena arena;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(mutations); i++) {
        const char *text = settled(&mutations[i], room, sizeof room);
        const struct policy_diff *diff;

        arena_init(&arena, 65536, 64 << 20);
        diff = diff_of(rich, text, &arena);
        if (!names(diff, &mutations[i]))
            fail_msg("%s -> %s isn't named", mutations[i].from, mutations[i].to);
        diff = diff_of(text, rich, &arena);
        if (!names(diff, &mutations[i]))
            fail_msg("%s -> %s isn't named", mutations[i].to, mutations[i].from);
        arena_done(&arena);
    }
    assert_string_equal(words(rich, rich), "");
}

static bool is_mutated(const char *what, const char *rule)
{
    for (size_t i = 0; i < ARRAY_LEN(mutations); i++) {
        if (strcmp(mutations[i].what, what) == 0 && strcmp(mutations[i].rule, rule) == 0)
            return true;
    }
    return false;
}

/* Each key of these rows. NOLINTNEXTLINE(misc-no-recursion) */
static void check_rows(const char *what, const struct yfield *fields, const char *prefix)
{
    for (const struct yfield *field = fields; field->key != NULL; field++) {
        char rule[128];

        (void)snprintf(rule, sizeof rule, "%s%s%s", prefix, prefix[0] == '\0' ? "" : ".",
                       field->key);
        if (field->kind == YFIELD_OBJECT)
            check_rows(what, field->fields, rule);
        else if (strcmp(rule, "name") != 0 && strcmp(rule, "quotas") != 0 &&
                 !is_mutated(what, rule))
            fail_msg("%s %s is never changed here", what, rule);
    }
}

static void every_key_is_tried(void **state)
{
    (void)state;
    check_rows("policy", doc_policy_fields, "");
    check_rows("quota", doc_quota_fields, "");
    check_rows("exception", doc_exception_fields, "");
}

static void places_are_those_of_the_values(void **state)
{
    const struct policy_diff *diff;
    struct arena arena;

    (void)state;
    arena_init(&arena, 65536, 64 << 20);
    diff = diff_of(SET("hooks: refuse, auto_stop: {max: 4h}"), SET("auto_stop: {max: 8h}"), &arena);
    assert_int_equal(diff->count, 2);
    assert_int_equal(diff->changes[0].old_at.column, 47);
    assert_int_equal(diff->changes[0].new_at.column, 32);
    assert_string_equal(diff->changes[1].rule, "hooks");
    assert_int_equal(diff->changes[1].old_at.column, 22);
    assert_int_equal(diff->changes[1].new_at.line, 3);
    arena_done(&arena);
}

/* All of a long list are named, and holding two of 20,000 entries side by side is quick. */
static void long_lists_are_told_whole(void **state)
{
    enum { ENTRIES = 20000, BYTES = ENTRIES * 8 + 256 };
    char *one = test_calloc(BYTES, 1), *other = test_calloc(BYTES, 1);
    size_t len = (size_t)snprintf(one, BYTES, HEAD "  - name: a\n    images: {allow: [x");
    const struct policy_diff *diff;
    struct arena arena;

    (void)state;
    (void)snprintf(other, BYTES, "%s]}\n", one);
    for (size_t i = 0; i < ENTRIES; i++)
        len += (size_t)snprintf(one + len, BYTES - len, ",i%05zu", i);
    (void)snprintf(one + len, BYTES - len, "]}\n");
    arena_init(&arena, 65536, 256 << 20);
    diff = diff_of(one, other, &arena);
    assert_int_equal(diff->count, 1);
    assert_int_equal(diff->changes[0].value_count, ENTRIES);
    arena_done(&arena);
    test_free(one);
    test_free(other);
}

static void what_does_not_load_is_invalid(void **state)
{
    const struct policy_file good = {"p.yaml", VIEW("version: 1\n")}, bad = {"p.yaml", VIEW("[")};
    const struct policy_diff *diff;
    struct arena arena;

    (void)state;
    arena_init(&arena, 4096, 1 << 20);
    assert_int_equal(policy_diff(&good, 1, &bad, 1, &arena, &diff), STATUS_INVALID);
    arena_done(&arena);
    arena_init(&arena, 64, 128);
    assert_int_equal(policy_diff(&good, 1, &good, 1, &arena, &diff), STATUS_NOMEM);
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_says_what_changed),
        cmocka_unit_test(other_words_for_the_same_are_no_change),
        cmocka_unit_test(no_key_changes_unseen),
        cmocka_unit_test(every_key_is_tried),
        cmocka_unit_test(places_are_those_of_the_values),
        cmocka_unit_test(long_lists_are_told_whole),
        cmocka_unit_test(what_does_not_load_is_invalid),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
