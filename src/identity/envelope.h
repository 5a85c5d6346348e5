/* SPDX-License-Identifier: Apache-2.0
 * The CMS in a token. Private to the room. Both leave OpenSSL's faults in its queue. */
#pragma once

#include <openssl/cms.h>

#include "base/arena.h"
#include "base/error.h"

/* SignedData with plain data embedded, which fills the token; the caller frees it. STATUS_SYNTAX,
 * STATUS_NOMEM. */
MUST_CHECK enum status envelope_open(struct view token, struct arena *arena, CMS_ContentInfo **ret);
/* The embedded content, NULL if there is none, it is empty or isn't plain data. */
const ASN1_OCTET_STRING *envelope_content(CMS_ContentInfo *cms);
/* The content of what envelope_open gave, copied to the arena. STATUS_NOMEM. */
MUST_CHECK enum status envelope_copy(CMS_ContentInfo *cms, struct arena *arena, struct view *ret);
