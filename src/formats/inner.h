/* SPDX-License-Identifier: Apache-2.0
 * One function for each format; formats/format.c alone calls them. */
#pragma once

#include "base/buffer.h"
#include "trail/row.h"

/* What there is to write. row->failed and out->failed are looked at by the caller. */
struct format_input {
    struct row *row;
    struct view line, source;
};

/* The line byte for byte, but for a checkpoint's `open` and the comma in front of it. */
void format_postern(const struct format_input *in, struct buf *out);
/* STATUS_SYNTAX: the line has no time, without which there is no event. */
MUST_CHECK enum status format_cadf(const struct format_input *in, struct buf *out);
void format_cloudevents(const struct format_input *in, struct buf *out);
