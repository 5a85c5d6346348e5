/* SPDX-License-Identifier: Apache-2.0
 * For tests of what a crash leaves: a build with POSTERN_TEST_HOOKS stops the whole process
 * (SIGSTOP) when a judged exchange comes to the step that the environment's POSTERN_STOP_AT names.
 * What is shipped has nothing of it. */
#pragma once

#include "gateway/steps.h"

#ifdef POSTERN_TEST_HOOKS
void hook_step(enum step step);
#else
static inline void hook_step(enum step step)
{
    (void)step;
}
#endif
