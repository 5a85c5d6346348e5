/* SPDX-License-Identifier: Apache-2.0
 * The end of a program that found itself wrong. */
#include "base/require.h"

#include <stdio.h>
#include <stdlib.h>

void require_failed(const char *condition, const char *file, int line)
{
    (void)fprintf(stderr, "postern: bug: %s does not hold at %s:%d\n", condition, file, line);
    abort();
}
