/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/hook.h"

#ifdef POSTERN_TEST_HOOKS
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "gateway/metrics.h"

void hook_step(enum step step)
{
    const char *wanted = getenv("POSTERN_STOP_AT"); // NOLINT(concurrency-mt-unsafe): nobody sets it

    if (wanted != NULL && strcmp(wanted, step_name(step)) == 0)
        (void)raise(SIGSTOP);
}

void hook_hold(const _Atomic bool *stop)
{
    const char *file = getenv("POSTERN_HOLD_WHILE"); // NOLINT(concurrency-mt-unsafe): as above
    const struct timespec moment = {.tv_nsec = 2000000};
    char held[512];

    if (file == NULL || access(file, F_OK) != 0)
        return;
    (void)snprintf(held, sizeof held, "%s.held", file);
    (void)close(open(held, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    while (access(file, F_OK) == 0 && !atomic_load(stop))
        (void)nanosleep(&moment, NULL);
}
#endif
