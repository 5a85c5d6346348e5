/* SPDX-License-Identifier: Apache-2.0
 * `postern test`: what it prints and writes beside the lines of failed cases. */
#pragma once

#include "trial/cases.h"
#include "trial/reach.h"

/* A report as JUnit has it, for CI: a suite for each file. */
struct junit {
    struct buf suites; /* those that are closed */
    struct buf suite;  /* cases of the one under way */
    size_t cases, failures, suite_cases, suite_failures;
    int64_t us, suite_us;
};

void junit_init(struct junit *junit);
void junit_done(struct junit *junit);
/* why: what didn't come true; empty: the case passed. us: how long it took. */
void junit_add(struct junit *junit, const char *file, const struct policy_case *one,
               struct view why, int64_t us);
/* Ends the suite of that file. */
void junit_close_file(struct junit *junit, const char *file);
/* Replaces the file at once: whoever looks sees the old one or the new one whole. What is there and
 * no regular file is written to as it is, through links. STATUS_IO, STATUS_LIMIT, STATUS_NOMEM; err
 * says what and where. */
MUST_CHECK enum status junit_write(struct junit *junit, const char *path, struct err *err);

/* Appends the table of what was reached, then what was not, with places below `folder`. Gives how
 * many items were not reached that have to be; STATUS_NOMEM in out->failed. */
size_t test_print_coverage(const struct reach *coverage, const char *folder, struct buf *out);
