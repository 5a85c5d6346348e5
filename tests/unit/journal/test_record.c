/* SPDX-License-Identifier: Apache-2.0
 * Lines byte for byte: one row for every event, and the members one by one. */
#include "support/test.h"

#include "journal/record.h"

static void check_line(const char *name, const struct journal_facts *facts, const char *want)
{
    struct buf out;

    buf_init(&out, 1 << 20);
    journal_format(facts, &out);
    assert_row(out.failed == STATUS_OK, name);
    if (out.ptr == NULL || !view_eq(buf_view(&out), view_str(want)))
        fail_msg("row \"%s\"\ngot  %.*s\nwant %s", name, (int)out.len, out.ptr, want);
    buf_done(&out);
}

/* VIEW is no constant in a static initializer. */
#define TEXT(literal)                   \
    {                                   \
        "" literal, sizeof(literal) - 1 \
    }

#define TIME_US   1767323045123456
#define TIME_TEXT "\"time\":\"2026-01-02T03:04:05.123456Z\","

static const struct reason_row row_flavor = {"flavor.not_allowed", 403, ""};
static const struct reason reasons[] = {
    {.row = &row_flavor,
     .policy = TEXT("team-a"),
     .rule = TEXT("flavors.allow"),
     .at = {"team-a.yaml", 12, 5},
     .message = TEXT("flavor \"x\" is not allowed")},
    {.row = &row_flavor, .at = {"b.yaml", 3, 0}},
    {.row = &row_flavor, .at = {"c.yaml", 0, 0}},
};
static const struct change changes[] = {
    {EDIT_CAP, TEXT("/spec/auto_stop"), TEXT("{ \"enable\" :\ttrue,\r\n \"s\": \"a b\\\" c\" }"),
     TEXT("{\"enable\":true}"), TEXT("team-a")},
    {EDIT_SET, TEXT("/spec/annotations/a"), {NULL, 0}, TEXT("\"4711\""), {NULL, 0}},
    {EDIT_DEFAULT, TEXT("?duration"), TEXT("null"), TEXT("3600"), TEXT("team-b")},
};
static const struct view roles[] = {TEXT("dev"), TEXT("ml \xc3\xa4")};
static const struct view policies[] = {TEXT("team-a"), TEXT("team-b")};
static const struct view exceptions[] = {TEXT("alice-v100")};
static const struct subject alice = {
    .known = SUBJECT_USER | SUBJECT_DOMAIN | SUBJECT_ROLES | SUBJECT_GROUPS,
    .user_id = TEXT("u1"),
    .user_name = TEXT("alice"),
    .domain_id = TEXT("d1"),
    .domain_name = TEXT("acme"),
    .roles = roles,
    .role_count = 2,
};
static const struct storage_request storages[] = {
    {.type = TEXT("obs"), .path = {true, TEXT("/team-a/x y/")}},
    {.type = TEXT("evs")},
    {.type = TEXT("obs"), .path = {true, TEXT("/shared/")}},
};
static const struct stop_request stop_on[] = {
    {.enable = true, .has_duration = true, .duration_ms = 3600000}};
static const struct stop_request stop_part[] = {
    {.enable = true, .has_duration = true, .duration_ms = 5999}};
static const struct stop_request stop_off[] = {
    {.enable = false, .has_duration = true, .duration_ms = 3600000}};
static const struct stop_request stop_never[] = {
    {.enable = true, .has_duration = true, .duration_ms = -1}};
static const struct instance_request request = {
    .name = {true, TEXT("nb-1")},
    .profile = {true, TEXT("Python3-gpu")},
    .flavor = {true, TEXT("modelarts.vm.cpu.2u")},
    .workspace = {true, TEXT("0")},
    .pool = {true, TEXT("pool-a")},
    .storages = storages,
    .storage_count = 3,
    .stops = stop_on,
    .stop_count = 1,
};
static const struct journal_would would = {.verdict = VERDICT_REFUSE,
                                           .reasons = reasons,
                                           .reason_count = 1,
                                           .changes = changes + 1,
                                           .change_count = 1};

#define REASON_TEXT                                                                      \
    "{\"code\":\"flavor.not_allowed\",\"policy\":\"team-a\",\"rule\":\"flavors.allow\"," \
    "\"at\":\"team-a.yaml:12:5\",\"message\":\"flavor \\\"x\\\" is not allowed\"}"
#define EDIT_SET_TEXT "{\"op\":\"set\",\"path\":\"/spec/annotations/a\",\"new\":\"4711\"}"

static void intents_are_written_in_full(void **state)
{
    struct journal_facts facts = {
        .time_us = TIME_US,
        .event = JOURNAL_INTENT,
        .id = VIEW("0123456789abcdef0123456789abcdef"),
        .operation = &operations[OP_DEMANAGER_CREATE],
        .method = VIEW("POST"),
        .path = VIEW("/v1/p1/demanager/instances"),
        .project = VIEW("p1"),
        .user = &alice,
        .credential_kind = "token",
        .credential_digest = "0a1b2c3d4e5f",
        .credential_verified = "decoded",
        .client = VIEW("192.0.2.1:4711"),
        .request_id = VIEW("req-\xff\\\n1"),
        .instance = &request,
        .has_decision = true,
        .decision = VERDICT_REWRITE,
        .would = &would,
        .policies = policies,
        .policy_count = 2,
        .exceptions = exceptions,
        .exception_count = 1,
        .reasons = reasons,
        .reason_count = 3,
        .changes = changes,
        .change_count = 3,
        .policy_set = VIEW("aa"),
        .request_sha256 = VIEW("bb"),
        .reservation = VIEW("r1"),
        .duration_us = -1,
    };

    (void)state;
    check_line("intent", &facts,
               TIME_TEXT
               "\"event\":\"intent\",\"id\":\"0123456789abcdef0123456789abcdef\","
               "\"operation\":\"demanager.create\",\"class\":\"create\",\"method\":\"POST\","
               "\"path\":\"/v1/p1/demanager/instances\",\"project\":\"p1\","
               "\"user\":{\"id\":\"u1\",\"name\":\"alice\",\"domain\":\"acme\","
               "\"roles\":[\"dev\",\"ml \xc3\xa4\"],\"groups\":[]},"
               "\"credential\":{\"kind\":\"token\",\"digest\":\"0a1b2c3d4e5f\","
               "\"verified\":\"decoded\"},"
               "\"client\":\"192.0.2.1:4711\",\"request_id\":\"req-\\\\xff\\\\x5c\\\\x0a1\","
               "\"instance\":{\"name\":\"nb-1\",\"flavor\":\"modelarts.vm.cpu.2u\","
               "\"workspace\":\"0\",\"pool\":\"pool-a\",\"profile\":\"Python3-gpu\","
               "\"storage\":[\"/team-a/x y/\",\"/shared/\"],\"auto_stop_s\":3600},"
               "\"decision\":\"rewrite\","
               "\"would\":{\"decision\":\"refuse\",\"reasons\":[" REASON_TEXT "],"
               "\"edits\":[" EDIT_SET_TEXT "]},"
               "\"policies\":[\"team-a\",\"team-b\"],\"exceptions\":[\"alice-v100\"],"
               "\"reasons\":[" REASON_TEXT ",{\"code\":\"flavor.not_allowed\",\"at\":\"b.yaml:3\"},"
               "{\"code\":\"flavor.not_allowed\",\"at\":\"c.yaml\"}],"
               "\"edits\":[{\"op\":\"cap\",\"path\":\"/spec/auto_stop\","
               "\"old\":{\"enable\":true,\"s\":\"a b\\\" c\"},\"new\":{\"enable\":true},"
               "\"policy\":\"team-a\"}," EDIT_SET_TEXT
               ",{\"op\":\"default\",\"path\":\"?duration\",\"old\":null,\"new\":3600,"
               "\"policy\":\"team-b\"}],"
               "\"policy_set\":\"aa\",\"request_sha256\":\"bb\",\"reservation\":\"r1\"}");
}

static void every_event_has_its_line(void **state)
{
    static const struct subject owner = {
        .known = SUBJECT_USER | SUBJECT_DOMAIN, .user_id = TEXT("u"), .domain_name = TEXT("acme")};
    static const struct journal_instance listed = {
        .id = TEXT("uuid"), .name = TEXT("nb"), .flavor = TEXT("f"), .pool = TEXT("")};
    static const struct instance_request plain = {
        .flavor = {true, TEXT("f")}, .stops = stop_on, .stop_count = 1};
    struct {
        const char *name;
        struct journal_facts facts;
        const char *want;
    } rows[] = {
        {"refusal",
         {.event = JOURNAL_REFUSAL,
          .id = VIEW("i"),
          .has_decision = true,
          .decision = VERDICT_REFUSE,
          .reasons = reasons,
          .reason_count = 1,
          .duration_us = 12},
         "\"event\":\"refusal\",\"id\":\"i\",\"decision\":\"refuse\",\"reasons\":[" REASON_TEXT
         "],\"duration_us\":12}"},
        {"refusals folded",
         {.event = JOURNAL_REFUSAL, .count = 17, .duration_us = -1},
         "\"event\":\"refusal\",\"count\":17}"},
        {"intent",
         {.event = JOURNAL_INTENT, .id = VIEW("i"), .duration_us = -1},
         "\"event\":\"intent\",\"id\":\"i\"}"},
        {"outcome created",
         {.event = JOURNAL_OUTCOME,
          .id = VIEW("i"),
          .operation = &operations[OP_DEMANAGER_CREATE],
          .instance_id = VIEW("uuid"),
          .instance_name = VIEW("nb"),
          .outcome = OUTCOME_CREATED,
          .status = 200,
          .upstream_request_id = VIEW("up\t1"),
          .duration_us = 0},
         "\"event\":\"outcome\",\"id\":\"i\",\"operation\":\"demanager.create\","
         "\"class\":\"create\",\"instance\":{\"id\":\"uuid\",\"name\":\"nb\"},"
         "\"outcome\":\"created\",\"status\":200,\"upstream_request_id\":\"up\\\\x091\","
         "\"duration_us\":0}"},
        {"outcome failed",
         {.event = JOURNAL_OUTCOME,
          .outcome = OUTCOME_FAILED,
          .status = 400,
          .error_code = VIEW("ModelArts.6318"),
          .duration_us = -1},
         "\"event\":\"outcome\",\"outcome\":\"failed\",\"status\":400,"
         "\"error_code\":\"ModelArts.6318\"}"},
        {"outcome done",
         {.event = JOURNAL_OUTCOME, .outcome = OUTCOME_DONE, .duration_us = -1},
         "\"event\":\"outcome\",\"outcome\":\"done\"}"},
        {"outcome unknown",
         {.event = JOURNAL_OUTCOME,
          .outcome = OUTCOME_UNKNOWN,
          .error = VIEW("recovered"),
          .duration_us = -1},
         "\"event\":\"outcome\",\"outcome\":\"unknown\",\"error\":\"recovered\"}"},
        {"outcome refused",
         {.event = JOURNAL_OUTCOME, .outcome = OUTCOME_REFUSED, .duration_us = -1},
         "\"event\":\"outcome\",\"outcome\":\"refused\"}"},
        {"settled",
         {.event = JOURNAL_SETTLED, .id = VIEW("i"), .outcome = OUTCOME_CREATED, .duration_us = -1},
         "\"event\":\"settled\",\"id\":\"i\",\"outcome\":\"created\"}"},
        {"settled with what the list says",
         {.event = JOURNAL_SETTLED,
          .id = VIEW("i"),
          .operation = &operations[OP_NOTEBOOKS_CREATE],
          .project = VIEW("p"),
          .user = &owner,
          .listed = &listed,
          .outcome = OUTCOME_DONE,
          .error = VIEW("gone"),
          .duration_us = -1},
         "\"event\":\"settled\",\"id\":\"i\",\"operation\":\"notebooks.create\","
         "\"class\":\"create\",\"project\":\"p\",\"user\":{\"id\":\"u\",\"domain\":\"acme\"},"
         "\"instance\":{\"id\":\"uuid\",\"name\":\"nb\",\"flavor\":\"f\",\"pool\":\"\"},"
         "\"outcome\":\"done\",\"error\":\"gone\"}"},
        {"as it is sent",
         {.event = JOURNAL_INTENT,
          .instance = &plain,
          .has_run = true,
          .run_s = 60,
          .duration_us = -1},
         "\"event\":\"intent\",\"instance\":{\"flavor\":\"f\",\"auto_stop_s\":60}}"},
        {"sent without an end",
         {.event = JOURNAL_INTENT,
          .instance = &plain,
          .has_run = true,
          .run_s = -1,
          .duration_us = -1},
         "\"event\":\"intent\",\"instance\":{\"flavor\":\"f\"}}"},
        {"as it was received",
         {.event = JOURNAL_REFUSAL, .instance = &plain, .duration_us = -1},
         "\"event\":\"refusal\",\"instance\":{\"flavor\":\"f\",\"auto_stop_s\":3600}}"},
        {"policy",
         {.event = JOURNAL_POLICY,
          .policy_set = VIEW("aa"),
          .error = VIEW("a.yaml:1:1: x"),
          .duration_us = -1},
         "\"event\":\"policy\",\"policy_set\":\"aa\",\"error\":\"a.yaml:1:1: x\"}"},
        {"start",
         {.event = JOURNAL_START, .durability = VIEW("sync"), .duration_us = -1},
         "\"event\":\"start\",\"durability\":\"sync\"}"},
        {"stop", {.event = JOURNAL_STOP, .duration_us = -1}, "\"event\":\"stop\"}"},
        {"checkpoint",
         {.event = JOURNAL_CHECKPOINT, .duration_us = -1},
         "\"event\":\"checkpoint\"}"},
        {"seal", {.event = JOURNAL_SEAL, .duration_us = -1}, "\"event\":\"seal\"}"},
        {"orphan",
         {.event = JOURNAL_ORPHAN,
          .id = VIEW("o"),
          .project = VIEW("p"),
          .listed = &listed,
          .duration_us = -1},
         "\"event\":\"orphan\",\"id\":\"o\",\"project\":\"p\",\"instance\":{\"id\":\"uuid\","
         "\"name\":\"nb\",\"flavor\":\"f\",\"pool\":\"\"}}"},
        {"admin",
         {.event = JOURNAL_ADMIN, .actor = VIEW("root"), .duration_us = -1},
         "\"event\":\"admin\",\"actor\":\"root\"}"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char want[1024];

        rows[i].facts.time_us = TIME_US;
        (void)snprintf(want, sizeof want, "%s%s", TIME_TEXT, rows[i].want);
        check_line(rows[i].name, &rows[i].facts, want);
    }
}

static void unknown_parts_of_the_user_are_left_out(void **state)
{
    static const struct {
        const char *name;
        struct subject user;
        const char *want;
    } rows[] = {
        {"nothing", {.known = 0, .user_name = TEXT("x")}, "}"},
        {"project only", {.known = SUBJECT_PROJECT, .project_id = TEXT("p")}, "}"},
        {"user",
         {.known = SUBJECT_USER, .user_name = TEXT("bob")},
         ",\"user\":{\"name\":\"bob\"}}"},
        {"domain without name",
         {.known = SUBJECT_DOMAIN, .domain_id = TEXT("d")},
         ",\"user\":{\"domain\":\"d\"}}"},
        {"no roles", {.known = SUBJECT_ROLES}, ",\"user\":{\"roles\":[]}}"},
        {"groups not told",
         {.known = SUBJECT_USER | SUBJECT_ROLES,
          .user_id = TEXT("u"),
          .groups = roles,
          .group_count = 2,
          .roles = roles,
          .role_count = 1},
         ",\"user\":{\"id\":\"u\",\"roles\":[\"dev\"]}}"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct journal_facts facts = {
            .time_us = TIME_US, .event = JOURNAL_ADMIN, .user = &rows[i].user, .duration_us = -1};
        char want[256];

        (void)snprintf(want, sizeof want, "%s\"event\":\"admin\"%s", TIME_TEXT, rows[i].want);
        check_line(rows[i].name, &facts, want);
    }
}

static void requests_are_kept(void **state)
{
    static const struct view redacted[] = {TEXT("/request/b")};
    static const struct {
        const char *name;
        struct subject user;
        struct journal_kept kept;
        const char *want;
    } rows[] = {
        {"all of it",
         {.known = SUBJECT_DOMAIN | SUBJECT_PROJECT,
          .domain_id = TEXT("d1"),
          .domain_name = TEXT("acme"),
          .project_id = TEXT("p1"),
          .project_name = TEXT("eu-de")},
         {.request = TEXT("{ \"a\" :\n 1,\t\"b\":\"[redacted]\"}"),
          .query = TEXT("duration=1"),
          .stored = TEXT("[ ]"),
          .redacted = redacted,
          .redacted_count = 1},
         ",\"user\":{\"domain\":\"acme\",\"domain_id\":\"d1\",\"project_name\":\"eu-de\"},"
         "\"durability\":\"sync\",\"request\":{\"a\":1,\"b\":\"[redacted]\"},"
         "\"query\":\"duration=1\",\"stored\":[],\"redacted\":[\"/request/b\"]}"},
        {"only the domain's id",
         {.known = SUBJECT_DOMAIN, .domain_id = TEXT("d1")},
         {.request = TEXT("{}")},
         ",\"user\":{\"domain\":\"d1\",\"domain_id\":\"d1\"},\"durability\":\"sync\","
         "\"request\":{}}"},
        {"another project's name",
         {.known = SUBJECT_USER | SUBJECT_PROJECT,
          .user_name = TEXT("bob"),
          .project_id = TEXT("p2"),
          .project_name = TEXT("x")},
         {.stored = TEXT("{}")},
         ",\"user\":{\"name\":\"bob\"},\"durability\":\"sync\",\"stored\":{}}"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct journal_facts facts = {.time_us = TIME_US,
                                      .event = JOURNAL_INTENT,
                                      .project = VIEW("p1"),
                                      .user = &rows[i].user,
                                      .duration_us = -1,
                                      .durability = VIEW("sync"),
                                      .kept = &rows[i].kept};
        char want[512];

        (void)snprintf(want, sizeof want, "%s\"event\":\"intent\",\"project\":\"p1\"%s", TIME_TEXT,
                       rows[i].want);
        check_line(rows[i].name, &facts, want);
    }
}

static void auto_stop_is_written_only_where_it_stops(void **state)
{
    static const struct {
        const char *name;
        struct instance_request request;
        int64_t want;
    } rows[] = {
        {"none", {.stop_count = 0}, -1},
        {"on", {.stops = stop_on, .stop_count = 1}, 3600},
        {"a second that isn't whole", {.stops = stop_part, .stop_count = 1}, 5},
        {"off", {.stops = stop_off, .stop_count = 1}, -1},
        {"never", {.stops = stop_never, .stop_count = 1}, -1},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_row(journal_auto_stop_s(&rows[i].request) == rows[i].want, rows[i].name);
}

static void images_stand_in_profile(void **state)
{
    const struct instance_request image = {.image = {true, TEXT("img")}};
    const struct instance_request none = {.flavor = {false, TEXT("unset")}};
    struct journal_facts facts = {
        .time_us = TIME_US, .event = JOURNAL_ADMIN, .instance = &none, .duration_us = -1};

    (void)state;
    assert_view(journal_profile(&request), "Python3-gpu");
    assert_view(journal_profile(&image), "img");
    assert_null(journal_profile(&none).ptr);
    check_line("nothing named", &facts, TIME_TEXT "\"event\":\"admin\",\"instance\":{}}");
}

static void strangers_words_are_cut(void **state)
{
    char text[300], want[1024];
    struct journal_facts facts = {.time_us = TIME_US, .event = JOURNAL_ADMIN, .duration_us = -1};
    size_t used;

    (void)state;
    memset(text, 0x80, sizeof text);
    facts.request_id = view_of(text, sizeof text);
    used =
        (size_t)snprintf(want, sizeof want, "%s\"event\":\"admin\",\"request_id\":\"", TIME_TEXT);
    for (int i = 0; i < JOURNAL_CUT_BYTES; i++)
        used += (size_t)snprintf(want + used, sizeof want - used, "\\\\x80");
    (void)snprintf(want + used, sizeof want - used, "\"}");
    check_line("escaped and cut", &facts, want);
    facts.request_id = VIEW("");
    check_line("empty", &facts, TIME_TEXT "\"event\":\"admin\",\"request_id\":\"\"}");
}

static void lines_stay_valid_whatever_the_bytes(void **state)
{
    struct journal_facts facts = {.time_us = TIME_US,
                                  .event = JOURNAL_ADMIN,
                                  .path = VIEW("/v1/\xff\"\\\n\x01"),
                                  .duration_us = -1};

    (void)state;
    check_line("path", &facts,
               TIME_TEXT "\"event\":\"admin\",\"path\":\"/v1/\xef\xbf\xbd\\\"\\\\\\n\\u0001\"}");
}

static void a_full_buffer_fails_and_says_so(void **state)
{
    struct journal_facts facts = {.time_us = TIME_US,
                                  .event = JOURNAL_ADMIN,
                                  .changes = changes,
                                  .change_count = 3,
                                  .reasons = reasons,
                                  .reason_count = 3,
                                  .duration_us = -1};

    (void)state;
    for (size_t max = 0; max < 300; max++) {
        struct buf out;

        buf_init(&out, max);
        journal_format(&facts, &out);
        assert_int_equal(out.failed, STATUS_LIMIT);
        buf_done(&out);
    }
}

static void names_are_found_again(void **state)
{
    enum journal_event event = JOURNAL_STOP;
    enum journal_outcome outcome = OUTCOME_NONE;

    (void)state;
    for (int i = JOURNAL_REFUSAL; i <= JOURNAL_ADMIN; i++) {
        assert_true(
            journal_event_find(view_str(journal_event_name((enum journal_event)i)), &event));
        assert_int_equal(event, i);
    }
    for (int i = OUTCOME_CREATED; i <= OUTCOME_REFUSED; i++) {
        assert_true(journal_outcome_find(view_str(journal_outcome_name((enum journal_outcome)i)),
                                         &outcome));
        assert_int_equal(outcome, i);
    }
    assert_false(journal_event_find(VIEW("Intent"), &event));
    assert_false(journal_event_find(VIEW_NONE, &event));
    assert_false(journal_outcome_find(VIEW(""), &outcome));
    assert_false(journal_outcome_find(VIEW("creat"), &outcome));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(intents_are_written_in_full),
        cmocka_unit_test(every_event_has_its_line),
        cmocka_unit_test(unknown_parts_of_the_user_are_left_out),
        cmocka_unit_test(requests_are_kept),
        cmocka_unit_test(auto_stop_is_written_only_where_it_stops),
        cmocka_unit_test(images_stand_in_profile),
        cmocka_unit_test(strangers_words_are_cut),
        cmocka_unit_test(lines_stay_valid_whatever_the_bytes),
        cmocka_unit_test(a_full_buffer_fails_and_says_so),
        cmocka_unit_test(names_are_found_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
