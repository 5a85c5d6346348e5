/* SPDX-License-Identifier: Apache-2.0
 * What must hold for every set and request: neither the order of policies nor that of files
 * matters, edits converge, a set says the same however it is written, memory that runs out refuses,
 * and the time to judge doesn't grow with values. */
#include <stdlib.h>

#include "unit/policy/random.h"
#include "unit/policy/support.h"
#include "yaml/doc.h"

enum { ROUNDS = 1500 };

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
        write_pieces(pieces, turn, f, &texts[f]);
        files[turn % 3 == 0 ? f : 1 - f].bytes = buf_view(&texts[f]);
    }
    *ret_valid = policy_set_load(files, 2, &options, &diag, &set) == STATUS_OK;
    check_faults(&diag);
    buf_done(&texts[0]);
    buf_done(&texts[1]);
    arena_done(&arena);
    return set;
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
