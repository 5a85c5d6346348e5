/* SPDX-License-Identifier: Apache-2.0
 * For tests of what a crash leaves, and of what takes long: a build with POSTERN_TEST_HOOKS stops
 * the whole process (SIGSTOP) when a judged exchange comes to the step that the environment's
 * POSTERN_STOP_AT names, and lets what may be broken off last while the file exists that
 * POSTERN_HOLD_WHILE names. What is shipped has nothing of it. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>

#include "gateway/steps.h"

#ifdef POSTERN_TEST_HOOKS
void hook_step(enum step step);
void hook_hold(const _Atomic bool *stop);
#else
static inline void hook_hold(const _Atomic bool *stop)
{
    (void)stop;
}

static inline void hook_step(enum step step)
{
    (void)step;
}
#endif
