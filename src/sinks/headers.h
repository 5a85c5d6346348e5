/* SPDX-License-Identifier: Apache-2.0
 * Fields that go with every request to a receiver, as a rule what it knows us by: a file that
 * nobody else may read, whose bytes never reach a log. */
#pragma once

#include "base/buffer.h"

enum { HEADERS_BYTES_MAX = 16 * 1024, HEADERS_MAX = 32 };

/* "Name: value" a line; empty lines and those that begin with '#' don't count. Appends them to
 * *ret as they go out, which has a maximum of HEADERS_BYTES_MAX twice and is to be wiped by
 * buf_done. STATUS_IO, STATUS_INVALID (others may read the file, or a line isn't a field that may
 * be set), STATUS_LIMIT, STATUS_NOMEM: err says which file and line, never what stands there. */
MUST_CHECK enum status headers_read(const char *path, struct buf *ret, struct err *err);
