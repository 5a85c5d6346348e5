/* SPDX-License-Identifier: Apache-2.0
 * A gzip member of stored blocks: valid for every reader, and no library needed. */
#pragma once

#include <event2/buffer.h>

void gzip_stored(struct evbuffer *in, struct evbuffer *out);
