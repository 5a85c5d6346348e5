/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/period_options.h"

#include "base/clock.h"
#include "base/number.h"

struct period_options period_options_always(void)
{
    return (struct period_options){.period = period_always(), .now_us = clock_now_us()};
}

int command_time(const struct command *command, const char *name, const char *text, int64_t *ret_us)
{
    if (period_parse_time(view_str(text), ret_us))
        return -1;
    return command_usage(command,
                         "--%s: \"%s\" is no time such as 2026-12-31 or 2026-12-31T12:00:00Z (UTC)",
                         name, text);
}

int command_number(const struct command *command, const char *name, const char *text,
                   const int64_t bounds[2], int64_t *ret)
{
    if (num_parse_i64(view_str(text), bounds[0], bounds[1], ret))
        return -1;
    return command_usage(command, "--%s: \"%s\" is no number from %lld to %lld", name, text,
                         (long long)bounds[0], (long long)bounds[1]);
}

int command_one_journal(const struct command *command, const char *conf, const char *journal)
{
    if (conf == NULL || journal == NULL)
        return -1;
    return command_usage(command, "-c and --journal exclude each other");
}

int period_options_take(const struct command *command, enum period_option option, const char *text,
                        struct period_options *o)
{
    if (option == PERIOD_UNTIL)
        return command_time(command, "until", text, &o->period.until_us);
    if (option == PERIOD_FROM) {
        o->from = true;
        return command_time(command, "from", text, &o->period.from_us);
    }
    o->since = true;
    if (period_parse_since(view_str(text), o->now_us, &o->period.from_us))
        return -1;
    return command_usage(command, "--since: \"%s\" is no age such as 7d, 36h or 90m", text);
}

int period_options_check(const struct command *command, const struct period_options *o)
{
    if (o->since && o->from)
        return command_usage(command, "--since and --from exclude each other");
    if (o->period.from_us >= o->period.until_us)
        return command_usage(command, "the period ends before it begins");
    return -1;
}
