/* SPDX-License-Identifier: Apache-2.0
 * From a signed request to its caller, with the gateway's own keys. */
#include <stdlib.h>

#include "base/attr.h"
#include "identity/signature.h"
#include "identity/signed.h"

#include "signed_support.h"

#define OTHER "fedcba9876543210fedcba9876543210"

static const char key_file[] =
    "- {access_key: EXAMPLEAK, secret_key: EXAMPLESK, user: alice, user_id: u-1, domain: org,\n"
    "   projects: [" OTHER ", " PROJECT "]}\n"
    "- {access_key: EXAMPLEAJ, secret_key: EXAMPLESJ, user: bob, user_id: u-2, projects: [" PROJECT
    "]}\n"
    "- {access_key: TEMPORARY, secret_key: EXAMPLES2, security_token: EXAMPLETOKEN, user: eve,\n"
    "   user_id: u-3, projects: [" PROJECT "], sign_as: true}\n";

static struct arena arena;
static struct access_keys *keys;
static struct replay *replay;

static void load_keys(const char *text)
{
    struct diag diag;

    diag_init(&diag, &arena);
    assert_int_equal(access_keys_read("keys.yaml", view_str(text), &diag, &keys), STATUS_OK);
}

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, 1 << 14, (size_t)1 << 30);
    load_keys(key_file);
    replay = replay_new(8, 0);
    return replay == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    replay_free(&replay);
    access_keys_unref(&keys);
    arena_done(&arena);
    return 0;
}

struct sent {
    struct view head, body, project;
    int64_t now_us;
    bool judged;
};

struct answer {
    bool known;
    struct identified who;
    const struct access_key *key;
    struct reason why;
};

static struct answer ask(const struct sent *sent)
{
    struct http1_request head;
    struct answer answer = {.known = false};
    struct signed_request request = {.head = &head,
                                     .body = sent->body,
                                     .project = sent->project,
                                     .judged = sent->judged,
                                     .now_us = sent->now_us,
                                     .keys = keys,
                                     .replay = replay};

    assert_true(parse_head(sent->head, &arena, &head));
    answer.known = identity_signed(&request, &arena, &answer.who, &answer.key, &answer.why);
    if (!answer.known) {
        assert_int_equal(answer.who.subject.known, 0);
        assert_string_equal(answer.who.credential.verified, "none");
    }
    assert_string_equal(answer.who.credential.kind, "signature");
    return answer;
}

static void check_refused(const struct sent *sent, enum identity_reason id)
{
    struct answer answer = ask(sent);

    assert_false(answer.known);
    assert_string_equal(answer.why.row->code, identity_reasons[id].code);
}

static const struct sent create = {{CREATE_HEAD, sizeof CREATE_HEAD - 1},
                                   {BODY, sizeof BODY - 1},
                                   {PROJECT, sizeof PROJECT - 1},
                                   DATE_US,
                                   true};

static void test_who_it_is(void **state)
{
    struct answer answer = ask(&create);
    const struct subject *s = &answer.who.subject;

    (void)state;
    assert_true(answer.known);
    assert_int_equal(s->known, SUBJECT_USER | SUBJECT_DOMAIN | SUBJECT_PROJECT);
    assert_view(s->user_name, "alice");
    assert_view(s->user_id, "u-1");
    assert_view(s->domain_name, "org");
    assert_view(s->project_id, PROJECT);
    assert_string_equal(answer.who.credential.verified, "signature");
    assert_int_equal(strlen(answer.who.credential.digest), 12);
    assert_view(answer.key->access_key, "EXAMPLEAK");
    assert_false(answer.key->sign_as);
}

static void test_projects(void **state)
{
    struct sent sent = create;
    struct answer answer;

    (void)state;
    sent.project = VIEW("0123456789abcdef0123456789abcdee");
    check_refused(&sent, IDENTITY_PROJECT_MISMATCH);
    assert_int_equal(replay_count(replay), 0);
    sent.project = VIEW(OTHER); /* the path is signed, its project is the caller's to find */
    assert_true(ask(&sent).known);
    sent.project = VIEW_NONE;
    sent.judged = false;
    answer = ask(&sent);
    assert_true(answer.known);
    assert_int_equal(answer.who.subject.known, SUBJECT_USER | SUBJECT_DOMAIN);
}

static void test_unknown_key(void **state)
{
    struct sent sent = create;

    (void)state;
    sent.head = VIEW(CREATE_OF("", "Authorization: SDK-HMAC-SHA256 Access=EXAMPLEAL, "
                                   "SignedHeaders=" SIGNED ", Signature=" CREATE_SIGN));
    check_refused(&sent, IDENTITY_SIGNATURE_KEY);
    /* a known one, but not the one that signed */
    sent.head = VIEW(CREATE_OF("", "Authorization: SDK-HMAC-SHA256 Access=EXAMPLEAJ, "
                                   "SignedHeaders=" SIGNED ", Signature=" CREATE_SIGN));
    check_refused(&sent, IDENTITY_SIGNATURE_MISMATCH);
}

static void test_replay(void **state)
{
    struct sent sent = create, reading = create;

    (void)state;
    sent.body = VIEW("{}");
    check_refused(&sent, IDENTITY_SIGNATURE_MISMATCH); /* is not remembered */
    assert_int_equal(replay_count(replay), 0);
    assert_true(ask(&create).known);
    check_refused(&create, IDENTITY_SIGNATURE_REPLAYED);
    sent = create;
    sent.head = VIEW(CREATE_OF("X-Unsigned: a\r\n", OF_KEY SIGNED ", Signature=" CREATE_SIGN));
    check_refused(&sent, IDENTITY_SIGNATURE_REPLAYED);
    sent.now_us = DATE_US + SIGNATURE_WINDOW_US;
    check_refused(&sent, IDENTITY_SIGNATURE_REPLAYED);
    sent.now_us++;
    check_refused(&sent, IDENTITY_SIGNATURE_DATE);
    reading.judged = false;
    assert_true(ask(&reading).known);
    assert_true(ask(&reading).known);
}

static void test_memory_is_full(void **state)
{
    static const struct sent other = {{SCOPE_HEAD, sizeof SCOPE_HEAD - 1},
                                      {BODY, sizeof BODY - 1},
                                      {PROJECT, sizeof PROJECT - 1},
                                      DATE_US,
                                      true};

    (void)state;
    replay_free(&replay);
    replay = replay_new(1, 0);
    assert_non_null(replay);
    assert_true(ask(&create).known);
    check_refused(&other, IDENTITY_SIGNATURE_BUSY);
    assert_int_equal(identity_reasons[IDENTITY_SIGNATURE_BUSY].status, 503);
    check_refused(&create, IDENTITY_SIGNATURE_REPLAYED);
}

#define TEMPORARY_HEAD(token)                                                                 \
    CREATE_OF(token, "Authorization: SDK-HMAC-SHA256 Access=TEMPORARY, SignedHeaders=" SIGNED \
                     ", Signature=" CREATE_SIGN)

/* TEMPORARY has EXAMPLESK here, so that its signature is known. */
static void test_temporary_keys(void **state)
{
    struct sent sent = create;
    struct answer answer;

    (void)state;
    access_keys_unref(&keys);
    load_keys("- {access_key: EXAMPLEAK, secret_key: EXAMPLES2, user: alice, user_id: u-1,\n"
              "   projects: [" PROJECT "]}\n"
              "- {access_key: TEMPORARY, secret_key: EXAMPLESK, security_token: EXAMPLETOKEN,\n"
              "   user: eve, user_id: u-3, projects: [" PROJECT "], sign_as: true}\n");
    sent.head = VIEW(TEMPORARY_HEAD(""));
    check_refused(&sent, IDENTITY_SIGNATURE_KEY);
    sent.head = VIEW(TEMPORARY_HEAD("X-Security-Token: EXAMPLETOKEM\r\n"));
    check_refused(&sent, IDENTITY_SIGNATURE_KEY);
    sent.head = VIEW(TEMPORARY_HEAD("X-Security-Token: EXAMPLETOKE\r\n"));
    check_refused(&sent, IDENTITY_SIGNATURE_KEY);
    assert_int_equal(replay_count(replay), 0);
    sent.head = VIEW(TEMPORARY_HEAD("X-Security-Token: EXAMPLETOKEN\r\n"));
    answer = ask(&sent);
    assert_true(answer.known);
    assert_true(answer.key->sign_as);
    assert_int_equal(answer.who.subject.known, SUBJECT_USER | SUBJECT_PROJECT);
}

static void test_token_of_a_lasting_key(void **state)
{
    struct sent sent = create;

    (void)state;
    sent.head = VIEW(
        CREATE_OF("X-Security-Token: EXAMPLETOKEN\r\n", OF_KEY SIGNED ", Signature=" CREATE_SIGN));
    check_refused(&sent, IDENTITY_SIGNATURE_KEY);
}

/* ---- each byte ---- */

/* May a request with this byte changed hold? The version isn't signed; nor are lines whose name
 * isn't in the list, nor the case of names. */
static bool is_open(struct view head, size_t at, char to, struct view names)
{
    size_t start = at, colon;
    char name[SIGNATURE_NAME_MAX + 3] = ";";

    if (head.ptr[at] == '\r' || head.ptr[at] == '\n')
        return false;
    while (start > 0 && head.ptr[start - 1] != '\n')
        start--;
    if (start == 0) /* "HTTP/1.1" */
        return head.ptr[at + 1] == '\r' && to == '0';
    colon = view_find(view_from(head, start), ':');
    if (at < start + colon && (head.ptr[at] ^ to) == 0x20)
        return true;
    for (size_t i = 0; i < colon; i++)
        name[i + 1] = (char)(head.ptr[start + i] | 0x20);
    name[colon + 1] = ';';
    return memmem(names.ptr, names.len, name, colon + 2) == NULL &&
           memcmp(name + 1, "authorization", 13) != 0;
}

static unsigned holding, broken;

static void check_changed(const struct sent *sent, char *byte, char to, bool open, size_t at)
{
    char from = *byte;
    struct http1_request request;
    struct arena own;

    *byte = to;
    arena_init(&own, 4096, 1 << 20);
    if (parse_head(sent->head, &own, &request)) {
        bool holds = ask(sent).known;

        if (holds && !open)
            print_error("byte %zu, '%c' to '%c'\n", at, from, to);
        assert_true(open || !holds);
        *(holds ? &holding : &broken) += 1;
    }
    arena_done(&own);
    arena_reset(&arena);
    *byte = from;
}

/* names: ";a;b;" of the signed ones. */
static void check_each_byte(const struct sent *original, struct view names)
{
    char *head = malloc(original->head.len), *body = malloc(original->body.len + 1);
    struct sent sent = *original;

    assert_non_null(head);
    assert_non_null(body);
    memcpy(head, original->head.ptr, original->head.len);
    memcpy(body, original->body.ptr, original->body.len);
    sent.head.ptr = head;
    sent.body.ptr = body;
    assert_true(ask(&sent).known);
    holding = broken = 0;
    for (size_t i = 0; i < sent.head.len + sent.body.len; i++) {
        bool in_head = i < sent.head.len;
        char *byte = in_head ? &head[i] : &body[i - sent.head.len];
        const char to[] = {(char)(*byte ^ 1), (char)(*byte + 1), (char)(*byte ^ 0x20), '%', ';'};

        for (size_t k = 0; k < sizeof to; k++) {
            if (to[k] != *byte)
                check_changed(&sent, byte, to[k],
                              in_head && is_open(original->head, i, to[k], names), i);
        }
    }
    assert_true(holding > 100);
    assert_true(broken > 1000);
    free(head);
    free(body);
}

static void test_each_byte(void **state)
{
    struct sent sent = {VIEW(NODE_HEAD), VIEW(NODE_BODY), VIEW(PROJECT), NODE_DATE_US, false};

    (void)state;
    check_each_byte(&sent, VIEW(";" SIGNED ";"));
    sent = create;
    sent.judged = false;
    sent.head = VIEW(SCOPE_HEAD);
    check_each_byte(&sent, VIEW(";content-type;host;x-sdk-date;"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_who_it_is),
        TEST(test_projects),
        TEST(test_unknown_key),
        TEST(test_replay),
        TEST(test_memory_is_full),
        TEST(test_temporary_keys),
        TEST(test_token_of_a_lasting_key),
        TEST(test_each_byte),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
