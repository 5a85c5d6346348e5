/* SPDX-License-Identifier: Apache-2.0
 * What stands in the credential headers. Private to the room. */
#pragma once

#include "identity/refuse.h"
#include "identity/token.h"

enum found_kind { FOUND_NOTHING, FOUND_TOKEN, FOUND_SIGNATURE, FOUND_OTHER };

struct found {
    enum found_kind kind;
    struct view token;                  /* FOUND_TOKEN */
    bool bearer;                        /* it came in Authorization */
    unsigned char digest[DIGEST_BYTES]; /* of what was sent; set by found_note */
};

struct found found_look(const struct credentials *credentials);
/* What the journal says about the credential before anything is known about the caller. */
void found_note(const struct credentials *credentials, struct found *found, struct identified *ret);
/* One credential, and X-Project-Id once. */
MUST_CHECK bool found_is_single(const struct credentials *credentials, struct reason *why);
bool found_refuse_signature(struct reason *why);
bool found_refuse_missing(const struct found *found, struct reason *why);
bool found_refuse_project(struct arena *arena, const char *what, struct view got,
                          struct view path_project, struct reason *why);
/* The token's facts without asking anybody. */
MUST_CHECK bool found_read_token(struct identity_cache *cache, const struct found *found,
                                 struct arena *arena, struct token_facts *ret, struct reason *why);
