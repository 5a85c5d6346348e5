/* SPDX-License-Identifier: Apache-2.0
 * The last thing that a text goes through before it is written: log lines, messages of faults,
 * lines of the journal and refusals. Whoever makes a text leaves secrets out of it; this is for
 * those that a caller, the cloud or an operator put where nobody expects one, such as a token as
 * the name of a member, or instead of a file's name. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define REDACTED "[secret]"

/* Puts REDACTED for every word that looks like a secret, in place: IAM tokens (Base64 of DER,
 * "MII"), JWTs ("eyJ") of 32 characters or more, and anything that goes on for 160 without a stop.
 * Returns the new length, never more than len; what is behind it is as it was. UTF-8 and JSON stay
 * well-formed. */
size_t redact(char *text, size_t len);
/* The same for a NUL-terminated text. */
void redact_str(char *text);
/* Whether redact would change the text. */
bool redact_finds(const char *text, size_t len);
