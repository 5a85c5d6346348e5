/* SPDX-License-Identifier: Apache-2.0
 * A file that is made: it has its name once it is whole, and never takes another's place. */
#pragma once

#include <stdbool.h>

#include "base/attr.h"

struct new_file {
    const char *path; /* borrowed */
    int fd;           /* to be written to */
    bool named;       /* already, since the file system has no files without a name */
};

/* 0, or an errno; EEXIST: something is there already. Mode 0600. Where it has its name at once,
 * INT, TERM, HUP and QUIT take it away before they end the process: one such file at a time. */
MUST_CHECK int new_file_open(struct new_file *file, const char *path);
/* On the disk, with its name, and closed. 0, or an errno; EEXIST: something took the name
 * meanwhile. Nothing is left of it then. */
MUST_CHECK int new_file_keep(struct new_file *file);
/* Nothing is left of it. */
void new_file_drop(struct new_file *file);
