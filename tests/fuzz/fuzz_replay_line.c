/* SPDX-License-Identifier: Apache-2.0
 * From a judged request to its line and back: where nothing was left out, the set that judged it
 * says of the line's request what the line says. And lines of all kinds are read without harm.
 * Input: operation, caller, then body, stored instance and query, each up to a NUL; or a line. */
#include "base/attr.h"
#include "journal/keep.h"
#include "journal/record.h"
#include "trial/replay_answer.h"

#include "judged.h"

#define PROJECT "0123456789abcdef0123456789abcdef"

enum { LINE_MAX = 1 << 23, NOW_US = 10800000 };

static const struct judging_settings settings = {
    .body = {.bytes = 1 << 20, .depth = 64, .members = 8192},
    .answer = {.bytes = 1 << 20, .depth = 64, .members = 8192}};

static const struct {
    enum operation_id op;
    const char *method, *path;
} calls[] = {
    {OP_DEMANAGER_CREATE, "POST", "/v1/" PROJECT "/demanager/instances"},
    {OP_DEMANAGER_UPDATE, "PUT", "/v1/" PROJECT "/demanager/instances/i-1"},
    {OP_DEMANAGER_START, "POST", "/v1/" PROJECT "/demanager/instances/i-1/action"},
    {OP_NOTEBOOKS_CREATE, "POST", "/v1/" PROJECT "/notebooks"},
    {OP_NOTEBOOKS_UPDATE, "PUT", "/v1/" PROJECT "/notebooks/i-1"},
    {OP_NOTEBOOKS_START, "POST", "/v1/" PROJECT "/notebooks/i-1/start"},
    {OP_NOTEBOOKS_START_GET, "GET", "/v1/" PROJECT "/notebooks/i-1/start"},
    {OP_NOTEBOOKS_LEASE, "PATCH", "/v1/" PROJECT "/notebooks/i-1/lease"},
    {OP_NOTEBOOKS_MOUNT, "POST", "/v1/" PROJECT "/notebooks/i-1/storage"},
};

static const char policies[] =
    "version: 1\n"
    "policies:\n"
    "  - name: a\n"
    "    flavors: {allow: [\"modelarts.*\"], deny: [\"*.8u\"]}\n"
    "    name: {pattern: \"[a-z0-9_-]+\"}\n"
    "    storage: {types: [obs, evs], obs_prefixes: [\"/team-a/\", \"/${project.name}/\"], "
    "max_size_gb: 100}\n"
    "    auto_stop: {default: 1h, max: 4h}\n"
    "  - name: b\n"
    "    match: {groups: [team-a], domains: [acme]}\n"
    "    annotations: {set: {team: a}}\n"
    "  - name: c\n"
    "    mode: warn\n"
    "    match: {roles: [te_admin]}\n"
    "    hooks: refuse\n";

static struct policy_set *set;

static void load_set(void)
{
    const struct policy_options options = {.now_us = 1};
    const struct policy_file file = {.name = "p.yaml", .bytes = {policies, sizeof policies - 1}};
    struct arena arena;
    struct diag diag;

    if (set != NULL)
        return;
    arena_init(&arena, 65536, (size_t)64 << 20);
    diag_init(&diag, &arena);
    REQUIRE(policy_set_load(&file, 1, &options, &diag, &set) == STATUS_OK);
    arena_done(&arena);
}

static bool begin(struct judging *j, size_t call, struct view body, struct view stored)
{
    enum judging_flow flow = judging_body(j, body);

    if (flow == JUDGING_GOES_ON && calls[call].op == OP_DEMANAGER_START)
        flow = judging_action(j);
    if (flow == JUDGING_GOES_ON && !operation_is_judged(j->op))
        return false;
    if (flow == JUDGING_GOES_ON)
        flow = judging_read(j);
    if (flow == JUDGING_GOES_ON && modelarts_needs_stored(j->op))
        flow = judging_stored(j, stored, NOW_US);
    return flow == JUDGING_GOES_ON;
}

static bool keep(const struct judging *j, struct journal_kept *kept, struct arena *arena)
{
    static const struct keep_rules none;
    struct kept_list told = {.count = 0};

    if (j->has_body && keep_document(&j->doc, &none, "", arena, &kept->request, &told) != STATUS_OK)
        return false;
    if (j->has_stored &&
        keep_document(&j->stored, &none, "", arena, &kept->stored, &told) != STATUS_OK)
        return false;
    kept->query = modelarts_reads_query(j->op) ? j->query : VIEW_NONE;
    return told.count == 0;
}

static struct view line_of(const struct judging *j, size_t call, const struct subject *user,
                           const struct journal_kept *kept, struct arena *arena)
{
    const struct journal_facts facts = {
        .time_us = NOW_US,
        .event = JOURNAL_INTENT,
        .operation = j->op,
        .method = view_str(calls[call].method),
        .path = view_str(calls[call].path),
        .project = VIEW(PROJECT),
        .user = user,
        .has_decision = true,
        .decision = j->reason_count > 0 ? VERDICT_REFUSE : j->decision->judgement.verdict,
        .reasons = j->reasons,
        .reason_count = j->reason_count,
        .changes = j->changes,
        .change_count = j->change_count,
        .duration_us = -1,
        .kept = kept};
    struct view line;
    struct buf out;

    buf_init(&out, LINE_MAX);
    buf_add(&out, VIEW("{\"v\":1,\"seq\":1,\"prev\":\"\","));
    journal_format(&facts, &out);
    REQUIRE(out.failed == STATUS_OK);
    line = arena_copy(arena, buf_view(&out));
    REQUIRE(line.ptr != NULL);
    buf_done(&out);
    return line;
}

/* Whatever the line: the same answer each time. must_agree: and the line's. */
static void check_line(struct view line, struct arena *arena, bool must_agree)
{
    struct replay_answer answer, again;
    struct replay_judgement said;
    struct replay_request request;
    struct replay_reason cause;
    enum replay_kind kind;
    const char *why;
    struct row row;
    enum status status = row_read(line, arena, &row, &why);

    if (status == STATUS_OK)
        status =
            replay_is_kept(&row) || must_agree ? replay_request_of(&row, &request) : STATUS_INVALID;
    if (status == STATUS_OK)
        status = replay_judge(&request, &settings, set, arena, &answer);
    REQUIRE(status == STATUS_OK || !must_agree);
    if (status != STATUS_OK || !replay_answer_of(&row, &said))
        return;
    if (must_agree && !replay_agrees(&said, &answer.is))
        fuzz_show("line", line);
    REQUIRE(!must_agree || (replay_is_judged(&said) && replay_agrees(&said, &answer.is)));
    REQUIRE(replay_judge(&request, &settings, set, arena, &again) == STATUS_OK);
    REQUIRE(!replay_differs(&answer, &again, &kind, &cause));
}

static void check_call(struct view rest, struct arena *arena)
{
    size_t call = fuzz_byte(&rest) % ARRAY_LEN(calls);
    const struct subject *user = &judged_subjects[fuzz_byte(&rest) % SUBJECTS];
    struct view body = VIEW(""), stored = VIEW("");
    struct journal_kept kept = {.query = VIEW_NONE};
    struct judging j;

    (void)fuzz_part(&rest, '\0', &body);
    (void)fuzz_part(&rest, '\0', &stored);
    judging_init(&j, &settings, arena);
    j.op = &operations[calls[call].op];
    j.project = VIEW(PROJECT);
    j.instance = j.op->class == CLASS_CREATE ? VIEW_NONE : VIEW("i-1");
    j.query = modelarts_reads_query(j.op) ? rest : VIEW_NONE;
    if (begin(&j, call, body, stored)) {
        REQUIRE(judging_decide(&j, set, user, NOW_US, false) != JUDGING_FAILED);
        if (keep(&j, &kept, arena))
            check_line(line_of(&j, call, user, &kept, arena), arena, true);
    }
    judging_done(&j);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct view input = fuzz_input(data, size);
    struct arena arena;

    load_set();
    fuzz_arena(&arena);
    if (size > 0 && data[0] == '{')
        check_line(input, &arena, false);
    else
        check_call(input, &arena);
    arena_done(&arena);
    return 0;
}
