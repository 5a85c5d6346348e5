/* SPDX-License-Identifier: Apache-2.0
 * Who is calling: from the request's credentials to a subject. */
#pragma once

#include <stdint.h>

#include "base/arena.h"
#include "base/digest.h"
#include "base/error.h"
#include "base/reason.h"
#include "policy/subject.h"

enum identity_reason {
#define REASON(id, code, status, help) IDENTITY_##id,
#include "identity/reasons.def"
#undef REASON
    IDENTITY_REASON_COUNT,
};
extern const struct reason_row identity_reasons[IDENTITY_REASON_COUNT];

enum token_verify { VERIFY_IAM, VERIFY_CERTIFICATE, VERIFY_DECODE, VERIFY_OFF };

/* The credential headers of one request, counted: repeated ones are refused. */
struct credentials {
    struct view token; /* X-Auth-Token */
    unsigned token_count;
    struct view authorization; /* Authorization */
    unsigned authorization_count;
    struct view project; /* X-Project-Id */
    unsigned project_count;
    struct view path_project; /* of an unjudged call: the one that X-Project-Id may name; ptr NULL:
                                 the path names none for sure */
    struct identity_cache *cache; /* the worker's own; NULL: each token is decoded anew */
};

/* What the last tokens said, by the SHA-256 of the whole token; only what could be decoded. For one
 * thread. It holds neither tokens nor verdicts: expiry and project are judged each time. */
struct identity_cache;

enum { IDENTITY_CACHE_ENTRIES = 64 };

/* Room for 1 to so many tokens, the least recently used one goes; NULL when memory is out. */
MUST_CHECK struct identity_cache *identity_cache_new(size_t entries);
void identity_cache_free(struct identity_cache **cache);

/* Words of the journal. */
struct credential {
    const char *kind;     /* "token", "signature", "none" */
    char digest[13];      /* first 12 hex digits of the SHA-256 of what was sent; "" for none */
    const char *verified; /* "iam", "certificate", "signature", "decoded", "none" */
};

struct identified {
    struct subject subject;
    struct credential credential;
    int64_t expires_us; /* 0: not known */
};

/* Identifies the caller of a judged operation, without asking anybody (decode, off). path_project:
 * the project of the path; decode refuses a token of another project, one that can't be decoded and
 * one that has expired (401, 403), and takes "Authorization: Bearer" and the token as a token.
 * Whatever the settings: signatures are refused with a sentence that tells how to use a token; so
 * are two credentials, and an X-Project-Id that isn't the path's. True: *ret is filled. False:
 * *ret_why, and of *ret the credential. Texts live in the arena or are constant. */
MUST_CHECK bool identity_judged(enum token_verify verify, const struct credentials *credentials,
                                struct view path_project, int64_t now_us, struct arena *arena,
                                struct identified *ret, struct reason *ret_why);
/* For the record of an unjudged operation: what the credential says. It need not be one that can be
 * decoded, but it must be one: of two, the record could name one and the cloud obey the other.
 * Refused are signatures (`signatures: refuse` holds on every route: a changed Host breaks them and
 * failures lock the key), two credentials, a token of more than one word, and an X-Project-Id that
 * stands twice or isn't path_project. */
MUST_CHECK bool identity_unjudged(enum token_verify verify, const struct credentials *credentials,
                                  int64_t now_us, struct arena *arena, struct identified *ret,
                                  struct reason *ret_why);

/* As identity_unjudged for calls that leave no line: the same refusals, but nobody asks who it was,
 * so that no token is digested or decoded. */
MUST_CHECK bool identity_unrecorded(const struct credentials *credentials, struct reason *ret_why);

/* A Keystone PKI token ('/' written '-', Base64 of CMS SignedData with the content embedded) to its
 * JSON. Decoding is not verification. STATUS_SYNTAX when it isn't one. */
MUST_CHECK enum status identity_decode_token(struct view token, struct arena *arena,
                                             struct view *ret_json);
