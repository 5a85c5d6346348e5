/* SPDX-License-Identifier: Apache-2.0
 * What is asked, and what IAM's answers mean. */
#include "scene.h"

#define NOT_FOUND "{\"error\":{\"code\":404,\"message\":\"no such token\",\"title\":\"Not Found\"}}"

static void test_yes(void **state)
{
    struct scene *const s = *state;
    const struct cloud_step script[] = {
        {CLOUD_READ, ASKED("GET", "token-a"), 0}, {CLOUD_SEND, yes(s), 0}, {CLOUD_END, NULL, 0}};
    const struct cloud_step *const scripts[] = {script};
    const struct subject *const subject = &s->box.verdict.facts.subject;

    scene_open(s, scripts, 1);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(box_run(&s->box, VIEW("token-a"), 0), IAM_KNOWN);
        assert_view(subject->user_name, "alice");
        assert_view(subject->domain_id, "d1");
        assert_view(subject->project_id, "p1");
        assert_int_equal(subject->role_count, 1);
        assert_view(subject->roles[0], "te_admin");
        assert_int_equal(state_of(s).lookups, 1);
        assert_int_equal(state_of(s).hits, i);
    }
    assert_int_equal(state_of(s).entries, 1);
    assert_int_equal(state_of(s).waiting, 0);
    scene_close(s);
}

/* Yes lasts until the token's expiry or the cache time, whichever is first. */
static void check_lifetime(struct scene *s, int64_t cache_ms, int64_t expires_in_us,
                           int64_t still_us, int64_t over_us)
{
    const char *const said = answer(s, 200, "", document(s, clock_now_us() + expires_in_us, ""));
    const struct cloud_step script[] = {{CLOUD_READ, ASKED("GET", "token-a"), 0},
                                        {CLOUD_SEND, said, 0},
                                        {CLOUD_READ, ASKED("GET", "token-a"), 0},
                                        {CLOUD_SEND, said, 0},
                                        {CLOUD_END, NULL, 0}};
    const struct cloud_step *const scripts[] = {script};

    s->settings = (struct iam_settings){.host = "iam.test",
                                        .path = "",
                                        .cache_ms = cache_ms,
                                        .timeout_ms = PATIENCE_MS,
                                        .connections = 1};
    scene_open(s, scripts, 1);
    assert_int_equal(box_run(&s->box, VIEW("token-a"), 0), IAM_KNOWN);
    assert_int_equal(box_run(&s->box, VIEW("token-a"), still_us), IAM_KNOWN);
    assert_int_equal(state_of(s).lookups, 1);
    assert_int_equal(box_run(&s->box, VIEW("token-a"), over_us), IAM_KNOWN);
    assert_int_equal(state_of(s).lookups, 2);
    scene_close(s);
}

static void test_lifetime(void **state)
{
    check_lifetime(*state, 300000, (int64_t)900 * SECOND_US, (int64_t)290 * SECOND_US,
                   (int64_t)301 * SECOND_US);
    check_lifetime(*state, 300000, (int64_t)100 * SECOND_US, (int64_t)90 * SECOND_US,
                   (int64_t)101 * SECOND_US);
}

static void test_cache_of_nothing(void **state)
{
    struct scene *const s = *state;
    const struct cloud_step script[] = {{CLOUD_READ, ASKED("GET", "token-a"), 0},
                                        {CLOUD_SEND, yes(s), 0},
                                        {CLOUD_READ, ASKED("GET", "token-a"), 0},
                                        {CLOUD_SEND, answer(s, 404, "", NOT_FOUND), 0},
                                        {CLOUD_READ, ASKED("GET", "token-a"), 0},
                                        {CLOUD_SEND, answer(s, 404, "", NOT_FOUND), 0},
                                        {CLOUD_END, NULL, 0}};
    const struct cloud_step *const scripts[] = {script};

    s->settings = (struct iam_settings){
        .host = "iam.test", .path = "", .timeout_ms = PATIENCE_MS, .connections = 1};
    scene_open(s, scripts, 1);
    assert_int_equal(box_run(&s->box, VIEW("token-a"), 0), IAM_KNOWN);
    for (unsigned i = 0; i < 2; i++) {
        (void)box_run(&s->box, VIEW("token-a"), 0);
        assert_refused(&s->box, IDENTITY_TOKEN_REFUSED);
    }
    assert_int_equal(state_of(s).lookups, 3);
    assert_int_equal(state_of(s).entries, 0);
    scene_close(s);
}

/* No is believed for ten seconds. */
static void test_no(void **state)
{
    struct scene *const s = *state;
    const struct cloud_step script[] = {{CLOUD_READ, ASKED("GET", "token-a"), 0},
                                        {CLOUD_SEND, answer(s, 404, "", NOT_FOUND), 0},
                                        {CLOUD_READ, ASKED("GET", "token-a"), 0},
                                        {CLOUD_SEND, yes(s), 0},
                                        {CLOUD_READ, ASKED("GET", "token-b"), 0},
                                        {CLOUD_SEND, answer(s, 401, "", "{}"), 0},
                                        {CLOUD_READ, ASKED("GET", "token-c"), 0},
                                        {CLOUD_SEND, answer(s, 403, "", "{}"), 0},
                                        {CLOUD_READ, ASKED("GET", "token-d"), 0},
                                        {CLOUD_SEND, answer(s, 400, "", "{}"), 0},
                                        {CLOUD_END, NULL, 0}};
    const struct cloud_step *const scripts[] = {script};

    scene_open(s, scripts, 1);
    for (unsigned i = 0; i < 2; i++) {
        (void)box_run(&s->box, VIEW("token-a"), (int64_t)i * 9 * SECOND_US);
        assert_refused(&s->box, IDENTITY_TOKEN_REFUSED);
        assert_int_equal(state_of(s).lookups, 1);
    }
    assert_int_equal(box_run(&s->box, VIEW("token-a"), (int64_t)11 * SECOND_US), IAM_KNOWN);
    (void)box_run(&s->box, VIEW("token-b"), 0);
    assert_refused(&s->box, IDENTITY_TOKEN_REFUSED);
    (void)box_run(&s->box, VIEW("token-c"), 0);
    assert_refused(&s->box, IDENTITY_TOKEN_REFUSED);
    (void)box_run(&s->box, VIEW("token-d"), 0);
    assert_refused(&s->box, IDENTITY_TOKEN_REFUSED);
    assert_int_equal(state_of(s).refused, 4);
    assert_int_equal(state_of(s).failures, 0);
    scene_close(s);
}

static void test_expired(void **state)
{
    struct scene *const s = *state;
    const struct cloud_step script[] = {
        {CLOUD_READ, ASKED("GET", "token-a"), 0},
        {CLOUD_SEND, answer(s, 200, "", document(s, clock_now_us() - SECOND_US, "")), 0},
        {CLOUD_END, NULL, 0}};
    const struct cloud_step *const scripts[] = {script};

    scene_open(s, scripts, 1);
    (void)box_run(&s->box, VIEW("token-a"), 0);
    assert_refused(&s->box, IDENTITY_TOKEN_EXPIRED);
    assert_int_equal(state_of(s).entries, 0);
    scene_close(s);
}

/* The answer must be about the token that was asked about, and be one. */
static void test_odd_answers(void **state)
{
    struct scene *const s = *state;
    const int64_t later_us = clock_now_us() + (int64_t)60 * SECOND_US;
    const char *const good = document(s, later_us, "");
    const struct cloud_step script[] = {
        {CLOUD_READ, ASKED("GET", "token-a"), 0},
        {CLOUD_SEND, answer(s, 200, "X-Subject-Token: token-a\r\n", good), 0},
        {CLOUD_READ, ASKED("GET", "token-b"), 0},
        {CLOUD_SEND, answer(s, 200, "X-Subject-Token: token-a\r\n", good), 0},
        {CLOUD_READ, ASKED("GET", "token-b"), 0},
        {CLOUD_SEND,
         answer(s, 200, "X-Subject-Token: token-b\r\nX-Subject-Token: token-b\r\n", good), 0},
        {CLOUD_READ, ASKED("GET", "token-c"), 0},
        {CLOUD_SEND, yes(s), 0},
        {CLOUD_READ, ASKED("GET", "token-d"), 0},
        {CLOUD_SEND, answer(s, 200, "", "{\"token\":{}}"), 0},
        {CLOUD_READ, ASKED("GET", "token-e"), 0},
        {CLOUD_SEND, answer(s, 302, "Location: https://other.test/\r\n", ""), 0},
        {CLOUD_END, NULL, 0}};
    const struct cloud_step *const scripts[] = {script};

    scene_open(s, scripts, 1);
    assert_int_equal(box_run(&s->box, VIEW("token-a"), 0), IAM_KNOWN);
    for (unsigned i = 0; i < 2; i++) {
        (void)box_run(&s->box, VIEW("token-b"), 0);
        assert_refused(&s->box, IDENTITY_UNAVAILABLE);
    }
    assert_int_equal(box_run(&s->box, VIEW("token-c"), 0), IAM_KNOWN);
    (void)box_run(&s->box, VIEW("token-d"), 0);
    assert_refused(&s->box, IDENTITY_UNAVAILABLE);
    (void)box_run(&s->box, VIEW("token-e"), 0);
    assert_refused(&s->box, IDENTITY_UNAVAILABLE);
    assert_int_equal(state_of(s).failures, 4);
    scene_close(s);
}

/* What can't be a token is never sent. */
static void test_no_token(void **state)
{
    static char long_token[TOKEN_BYTES_MAX + 1];
    struct scene *const s = *state;
    const struct cloud_step script[] = {{CLOUD_END, NULL, 0}};
    const struct cloud_step *const scripts[] = {script};
    struct view tokens[] = {VIEW(""),     VIEW("a b"),    VIEW("a,b"),
                            VIEW("a\tb"), VIEW("a\r\nb"), view_of(long_token, sizeof long_token)};

    memset(long_token, 'M', sizeof long_token);
    scene_open(s, scripts, 1);
    for (size_t i = 0; i < ARRAY_LEN(tokens); i++) {
        (void)box_run(&s->box, tokens[i], 0);
        assert_refused(&s->box, IDENTITY_TOKEN_MALFORMED);
    }
    assert_int_equal(state_of(s).lookups, 0);
    scene_close(s);
}

/* ---- the gateway's own token ---- */

static enum status own_token(void *user, struct buf *ret)
{
    if (*(bool *)user)
        return STATUS_IO;
    buf_add(ret, VIEW("own"));
    return STATUS_OK;
}

static void test_service_token(void **state)
{
    static const char about_a[] =
        "GET /iam/v3/auth/tokens?nocatalog=true HTTP/1.1\r\nHost: iam.test\r\n"
        "Accept: application/json\r\nX-Auth-Token: own\r\nX-Subject-Token: token-a\r\n\r\n";
    struct scene *const s = *state;
    const struct cloud_step script[] = {
        {CLOUD_READ, about_a, 0}, {CLOUD_SEND, answer(s, 401, "", "{}"), 0},
        {CLOUD_READ, about_a, 0}, {CLOUD_SEND, answer(s, 403, "", "{}"), 0},
        {CLOUD_READ, about_a, 0}, {CLOUD_SEND, answer(s, 404, "", NOT_FOUND), 0},
        {CLOUD_END, NULL, 0}};
    const struct cloud_step *const scripts[] = {script};
    bool gone = false;

    s->settings = (struct iam_settings){.host = "iam.test",
                                        .path = "/iam",
                                        .cache_ms = 60000,
                                        .timeout_ms = PATIENCE_MS,
                                        .connections = 1,
                                        .service_token = own_token,
                                        .service_user = &gone};
    scene_open(s, scripts, 1);
    for (unsigned i = 0; i < 2; i++) {
        (void)box_run(&s->box, VIEW("token-a"), 0);
        assert_refused(&s->box, IDENTITY_UNAVAILABLE);
    }
    (void)box_run(&s->box, VIEW("token-a"), 0);
    assert_refused(&s->box, IDENTITY_TOKEN_REFUSED);
    // cppcheck-suppress unreadVariable ; own_token reads it
    gone = true;
    (void)box_run(&s->box, VIEW("token-b"), 0);
    assert_refused(&s->box, IDENTITY_UNAVAILABLE);
    scene_close(s);
}

/* ---- GET that isn't there ---- */

static const char *asked(struct scene *s, const char *method, struct view token)
{
    struct view v = arena_printf(&s->arena,
                                 "%s /v3/auth/tokens?nocatalog=true HTTP/1.1\r\nHost: iam.test\r\n"
                                 "Accept: application/json\r\nX-Auth-Token: %.*s\r\n"
                                 "X-Subject-Token: %.*s\r\n\r\n",
                                 method, VIEW_ARGS(token), VIEW_ARGS(token));

    assert_non_null(v.ptr);
    return v.ptr;
}

static struct view real_token(struct scene *s, const char *more)
{
    const int64_t expires_us = clock_now_us() + (int64_t)3600 * SECOND_US;

    return token_make(view_str(document(s, expires_us, more)), &s->arena);
}

static void check_head(struct scene *s, const char *get_said)
{
    static const char well[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    const struct view a = real_token(s, ""), b = real_token(s, ",\"methods\":[]");
    const struct cloud_step script[] = {{CLOUD_READ, asked(s, "GET", a), 0},
                                        {CLOUD_SEND, get_said, 0},
                                        {CLOUD_READ, asked(s, "HEAD", a), 0},
                                        {CLOUD_SEND, well, 0},
                                        {CLOUD_READ, asked(s, "HEAD", b), 0},
                                        {CLOUD_SEND, well, 0},
                                        {CLOUD_READ, ASKED("HEAD", "opaque"), 0},
                                        {CLOUD_SEND, well, 0},
                                        {CLOUD_END, NULL, 0}};
    const struct cloud_step *const scripts[] = {script};

    scene_open(s, scripts, 1);
    assert_int_equal(box_run(&s->box, a, 0), IAM_KNOWN);
    assert_view(s->box.verdict.facts.subject.user_name, "alice");
    assert_true(state_of(s).by_head);
    assert_int_equal(box_run(&s->box, b, 0), IAM_KNOWN);
    assert_int_equal(box_run(&s->box, a, 0), IAM_KNOWN);
    assert_int_equal(state_of(s).lookups, 2);
    (void)box_run(&s->box, VIEW("opaque"), 0);
    assert_refused(&s->box, IDENTITY_TOKEN_MALFORMED);
    scene_close(s);
}

static void test_head(void **state)
{
    struct scene *const s = *state;

    check_head(s, answer(s, 405, "", ""));
    check_head(s, answer(s, 501, "", "<html>"));
    check_head(s, answer(s, 404, "", "<html>"));
    check_head(s, answer(s, 404, "", "{\"error_msg\":\"x\",\"error_code\":\"APIG.0101\"}"));
}

/* 404 without a word, and HEAD says no as well: nothing is known about GET. */
static void test_head_no(void **state)
{
    struct scene *const s = *state;
    const struct cloud_step script[] = {{CLOUD_READ, ASKED("GET", "token-a"), 0},
                                        {CLOUD_SEND, answer(s, 404, "", ""), 0},
                                        {CLOUD_READ, ASKED("HEAD", "token-a"), 0},
                                        {CLOUD_SEND, answer(s, 404, "", ""), 0},
                                        {CLOUD_READ, ASKED("GET", "token-b"), 0},
                                        {CLOUD_SEND, answer(s, 405, "", ""), 0},
                                        {CLOUD_READ, ASKED("HEAD", "token-b"), 0},
                                        {CLOUD_SEND, answer(s, 405, "", ""), 0},
                                        {CLOUD_END, NULL, 0}};
    const struct cloud_step *const scripts[] = {script};

    scene_open(s, scripts, 1);
    (void)box_run(&s->box, VIEW("token-a"), 0);
    assert_refused(&s->box, IDENTITY_TOKEN_REFUSED);
    assert_false(state_of(s).by_head);
    (void)box_run(&s->box, VIEW("token-b"), 0);
    assert_refused(&s->box, IDENTITY_UNAVAILABLE);
    scene_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_yes),      cmocka_unit_test(test_lifetime),
        cmocka_unit_test(test_no),       cmocka_unit_test(test_cache_of_nothing),
        cmocka_unit_test(test_expired),  cmocka_unit_test(test_odd_answers),
        cmocka_unit_test(test_no_token), cmocka_unit_test(test_service_token),
        cmocka_unit_test(test_head),     cmocka_unit_test(test_head_no),
    };

    return cmocka_run_group_tests(tests, scene_setup, scene_teardown);
}
