/* SPDX-License-Identifier: Apache-2.0
 * Files of cases: what is read, and every fault with its place. */
#include "support/test.h"

#include "policy/policy.h"
#include "trial/cases.h"

#define CASES "version: 1\ncases:\n"

struct opened {
    struct arena arena;
    struct diag diag;
    struct cases cases;
    bool well;
};

static void open_cases(const char *text, struct opened *o)
{
    arena_init(&o->arena, 4096, 1 << 26);
    diag_init(&o->diag, &o->arena);
    o->cases = (struct cases){NULL, 0};
    o->well = cases_read("c.test.yaml", view_str(text), &o->arena, &o->diag, &o->cases);
    assert_int_equal(o->well, o->diag.faults == 0);
}

/* All faults, a line each; "" when there is none. Static. */
static const char *faults_of(const char *text)
{
    static char copy[8192];
    struct opened o;
    struct buf out;

    open_cases(text, &o);
    buf_init(&out, sizeof copy - 1);
    diag_print(&o.diag, &out);
    (void)snprintf(copy, sizeof copy, "%.*s", VIEW_ARGS(buf_view(&out)));
    buf_done(&out);
    arena_done(&o.arena);
    return copy;
}

static void everything_that_may_stand_is_read(void **state)
{
    static const char text[] = CASES
        "  - name: all\n"
        "    subject: {user: alice, user_id: u-1, domain: acme, project: q, project_name: eu,\n"
        "              roles: [], groups: [g, h]}\n"
        "    operation: notebooks.lease\n"
        "    project: p\n"
        "    at: 2026-01-02T03:04:05Z\n"
        "    instance: {id: i-1}\n"
        "    query: duration=5\n"
        "    request: |\n"
        "      {\"a\": 1, \"a\": 2}\n"
        "    expect:\n"
        "      verdict: rewrite\n"
        "      reasons: []\n"
        "      edits:\n"
        "        - {op: cap, path: \"?duration\", new: 5, old: [1], policy: x}\n"
        "        - {op: set, path: /a, new: \"5\"}\n"
        "      body: {b: 1}\n"
        "      would: {verdict: refuse, reasons: [flavor.denied, flavor.denied]}\n"
        "      warn: false\n"
        "  - {name: least, project: p, request_file: x.json, expect: {verdict: allow}}\n";
    const struct case_expectation *e;
    const struct policy_case *c;
    struct opened o;

    (void)state;
    open_cases(text, &o);
    assert_true(o.well);
    assert_int_equal(o.cases.count, 2);
    c = &o.cases.items[0];
    e = &c->expect;
    assert_view(c->name, "all");
    assert_int_equal(c->at.line, 3);
    assert_int_equal(c->subject.known, SUBJECT_USER | SUBJECT_DOMAIN | SUBJECT_PROJECT |
                                           SUBJECT_ROLES | SUBJECT_GROUPS);
    assert_view(c->subject.user_name, "alice");
    assert_view(c->subject.user_id, "u-1");
    assert_view(c->subject.domain_name, "acme");
    assert_view(c->subject.project_id, "q");
    assert_view(c->subject.project_name, "eu");
    assert_int_equal(c->subject.role_count, 0);
    assert_view(c->subject.groups[1], "h");
    assert_int_equal(c->op->id, OP_NOTEBOOKS_LEASE);
    assert_true(c->has_time && c->at_us == 1767323045000000);
    assert_view(c->instance, "{\"id\":\"i-1\"}");
    assert_view(c->query, "duration=5");
    assert_view(c->request, "{\"a\": 1, \"a\": 2}\n");
    assert_int_equal(e->verdict, VERDICT_REWRITE);
    assert_true(e->reasons.set && e->reasons.count == 0);
    assert_int_equal(e->edits.count, 2);
    assert_int_equal(e->edits.items[0].op, EDIT_CAP);
    assert_view(e->edits.items[0].new_json, "5");
    assert_view(e->edits.items[0].old_json, "[1]");
    assert_view(e->edits.items[0].policy, "x");
    assert_view(e->edits.items[1].new_json, "\"5\"");
    assert_null(e->edits.items[1].old_json.ptr);
    assert_view(e->body, "{\"b\":1}");
    assert_true(e->has_would && e->would == VERDICT_REFUSE && e->would_reasons.count == 2);
    assert_true(e->has_warn && !e->warn);
    arena_done(&o.arena);
}

static void what_is_left_out_is_unknown(void **state)
{
    struct opened o;
    const struct policy_case *c;

    (void)state;
    open_cases(CASES
               "  - {name: least, project: p, request_file: x.json, expect: {verdict: allow}}\n",
               &o);
    assert_true(o.well);
    c = &o.cases.items[0];
    assert_int_equal(c->subject.known, SUBJECT_PROJECT);
    assert_view(c->subject.project_id, "p");
    assert_int_equal(c->op->id, OP_DEMANAGER_CREATE);
    assert_false(c->has_time);
    assert_null(c->query.ptr);
    assert_null(c->instance.ptr);
    assert_int_equal(c->request.len, 0);
    assert_string_equal(c->request_file, "x.json");
    assert_false(c->expect.reasons.set || c->expect.edits.set || c->expect.has_would ||
                 c->expect.has_warn);
    assert_null(c->expect.body.ptr);
    arena_done(&o.arena);
}

/* One case of that inside. */
#define ONE(inside) CASES "  - {name: n, project: p, " inside "}\n"
#define WELL        "expect: {verdict: allow}"

static void every_fault_has_its_place(void **state)
{
    static const struct {
        const char *text, *faults;
    } rows[] = {
        {"", "c.test.yaml:1:1: version is missing\nc.test.yaml:1:1: cases is missing\n"},
        {"version: 2\ncases: []\n",
         "c.test.yaml:1:10: version: this version of the program reads version 1\n"
         "c.test.yaml:2:8: cases: expected a list of one case at least, found none\n"},
        {"version: 1\ncase: []\n",
         "c.test.yaml:2:1: unknown key \"case\"; did you mean \"cases\"?\n"
         "c.test.yaml:1:1: cases is missing\n"},
        {CASES "  a: b\n",
         "c.test.yaml:3:3: cases: expected a list of one case at least, found a mapping\n"},
        {CASES "  - 5\n", "c.test.yaml:3:5: expected a mapping, found \"5\"\n"},
        {ONE("expect: {verdict: allow}, subjet: {}"),
         "c.test.yaml:3:53: unknown key \"subjet\"; did you mean \"subject\"?\n"},
        {ONE("subject: {usr: a}, " WELL),
         "c.test.yaml:3:37: unknown key \"usr\"; did you mean \"user\"?\n"},
        {ONE("subject: {user: }, " WELL),
         "c.test.yaml:3:37: \"user\" has no value; give it one or leave it out\n"},
        {ONE("expect: {verdict: denied}"),
         "c.test.yaml:3:45: verdict: expected allow, rewrite or refuse, found \"denied\"\n"},
        {ONE("expect: {reasons: []}"), "c.test.yaml:3:35: verdict is missing\n"},
        {ONE("expect: {verdict: refuse, reasons: }"),
         "c.test.yaml:3:53: \"reasons\" has no value; give it one or leave it out\n"},
        {ONE("expect: {verdict: refuse, reasons: [flavor.not_alowed]}"),
         "c.test.yaml:3:63: reasons: \"flavor.not_alowed\" is not the code of a reason; did you "
         "mean \"flavor.not_allowed\"?\n"},
        {ONE("expect: {verdict: refuse, reasons: []}"),
         "c.test.yaml:3:62: reasons: a verdict of refuse has one at least\n"},
        {ONE("expect: {verdict: allow, reasons: [json.syntax]}"),
         "c.test.yaml:3:61: reasons: only a verdict of refuse has any\n"},
        {ONE("expect: {verdict: allow, edits: [{op: set, path: /a, new: 1}]}"),
         "c.test.yaml:3:59: edits: only a verdict of rewrite has any\n"},
        {ONE("expect: {verdict: rewrite, edits: []}"),
         "c.test.yaml:3:61: edits: a verdict of rewrite has one at least\n"},
        {ONE("expect: {verdict: rewrite, edits: {op: set}}"),
         "c.test.yaml:3:61: edits: expected a list, found a mapping\n"},
        {ONE("expect: {verdict: rewrite, edits: [{op: put, path: /a, new: 1}]}"),
         "c.test.yaml:3:67: op: expected set, default or cap, found \"put\"\n"},
        {ONE("expect: {verdict: rewrite, edits: [{op: set, path: /a, new: }]}"),
         "c.test.yaml:3:87: new is missing\n"
         "c.test.yaml:3:82: \"new\" has no value; give it one or leave it out\n"},
        {ONE("expect: {verdict: refuse, body: {}}"),
         "c.test.yaml:3:59: body: of what is refused nothing is sent\n"},
        {ONE("expect: {verdict: allow, body: \"{\"}"),
         "c.test.yaml:3:58: body: not JSON: line 1, column 2: the document ends too early\n"},
        {ONE("expect: {verdict: allow, would: {reasons: []}}"),
         "c.test.yaml:3:59: verdict is missing\n"},
        {ONE("expect: {verdict: allow, warn: yes}"),
         "c.test.yaml:3:58: warn: expected true or false (without quotes), found \"yes\"\n"},
        {ONE("operation: demanager.creat, " WELL),
         "c.test.yaml:3:38: operation: \"demanager.creat\" is not an operation that is judged; did "
         "you mean \"demanager.create\"?\n"},
        {ONE("operation: notebooks.delete, " WELL),
         "c.test.yaml:3:38: operation: \"notebooks.delete\" is not an operation that is judged; "
         "did you mean \"notebooks.create\"?\n"},
        {ONE("operation: notebooks.start, " WELL),
         "c.test.yaml:3:5: instance is missing: notebooks.start is judged by what the cloud says "
         "of the instance\n"},
        {ONE("at: yesterday, " WELL), "c.test.yaml:3:31: at: expected 2026-12-31 or "
                                      "2026-12-31T12:00:00Z, found \"yesterday\"\n"},
        {ONE("request: {a: .nan}, " WELL), "c.test.yaml:3:40: \".nan\" is a number that JSON does "
                                           "not have; quote it if text is meant\n"},
        {ONE("request: {}, request_file: x, " WELL),
         "c.test.yaml:3:54: request_file stands beside request; one is enough\n"},
        {ONE("request_file: \"\", " WELL),
         "c.test.yaml:3:41: request_file: not the name of a file\n"},
        {CASES "  - {name: \"a\\eb\", project: p, " WELL "}\n",
         "c.test.yaml:3:12: name: control characters can't stand here\n"},
        {CASES "  - {project: p, " WELL "}\n", "c.test.yaml:3:5: name is missing\n"},
        {CASES "  - {name: a, " WELL "}\n", "c.test.yaml:3:5: project is missing\n"},
        {CASES "  - {name: a, project: p}\n", "c.test.yaml:3:5: expect is missing\n"},
        {CASES "  - {name: a, project: p, " WELL "}\n  - {name: b, project: p, " WELL
               "}\n  - {name: a, project: p, " WELL "}\n",
         "c.test.yaml:5:12: the case at line 3 has the name \"a\" already\n"},
        {CASES "  - &a {name: a}\n",
         "c.test.yaml:3:5: an anchor (&a) can't be used here; write the value out\n"},
        {CASES "  - {name: a, name: b}\n",
         "c.test.yaml:3:15: duplicate key \"name\"; it is at line 3 already\n"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_string_equal(faults_of(rows[i].text), rows[i].faults);
}

static void twenty_faults_are_shown_and_the_rest_counted(void **state)
{
    struct opened o;
    struct buf text;

    (void)state;
    buf_init(&text, 1 << 16);
    buf_add_str(&text, CASES);
    for (int i = 0; i < 25; i++)
        buf_printf(&text, "  - {name: c%d, project: p, expect: {verdict: no}}\n", i);
    buf_add_byte(&text, '\0');
    open_cases(text.ptr, &o);
    assert_int_equal(o.diag.faults, 25);
    assert_int_equal(o.diag.count, DIAG_MAX);
    arena_done(&o.arena);
    buf_done(&text);
}

/* The words of the rows are the words that everything else prints. */
static void words_are_those_of_decisions(void **state)
{
    (void)state;
    for (int verdict = VERDICT_ALLOW; verdict <= VERDICT_REFUSE; verdict++) {
        char text[256];
        struct opened o;

        (void)snprintf(text, sizeof text, ONE("expect: {verdict: %s}"),
                       verdict_name((enum verdict)verdict));
        open_cases(text, &o);
        assert_true(o.well && (int)o.cases.items[0].expect.verdict == verdict);
        arena_done(&o.arena);
    }
    for (int op = EDIT_SET; op <= EDIT_CAP; op++) {
        char text[256];
        struct opened o;

        (void)snprintf(text, sizeof text,
                       ONE("expect: {verdict: rewrite, edits: [{op: %s, path: x, new: 1}]}"),
                       edit_op_name((enum edit_op)op));
        open_cases(text, &o);
        assert_true(o.well && (int)o.cases.items[0].expect.edits.items[0].op == op);
        arena_done(&o.arena);
    }
}

static void a_file_has_a_limit(void **state)
{
    struct buf text;
    struct opened o;

    (void)state;
    buf_init(&text, 2 << 20);
    buf_add_str(&text, CASES "  - {name: n, project: p, " WELL "}\n");
    while (text.len < (1 << 20))
        buf_add_byte(&text, '#');
    buf_add_byte(&text, '\0');
    open_cases(text.ptr, &o);
    assert_true(o.well);
    arena_done(&o.arena);
    text.ptr[text.len - 1] = '#';
    buf_add_byte(&text, '\0');
    open_cases(text.ptr, &o);
    assert_false(o.well);
    assert_view(o.diag.items[0].message, "the file has 1048577 bytes; at most 1048576 may be");
    arena_done(&o.arena);
    buf_done(&text);
}

static void memory_that_runs_out_is_a_fault(void **state)
{
    static const char text[] =
        ONE("subject: {roles: [a]}, request: {a: b}, expect: {verdict: refuse, reasons: "
            "[flavor.denied], would: {verdict: allow}}");
    bool worked = false;

    (void)state;
    for (size_t max = 4096; !worked; max += 1024) {
        struct arena arena, words;
        struct diag diag;
        struct cases cases;

        arena_init(&arena, 64, max);
        arena_init(&words, 4096, 1 << 20);
        diag_init(&diag, &words);
        worked = cases_read("c", view_str(text), &arena, &diag, &cases);
        assert_int_equal(worked, diag.faults == 0);
        arena_done(&arena);
        arena_done(&words);
        assert_true(max < 1 << 20);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_that_may_stand_is_read),
        cmocka_unit_test(what_is_left_out_is_unknown),
        cmocka_unit_test(every_fault_has_its_place),
        cmocka_unit_test(twenty_faults_are_shown_and_the_rest_counted),
        cmocka_unit_test(words_are_those_of_decisions),
        cmocka_unit_test(a_file_has_a_limit),
        cmocka_unit_test(memory_that_runs_out_is_a_fault),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
