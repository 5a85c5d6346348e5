/* SPDX-License-Identifier: Apache-2.0
 * What every unit test includes. cmocka 1.1 needs these headers before it, in this order. */
#pragma once

/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
/* clang-format on */

#include "base/view.h"

/* Compares two views and prints both on a difference. */
static inline void check_views(struct view got, struct view want, const char *what,
                               const char *file, int line)
{
    if (view_eq(got, want))
        return;
    print_error("%s: got \"%.*s\", want \"%.*s\"\n", what, VIEW_ARGS(got), VIEW_ARGS(want));
    _fail(file, line);
}
#define assert_view(got, want_literal) \
    check_views((got), VIEW(want_literal), #got, __FILE__, __LINE__)
#define assert_view_eq(got, want) check_views((got), (want), #got, __FILE__, __LINE__)

/* For rows of a table: prints the row's name on a failure. */
#define assert_row(condition, name)                              \
    do {                                                         \
        if (!(condition)) {                                      \
            print_error("row \"%s\": %s\n", (name), #condition); \
            fail();                                              \
        }                                                        \
    } while (0)
