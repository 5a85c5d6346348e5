/* SPDX-License-Identifier: Apache-2.0
 * What must hold for every set and request: neither the order of policies nor that of files
 * matters, edits converge, a set says the same however it is written, memory that runs out refuses,
 * and the time to judge doesn't grow with values. */
#include <stdlib.h>

#include "unit/policy/support.h"
#include "yaml/doc.h"

enum { ROUNDS = 1500, POLICIES_MAX = 5, TEXT_BYTES = 1024 };

static unsigned next(unsigned *seed)
{
    *seed = *seed * 1664525U + 1013904223U;
    return *seed >> 16;
}

static const char *pick(unsigned *seed, const char *const *words, size_t count)
{
    return words[next(seed) % count];
}

static const char *const times[] = {"30m", "1h", "2h", "3h", "8h"};

/* "auto_stop: {...}", valid by itself. */
static void random_stop(unsigned *seed, struct buf *out)
{
    unsigned low = next(seed) % 3, high = low + next(seed) % (5 - low);
    bool has_min = next(seed) % 2 == 0, has_max = next(seed) % 3 > 0;
    bool has_default = next(seed) % 2 == 0 || !(has_min || has_max);

    buf_add_str(out, "    auto_stop: {");
    if (next(seed) % 3 == 0)
        buf_add_str(out, next(seed) % 2 == 0 ? "types: [timing, idle], " : "types: [idle], ");
    if (has_min)
        buf_printf(out, "min: %s, ", times[low]);
    if (has_max)
        buf_printf(out, "max: %s, over_max: %s, ", times[high],
                   next(seed) % 4 == 0 ? "refuse" : "cap");
    if (has_default)
        buf_printf(out, "default: %s, ", times[low + next(seed) % (high - low + 1)]);
    if (has_default || has_max)
        buf_printf(out, "required: %s", next(seed) % 2 == 0 ? "true" : "false");
    buf_add_str(out, "}\n");
}

static void random_match(unsigned *seed, struct buf *out)
{
    static const char *const matches[] = {
        "",
        "    match: {users: [alice]}\n",
        "    match: {groups: [team-a]}\n",
        "    match: {roles: [\"te*\", x]}\n",
        "    match: {projects: [\"0*\"]}\n",
        "    match: {users: [bob]}\n",
        "    match: {domains: [acme], operations: [create]}\n",
        "    match: {user_ids: [u-1], families: [demanager]}\n",
        "    match: {operations: [change, notebooks.start]}\n",
        "    match: {families: [notebooks], groups: [team-a]}\n",
    };

    buf_add_str(out, pick(seed, matches, ARRAY_LEN(matches)));
}

static void random_quotas(unsigned *seed, unsigned no, struct buf *out)
{
    static const char *const more[] = {"limit: 3", "limit: 0, flavors: [\"*cpu*\"], per: [user]",
                                       "limit: 2, counts: running, families: [notebooks]",
                                       "hours: 9, window: 1d, pools: [p]"};
    unsigned count = 1 + next(seed) % 2;

    buf_add_str(out, "    quotas:\n");
    for (unsigned i = 0; i < count; i++)
        buf_printf(out, "      - {name: q%u-%u, %s}\n", i, no, pick(seed, more, ARRAY_LEN(more)));
}

static void random_policy(unsigned *seed, unsigned no, struct buf *out)
{
    static const char *const modes[] = {"enforce", "enforce", "enforce", "warn", "observe"};
    static const char *const rules[] = {
        "    flavors: {allow: [\"*kat1*\"], deny: [\"*gpu*\"]}\n",
        "    storage: {types: [obs, evs], obs_prefixes: [/aaaaaaaaa, \"/x-${user.id}\"]}\n",
        "    workspaces: {allow: [\"0\"]}\n",
        "    pools: {allow: [pool-a], public: true}\n",
        "    name: {pattern: \"[a-z0-9-]+\"}\n",
        "    profiles: {allow: [\"*python3*\"]}\n",
        "    images: {allow: [\"i-*\"]}\n",
        "    custom_spec: refuse\n",
        "    hooks: refuse\n",
        "    allowed_access_ips: {allow: [10.0.0.0/8]}\n",
    };
    static const char *const values[] = {"x", "y"};

    buf_printf(out, "  - name: p%u\n    mode: %s\n", no, pick(seed, modes, ARRAY_LEN(modes)));
    random_match(seed, out);
    for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
        if (next(seed) % 4 == 0)
            buf_add_str(out, rules[i]);
    }
    if (next(seed) % 2 == 0)
        random_stop(seed, out);
    if (next(seed) % 3 == 0)
        random_quotas(seed, no, out);
    if (next(seed) % 3 == 0)
        buf_printf(out, "    annotations: {set: {k%u: %s}%s}\n", next(seed) % 3,
                   pick(seed, values, 2), next(seed) % 4 == 0 ? ", require: [owner]" : "");
}

static void random_exception(unsigned *seed, unsigned no, unsigned policies, struct buf *out)
{
    static const char *const gives[] = {
        "lift: [auto_stop]",
        "lift: [annotations]",
        "lift: [quotas]",
        "lift: [quotas, auto_stop]",
        "lift: [flavors, auto_stop]",
        "lift: [auto_stop, annotations]",
        "lift: [\"*\"]",
        "allow: {flavors: [\"*cpu*\"]}",
        "allow: {flavors: [\"*\"], storage: {obs_prefixes: [/other]}}, lift: [name]",
    };
    static const char *const matches[] = {"users: [alice]", "groups: [\"team*\"]", "users: [bob]"};

    buf_printf(out, "  - {name: e%u, policy: p%u, match: {%s}, %s, expires: 2026-12-31}\n", no,
               next(seed) % policies, pick(seed, matches, ARRAY_LEN(matches)),
               pick(seed, gives, ARRAY_LEN(gives)));
}

/* A set in pieces: each policy and the exceptions are texts of their own. */
struct pieces {
    char policies[POLICIES_MAX][TEXT_BYTES];
    char exceptions[TEXT_BYTES];
    unsigned count;
};

static void keep(struct buf *from, char *to)
{
    assert_int_equal(from->failed, STATUS_OK);
    memcpy(to, from->ptr == NULL ? "" : from->ptr, from->len);
    to[from->len] = '\0';
    buf_clear(from);
}

static void random_pieces(unsigned *seed, struct pieces *ret)
{
    unsigned exceptions = next(seed) % 4;
    struct buf out;

    buf_init(&out, TEXT_BYTES - 1);
    ret->count = 1 + next(seed) % POLICIES_MAX;
    for (unsigned i = 0; i < ret->count; i++) {
        random_policy(seed, i, &out);
        keep(&out, ret->policies[i]);
    }
    for (unsigned i = 0; i < exceptions; i++)
        random_exception(seed, i, ret->count, &out);
    keep(&out, ret->exceptions);
    buf_done(&out);
}

/* One file of two: the policies in an order that the turn decides. */
static void write_file(const struct pieces *pieces, unsigned turn, unsigned file, struct buf *out)
{
    buf_add_str(out, "version: 1\npolicies:\n");
    for (unsigned i = 0; i < POLICIES_MAX; i++) {
        unsigned at = (i * 3 + turn) % POLICIES_MAX; /* every one once: 3 and 5 are coprime */

        if (at < pieces->count && (at + turn) % 2 == file)
            buf_add_str(out, pieces->policies[at]);
    }
    if (file != turn % 2 || pieces->exceptions[0] == '\0')
        return;
    buf_add_str(out, "exceptions:\n");
    buf_add_str(out, pieces->exceptions);
}

/* The only fault that random pieces may have: that they contradict each other. */
static void check_faults(const struct diag *diag)
{
    for (size_t i = 0; i < diag->count; i++) {
        const struct diag_item *item = &diag->items[i];
        bool expected = item->warning || strstr(item->message.ptr, "contradicts") != NULL;

        if (!expected)
            print_error("%.*s\n", VIEW_ARGS(item->message));
        assert_true(expected);
    }
}

/* The pieces in another order, spread over two files; NULL when they contradict each other. */
static struct policy_set *load_pieces(const struct pieces *pieces, unsigned turn, bool *ret_valid)
{
    static const struct policy_options options = {.now_us = 0};
    struct policy_file files[2] = {{"a.yaml", VIEW_NONE}, {"b.yaml", VIEW_NONE}};
    struct policy_set *set = NULL;
    struct buf texts[2];
    struct arena arena;
    struct diag diag;

    arena_init(&arena, 4096, 1 << 20);
    diag_init(&diag, &arena);
    for (unsigned f = 0; f < 2; f++) {
        buf_init(&texts[f], 1 << 16);
        write_file(pieces, turn, f, &texts[f]);
        files[turn % 3 == 0 ? f : 1 - f].bytes = buf_view(&texts[f]);
    }
    *ret_valid = policy_set_load(files, 2, &options, &diag, &set) == STATUS_OK;
    check_faults(&diag);
    buf_done(&texts[0]);
    buf_done(&texts[1]);
    arena_done(&arena);
    return set;
}

/* Also copies that differ, which the API's room refuses. Where there is one member only, as in
 * notebooks, nothing says `enable`. */
static void random_stops(unsigned *seed, struct sample *s)
{
    static const int64_t times_ms[] = {-1,      0,       60000,    1800000,  3600000,  3600001,
                                       7199999, 7200000, 10800000, 36000000, 90000000, INT64_MAX};
    bool single = s->request.op->family == FAMILY_NOTEBOOKS;

    s->request.stop_count = next(seed) % (single ? 2 : 3);
    for (size_t i = 0; i < s->request.stop_count; i++) {
        bool says = !single && next(seed) % 3 > 0;

        s->stops[i] =
            (struct stop_request){.misplaced = i > 0 || (!single && next(seed) % 5 == 0),
                                  .has_enable = says,
                                  .enable = !says || next(seed) % 5 > 0,
                                  .has_duration = single || next(seed) % 5 > 0,
                                  .duration_ms = times_ms[next(seed) % ARRAY_LEN(times_ms)],
                                  .pointer = "/stop"};
    }
    if (single && next(seed) % 4 == 0)
        s->request.stop_type =
            (struct text_field){true, next(seed) % 2 == 0 ? VIEW("IDLE") : VIEW("timing")};
    if (s->request.op->id == OP_NOTEBOOKS_LEASE)
        s->request.lease_elapsed_ms = (int64_t)(next(seed) % 12) * 1799999;
}

static void random_labels(unsigned *seed, struct sample *s)
{
    if (next(seed) % 2 == 0)
        s->annotations[s->request.annotation_count++] = (struct pair){VIEW("owner"), VIEW("me")};
    if (next(seed) % 3 == 0)
        s->annotations[s->request.annotation_count++] = (struct pair){VIEW("k1"), VIEW("x")};
    if (next(seed) % 4 == 0)
        s->strays[s->request.stray_annotation_count++] = (struct pair){VIEW("k1"), VIEW("y")};
}

static const struct operation *random_operation(unsigned *seed)
{
    for (;;) {
        const struct operation *op = &operations[next(seed) % OP_COUNT];

        if (operation_is_judged(op))
            return op;
    }
}

static void random_request(unsigned *seed, struct sample *s)
{
    sample_init(s);
    sample_as(s, random_operation(seed)->id);
    if (next(seed) % 4 == 0)
        s->request.flavor = (struct text_field){true, VIEW("modelarts.vm.cpu.2u")};
    if (next(seed) % 6 == 0)
        s->subject.known = next(seed) % 32;
    if (next(seed) % 3 == 0)
        s->request.storage_count = 1;
    s->request.has_hooks = next(seed) % 6 == 0;
    s->request.has_custom_spec = next(seed) % 8 == 0;
    if (next(seed) % 4 == 0)
        sample_endpoint(s, next(seed) % 2 == 0, next(seed) % 2 == 0 ? "10.0.0.1" : "192.0.2.1");
    random_stops(seed, s);
    if (s->request.op->family == FAMILY_DEMANAGER)
        random_labels(seed, s);
}

/* As the contract says: edited bytes are judged again and must be allowed with no further edit. */
static unsigned check_convergence(const struct policy_set *set, const struct sample *s)
{
    const struct decision *d = NULL;
    struct sample edited = *s;
    struct arena arena;
    unsigned rewritten = 0;

    sample_settle(&edited);
    arena_init(&arena, 4096, 1 << 24);
    assert_int_equal(policy_judge(set, &s->request, &s->subject, 0, false, &arena, &d), STATUS_OK);
    assert_int_equal(d->judgement.verdict == VERDICT_REFUSE, d->judgement.reason_count > 0);
    assert_int_equal(d->judgement.verdict == VERDICT_REWRITE, d->judgement.edit_count > 0);
    if (s->request.stops_stored)
        assert_int_equal(d->judgement.edit_count, 0);
    if (d->judgement.verdict == VERDICT_REWRITE) {
        apply_edits(&edited, d->judgement.edits, d->judgement.edit_count);
        assert_int_equal(policy_judge(set, &edited.request, &edited.subject, 0, false, &arena, &d),
                         STATUS_OK);
        assert_int_equal(d->judgement.verdict, VERDICT_ALLOW);
        rewritten = 1;
    }
    arena_done(&arena);
    return rewritten;
}

static void order_never_matters_and_edits_converge(void **state)
{
    unsigned seed = 2026, loaded = 0, rewritten[OP_COUNT] = {0};

    (void)state;
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct pieces *pieces = test_calloc(1, sizeof *pieces);
        struct policy_set *sets[3];
        bool valid[3];

        random_pieces(&seed, pieces);
        for (unsigned i = 0; i < 3; i++)
            sets[i] = load_pieces(pieces, i, &valid[i]);
        assert_int_equal(valid[0], valid[1]);
        assert_int_equal(valid[0], valid[2]);
        loaded += valid[0] ? 1 : 0;
        for (unsigned i = 0; valid[0] && i < 8; i++) {
            struct sample s;
            char *first;

            random_request(&seed, &s);
            first = strdup(decision_text(sets[0], &s, false));
            assert_non_null(first);
            assert_string_equal(decision_text(sets[0], &s, false), first);
            assert_string_equal(decision_text(sets[1], &s, false), first);
            assert_string_equal(decision_text(sets[2], &s, false), first);
            free(first);
            rewritten[s.request.op->id] += check_convergence(sets[0], &s);
        }
        for (unsigned i = 0; i < 3; i++)
            policy_set_unref(&sets[i]);
        test_free(pieces);
    }
    /* The test is worth something only if much of it came so far. */
    assert_true(loaded > ROUNDS / 2);
    assert_true(rewritten[OP_DEMANAGER_CREATE] > ROUNDS / 20);
    assert_true(rewritten[OP_DEMANAGER_UPDATE] > ROUNDS / 20);
    assert_true(rewritten[OP_NOTEBOOKS_CREATE] > ROUNDS / 20);
    assert_true(rewritten[OP_NOTEBOOKS_START] > ROUNDS / 20);
    assert_true(rewritten[OP_NOTEBOOKS_LEASE] > ROUNDS / 20);
    assert_int_equal(rewritten[OP_DEMANAGER_START], 0);
}

/* Another spelling of the same: flow style, in one line. */
static void print_node(const struct ynode *node, struct buf *out)
{
    bool mapping = node->kind == YNODE_MAPPING;

    if (node->kind == YNODE_SCALAR) {
        if (node->plain)
            buf_add(out, node->text);
        else
            buf_printf(out, "\"%.*s\"", VIEW_ARGS(node->text));
        return;
    }
    buf_add_byte(out, mapping ? '{' : '[');
    for (const struct ynode *child = node->child; child != NULL; child = child->next) {
        if (mapping)
            buf_printf(out, "\"%.*s\": ", VIEW_ARGS(child->key));
        print_node(child, out);
        buf_add_str(out, child->next == NULL ? "" : ", ");
    }
    buf_add_byte(out, mapping ? '}' : ']');
}

static void print_again(struct view text, struct buf *out)
{
    static const struct ydoc_limits limits = {.twice = "name"};
    const struct ynode *root = NULL;
    struct arena arena;
    struct diag diag;

    arena_init(&arena, 4096, 1 << 20);
    diag_init(&diag, &arena);
    assert_true(ydoc_read("a.yaml", text, &limits, &arena, &diag, &root));
    print_node(root, out);
    arena_done(&arena);
}

static struct policy_set *load_text(struct view text)
{
    static const struct policy_options options = {.now_us = 0};
    const struct policy_file file = {"a.yaml", text};
    struct policy_set *set = NULL;
    struct arena arena;
    struct diag diag;

    arena_init(&arena, 4096, 1 << 20);
    diag_init(&diag, &arena);
    (void)!policy_set_load(&file, 1, &options, &diag, &set);
    check_faults(&diag);
    arena_done(&arena);
    return set;
}

/* What a file says doesn't depend on how it is written down. */
static void a_set_printed_and_loaded_again_is_the_same(void **state)
{
    unsigned seed = 1126, loaded = 0;

    (void)state;
    for (unsigned round = 0; round < ROUNDS / 4; round++) {
        struct pieces *pieces = test_calloc(1, sizeof *pieces);
        struct policy_set *sets[2];
        struct buf texts[2];

        random_pieces(&seed, pieces);
        buf_init(&texts[0], 1 << 16);
        buf_init(&texts[1], 1 << 16);
        buf_add_str(&texts[0], "version: 1\npolicies:\n");
        for (unsigned i = 0; i < pieces->count; i++)
            buf_add_str(&texts[0], pieces->policies[i]);
        if (pieces->exceptions[0] != '\0')
            buf_printf(&texts[0], "exceptions:\n%s", pieces->exceptions);
        print_again(buf_view(&texts[0]), &texts[1]);
        for (unsigned i = 0; i < 2; i++)
            sets[i] = load_text(buf_view(&texts[i]));
        assert_int_equal(sets[0] == NULL, sets[1] == NULL);
        for (unsigned i = 0; sets[0] != NULL && i < 8; i++) {
            struct sample s;
            char *first;

            random_request(&seed, &s);
            first = strdup(decision_text(sets[0], &s, false));
            assert_non_null(first);
            assert_string_equal(decision_text(sets[1], &s, false), first);
            free(first);
        }
        loaded += sets[0] != NULL ? 1 : 0;
        for (unsigned i = 0; i < 2; i++) {
            policy_set_unref(&sets[i]);
            buf_done(&texts[i]);
        }
        test_free(pieces);
    }
    assert_true(loaded > ROUNDS / 8);
}

/* A request for which the rules have much to say. */
static void memory_runs_out(const struct policy_set *set, enum operation_id op)
{
    enum status status = STATUS_NOMEM;
    unsigned failed = 0;
    struct sample s;

    sample_init(&s);
    sample_as(&s, op);
    s.request.stop_type = (struct text_field){true, VIEW("IDLE")};
    s.request.has_hooks = true;
    sample_endpoint(&s, true, "192.0.2.1");
    sample_endpoint(&s, true, NULL);
    s.subject.known &= ~(unsigned)SUBJECT_ROLES;
    for (size_t max = 0; status != STATUS_OK; max += 53) {
        const struct decision *d = NULL;
        struct arena arena;

        arena_init(&arena, 32, max);
        status = policy_judge(set, &s.request, &s.subject, 0, true, &arena, &d);
        assert_true(status == STATUS_OK || status == STATUS_NOMEM);
        assert_int_equal(d != NULL, status == STATUS_OK);
        failed += status == STATUS_NOMEM ? 1 : 0;
        arena_done(&arena);
    }
    assert_true(failed > 20);
}

static void memory_that_runs_out_is_no_decision(void **state)
{
    static const enum operation_id ops[] = {OP_DEMANAGER_CREATE, OP_NOTEBOOKS_CREATE,
                                            OP_DEMANAGER_START, OP_NOTEBOOKS_LEASE};
    struct policy_set *set = set_of(
        "version: 1\npolicies:\n"
        "  - name: a\n    flavors: {allow: [x, \"*y\"]}\n    workspaces: {allow: []}\n"
        "    storage: {types: [z], obs_prefixes: [\"/x-${user.id}\"]}\n"
        "    annotations: {set: {k: v}, require: [o]}\n"
        "    hooks: refuse\n    allowed_access_ips: {allow: [10.0.0.0/8]}\n"
        "  - {name: b, mode: warn, auto_stop: {max: 30m}, name: {pattern: x}}\n"
        "  - {name: c, match: {roles: [q]}, auto_stop: {min: 2h}}\n"
        "exceptions: [{name: e, policy: a, match: {users: [alice]}, lift: [flavors], expires: "
        "2026-12-31}]\n");

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(ops); i++)
        memory_runs_out(set, ops[i]);
    policy_set_unref(&set);
}

/* Not a matter of time but of work: memory touched by judging is the same for 10 and for 10,000
 * values, so nothing is walked through value by value. */
static size_t memory_to_judge(unsigned values)
{
    const struct decision *d = NULL;
    struct policy_set *set;
    struct arena arena;
    struct sample s;
    struct buf text;
    size_t used;

    buf_init(&text, 1 << 20);
    buf_add_str(&text, "version: 1\npolicies:\n  - name: a\n    flavors:\n      allow: [");
    for (unsigned i = 0; i < values; i++)
        buf_printf(&text, "\"modelarts.%u.*\", modelarts.x%u, ", i, i);
    buf_add_str(&text, "modelarts.kat1.xlarge]\n    storage:\n      obs_prefixes: [");
    for (unsigned i = 0; i < values; i++)
        buf_printf(&text, "/team-%u/x, ", i);
    buf_add_str(&text, "/aaaaaaaaa]\n");
    buf_add_byte(&text, '\0');
    set = set_of(text.ptr);
    sample_init(&s);
    arena_init(&arena, 64, 1 << 20);
    assert_int_equal(policy_judge(set, &s.request, &s.subject, 0, false, &arena, &d), STATUS_OK);
    assert_int_equal(d->judgement.verdict, VERDICT_ALLOW);
    used = arena.used_bytes;
    arena_done(&arena);
    policy_set_unref(&set);
    buf_done(&text);
    return used;
}

static void values_do_not_slow_judging_down(void **state)
{
    size_t few = memory_to_judge(10), many = memory_to_judge(10000);

    (void)state;
    /* Each of the 10,000 globs may cost a bit. */
    assert_true(many <= few + 10000 / 8 + 256);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(order_never_matters_and_edits_converge),
        cmocka_unit_test(a_set_printed_and_loaded_again_is_the_same),
        cmocka_unit_test(memory_that_runs_out_is_no_decision),
        cmocka_unit_test(values_do_not_slow_judging_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
