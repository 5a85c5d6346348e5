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

/* What goes to the cloud in place of the caller's credential headers. */
enum identity_sends {
    SENDS_RECEIVED, /* the token, as it came */
    SENDS_ANEW,     /* signed with the caller's own key, which the gateway holds */
    SENDS_SERVICE,  /* signed with the organisation's key: the caller has none of the cloud's */
    SENDS_RELAYED,  /* the signature as it came: it can't be verified here, nor remade */
};

struct identified {
    struct subject subject;
    struct credential credential;
    int64_t expires_us; /* 0: not known */
    enum identity_sends sends;
};

/* A Keystone PKI token ('/' written '-', Base64 of CMS SignedData with the content embedded) to its
 * JSON. Decoding is not verification. STATUS_SYNTAX when it isn't one. */
MUST_CHECK enum status identity_decode_token(struct view token, struct arena *arena,
                                             struct view *ret_json);
