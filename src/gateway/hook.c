/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/hook.h"

#ifdef POSTERN_TEST_HOOKS
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/metrics.h"

void hook_step(enum step step)
{
    const char *wanted = getenv("POSTERN_STOP_AT"); // NOLINT(concurrency-mt-unsafe): nobody sets it

    if (wanted != NULL && strcmp(wanted, step_name(step)) == 0)
        (void)raise(SIGSTOP);
}
#endif
