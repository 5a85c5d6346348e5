/* SPDX-License-Identifier: Apache-2.0
 * An IAM that follows a script, and a room that asks it. */
#pragma once

#include "support/pki.h"
#include "support/test.h"

#include <semaphore.h>

#include "base/clock.h"
#include "iam/iam.h"
#include "identity/identity.h"
#include "unit/identity/token_support.h"
#include "unit/upstream/cloud.h"

enum { SECOND_US = 1000 * 1000, PATIENCE_MS = 10000 };

/* What the room sends about a token that validates itself. */
#define ASKED(method, token)                                                                \
    method " /v3/auth/tokens?nocatalog=true HTTP/1.1\r\nHost: iam.test\r\n"                 \
           "Accept: application/json\r\nX-Auth-Token: " token "\r\nX-Subject-Token: " token \
           "\r\n\r\n"

/* One worker: the answers of its tickets, in the order in which they came. */
struct box {
    struct iam_mailbox *mailbox;
    sem_t woken;
    struct arena arena;
    unsigned answers;
    enum iam_answer answer; /* the last one */
    struct iam_verdict verdict;
    void *user;
};

struct scene {
    struct pki pki;
    struct cloud cloud;
    struct net_tls *tls;
    struct resolver *resolver;
    struct iam_settings settings;
    struct iam *iam;
    struct box box;
    struct arena arena; /* of texts that scripts are made of */
};

/* cmocka's group set-up and tear-down; *state is the scene. */
int scene_setup(void **state);
int scene_teardown(void **state);
/* Starts IAM and the room; scripts as cloud_start takes them. */
void scene_open(struct scene *s, const struct cloud_step *const *scripts, unsigned count);
void scene_close(struct scene *s);

void box_open(struct box *box, struct iam *iam);
void box_close(struct box *box);
/* Asks in `later_us` from now; the answer at once, if there is one, is box->verdict. */
enum iam_answer box_ask(struct box *box, struct view token, int64_t later_us, void *user,
                        struct iam_ticket **ret_ticket);
/* Until so many answers have come by tickets. */
void box_wait(struct box *box, unsigned answers);
/* Asks and waits for the answer, which is box->answer. */
enum iam_answer box_run(struct box *box, struct view token, int64_t later_us);
void assert_refused(const struct box *box, enum identity_reason id);

struct iam_state state_of(const struct scene *s);
/* The document about a token that expires then; `more` (",...") goes into it. */
const char *document(struct scene *s, int64_t expires_us, const char *more);
/* An answer of IAM with a body; fields are lines of the head. */
const char *answer(struct scene *s, unsigned status, const char *fields, const char *body);
/* 200 and the usual document, which expires in an hour. */
const char *yes(struct scene *s);
