/* SPDX-License-Identifier: Apache-2.0
 * A clock on the wall that was set ahead makes what is recent look old: a list would prove the
 * absence of what was sent seconds ago. Pure. */
#pragma once

#include <stdint.h>

struct steps {
    int64_t wall_us, boot_us; /* of the last look at both clocks */
    int64_t ahead_us;         /* by so much the wall clock was set ahead lately */
    int64_t until_us;         /* boottime; then nothing of before the step is recent any more */
    int64_t hold_us;
};

/* hold_us: for how long something counts as recent: the longest time of a request, and the grace.
 */
void steps_init(struct steps *steps, int64_t wall_us, int64_t boot_us, int64_t hold_us);

/* The wall clock without what it was set ahead lately. boot_us: of a clock that can't be set. A
 * clock that was set back needs no care: what is recent then only stays so for longer. */
int64_t steps_wall_us(struct steps *steps, int64_t wall_us, int64_t boot_us);
