/* SPDX-License-Identifier: Apache-2.0
 * `postern check`: what `serve` would say of settings and policies, without starting. */
#include <getopt.h>
#include <stdio.h>

#include "commands/internal.h"

static int show_or_summarise(const char *path, const struct conf *conf,
                             const struct loaded_policies *loaded, bool show)
{
    struct buf text;

    if (!show) {
        (void)printf(
            "%s: well\n%s: %zu policies and %zu exceptions in %zu files, well\npolicy set %s\n",
            path, conf->policies, policy_set_policies(loaded->set),
            policy_set_exceptions(loaded->set), loaded->count, policy_set_digest(loaded->set));
        return RESULT_WELL;
    }
    buf_init(&text, 1 << 20);
    conf_show(conf, &text);
    command_print(&text);
    buf_done(&text);
    return RESULT_WELL;
}

static int check(const char *path, bool show)
{
    struct loaded_policies loaded = {0};
    struct arena arena;
    struct conf conf;
    int result = RESULT_NO;

    arena_init(&arena, LOAD_ARENA_BLOCK, LOAD_ARENA_MAX);
    if (command_load(path, &arena, &conf, &loaded))
        result = show_or_summarise(path, &conf, &loaded, show);
    policy_set_unref(&loaded.set);
    arena_done(&arena);
    return result;
}

int command_check(const struct command *command, int argc, char **argv)
{
    static const struct option options[] = {{"conf", required_argument, NULL, 'c'},
                                            {"show", no_argument, NULL, 's'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    const char *path = DEFAULT_CONF;
    bool show = false;
    int option;

    opterr = 0;
    // NOLINTNEXTLINE(concurrency-mt-unsafe): before any thread
    while ((option = getopt_long(argc, argv, ":c:h", options, NULL)) != -1) {
        switch (option) {
        case 'c':
            path = optarg;
            break;
        case 's':
            show = true;
            break;
        case 'h':
            return command_help(command);
        default:
            return command_bad_option(command, option, argv);
        }
    }
    if (optind < argc)
        return command_usage(command, "\"%s\" is one word too many", argv[optind]);
    return check(path, show);
}
