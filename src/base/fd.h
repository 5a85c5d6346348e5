/* SPDX-License-Identifier: Apache-2.0
 * File descriptors of regular files: all bytes, whatever the system gives or takes at a time. */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "base/attr.h"
#include "base/view.h"

/* For CLEANUP; a negative one is none. */
void fd_close(const int *fd);

/* At most size bytes, from where the descriptor stands; fewer only at the end of the file. -1:
 * errno says why. */
MUST_CHECK ssize_t fd_read(int fd, char *bytes, size_t size);

/* All of the bytes; not yet on the disk (fsync). 0 or an errno; part may be written then. */
MUST_CHECK int fd_write(int fd, struct view bytes);
