/* SPDX-License-Identifier: Apache-2.0
 * Setting scenes, and waiting for answers. */
#include "scene.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <time.h>

#include "base/require.h"

static struct scene scene;

int scene_setup(void **state)
{
    struct scene *const s = &scene;

    (void)signal(SIGPIPE, SIG_IGN);
    pki_make(&s->pki);
    *state = s;
    return token_signer_setup(state);
}

int scene_teardown(void **state)
{
    pki_remove(&scene.pki);
    return token_signer_teardown(state);
}

void scene_open(struct scene *s, const struct cloud_step *const *scripts, unsigned count)
{
    char certificate[PKI_PATH_BYTES], key[PKI_PATH_BYTES], ca[PKI_PATH_BYTES];
    struct err err;

    cloud_start(&s->cloud, pki_path(&s->pki, "good.pem", certificate),
                pki_path(&s->pki, "good.key", key), scripts, count);
    REQUIRE(net_tls_client_new("localhost", pki_path(&s->pki, "ca.pem", ca), &s->tls, &err) ==
            STATUS_OK);
    REQUIRE(resolver_new("127.0.0.1", s->cloud.port, 60000, &s->resolver, &err) == STATUS_OK);
    while (!resolver_ready(s->resolver))
        (void)sched_yield();
    if (s->settings.host == NULL)
        s->settings = (struct iam_settings){.host = "iam.test",
                                            .path = "",
                                            .cache_ms = 300000,
                                            .timeout_ms = PATIENCE_MS,
                                            .connections = 1};
    assert_int_equal(iam_start(&s->settings, s->tls, s->resolver, &s->iam, &err), STATUS_OK);
    box_open(&s->box, s->iam);
}

void scene_close(struct scene *s)
{
    box_close(&s->box);
    iam_stop(&s->iam);
    resolver_free(&s->resolver);
    net_tls_free(&s->tls);
    assert_int_equal(cloud_stop(&s->cloud), 0);
    arena_done(&s->arena);
    s->settings = (struct iam_settings){.host = NULL};
}

/* ---- workers ---- */

static void wake(void *user)
{
    REQUIRE(sem_post(&((struct box *)user)->woken) == 0);
}

void box_open(struct box *box, struct iam *iam)
{
    *box = (struct box){.answers = 0};
    arena_init(&box->arena, 1 << 14, 1 << 24);
    REQUIRE(sem_init(&box->woken, 0, 0) == 0);
    box->mailbox = iam_mailbox_new(iam, wake, box);
    assert_non_null(box->mailbox);
}

void box_close(struct box *box)
{
    iam_mailbox_free(&box->mailbox);
    (void)sem_destroy(&box->woken);
    arena_done(&box->arena);
}

struct wish {
    struct box *box;
    void *user;
};

static void on_answer(void *user, enum iam_answer answer, const struct iam_verdict *verdict)
{
    const struct wish *const wish = user;

    wish->box->answers++;
    wish->box->answer = answer;
    wish->box->verdict = *verdict;
    wish->box->user = wish->user;
}

enum iam_answer box_ask(struct box *box, struct view token, int64_t later_us, void *user,
                        struct iam_ticket **ret_ticket)
{
    unsigned char digest[DIGEST_BYTES];
    const struct token_question question = {
        .token = token, .digest = digest, .now_us = clock_now_us() + later_us};
    struct wish *wish = ARENA_NEW(&box->arena, struct wish);

    assert_non_null(wish);
    *wish = (struct wish){.box = box, .user = user};
    digest_sha256(token, digest);
    return iam_ask(box->mailbox, &question, wish, &box->arena, &box->verdict, ret_ticket);
}

void box_wait(struct box *box, unsigned answers)
{
    struct timespec until;

    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += PATIENCE_MS / 1000;
    while (box->answers < answers) {
        while (sem_clockwait(&box->woken, CLOCK_MONOTONIC, &until) != 0)
            REQUIRE(errno == EINTR);
        iam_collect(box->mailbox, on_answer);
    }
}

enum iam_answer box_run(struct box *box, struct view token, int64_t later_us)
{
    struct iam_ticket *ticket;

    box->answer = box_ask(box, token, later_us, NULL, &ticket);
    if (box->answer == IAM_WAITS)
        box_wait(box, box->answers + 1);
    return box->answer;
}

void assert_refused(const struct box *box, enum identity_reason id)
{
    assert_int_equal(box->answer, IAM_REFUSED);
    assert_string_equal(box->verdict.why->code, identity_reasons[id].code);
    assert_true(strlen(box->verdict.message) > 10);
}

struct iam_state state_of(const struct scene *s)
{
    struct iam_state state;

    iam_get_state(s->iam, &state);
    return state;
}

/* ---- texts ---- */

const char *document(struct scene *s, int64_t expires_us, const char *more)
{
    char text[CLOCK_TEXT_BYTES];
    struct view v;

    if (s->arena.block_bytes == 0)
        arena_init(&s->arena, 1 << 14, 1 << 22);
    v = arena_printf(
        &s->arena,
        "{\"token\":{\"expires_at\":\"%.*s\",\"user\":{\"id\":\"u1\",\"name\":\"alice\","
        "\"domain\":{\"id\":\"d1\",\"name\":\"org\"}},\"project\":{\"id\":\"p1\",\"name\":"
        "\"eu-de\"},\"roles\":[{\"id\":\"0\",\"name\":\"te_admin\"}]%s}}",
        VIEW_ARGS(clock_format(expires_us, text)), more);
    assert_non_null(v.ptr);
    return v.ptr;
}

const char *answer(struct scene *s, unsigned status, const char *fields, const char *body)
{
    struct view v;

    if (s->arena.block_bytes == 0)
        arena_init(&s->arena, 1 << 14, 1 << 22);
    v = arena_printf(&s->arena, "HTTP/1.1 %u Said\r\n%sContent-Length: %zu\r\n\r\n%s", status,
                     fields, strlen(body), body);
    assert_non_null(v.ptr);
    return v.ptr;
}

const char *yes(struct scene *s)
{
    return answer(s, 200, "", document(s, clock_now_us() + (int64_t)3600 * SECOND_US, ""));
}
