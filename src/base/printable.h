/* SPDX-License-Identifier: Apache-2.0
 * Texts of callers and of the cloud for a terminal: they can't play with it, begin a line of their
 * own, or turn round what stands beside them. */
#pragma once

#include "base/buffer.h"

/* Whether the code point that the text begins with is shown as it stands: no control (C0, DEL, C1),
 * no separator of lines or paragraphs, nothing that has no width or changes the direction of
 * writing (UAX 9; Default_Ignorable_Code_Point of Unicode 15). *ret_len: its bytes; 1, and not
 * shown, where they aren't UTF-8. The text isn't empty. */
MUST_CHECK bool printable_first(struct view text, size_t *ret_len);
/* Adds the text, with \xNN for each byte of what isn't shown as it stands. A failure is the
 * buffer's. */
void printable_add(struct buf *out, struct view text);
/* The same, but LF and TAB stay: for what is laid out in lines already. */
void printable_add_lines(struct buf *out, struct view text);
