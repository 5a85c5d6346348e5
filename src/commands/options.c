/* SPDX-License-Identifier: Apache-2.0
 * The options of most commands: -c FILE, --help, and switches of their own; and those of a period.
 */
#include <getopt.h>
#include <string.h>

#include "commands/internal.h"

enum { OPTIONS_MAX = 8, FIRST_SWITCH = 256 };

static bool is_among(const char *letters, int option)
{
    return letters != NULL && option > 0 && option < FIRST_SWITCH &&
           strchr(letters, option) != NULL;
}

int command_check_once(const struct command *command, int argc, char **argv,
                       const struct option *options, const char *many)
{
    uint64_t seen = 0;
    int option, result = -1;

    opterr = 0;
    // NOLINTNEXTLINE(concurrency-mt-unsafe): before any thread
    while (result < 0 && (option = getopt_long(argc, argv, ":c:h", options, NULL)) != -1 &&
           option != ':' && option != '?' && option != 'h') {
        unsigned at = 0;

        while (options[at].name != NULL && options[at].val != option)
            at++;
        if (options[at].has_arg != required_argument || is_among(many, option))
            continue;
        if ((seen >> at & 1) != 0)
            result = command_usage(command, "%s%s stands twice", option == 'c' ? "-" : "--",
                                   option == 'c' ? "c" : options[at].name);
        seen |= (uint64_t)1 << at;
    }
    optind = 0; /* whoever parses begins anew */
    return result;
}

int command_options(const struct command *command, int argc, char **argv,
                    const struct command_switch *switches, const char **ret_conf)
{
    struct option options[OPTIONS_MAX + 3] = {{"conf", required_argument, NULL, 'c'},
                                              {"help", no_argument, NULL, 'h'}};
    int option, result;

    for (int i = 0; switches != NULL && switches[i].name != NULL && i < OPTIONS_MAX; i++)
        options[i + 2] = (struct option){switches[i].name, no_argument, NULL, FIRST_SWITCH + i};
    *ret_conf = DEFAULT_CONF;
    result = command_check_once(command, argc, argv, options, NULL);
    if (result >= 0)
        return result;
    opterr = 0;
    // NOLINTNEXTLINE(concurrency-mt-unsafe): before any thread
    while ((option = getopt_long(argc, argv, ":c:h", options, NULL)) != -1) {
        if (option == 'c')
            *ret_conf = optarg;
        else if (option == 'h')
            return command_help(command);
        else if (option >= FIRST_SWITCH && switches != NULL)
            *switches[option - FIRST_SWITCH].on = true;
        else
            return command_bad_option(command, option, argv);
    }
    if (optind < argc)
        return command_usage(command, "\"%s\" is one word too many", argv[optind]);
    return -1;
}

int command_conf_option(const struct command *command, int argc, char **argv, const char **ret_conf)
{
    return command_options(command, argc, argv, NULL, ret_conf);
}
