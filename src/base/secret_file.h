/* SPDX-License-Identifier: Apache-2.0
 * Files that hold secrets: nobody but their owner may read them, and what was read can be wiped. */
#pragma once

#include "base/error.h"
#include "base/view.h"

struct secret_bytes {
    char *ptr; /* len bytes; NULL: nothing was read */
    size_t len, cap;
};

/* The whole regular file, at most max bytes. STATUS_IO: it can't be read, or changed meanwhile;
 * STATUS_INVALID: it is no regular file, belongs to neither us nor root, or others may read or
 * write it; STATUS_LIMIT; STATUS_NOMEM. err names the path. */
MUST_CHECK enum status secret_file_read(const char *path, size_t max, struct secret_bytes *ret,
                                        struct err *err);
/* Overwrites, then frees. */
void secret_bytes_wipe(struct secret_bytes *bytes);
