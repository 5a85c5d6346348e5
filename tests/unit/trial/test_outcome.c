/* SPDX-License-Identifier: Apache-2.0
 * Cases judged: each kind of expectation holds when it should and fails when it shouldn't, and what
 * coverage counts. */
#include "support/test.h"

#include "trial/outcome.h"
#include "trial/reach.h"

static const char policies[] =
    "version: 1\n"
    "policies:\n"
    "  - name: base\n"
    "    flavors: {allow: [\"*cpu*\", \"*gpu*\"], deny: [\"*x\"]}\n"
    "    auto_stop: {required: true, default: 1h, max: 2h}\n"
    "  - name: more\n"
    "    match: {groups: [g]}\n"
    "    flavors: {allow: [\"*cpu*\"]}\n"
    "    annotations: {set: {k: v}}\n"
    "    quotas: [{name: q, limit: 1}, {name: r, limit: 1, families: [notebooks]}]\n"
    "    custom_spec: refuse\n"
    "  - name: later\n"
    "    mode: warn\n"
    "    match: {users: [wanda]}\n"
    "    auto_stop: {required: true, on_missing: set, default: 30m, max: 90m}\n"
    "exceptions:\n"
    "  - {name: x, policy: more, match: {users: [eve]}, lift: [flavors], expires: 2030-01-01}\n";

struct bench {
    struct arena arena;
    struct policy_set *set;
    struct cases cases;
};

static const struct judging_settings settings = {
    .body = {.bytes = 1 << 18, .depth = 64, .members = 8192},
    .answer = {.bytes = 1 << 20, .depth = 64, .members = 8192},
    .unknown = UNKNOWN_REFUSE,
};

static void open_bench(const char *cases, struct bench *b)
{
    const struct policy_file file = {"p.yaml", view_str(policies)};
    const struct policy_options options = {.now_us = 0};
    struct diag diag;
    bool read;

    arena_init(&b->arena, 4096, 1 << 24);
    diag_init(&diag, &b->arena);
    assert_int_equal(policy_set_load(&file, 1, &options, &diag, &b->set), STATUS_OK);
    read = cases_read("c", view_str(cases), &b->arena, &diag, &b->cases);
    for (size_t i = 0; i < diag.count; i++)
        print_error("%u:%u: %.*s\n", diag.items[i].loc.line, diag.items[i].loc.column,
                    VIEW_ARGS(diag.items[i].message));
    assert_true(read);
}

static void close_bench(struct bench *b)
{
    policy_set_unref(&b->set);
    arena_done(&b->arena);
}

/* What a case of that expectation doesn't find true; "" when all is. Static. */
static const char *missed(const char *subject, const char *request, const char *expect)
{
    static char copy[8192];
    struct bench b;
    struct outcome outcome;
    struct buf text, out;

    buf_init(&text, 8192);
    buf_init(&out, sizeof copy - 1);
    buf_printf(&text,
               "version: 1\ncases:\n  - name: n\n    project: p\n    subject: {%s}\n    request: "
               "%s\n    expect: {%s}\n",
               subject, request, expect);
    buf_add_byte(&text, '\0');
    open_bench(text.ptr, &b);
    assert_int_equal(outcome_judge(&b.cases.items[0], &settings, b.set, 0, &b.arena, &outcome),
                     STATUS_OK);
    assert_int_equal(outcome_compare(&b.cases.items[0], &outcome, &b.arena, &out), STATUS_OK);
    assert_int_equal(out.failed, STATUS_OK);
    (void)snprintf(copy, sizeof copy, "%.*s", VIEW_ARGS(buf_view(&out)));
    outcome_done(&outcome);
    close_bench(&b);
    buf_done(&text);
    buf_done(&out);
    return copy;
}

#define BODY(flavor, stop)                                                                         \
    "{name: a, flavor: " flavor ", spec: {storage: {type: obs, location: {path: /team/}}" stop "}" \
    "}"
#define HOUR   ", auto_stop: {enable: true, duration: 3600}"
#define LONG   ", auto_stop: {enable: true, duration: 9000}"
#define ALICE  "user: alice, groups: []"
#define MEMBER "user: alice, groups: [g]"

struct row {
    const char *subject, *request, *expect, *missed;
};

static void check(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        assert_string_equal(missed(rows[i].subject, rows[i].request, rows[i].expect),
                            rows[i].missed);
}

static void verdicts(void **state)
{
    static const struct row rows[] = {
        {ALICE, BODY("cpu", HOUR), "verdict: allow", ""},
        {ALICE, BODY("cpu", ""), "verdict: rewrite", ""},
        {ALICE, BODY("x", HOUR), "verdict: refuse", ""},
        {ALICE, BODY("cpu", HOUR), "verdict: rewrite", "  verdict: expected rewrite, got allow\n"},
        {ALICE, BODY("cpu", LONG), "verdict: allow",
         "  verdict: expected allow, got rewrite\n"
         "  edits: + cap /spec/auto_stop/duration: 9000 -> 7200 (policy base)\n"},
        {ALICE, BODY("cpux", HOUR), "verdict: allow",
         "  verdict: expected allow, got refuse\n"
         "  got flavor.denied: flavor cpux is denied; denied: *x (policy base, p.yaml:4:48)\n"},
        {ALICE, "\"{\"", "verdict: allow",
         "  verdict: expected allow, got refuse\n"
         "  got json.syntax: the body is not the JSON that this call needs: line 1, column 2: the "
         "document ends too early\n"},
    };

    (void)state;
    check(rows, ARRAY_LEN(rows));
}

static void reasons(void **state)
{
    static const struct row rows[] = {
        {ALICE, BODY("cpux", HOUR), "verdict: refuse, reasons: [flavor.denied]", ""},
        {MEMBER, BODY("x", HOUR),
         "verdict: refuse, reasons: [flavor.not_allowed, flavor.denied, flavor.not_allowed]", ""},
        {ALICE, BODY("cpux", HOUR), "verdict: refuse, reasons: [flavor.missing]",
         "  reasons: flavor.denied came and was not expected\n"
         "  reasons: flavor.missing was expected and did not come\n"
         "  got flavor.denied: flavor cpux is denied; denied: *x (policy base, p.yaml:4:48)\n"},
        {ALICE, BODY("cpux", HOUR), "verdict: refuse, reasons: [flavor.denied, flavor.denied]",
         "  reasons: flavor.denied was expected and did not come\n"
         "  got flavor.denied: flavor cpux is denied; denied: *x (policy base, p.yaml:4:48)\n"},
        {"user: alice", BODY("cpu", HOUR), "verdict: refuse, reasons: [identity.attribute_unknown]",
         ""},
        {"user: \"\\e\\x9b\", groups: [g]", BODY("\"\\e[31m\"", HOUR), "verdict: allow",
         "  verdict: expected allow, got refuse\n"
         "  got flavor.not_allowed: flavor ?[31m is not allowed; allowed: *cpu*, *gpu* (policy "
         "base, p.yaml:4:22)\n"
         "  got flavor.not_allowed: flavor ?[31m is not allowed; allowed: *cpu* (policy more, "
         "p.yaml:8:22)\n"},
        {ALICE, BODY("cpu", HOUR), "verdict: allow, reasons: []", ""},
    };

    (void)state;
    check(rows, ARRAY_LEN(rows));
}

static void edits(void **state)
{
    static const struct row rows[] = {
        {ALICE, BODY("cpu", LONG),
         "verdict: rewrite, edits: [{op: cap, path: /spec/auto_stop/duration, new: 7200}]", ""},
        {ALICE, BODY("cpu", LONG),
         "verdict: rewrite, edits: [{op: cap, path: /spec/auto_stop/duration, new: 7200, old: "
         "9000, policy: base}]",
         ""},
        {MEMBER, BODY("cpu", LONG),
         "verdict: rewrite, edits: [{op: set, path: /spec/annotations, new: {k: v}}, {op: cap, "
         "path: /spec/auto_stop/duration, new: 7200}]",
         ""},
        {MEMBER, BODY("cpu", LONG),
         "verdict: rewrite, edits: [{op: cap, path: /spec/auto_stop/duration, new: 7200}]",
         "  edits: + set /spec/annotations: nothing -> {\"k\":\"v\"} (policy more)\n"},
        {ALICE, BODY("cpu", LONG),
         "verdict: rewrite, edits: [{op: set, path: /spec/auto_stop/duration, new: 7200}]",
         "  edits: - set /spec/auto_stop/duration: 7200\n"
         "  edits: + cap /spec/auto_stop/duration: 9000 -> 7200 (policy base)\n"},
        {ALICE, BODY("cpu", LONG),
         "verdict: rewrite, edits: [{op: cap, path: /spec/auto_stop/duration, new: \"7200\"}]",
         "  edits: - cap /spec/auto_stop/duration: \"7200\"\n"
         "  edits: + cap /spec/auto_stop/duration: 9000 -> 7200 (policy base)\n"},
        {ALICE, BODY("cpu", LONG),
         "verdict: rewrite, edits: [{op: cap, path: /spec/auto_stop/duration, new: 7200, old: 1}]",
         "  edits: - cap /spec/auto_stop/duration: 1 -> 7200\n"
         "  edits: + cap /spec/auto_stop/duration: 9000 -> 7200 (policy base)\n"},
        {ALICE, BODY("cpu", LONG),
         "verdict: rewrite, edits: [{op: cap, path: /spec/auto_stop/duration, new: 7200, policy: "
         "more}]",
         "  edits: - cap /spec/auto_stop/duration: 7200 (policy more)\n"
         "  edits: + cap /spec/auto_stop/duration: 9000 -> 7200 (policy base)\n"},
        {ALICE, BODY("cpu", HOUR),
         "verdict: rewrite, edits: [{op: cap, path: /spec/auto_stop/duration, new: 7200}]",
         "  verdict: expected rewrite, got allow\n"
         "  edits: - cap /spec/auto_stop/duration: 7200\n"},
        {ALICE, BODY("cpu", ""),
         "verdict: rewrite, edits: [{op: default, path: /spec/auto_stop, new: {duration: 3600, "
         "enable: true}}]",
         ""},
    };

    (void)state;
    check(rows, ARRAY_LEN(rows));
}

static void bodies(void **state)
{
    static const struct row rows[] = {
        {ALICE, BODY("cpu", LONG),
         "verdict: rewrite, body: " BODY("cpu", ", auto_stop: {duration: 7200, enable: true}"), ""},
        {ALICE, BODY("cpu", HOUR), "verdict: allow, body: " BODY("cpu", HOUR), ""},
        {ALICE, BODY("cpu", LONG), "verdict: rewrite, body: " BODY("cpu", LONG),
         "  body: /spec/auto_stop/duration: expected 9000, got 7200\n"},
        {ALICE, BODY("cpu", HOUR), "verdict: allow, body: {name: a, other: 1}",
         "  body: /other: expected 1, got nothing\n"
         "  body: /flavor: expected nothing, got \"cpu\"\n"
         "  body: /spec: expected nothing, got "
         "{\"storage\":{\"type\":\"obs\",\"location\":{\"path\":"
         "\"/team/\"}},\"auto_stop\":{\"enable\":true,\"duration\":3600}}\n"},
        {ALICE, BODY("cpu", HOUR), "verdict: allow, body: []",
         "  body: the whole: expected [], got "
         "{\"name\":\"a\",\"flavor\":\"cpu\",\"spec\":{\"storage\":"
         "{\"type\":\"obs\",\"location\":{\"path\":\"/team/\"}},\"auto_stop\":{\"enable\":true,"
         "\"duration\":3600}}}\n"},
        {ALICE, BODY("cpux", HOUR), "verdict: allow, body: {}",
         "  verdict: expected allow, got refuse\n"
         "  got flavor.denied: flavor cpux is denied; denied: *x (policy base, p.yaml:4:48)\n"
         "  body: expected one, but nothing would be sent\n"},
        {ALICE, BODY("cpu", HOUR),
         "verdict: allow, body: {b0: 0, b1: 1, b2: 2, b3: 3, b4: 4, b5: 5, b6: 6, b7: 7, b8: 8, "
         "b9: 9, b10: 10, b11: 11}",
         "  body: /b0: expected 0, got nothing\n"
         "  body: /b1: expected 1, got nothing\n"
         "  body: /b2: expected 2, got nothing\n"
         "  body: /b3: expected 3, got nothing\n"
         "  body: /b4: expected 4, got nothing\n"
         "  body: /b5: expected 5, got nothing\n"
         "  body: /b6: expected 6, got nothing\n"
         "  body: /b7: expected 7, got nothing\n"
         "  body: /b8: expected 8, got nothing\n"
         "  body: /b9: expected 9, got nothing\n"
         "  body: and more\n"},
    };

    (void)state;
    check(rows, ARRAY_LEN(rows));
}

static void what_would_be(void **state)
{
    static const struct row rows[] = {
        {"user: wanda, groups: []", BODY("cpu", LONG),
         "verdict: rewrite, would: {verdict: rewrite}, warn: true", ""},
        {"user: wanda, groups: []", BODY("cpu", HOUR),
         "verdict: allow, would: {verdict: allow}, warn: false", ""},
        {"user: wanda, groups: []", BODY("cpu", ", auto_stop: {enable: true, duration: 6000}"),
         "verdict: allow, would: {verdict: allow}, warn: false",
         "  would.verdict: expected allow, got rewrite\n"
         "  warn: expected false, got true\n"},
        {"groups: []", BODY("cpu", HOUR),
         "verdict: allow, would: {verdict: refuse, reasons: [identity.attribute_unknown]}", ""},
        {"groups: []", BODY("cpu", HOUR),
         "verdict: allow, would: {verdict: refuse, reasons: [flavor.denied]}",
         "  would.reasons: flavor.denied was expected and did not come\n"
         "  would.reasons: identity.attribute_unknown came and was not expected\n"
         "  got identity.attribute_unknown: the credential does not tell users, which this policy "
         "needs to know (policy later, p.yaml:14:20)\n"},
        {ALICE, BODY("cpux", HOUR),
         "verdict: refuse, would: {verdict: refuse, reasons: "
         "[flavor.denied]}, warn: true",
         "  warn: expected true, got false\n"},
        {ALICE, "\"\"", "verdict: refuse, would: {verdict: refuse}, warn: false", ""},
    };

    (void)state;
    check(rows, ARRAY_LEN(rows));
}

/* How often each item is reached, as "policy rule cases/acted". Static. */
static const char *reached(const char *cases)
{
    static char copy[8192];
    struct reach coverage;
    struct outcome outcome;
    struct bench b;
    struct buf out;

    open_bench(cases, &b);
    buf_init(&out, sizeof copy - 1);
    assert_int_equal(reach_init(b.set, &b.arena, &coverage), STATUS_OK);
    for (size_t i = 0; i < b.cases.count; i++) {
        assert_int_equal(outcome_judge(&b.cases.items[i], &settings, b.set, 0, &b.arena, &outcome),
                         STATUS_OK);
        reach_add(&coverage, outcome.judging.decision);
        outcome_done(&outcome);
    }
    for (size_t i = 0; i < coverage.inventory.count; i++) {
        const struct inventory_item *item = &coverage.inventory.items[i];

        if (reach_demands(item))
            buf_printf(&out, "%.*s %.*s %zu/%zu\n", VIEW_ARGS(item->policy), VIEW_ARGS(item->rule),
                       coverage.counts[i].cases, coverage.counts[i].acted);
    }
    (void)snprintf(copy, sizeof copy, "%.*s", VIEW_ARGS(buf_view(&out)));
    buf_done(&out);
    close_bench(&b);
    return copy;
}

static void coverage_counts_cases(void **state)
{
    (void)state;
    assert_string_equal(
        reached(
            "version: 1\ncases:\n"
            "  - {name: a, project: p, subject: {user: eve, groups: [g]}, request: " BODY(
                "gpu", HOUR) ", expect: {verdict: allow}}\n"
                             "  - {name: b, project: p, subject: {" MEMBER "}, request: " BODY(
                                 "gpux", LONG) ", expect: {verdict: allow}}\n"
                                               "  - {name: c, project: p, subject: {user: wanda, "
                                               "groups: []}, request: " BODY(
                                                   "cpu", "") ", expect: {verdict: allow}}\n"
                                                              "  - {name: d, project: p, request: "
                                                              "\"{\", expect: {verdict: allow}}\n"),
        "base match 3/0\n"
        "base flavors.allow 3/0\n"
        "base flavors.deny 3/1\n"
        "base auto_stop.required 3/1\n"
        "base auto_stop.default 1/1\n"
        "base auto_stop.max 2/1\n"
        "later match 1/0\n"
        "later auto_stop.required 1/1\n"
        "later auto_stop.default 1/1\n"
        "later auto_stop.max 0/0\n"
        "more match 2/0\n"
        "more flavors.allow 1/1\n"
        "more annotations.set 2/2\n"
        "more custom_spec 0/0\n"
        "more quotas.q 1/1\n"
        "more quotas.r 0/0\n"
        "more exception 1/1\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(verdicts),      cmocka_unit_test(reasons),
        cmocka_unit_test(edits),         cmocka_unit_test(bodies),
        cmocka_unit_test(what_would_be), cmocka_unit_test(coverage_counts_cases),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
