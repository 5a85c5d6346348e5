/* SPDX-License-Identifier: Apache-2.0
 * Serialising heads. Names and values are asserted to be free of CR, LF and NUL: nothing that a
 * caller or the cloud sent can start a line of its own. */
#pragma once

#include "base/buffer.h"
#include "http1/head.h"

void http1_put_request_line(struct buf *out, struct view method, struct view target);
void http1_put_status_line(struct buf *out, unsigned status);
void http1_put_field(struct buf *out, struct view name, struct view value);
void http1_put_length(struct buf *out, uint64_t length);
void http1_put_end(struct buf *out);
/* "1f4\r\n"; the data and a CRLF follow. */
void http1_put_chunk_size(struct buf *out, size_t size);
/* "0\r\n\r\n" */
void http1_put_last_chunk(struct buf *out);
