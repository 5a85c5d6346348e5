/* SPDX-License-Identifier: Apache-2.0
 * Inside of the commands. */
#pragma once

#include "server/load.h"
#include "trail/period.h"

enum { RESULT_WELL = 0, RESULT_NO = 1, RESULT_CANNOT = 2 };

#define DEFAULT_CONF "conf/postern.yaml"

struct option; /* of getopt.h */

struct command {
    const char *name;
    const char *summary; /* one line of `postern --help` */
    const char *usage;   /* what follows "postern NAME" */
    const char *help;    /* the rest of `postern NAME --help` */
    int (*run)(const struct command *command, int argc,
               char **argv); /* argv[0] is the command's name */
};

/* Prints "postern NAME: message" and the usage to stderr; gives RESULT_CANNOT. */
int command_usage(const struct command *command, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* The same for what getopt_long returned as ':' (optstring begins with ':') or '?'. */
int command_bad_option(const struct command *command, int option, char **argv);
/* To be called before the options are parsed: each that takes a value may stand once, but for those
 * whose letters stand in many (NULL: none). What getopt_long would call wrong is left to whoever
 * parses. Returns -1 to go on, else the exit status. */
int command_check_once(const struct command *command, int argc, char **argv,
                       const struct option *options, const char *many);
/* `--help`: usage and help to stdout; gives RESULT_WELL. */
int command_help(const struct command *command);
/* Parses -c FILE, --help and the switches, whose last has no name (NULL: none). Returns -1 to go
 * on, else the exit status. */
struct command_switch {
    const char *name; /* "json" for --json */
    bool *on;
};
int command_options(const struct command *command, int argc, char **argv,
                    const struct command_switch *switches, const char **ret_conf);
int command_conf_option(const struct command *command, int argc, char **argv,
                        const char **ret_conf);
/* Settings and, if ret is not NULL, policies; faults and warnings are printed to stderr. */
MUST_CHECK bool command_load(const char *path, struct arena *arena, struct conf *conf,
                             struct loaded_policies *ret);
/* To stdout, without what looks like a secret (base/redact.h). */
void command_print(struct buf *text);
/* The same for a person: but for the ends of lines, what isn't shown as it stands is written out
 * (base/printable.h). What doesn't fit into memory is said on stderr instead. */
void command_print_lines(struct buf *text);

/* A question to the running gateway over its admin socket. */
struct command_call {
    const char *name; /* for messages: "quota list" */
    const char *method, *path;
    int seconds; /* to wait for the answer */
    bool as_json;
    /* Prints the answer's body; gives the exit status. */
    int (*finish)(const struct command_call *call, unsigned status, struct buf *answer);
};
/* Asks and finishes; RESULT_CANNOT with a message where nobody answers. */
int command_ask(const char *conf_path, const struct command_call *call);

int command_serve(const struct command *command, int argc, char **argv);
int command_check(const struct command *command, int argc, char **argv);
int command_explain(const struct command *command, int argc, char **argv);
int command_test(const struct command *command, int argc, char **argv);
int command_replay(const struct command *command, int argc, char **argv);
int command_diff(const struct command *command, int argc, char **argv);
int command_audit(const struct command *command, int argc, char **argv);
int command_status(const struct command *command, int argc, char **argv);
int command_quota(const struct command *command, int argc, char **argv);
int command_reload(const struct command *command, int argc, char **argv);
int command_version(const struct command *command, int argc, char **argv);
