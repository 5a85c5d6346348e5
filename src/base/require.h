/* SPDX-License-Identifier: Apache-2.0
 * REQUIRE: what can't happen unless the program is wrong. Always on, also in release builds. */
#pragma once

#define REQUIRE(condition)                                  \
    do {                                                    \
        if (__builtin_expect(!(condition), 0))              \
            require_failed(#condition, __FILE__, __LINE__); \
    } while (0)

/* Prints the condition and its place to stderr and aborts. */
_Noreturn void require_failed(const char *condition, const char *file, int line);
