/* SPDX-License-Identifier: Apache-2.0
 * What must hold for the difference of any two sets: none where only the order is another, none
 * says nothing where a decision is another, back is the opposite of forth, and where all is told,
 * nothing that became stricter lets in what was refused, and nothing looser refuses. */

#include "policy/diff.h"
#include "unit/policy/random.h"

enum { ROUNDS = 1500, REQUESTS = 24, SET_BYTES = 16384 };

static const char *const heads[] = {"version: 1\npolicies:\n",
                                    "version: 1\ndefault: allow\npolicies:\n"};

/* The set as one text, turned. */
static void write_set(const struct pieces *pieces, const char *head, unsigned turn, char *ret)
{
    size_t len = (size_t)snprintf(ret, SET_BYTES, "%s", head);

    for (unsigned i = 0; i < pieces->count; i++)
        len += (size_t)snprintf(ret + len, SET_BYTES - len, "%s",
                                pieces->policies[(i + turn) % pieces->count]);
    if (pieces->exceptions[0] != '\0')
        (void)snprintf(ret + len, SET_BYTES - len, "exceptions:\n%s", pieces->exceptions);
}

static struct policy_set *load(const char *text)
{
    static const struct policy_options options = {.now_us = 0};
    const struct policy_file file = {"a.yaml", view_str(text)};
    struct policy_set *set = NULL;
    struct arena arena;
    struct diag diag;

    arena_init(&arena, 4096, 1 << 20);
    diag_init(&diag, &arena);
    (void)!policy_set_load(&file, 1, &options, &diag, &set);
    arena_done(&arena);
    return set;
}

/* ----- one thing changed ----- */

/* A rule is a line of four blanks and what is indented below it; the end where there is none. */
static const char *rule_end(const char *rule)
{
    const char *end = strchr(rule, '\n') + 1;

    while (strncmp(end, "      ", 6) == 0)
        end = strchr(end, '\n') + 1;
    return end;
}

static const char *first_rule(const char *policy)
{
    return strchr(policy, '\n') + 1;
}

static const char *nth_rule(const char *policy, unsigned n)
{
    const char *rule = first_rule(policy);

    for (; n > 0 && *rule != '\0'; n--)
        rule = rule_end(rule);
    return rule;
}

static unsigned count_rules(const char *policy)
{
    unsigned count = 0;

    for (const char *rule = first_rule(policy); *rule != '\0'; rule = rule_end(rule))
        count++;
    return count;
}

static const char *same_key(const char *policy, const char *rule)
{
    size_t len = strcspn(rule, ":") + 1;
    const char *other = first_rule(policy);

    while (*other != '\0' && strncmp(other, rule, len) != 0)
        other = rule_end(other);
    return other;
}

/* Everything but what stands from `from` to `to`, and a rule in its place. */
static void replace(char *policy, const char *from, const char *to, const char *rule, size_t len)
{
    char made[2 * TEXT_BYTES];
    int made_len =
        snprintf(made, sizeof made, "%.*s%.*s%s", (int)(from - policy), policy, (int)len, rule, to);

    assert_true(made_len < TEXT_BYTES);
    memcpy(policy, made, (size_t)made_len + 1);
}

/* Beside those of random_policy: lists that overlap, and what is written though it is the default.
 */
static const char *const more_rules[] = {
    "    mode: warn\n",
    "    mode: enforce\n",
    "    match: {users: [alice, bob]}\n",
    "    match: {users: [\"*\", alice], roles: [\"*\"]}\n",
    "    match: {groups: [team-a, x], operations: [create, start]}\n",
    "    match: {families: [demanager, notebooks]}\n",
    "    flavors: {allow: [\"modelarts.*\", \"*kat1*\"]}\n",
    "    flavors: {allow: [\"*cpu*\"], deny: [\"*kat*\", \"*kat1*\"]}\n",
    "    flavors: {deny: [\"*gpu*\"]}\n",
    "    flavors: {allow: []}\n",
    "    custom_spec: allow\n",
    "    storage: {types: [obs]}\n",
    "    storage: {types: [\"*\", evs], obs_prefixes: [/aaaaaaaaa/output, /aaaaaaaaa]}\n",
    "    storage: {obs_prefixes: [\"/${user.name}/\", \"/*/\"], max_size_gb: 20}\n",
    "    workspaces: {allow: [\"*\"]}\n",
    "    workspaces: {allow: []}\n",
    "    pools: {public: true}\n",
    "    pools: {allow: [\"pool-*\", pool-a]}\n",
    "    name: {pattern: \".*\"}\n",
    "    profiles: {allow: [\"*\", x]}\n",
    "    images: {allow: []}\n",
    "    hooks: allow\n",
    "    allowed_access_ips: {allow: [10.0.0.1, 10.0.0.0/8], required: false}\n",
    "    allowed_access_ips: {allow: [0.0.0.0/0]}\n",
    "    auto_stop: {required: true, on_missing: refuse}\n",
    "    auto_stop: {required: true, on_missing: refuse, max: 3h, over_max: refuse}\n",
    "    auto_stop: {default: 2h}\n",
    "    auto_stop: {max: 2h}\n",
    "    auto_stop: {max: 2h, over_max: refuse, default: 1h}\n",
    "    auto_stop: {min: 1h, types: [timing, idle]}\n",
    "    auto_stop: {types: [idle, timing]}\n",
    "    annotations: {require: [owner, \"k*\"]}\n",
    "    annotations: {set: {k1: x}, require: [\"*\"]}\n",
};

/* A rule of the policy is gone, is new, or is another. */
static void change_policy(unsigned *seed, unsigned no, char *policy)
{
    struct buf fresh;
    const char *rule, *old;

    if (random_next(seed) % 3 == 0) {
        old = nth_rule(policy, random_next(seed) % count_rules(policy));
        replace(policy, old, rule_end(old), "", 0);
        return;
    }
    buf_init(&fresh, TEXT_BYTES);
    random_policy(seed, no, &fresh);
    buf_add_byte(&fresh, '\0');
    rule = random_next(seed) % 2 == 0
               ? more_rules[random_next(seed) % ARRAY_LEN(more_rules)]
               : nth_rule(fresh.ptr, random_next(seed) % count_rules(fresh.ptr));
    old = same_key(policy, rule);
    replace(policy, old, *old == '\0' ? old : rule_end(old), rule, (size_t)(rule_end(rule) - rule));
    buf_done(&fresh);
}

static void change_pieces(unsigned *seed, struct pieces *pieces)
{
    unsigned which = random_next(seed) % (pieces->count + 1);
    struct pieces *others;

    if (which < pieces->count && random_next(seed) % 8 > 0) {
        change_policy(seed, which, pieces->policies[which]);
        return;
    }
    others = test_calloc(1, sizeof *others);
    random_pieces(seed, others);
    if (which == pieces->count && others->count <= pieces->count)
        memcpy(pieces->exceptions, others->exceptions, TEXT_BYTES);
    else if (which + 1 == pieces->count && which > 0 && pieces->exceptions[0] == '\0')
        pieces->count--;
    else
        memcpy(pieces->policies[0], others->policies[0], TEXT_BYTES);
    test_free(others);
}

/* Others than those of random_request, whom the lists above tell apart. */
static void vary(unsigned *seed, struct sample *s)
{
    static const char *const paths[] = {"/aaaaaaaaa/output/", "/alice/x/", "/bob/", "/other/x/y/"};
    struct storage_request *storage = &s->storages[0];

    if (random_next(seed) % 3 == 0)
        s->subject.user_name = VIEW("bob");
    if (random_next(seed) % 3 == 0)
        s->groups[0] = VIEW("x");
    if (random_next(seed) % 4 == 0)
        s->request.flavor.set = false;
    if (random_next(seed) % 4 == 0)
        s->request.workspace = (struct text_field){true, VIEW("1")};
    if (random_next(seed) % 3 == 0) {
        s->request.has_pool = true;
        s->request.pool = (struct text_field){random_next(seed) % 2 == 0, VIEW("pool-b")};
    }
    storage->path.value = view_str(paths[random_next(seed) % ARRAY_LEN(paths)]);
    storage->has_obs = obs_parse_path(storage->path.value, &storage->obs) == OBS_OK;
    if (random_next(seed) % 4 == 0)
        *storage = (struct storage_request){.own = true,
                                            .type = VIEW("evs"),
                                            .has_size = true,
                                            .size_gb = 10 + random_next(seed) % 20,
                                            .pointer = "/s"};
}

/* ----- what holds ----- */

static const struct policy_diff *diff_of(const char *old_text, const char *new_text,
                                         struct arena *arena)
{
    const struct policy_file old_file = {"p.yaml", view_str(old_text)};
    const struct policy_file new_file = {"p.yaml", view_str(new_text)};
    const struct policy_diff *diff = NULL;

    assert_int_equal(policy_diff(&old_file, 1, &new_file, 1, arena, &diff), STATUS_OK);
    return diff;
}

static void count_senses(const struct policy_diff *diff, size_t counts[DIFF_COVERED + 1])
{
    memset(counts, 0, (DIFF_COVERED + 1) * sizeof *counts);
    for (size_t i = 0; i < diff->count; i++)
        counts[diff->changes[i].sense]++;
}

static void check_back(const char *old_text, const char *new_text, const struct policy_diff *forth,
                       struct arena *arena)
{
    size_t one[DIFF_COVERED + 1], other[DIFF_COVERED + 1];

    count_senses(forth, one);
    count_senses(diff_of(new_text, old_text, arena), other);
    assert_int_equal(one[DIFF_UNTOLD], other[DIFF_UNTOLD]);
    assert_int_equal(one[DIFF_STRICTER], other[DIFF_LOOSER]);
    assert_int_equal(one[DIFF_LOOSER], other[DIFF_STRICTER]);
    assert_int_equal(one[DIFF_COVERED], other[DIFF_COVERED]);
}

struct tally {
    unsigned pairs, none, told, differed;
};

static void fail_pair(const char *why, const char *one, const char *other, const char *before,
                      const char *after, const struct policy_diff *diff)
{
    for (size_t i = 0; i < diff->count; i++)
        print_error("%.*s: %.*s (%s)\n", VIEW_ARGS(diff->changes[i].name),
                    VIEW_ARGS(diff->changes[i].text), diff_sense_name(diff->changes[i].sense));
    fail_msg("%s\nold: %s\nnew: %s\n%s\n%s", why, before, after, one, other);
}

static void check_requests(unsigned *seed, const char *const texts[2],
                           const struct policy_diff *diff, struct tally *tally)
{
    struct policy_set *sets[2] = {load(texts[0]), load(texts[1])};
    size_t counts[DIFF_COVERED + 1];

    count_senses(diff, counts);
    for (unsigned i = 0; i < REQUESTS; i++) {
        char before[16384];
        const char *after;
        struct sample s;
        bool was_refused, is_refused, told = counts[DIFF_UNTOLD] == 0;

        random_request(seed, &s);
        vary(seed, &s);
        (void)snprintf(before, sizeof before, "%s", decision_text(sets[0], &s, false));
        after = decision_text(sets[1], &s, false);
        was_refused = strncmp(before, "refuse", 6) == 0;
        is_refused = strncmp(after, "refuse", 6) == 0;
        if (diff->count == 0 && strcmp(before, after) != 0)
            fail_pair("no difference, but", texts[0], texts[1], before, after, diff);
        if (told && counts[DIFF_LOOSER] == 0 && was_refused && !is_refused)
            fail_pair("nothing looser, but", texts[0], texts[1], before, after, diff);
        if (told && counts[DIFF_STRICTER] == 0 && !was_refused && is_refused)
            fail_pair("nothing stricter, but", texts[0], texts[1], before, after, diff);
        tally->differed += told && was_refused != is_refused ? 1 : 0;
    }
    policy_set_unref(&sets[0]);
    policy_set_unref(&sets[1]);
}

static bool loads(const char *text)
{
    struct policy_set *set = load(text);
    bool well = set != NULL;

    policy_set_unref(&set);
    return well;
}

static void hold(unsigned *seed, const char *const texts[2], const char *turned,
                 struct tally *tally)
{
    const struct policy_diff *diff;
    size_t counts[DIFF_COVERED + 1];
    struct arena arena;

    arena_init(&arena, 65536, 16 << 20);
    assert_int_equal(diff_of(texts[0], turned, &arena)->count, 0);
    diff = diff_of(texts[0], texts[1], &arena);
    count_senses(diff, counts);
    check_back(texts[0], texts[1], diff, &arena);
    check_requests(seed, texts, diff, tally);
    tally->pairs++;
    tally->none += diff->count == 0 ? 1 : 0;
    tally->told += counts[DIFF_UNTOLD] == 0 ? 1 : 0;
    arena_done(&arena);
}

static void a_difference_says_what_is_decided(void **state)
{
    struct pieces *pieces = test_calloc(1, sizeof *pieces);
    char *made = test_calloc(3, SET_BYTES);
    const char *const texts[2] = {made, made + SET_BYTES};
    unsigned seed = 3;
    struct tally tally = {0};

    (void)state;
    for (unsigned round = 0; round < ROUNDS; round++) {
        const char *head = heads[random_next(&seed) % 2];

        random_pieces(&seed, pieces);
        if (round % 2 == 0) {
            pieces->count = 1;
            pieces->exceptions[0] = '\0';
        }
        write_set(pieces, head, 0, made);
        write_set(pieces, head, 1, made + (ptrdiff_t)2 * SET_BYTES);
        change_pieces(&seed, pieces);
        if (random_next(&seed) % 4 == 0)
            change_pieces(&seed, pieces);
        write_set(pieces, head, 0, made + SET_BYTES);
        if (loads(texts[0]) && loads(texts[1]))
            hold(&seed, texts, made + (ptrdiff_t)2 * SET_BYTES, &tally);
    }
    test_free(made);
    test_free(pieces);
    /* It would hold of nothing, too. */
    assert_true(tally.pairs > ROUNDS / 2);
    assert_true(tally.none > ROUNDS / 20);
    assert_true(tally.told > ROUNDS / 4);
    assert_true(tally.differed > ROUNDS / 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_difference_says_what_is_decided)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
