/* SPDX-License-Identifier: Apache-2.0
 * What the tests of the json room share. */
#pragma once

#include "support/test.h"

#include "json/doc.h"

static const struct jlimits wide = {.bytes = 1 << 22, .depth = 64, .members = 100000};

/* Random enough, and the same on every machine (xorshift64*). */
static inline uint64_t next_random(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(2685821657736338717);
}

static inline size_t random_below(uint64_t *state, size_t below)
{
    return (size_t)(next_random(state) % below);
}

/* Reads text that must be good. */
static inline struct jdoc read_good(struct view text, struct arena *arena)
{
    struct jdoc doc = {.count = 0};
    struct jfault fault = {.row = NULL};

    if (jdoc_read(text, &wide, arena, &doc, &fault) != STATUS_OK) {
        print_error("not read: %.*s: %s at %u:%u\n", VIEW_ARGS(text), fault.text, fault.line,
                    fault.column);
        fail();
    }
    return doc;
}
