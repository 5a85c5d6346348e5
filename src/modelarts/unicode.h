/* SPDX-License-Identifier: Apache-2.0
 * The little of Unicode that telling spellings apart needs: decoding UTF-8 strictly, code points
 * that nobody sees, and code points that look like ASCII. */
#pragma once

#include <stdint.h>

#include "base/attr.h"
#include "base/view.h"

/* One code point at the start of text (RFC 3629: no overlong forms, no surrogates, at most
 * U+10FFFF): its length in bytes, or 0. */
MUST_CHECK size_t utf8_decode(struct view text, uint32_t *ret);
/* The longest prefix of at most max bytes that doesn't cut a UTF-8 sequence. */
struct view utf8_cut(struct view text, size_t max);

/* Controls, formats (zero width, bidirectional), line separators, fillers, variation selectors. */
bool unicode_is_hidden(uint32_t point);
/* Compatibility folding (NFKC) gives a text that holds '/', '.' or '\'; not for ASCII itself. */
bool unicode_folds_to_separator(uint32_t point);
/* What a name looks like to a person or to a decoder that folds: the lower-case ASCII text, "" for
 * what is not seen, or NULL when the point looks like none. */
const char *unicode_looks_like(uint32_t point);
