/* SPDX-License-Identifier: Apache-2.0
 * How the admin API says no. */
#pragma once

#include "base/buffer.h"

/* {"why": why} to out, in place of what is there. Gives the status. */
int server_refuse(struct buf *out, int status, const char *why);
