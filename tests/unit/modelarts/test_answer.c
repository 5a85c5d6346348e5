/* SPDX-License-Identifier: Apache-2.0
 * What answers tell, and our own refusals word for word. */
#include "base/attr.h"
#include "modelarts/answer.h"

#include "bodies.h"

static struct arena arena;
static struct buf out;

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, 65536, (size_t)16 << 20);
    buf_init(&out, (size_t)1 << 20);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    buf_done(&out);
    arena_done(&arena);
    return 0;
}

static struct answer_facts facts_of(const char *text)
{
    struct jdoc doc = doc_of(view_str(text), &arena);
    struct answer_facts facts = {.id = VIEW("stale")};

    modelarts_read_answer(&doc, &arena, &facts);
    return facts;
}

static void test_instance(void **state)
{
    struct answer_facts facts =
        facts_of("{\"ai_project\":{\"id\":\"default-ai-project\"},\"flavor\":\"x\",\"id\":\"DE-1\","
                 "\"name\":\"nb\\u002d1\",\"profile\":{\"id\":\"p\"},\"status\":\"CREATING\"}");

    (void)state;
    assert_view(facts.id, "DE-1");
    assert_view(facts.name, "nb-1");
    assert_view(facts.status, "CREATING");
    assert_null(facts.error_code.ptr);
}

static void test_failure(void **state)
{
    struct answer_facts facts =
        facts_of("{\"error_message\":\"The param path needs to end with /.\","
                 "\"error_code\":\"ModelArts.6318\"}");

    (void)state;
    assert_view(facts.error_code, "ModelArts.6318");
    assert_null(facts.id.ptr);
    facts = facts_of("{\"error_msg\":\"x\",\"error_code\":\"APIG.0301\",\"request_id\":\"1\"}");
    assert_view(facts.error_code, "APIG.0301");
}

static void test_answers_that_tell_nothing(void **state)
{
    static const char *const texts[] = {
        "[]",
        "{}",
        "[{\"id\":\"x\"}]",
        "{\"id\":1,\"name\":null,\"status\":{},\"error_code\":[]}",
        "{\"instance\":{\"id\":\"x\",\"name\":\"y\"}}",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct answer_facts facts = facts_of(texts[i]);

        assert_row(facts.id.ptr == NULL && facts.name.ptr == NULL, texts[i]);
        assert_row(facts.status.ptr == NULL && facts.error_code.ptr == NULL, texts[i]);
    }
}

/* What is no code may hold anything, also what must not be written down. */
static void test_error_code_is_a_code(void **state)
{
    static const struct {
        const char *code;
        bool kept;
    } rows[] = {
        {"ModelArts.6318", true},
        {"APIG.0301", true},
        {"APIGW.0301", true},
        {"", true},
        {"ModelArts 6318", false},
        {"6318x", false},
        {"ModelArts.63180000000000000000000", false},
        {"AVeryLongWordThatNobodyWouldEverChooseForACodeOfAnError.1", false},
        {"the token MIIDkgYJKoZIhvcNAQcCoIIDgzCCA38 is not valid", false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char text[256];
        struct answer_facts facts;

        (void)snprintf(text, sizeof text, "{\"error_code\":\"%s\"}", rows[i].code);
        facts = facts_of(text);
        assert_row(facts.error_code.len == (rows[i].kept ? strlen(rows[i].code) : 0), rows[i].code);
    }
}

static const struct reason_row flavor_row = {"flavor.not_allowed", 403, "help"};
static const struct reason_row stop_row = {"auto_stop.over_max", 403, "help"};

static void write_refusal(int status, struct view id, struct view message,
                          const struct reason *reasons, size_t count)
{
    struct jwriter w;

    buf_clear(&out);
    jwriter_init(&w, &out);
    modelarts_open_refusal(&w, status, id, message, reasons, count);
    jwriter_close_object(&w);
}

static void test_refusal(void **state)
{
    const struct reason reasons[] = {
        {.row = &flavor_row,
         .policy = VIEW("team-a-notebooks"),
         .rule = VIEW("flavors.allow"),
         .message =
             VIEW("flavor modelarts.vm.gpu.v100 is not allowed; allowed: modelarts.vm.cpu.*"),
         .contact = VIEW("ml-platform@example.org")},
        {.row = &stop_row, .message = VIEW("say \"please\"")},
    };

    (void)state;
    write_refusal(403, VIEW("abc"), VIEW("no"), reasons, 2);
    assert_view(
        buf_view(&out),
        "{\"error_code\":\"Postern.0403\",\"error_msg\":\"no\",\"error_message\":\"no\","
        "\"message\":"
        "\"no\",\"request_id\":\"abc\",\"reasons\":[{\"code\":\"flavor.not_allowed\",\"policy\":"
        "\"team-a-notebooks\",\"message\":\"flavor modelarts.vm.gpu.v100 is not allowed; allowed: "
        "modelarts.vm.cpu.*\",\"contact\":\"ml-platform@example.org\"},{\"code\":"
        "\"auto_stop.over_max\",\"message\":\"say \\\"please\\\"\"}]}");
}

static void test_refusal_without_anything(void **state)
{
    (void)state;
    write_refusal(503, VIEW_NONE, VIEW_NONE, NULL, 0);
    assert_view(buf_view(&out), "{\"error_code\":\"Postern.0503\",\"reasons\":[]}");
}

static void test_at_most_twenty_reasons(void **state)
{
    struct reason reasons[25];
    struct jdoc doc;
    struct view sentence;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(reasons); i++)
        reasons[i] =
            (struct reason){.row = &flavor_row, .message = arena_printf(&arena, "m%zu.", i)};
    write_refusal(403, VIEW("x"), VIEW("y"), reasons, 25);
    doc = doc_of(buf_view(&out), &arena);
    assert_int_equal(doc.values[jdoc_member(&doc, 0, VIEW("reasons"))].count, 20);
    sentence = modelarts_refusal_sentence(reasons, 25, &arena);
    assert_true(view_ends(sentence, VIEW("; m19.")));
}

static void test_sentences(void **state)
{
    struct reason reasons[] = {
        {.row = &flavor_row,
         .message = VIEW("flavor x is not allowed; allowed: y"),
         .contact = VIEW("a@b")},
        {.row = &stop_row, .message = VIEW("auto_stop is over 4h"), .contact = VIEW("a@b")},
        {.row = &stop_row, .message = VIEW("auto_stop is over 4h"), .contact = VIEW("c@d")},
        {.row = &stop_row},
    };

    (void)state;
    assert_view(modelarts_refusal_sentence(reasons, 1, &arena),
                "flavor x is not allowed; allowed: y; ask a@b");
    assert_view(modelarts_refusal_sentence(reasons, 2, &arena),
                "flavor x is not allowed; allowed: y; auto_stop is over 4h; ask a@b");
    assert_view(modelarts_refusal_sentence(reasons, 3, &arena),
                "flavor x is not allowed; allowed: y; auto_stop is over 4h; ask a@b, c@d");
    assert_view(modelarts_refusal_sentence(reasons + 3, 1, &arena), "auto_stop.over_max");
    assert_int_equal(modelarts_refusal_sentence(NULL, 0, &arena).len, 0);
    reasons[0].contact = VIEW_NONE;
    assert_view(modelarts_refusal_sentence(reasons, 1, &arena),
                "flavor x is not allowed; allowed: y");
}

static void test_sentence_without_memory(void **state)
{
    const struct reason reason = {.row = &flavor_row, .message = VIEW("m")};
    struct arena none;

    (void)state;
    arena_init(&none, 16, 0);
    assert_null(modelarts_refusal_sentence(&reason, 1, &none).ptr);
    arena_done(&none);
}

/* Codes that Terraform reads as "gone" are never ours. */
static void test_codes_are_ours(void **state)
{
    static const int statuses[] = {400, 401, 403, 405, 408, 411, 413, 414,
                                   415, 417, 431, 501, 502, 503, 504, 505};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
        char want[64];

        buf_clear(&out);
        write_refusal(statuses[i], VIEW_NONE, VIEW_NONE, NULL, 0);
        (void)snprintf(want, sizeof want, "{\"error_code\":\"Postern.0%d\"", statuses[i]);
        assert_row(view_starts(buf_view(&out), view_str(want)), want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_instance),
        cmocka_unit_test(test_failure),
        cmocka_unit_test(test_answers_that_tell_nothing),
        cmocka_unit_test(test_error_code_is_a_code),
        cmocka_unit_test(test_refusal),
        cmocka_unit_test(test_refusal_without_anything),
        cmocka_unit_test(test_at_most_twenty_reasons),
        cmocka_unit_test(test_sentences),
        cmocka_unit_test(test_sentence_without_memory),
        cmocka_unit_test(test_codes_are_ours),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
