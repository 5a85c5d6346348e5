/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/steps.h"

enum { STEP_US = 500000 /* less is a clock that is slewed, or a thread that didn't run */ };

void steps_init(struct steps *steps, int64_t wall_us, int64_t boot_us, int64_t hold_us)
{
    *steps = (struct steps){.wall_us = wall_us, .boot_us = boot_us, .hold_us = hold_us};
}

int64_t steps_wall_us(struct steps *steps, int64_t wall_us, int64_t boot_us)
{
    int64_t step_us = (wall_us - steps->wall_us) - (boot_us - steps->boot_us);

    steps->wall_us = wall_us;
    steps->boot_us = boot_us;
    if (boot_us >= steps->until_us)
        steps->ahead_us = 0;
    if (step_us >= STEP_US)
        steps->until_us = boot_us + steps->hold_us;
    if (step_us >= STEP_US || step_us <= -STEP_US)
        steps->ahead_us += step_us;
    if (steps->ahead_us < 0)
        steps->ahead_us = 0;
    return wall_us - steps->ahead_us;
}
