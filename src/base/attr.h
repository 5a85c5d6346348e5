/* SPDX-License-Identifier: Apache-2.0
 * Attributes and tiny macros that every room uses. */
#pragma once

#include <stddef.h>

/* The result of the call must be looked at. */
#define MUST_CHECK __attribute__((warn_unused_result))
/* A printf-like function: number of the format parameter, number of the first argument (0:
 * va_list). */
#define PRINTF_LIKE(fmt_at, first_at) __attribute__((format(printf, fmt_at, first_at)))
/* Never inlined: what it keeps on the stack is paid for only by who calls it. */
#define NOINLINE __attribute__((noinline))
/* Runs fn(&variable) when the variable leaves its scope. */
#define CLEANUP(fn) __attribute__((cleanup(fn)))

#define ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))
