/* SPDX-License-Identifier: Apache-2.0
 * What a difference is said to be, held against what is decided: a looser rule refuses and edits
 * nothing that the stricter one let pass, in all pairs of many rules and for many requests. */
#include "policy/diff.h"
#include "unit/policy/support.h"

#define DEFAULT_REFUSE "version: 1\npolicies:\n  - {name: p, profiles: {allow: ['*']}, "
#define DEFAULT_ALLOW  "version: 1\ndefault: allow\npolicies:\n  - {name: p, "

/* Rules that are held against each other, each with each; "" stands for none. */
static const char *const groups[][10] = {
    {"", "flavors: {allow: []}", "flavors: {allow: [f1]}", "flavors: {allow: ['f*']}",
     "flavors: {allow: [f1, f2]}", "flavors: {allow: ['f*', f1]}", "flavors: {deny: [f1]}",
     "flavors: {deny: [f1, f2], allow: ['*']}", "flavors: {deny: ['*']}",
     "flavors: {deny: [f1]}, custom_spec: allow"},
    {"", "custom_spec: refuse", "custom_spec: allow", "flavors: {allow: ['*']}, custom_spec: allow",
     "flavors: {allow: ['*']}"},
    {"", "workspaces: {allow: ['0']}", "workspaces: {allow: ['*']}", "workspaces: {allow: []}",
     "workspaces: {allow: ['1', '0']}"},
    {"", "pools: {allow: [a]}", "pools: {allow: [a, b]}", "pools: {public: true}",
     "pools: {allow: [a], public: true}", "pools: {allow: []}"},
    {"", "name: {pattern: 'n.*'}", "name: {pattern: '.*'}", "name: {pattern: x}"},
    {"", "storage: {types: [obs]}", "storage: {types: [obs, evs]}", "storage: {max_size_gb: 10}",
     "storage: {max_size_gb: 20, types: ['*']}", "storage: {obs_prefixes: [/aaa/]}",
     "storage: {obs_prefixes: [/aaa/, /bbb/]}", "storage: {obs_prefixes: [/aaa/, /aaa/x/]}",
     "storage: {obs_prefixes: ['/*/']}", "storage: {obs_prefixes: ['/${user.name}/', /aaa/]}"},
    {"", "auto_stop: {max: 1h}", "auto_stop: {max: 4h}", "auto_stop: {max: 4h, over_max: refuse}",
     "auto_stop: {max: 4h, default: 2h}", "auto_stop: {max: 4h, min: 2h}",
     "auto_stop: {max: 4h, required: true}",
     "auto_stop: {max: 4h, required: true, on_missing: refuse}",
     "auto_stop: {max: 4h, over_max: refuse, required: true}",
     "auto_stop: {max: 4h, types: [timing, idle]}"},
    {"", "auto_stop: {default: 1h}", "auto_stop: {default: 3h}",
     "auto_stop: {default: 1h, min: 1h}", "auto_stop: {default: 1h, required: true}",
     "auto_stop: {default: 1h, max: 2h}", "auto_stop: {default: 1h, max: 2h, over_max: refuse}",
     "auto_stop: {min: 1h}", "auto_stop: {min: 1h, types: [idle]}"},
    {"", "annotations: {require: [a]}", "annotations: {require: [a, b]}",
     "annotations: {require: ['*']}", "annotations: {set: {a: x}}",
     "annotations: {set: {c: x}, require: [a]}"},
    {"", "hooks: refuse", "hooks: allow"},
    {"", "allowed_access_ips: {allow: [10.0.0.0/8]}",
     "allowed_access_ips: {allow: [10.0.0.0/8], required: false}",
     "allowed_access_ips: {allow: [10.0.0.0/8, 10.1.0.0/16, 192.0.2.1]}",
     "allowed_access_ips: {allow: []}", "allowed_access_ips: {allow: [0.0.0.0/0]}"},
    {"hooks: refuse", "hooks: refuse, mode: warn", "hooks: refuse, mode: observe",
     "hooks: refuse, match: {users: [alice]}", "hooks: refuse, match: {users: [alice, bob]}",
     "hooks: refuse, match: {operations: [create]}",
     "hooks: refuse, match: {operations: [create, start], users: ['*']}",
     "hooks: refuse, match: {families: [demanager]}",
     "hooks: refuse, match: {users: ['a*', alice]}"},
};

enum { REQUESTS = 40 };

static void set_text(struct text_field *field, const char *value)
{
    *field = (struct text_field){value != NULL, view_str(value)};
}

static void set_storage(struct sample *s, const char *type, const char *path, int64_t size_gb)
{
    struct storage_request *storage = &s->storages[0];

    *storage = (struct storage_request){.own = true, .type = view_str(type), .pointer = "/s"};
    if (path != NULL) {
        storage->path = (struct text_field){true, view_str(path)};
        storage->has_obs = obs_parse_path(storage->path.value, &storage->obs) == OBS_OK;
    }
    storage->has_size = size_gb > 0;
    storage->size_gb = size_gb;
}

static void set_annotation(struct sample *s, const char *key)
{
    s->annotations[0] = (struct pair){view_str(key), VIEW("x")};
    s->request.annotation_count = 1;
}

/* A demanager create; each changes one thing. */
static void change(struct sample *s, size_t which)
{
    static const int64_t stops[] = {60000, 3600000, 7200000, 10800000, 14400000, 86400000};
    struct instance_request *r = &s->request;

    switch (which) {
    case 0:
        set_text(&r->flavor, "f1");
        break;
    case 1:
        set_text(&r->flavor, "f2");
        break;
    case 2:
        set_text(&r->flavor, "g");
        break;
    case 3:
        set_text(&r->flavor, NULL);
        break;
    case 4:
        r->has_custom_spec = true;
        break;
    case 5:
        set_text(&r->workspace, "1");
        break;
    case 6:
        set_text(&r->workspace, "2");
        break;
    case 7:
        r->has_pool = true;
        set_text(&r->pool, "a");
        break;
    case 8:
        r->has_pool = true;
        set_text(&r->pool, "b");
        break;
    case 9:
        r->has_pool = true;
        break;
    case 10:
        set_text(&r->name, "nn");
        break;
    case 11:
        set_text(&r->name, NULL);
        break;
    case 12:
        set_storage(s, "evs", NULL, 10);
        break;
    case 13:
        set_storage(s, "evs", NULL, 15);
        break;
    case 14:
        set_storage(s, "evs", NULL, 25);
        break;
    case 15:
        set_storage(s, "obs", "/aaa/x/", 0);
        break;
    case 16:
        set_storage(s, "obs", "/bbb/x/", 0);
        break;
    case 17:
        set_storage(s, "obs", "/ccc/", 0);
        break;
    case 18:
        set_storage(s, "obs", NULL, 0);
        break;
    case 19:
        r->stop_count = 0;
        break;
    case 20:
        s->stops[0].enable = false;
        break;
    case 21:
        set_annotation(s, "a");
        break;
    case 22:
        set_annotation(s, "b");
        break;
    case 23:
        s->subject.user_name = VIEW("bob");
        break;
    default:
        sample_stop(s, stops[which % ARRAY_LEN(stops)]);
        break;
    }
}

static void make_request(struct sample *s, size_t which)
{
    sample_init(s);
    if (which < 30) {
        change(s, which);
        return;
    }
    sample_as(s, which < 38 ? OP_NOTEBOOKS_CREATE : OP_DEMANAGER_START);
    s->request.has_hooks = which % 2 == 0;
    if (which == 31)
        set_text(&s->request.stop_type, "IDLE");
    if (which == 33)
        sample_endpoint(s, true, NULL);
    if (which == 34)
        sample_endpoint(s, true, "10.1.2.3");
    if (which == 35)
        sample_endpoint(s, true, "192.0.2.1");
    if (which == 36)
        s->subject.user_name = VIEW("bob");
    if (which == 39)
        s->request.stop_count = 0;
}

/* 0: as it is; 1: with edits; 2: not at all. */
static int verdict(const struct policy_set *set, size_t which)
{
    const struct decision *decision;
    struct arena arena;
    struct sample s;
    int rank;

    make_request(&s, which);
    sample_settle(&s);
    arena_init(&arena, 65536, 16 << 20);
    assert_int_equal(policy_judge(set, &s.request, &s.subject, 0, false, &arena, &decision),
                     STATUS_OK);
    rank = (int)decision->judgement.verdict;
    arena_done(&arena);
    return rank;
}

/* The senses of all changes as bits. */
static unsigned senses(const char *old_text, const char *new_text)
{
    const struct policy_file old_file = {"p.yaml", view_str(old_text)};
    const struct policy_file new_file = {"p.yaml", view_str(new_text)};
    const struct policy_diff *diff;
    struct arena arena;
    unsigned bits = 0;

    arena_init(&arena, 65536, 16 << 20);
    assert_int_equal(policy_diff(&old_file, 1, &new_file, 1, &arena, &diff), STATUS_OK);
    for (size_t i = 0; i < diff->count; i++)
        bits |= 1U << diff->changes[i].sense;
    arena_done(&arena);
    return bits;
}

struct tally {
    unsigned held, differed;
};

static void hold(const char *old_text, const char *new_text, struct tally *tally)
{
    unsigned bits = senses(old_text, new_text);
    struct policy_set *old_set, *new_set;

    if ((bits >> DIFF_UNTOLD & 1) != 0)
        return;
    old_set = set_of(old_text);
    new_set = set_of(new_text);
    for (size_t i = 0; i < REQUESTS; i++) {
        int before = verdict(old_set, i), after = verdict(new_set, i);
        bool well = (after >= before || (bits >> DIFF_LOOSER & 1) != 0) &&
                    (after <= before || (bits >> DIFF_STRICTER & 1) != 0);

        tally->held++;
        tally->differed += before != after ? 1 : 0;
        if (!well)
            fail_msg("request %zu: %d -> %d, but said otherwise (%x)\n%s%s", i, before, after, bits,
                     old_text, new_text);
    }
    policy_set_unref(&old_set);
    policy_set_unref(&new_set);
}

static void hold_group(const char *head, const char *const *rules, struct tally *tally)
{
    char one[512], other[512];

    for (size_t i = 0; i < ARRAY_LEN(groups[0]) && rules[i] != NULL; i++) {
        for (size_t k = 0; k < ARRAY_LEN(groups[0]) && rules[k] != NULL; k++) {
            (void)snprintf(one, sizeof one, "%s%s}\n", head, rules[i]);
            (void)snprintf(other, sizeof other, "%s%s}\n", head, rules[k]);
            hold(one, other, tally);
        }
    }
}

static void what_is_said_holds_for_what_is_decided(void **state)
{
    struct tally tally = {0};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(groups); i++) {
        hold_group(DEFAULT_REFUSE, groups[i], &tally);
        hold_group(DEFAULT_ALLOW, groups[i], &tally);
    }
    /* It would hold of nothing, too. */
    assert_true(tally.held > 20000);
    assert_true(tally.differed > 1500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_said_holds_for_what_is_decided),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
