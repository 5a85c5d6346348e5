/* SPDX-License-Identifier: Apache-2.0
 * Files of cases, judged by one set. Every fault has its place; a case that reads is judged the
 * same each time, and what came is what a case that expects it finds true; YAML becomes JSON that a
 * strict reader reads. */
#include "json/doc.h"
#include "trial/cases.h"
#include "trial/outcome.h"
#include "trial/reach.h"
#include "trial/yaml_json.h"

#include "fuzz.h"

enum { OUT_MAX = 1 << 22, NOW_S = 1767323045 };
static const int64_t now_us = (int64_t)NOW_S * 1000000;

static const char policies[] =
    "version: 1\ndefault: refuse\npolicies:\n"
    "  - {name: stop, auto_stop: {required: true, default: 1h, max: 4h}}\n"
    "  - name: team\n"
    "    match: {groups: [team-a], users: [\"*\"]}\n"
    "    flavors: {allow: [\"*cpu*\"], deny: [\"*.8u\"]}\n"
    "    storage: {types: [obs, evs], obs_prefixes: [/team-a/, \"/home/${user.name}/\"]}\n"
    "    annotations: {set: {k: v}, require: [owner]}\n"
    "    quotas: [{name: q, limit: 1}]\n"
    "  - {name: later, mode: warn, flavors: {allow: [cpu]}, pools: {public: false}}\n"
    "exceptions:\n"
    "  - {name: x, policy: team, match: {users: [alice]}, lift: [flavors], expires: 2099-12-31}\n";

static const struct judging_settings settings = {
    .body = {.bytes = 1 << 18, .depth = 64, .members = 8192},
    .answer = {.bytes = 1 << 20, .depth = 64, .members = 8192},
    .unknown = UNKNOWN_REFUSE,
};

static struct policy_set *the_set(void)
{
    static struct policy_set *set;
    const struct policy_file file = {"p.yaml", view_str(policies)};
    const struct policy_options options = {.now_us = 0};
    struct arena arena;
    struct diag diag;

    if (set != NULL)
        return set;
    arena_init(&arena, 4096, 1 << 20);
    diag_init(&diag, &arena);
    REQUIRE(policy_set_load(&file, 1, &options, &diag, &set) == STATUS_OK);
    arena_done(&arena);
    return set;
}

/* Whatever YAML says, its JSON is well-formed: only ranges and NUL may be against it. */
static void check_json(struct view input)
{
    const struct ydoc_limits limits = {.depth = CASES_DEPTH_MAX};
    const struct jlimits wide = {
        .bytes = OUT_MAX, .depth = CASES_DEPTH_MAX + 1, .members = 1 << 20, .nul = true};
    const struct ynode *root = NULL;
    struct arena arena;
    struct jfault fault;
    struct diag diag;
    struct jdoc doc;
    struct buf out;

    fuzz_arena(&arena);
    diag_init(&diag, &arena);
    buf_init(&out, OUT_MAX);
    buf_add_byte(&out, '[');
    if (ydoc_read("c", input, &limits, &arena, &diag, &root) && root != NULL) {
        bool turned = yaml_json(root, &diag, &out);

        REQUIRE(turned == (diag.faults == 0 && out.failed == STATUS_OK));
        buf_add_byte(&out, ']');
        if (turned && jdoc_read(buf_view(&out), &wide, &arena, &doc, &fault) == STATUS_SYNTAX)
            REQUIRE(fault.row == &json_reasons[JSON_NUMBER] ||
                    memmem(out.ptr, out.len, "\\u0000", 6) != NULL);
    }
    buf_done(&out);
    arena_done(&arena);
}

/* The same case, expecting what came. */
static struct policy_case expecting(const struct policy_case *one, const struct outcome *outcome,
                                    struct arena *arena)
{
    struct policy_case same = *one;
    const struct judging *j = &outcome->judging;
    size_t edits = outcome->verdict == VERDICT_REFUSE ? 0 : j->change_count;
    struct view *codes = arena_array(arena, j->reason_count, sizeof *codes);
    struct case_edit *wanted = arena_array(arena, edits, sizeof *wanted);

    REQUIRE(codes != NULL && wanted != NULL);
    for (size_t i = 0; i < j->reason_count; i++)
        codes[i] = view_str(j->reasons[i].row->code);
    for (size_t i = 0; i < edits; i++)
        wanted[i] = (struct case_edit){j->changes[i].op, j->changes[i].path, j->changes[i].new_json,
                                       j->changes[i].old_json, j->changes[i].policy};
    same.expect = (struct case_expectation){.verdict = outcome->verdict,
                                            .reasons = {true, codes, j->reason_count},
                                            .edits = {true, wanted, edits},
                                            .has_warn = true,
                                            .warn = j->decision != NULL && j->decision->warn};
    if (outcome->verdict != VERDICT_REFUSE && j->has_body)
        same.expect.body = j->sent_body;
    return same;
}

static void check_case(const struct policy_case *one, struct reach *coverage)
{
    struct outcome first, second;
    struct policy_case same;
    struct arena arena;
    struct buf why, again;

    fuzz_arena(&arena);
    buf_init(&why, OUT_MAX);
    buf_init(&again, OUT_MAX);
    REQUIRE(outcome_judge(one, &settings, the_set(), now_us, &arena, &first) == STATUS_OK);
    REQUIRE(outcome_judge(one, &settings, the_set(), now_us, &arena, &second) == STATUS_OK);
    REQUIRE(outcome_compare(one, &first, &arena, &why) == STATUS_OK);
    REQUIRE(outcome_compare(one, &second, &arena, &again) == STATUS_OK);
    REQUIRE(view_eq(buf_view(&why), buf_view(&again)) && why.failed == STATUS_OK);
    for (size_t i = 0; i < why.len; i++)
        REQUIRE((unsigned char)why.ptr[i] >= ' ' || why.ptr[i] == '\n');
    buf_clear(&again);
    same = expecting(one, &first, &arena);
    REQUIRE(outcome_compare(&same, &first, &arena, &again) == STATUS_OK);
    if (again.len > 0)
        fuzz_show("not the same as itself", buf_view(&again));
    REQUIRE(again.len == 0);
    reach_add(coverage, first.judging.decision);
    outcome_done(&first);
    outcome_done(&second);
    buf_done(&why);
    buf_done(&again);
    arena_done(&arena);
}

static void check_coverage(const struct reach *coverage, size_t cases)
{
    for (size_t i = 0; i < coverage->inventory.count; i++) {
        const struct reach_count *count = &coverage->counts[i];

        REQUIRE(count->cases <= cases && count->acted <= count->cases);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reach coverage;
    struct cases cases = {NULL, 0};
    struct arena arena;
    struct diag diag;
    bool read;

    check_json(fuzz_input(data, size));
    fuzz_arena(&arena);
    diag_init(&diag, &arena);
    REQUIRE(reach_init(the_set(), &arena, &coverage) == STATUS_OK);
    read = cases_read("c", fuzz_input(data, size), &arena, &diag, &cases);
    REQUIRE(read == (diag.faults == 0) && diag.count <= DIAG_MAX && (!read || cases.count > 0));
    for (size_t i = 0; i < diag.count; i++)
        REQUIRE(diag.items[i].loc.line > 0 && diag.items[i].message.len > 0);
    for (size_t i = 0; read && i < cases.count; i++)
        check_case(&cases.items[i], &coverage);
    check_coverage(&coverage, cases.count);
    arena_done(&arena);
    return 0;
}
