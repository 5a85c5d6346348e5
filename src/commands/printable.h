/* SPDX-License-Identifier: Apache-2.0
 * Texts of callers and of the cloud for a terminal: they can't play with it, begin a line of their
 * own, or turn round what stands beside them. */
#pragma once

#include "base/buffer.h"

/* Adds the text, with \xNN for each byte of what isn't shown as it stands: controls (C0, DEL, C1),
 * line and paragraph separators, marks without a width and those that change the direction of
 * writing (UAX 9), and bytes that aren't UTF-8. A failure is the buffer's. */
void printable_add(struct buf *out, struct view text);
