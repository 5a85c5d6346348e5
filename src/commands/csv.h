/* SPDX-License-Identifier: Apache-2.0
 * Comma-separated values (RFC 4180). A cell that a spreadsheet would take for a formula gets an
 * apostrophe in front. */
#pragma once

#include "base/buffer.h"

struct csv {
    struct buf *out;
    bool begun; /* there is a cell in this line */
};

void csv_add(struct csv *csv, struct view cell);
void csv_add_str(struct csv *csv, const char *cell); /* NULL: an empty cell */
void csv_add_i64(struct csv *csv, int64_t value);
void csv_end_line(struct csv *csv);
