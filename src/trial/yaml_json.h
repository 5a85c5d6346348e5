/* SPDX-License-Identifier: Apache-2.0
 * A body written as YAML, as JSON. Plain scalars are what the core schema of YAML 1.2 says: null,
 * true and false, numbers; what is quoted or a block is text. Numbers keep their text where it is
 * JSON (1.50 stays 1.50); 0o17, 0xF, +1, .5 and 007 become 15, 15, 1, 0.5 and 7. Names of members
 * are always text, and members keep their order. */
#pragma once

#include "base/buffer.h"
#include "yaml/doc.h"

/* False: a scalar has no JSON (.inf, .nan, a hexadecimal or octal number over 63 bits), which diag
 * says with its place, or out is full or without memory, which out->failed says. The depth is that
 * of the YAML document, which has a limit. */
MUST_CHECK bool yaml_json(const struct ynode *node, struct diag *diag, struct buf *out);
