/* SPDX-License-Identifier: Apache-2.0
 * What the two targets for message heads share. */
#pragma once

#include "base/buffer.h"
#include "http1/head.h"

/* What a head looks like to a reader that knows nothing but lines and colons. */
struct head_facts {
    bool clean; /* CRLF ends every line; no other CR, LF, no NUL; every field line has a colon */
    unsigned fields, hosts, lengths, codings;
};
struct head_facts head_look(struct view head);

/* http1_find_head over the whole input; it must give the same in any pieces. */
size_t head_check_find(struct view input, const struct http1_limits *limits);
size_t head_find_in_pieces(struct view input, const struct http1_limits *limits, size_t piece);

void check_fields_same(const struct http1_field *a, unsigned a_count, const struct http1_field *b,
                       unsigned b_count);
/* All fields and the blank line. */
void head_write_fields(const struct http1_field *fields, unsigned count, struct buf *out);
