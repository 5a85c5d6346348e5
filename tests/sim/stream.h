/* SPDX-License-Identifier: Apache-2.0
 * Long answers that are made while they are sent. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct exchange;

/* Answers with size bytes of a pattern, their SHA-256 in X-Body-Sha256; ends the exchange. */
void stream_start(struct exchange *exchange, size_t size, bool chunked);
