/* SPDX-License-Identifier: Apache-2.0
 * A list in order of time, oldest first. Adding takes constant time; what came out of order is
 * sorted when somebody reads, in place and without memory. Whatever is in a list embeds a link. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

struct link {
    struct link *prev, *next;
    int64_t time_us;
};

struct order {
    struct link *first, *last;
    size_t count;
    bool unsorted;
};

void order_add(struct order *order, struct link *link);
void order_remove(struct order *order, struct link *link);
/* The oldest, or NULL. Sorts: links of one time stay in the order in which they were added. */
struct link *order_oldest(struct order *order);
