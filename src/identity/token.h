/* SPDX-License-Identifier: Apache-2.0
 * What an IAM token says: read from the token itself, without asking anybody whether it is good. */
#pragma once

#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "policy/subject.h"

enum { TOKEN_BYTES_MAX = 32 * 1024 };

struct token_facts {
    struct subject subject;
    int64_t expires_us;
};

/* The facts of a token's JSON; texts borrow from json and the arena. STATUS_SYNTAX when anything
 * that matters is missing or has the wrong type: half an identity is none. STATUS_NOMEM. */
MUST_CHECK enum status token_read_json(struct view json, struct arena *arena,
                                       struct token_facts *ret);
/* The same of a document from elsewhere, of up to bytes_max bytes. */
MUST_CHECK enum status token_read_document(struct view json, size_t bytes_max, struct arena *arena,
                                           struct token_facts *ret);
/* The same from the token itself. */
MUST_CHECK enum status token_read(struct view token, struct arena *arena, struct token_facts *ret);
