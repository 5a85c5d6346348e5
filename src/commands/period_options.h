/* SPDX-License-Identifier: Apache-2.0
 * What all commands that read the journal take alike: a period, a journal, a number. Each prints
 * what is wrong with the usage and gives the exit status, or -1 to go on. */
#pragma once

#include "commands/internal.h"
#include "trail/period.h"

#define PERIOD_USAGE "[--since AGE | --from TIME] [--until TIME]"
#define PERIOD_HELP                                                                    \
    "  --since AGE      only the last 7d, 36h, 90m, ...\n"                             \
    "  --from TIME      only from then on: 2026-12-31 or 2026-12-31T12:00:00Z (UTC)\n" \
    "  --until TIME     only what was before\n"

struct period_options {
    struct period period;
    int64_t now_us;
    bool since, from;
};

enum period_option { PERIOD_SINCE, PERIOD_FROM, PERIOD_UNTIL };

/* All time, as seen from now. */
struct period_options period_options_always(void);
int period_options_take(const struct command *command, enum period_option option, const char *text,
                        struct period_options *o);
/* After the last option: --since and --from, or a period that ends before it begins. */
int period_options_check(const struct command *command, const struct period_options *o);
/* A date or a time, for an option of that name. */
int command_time(const struct command *command, const char *name, const char *text,
                 int64_t *ret_us);
/* A whole number from min to max, for an option of that name. */
int command_number(const struct command *command, const char *name, const char *text,
                   const int64_t bounds[2], int64_t *ret);
/* Both of -c (conf) and --journal given, of a command that reads nothing else from settings. */
int command_one_journal(const struct command *command, const char *conf, const char *journal);
