/* SPDX-License-Identifier: Apache-2.0
 * The table of commands, and what they have in common. */
#include "commands/commands.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <unistd.h>

#include "base/nearest.h"
#include "base/printable.h"
#include "base/redact.h"
#include "commands/period_options.h"
#include "server/server.h"

enum { SHOWN_MAX = 1 << 30 };

static const struct command commands[] = {
    {"serve", "run the gateway", "[-c FILE]",
     "Runs in the foreground and logs to stderr until TERM or INT, which drain it. HUP reloads "
     "policies and\n"
     "certificates. Faults in settings or policies are printed as file:line:column: message, and "
     "nothing starts.",
     command_serve},
    {"check", "look for faults in settings and policies", "[-c FILE] [--show]",
     "Prints every fault as file:line:column: message and exits 1, else a summary and the set's "
     "digest.\n"
     "  --show   print every setting with the value in force, as YAML",
     command_check},
    {"explain", "show how a request would be decided, rule by rule",
     "[-c FILE] --user NAME --project ID [--domain D] [--role R]... [--group G]...\n"
     "                       [--operation demanager.create] [--query QUERY] [--instance FILE]\n"
     "                       [--at TIME] [--json] [REQUEST.json]",
     "Judges the request (standard input if none is named) with the code that serves. Exits 1 if "
     "it is refused.\n"
     "  --user NAME, --user-id ID, --project ID, --domain D, --role R, --group G   who asks, and "
     "where\n"
     "  --operation NAME   what is asked; without it demanager.create\n"
     "  --query QUERY      the request's query, such as duration=3600000 of a start\n"
     "  --instance FILE    what the cloud answers to a GET of the instance: a start or lease is "
     "judged by it\n"
     "  --at TIME          as if it were then: 2026-12-31 or 2026-12-31T12:00:00Z (UTC)\n"
     "  --json             one JSON object instead of text",
     command_explain},
    {"test", "run cases against policies", "[-c FILE] [FOLDER] [--junit FILE] [--coverage]",
     "Judges the cases of FOLDER's *.test.yaml files (the settings' policy folder if none is "
     "named) "
     "with the code that\n"
     "serves, and prints what was expected and what came. The policies are the settings'; without "
     "-c those of FOLDER, if\n"
     "it has any, and no settings are read. Exits 1 if a case fails, if there are none, or if a "
     "case file has a fault.\n"
     "  --junit FILE   write a report for CI, as JUnit does\n"
     "  --coverage     show how many cases reach each rule, quota and exception; exit 1 if one is "
     "reached by none",
     command_test},
    {"replay", "try other policies on the requests that the journal has kept",
     "[-c FILE] --policies DIR [--journal DIR] [--sets DIR]\n"
     "                      " PERIOD_USAGE " [--limit N] [--json]",
     "Judges each kept request (journal.requests: full) by the set that judged it and by the "
     "policies in DIR, at its\n"
     "own time, and lists what would be answered differently. Exits 1 if something would be, 2 if "
     "none can be told.\n"
     "Quotas are not replayed: who had what in use then isn't known.\n"
     "  -c FILE          the settings: how bodies are read, and the journal (" DEFAULT_CONF ")\n"
     "  --policies DIR   the policies to try\n"
     "  --journal DIR    a folder of segments, such as a copy; without it that of the settings\n"
     "  --sets DIR       copies of the sets that judged; without it sets beside the "
     "journal\n" PERIOD_HELP
     "  --limit N        list so many at most: groups (1000), with --json requests (all)\n"
     "  --json           one JSON object with every changed request instead of text",
     command_replay},
    {"diff", "say in words what changed between two policy sets", "[-c FILE] [--json] OLD NEW",
     "OLD and NEW are folders of policies, or digests of sets that the journal keeps. Says of each "
     "rule whether it\n"
     "became stricter or looser, where that can be told. Exits 0 if no rule differs, 1 if one "
     "does, 2 if a set\n"
     "does not load.\n"
     "  -c FILE   the settings, to find sets by their digest (" DEFAULT_CONF ")\n"
     "  --json    one JSON object instead of text",
     command_diff},
    {"audit", "ask the journal, prove it, look after it", "ACTION [OPTION]...",
     "Actions:", command_audit},
    {"status", "show the state of the running gateway", "[-c FILE] [--json]",
     "Asks over the admin socket: policies, journal, connections, quotas, sinks, and what is "
     "reserved or unknown.\n"
     "Exits 2 if no gateway answers there.\n"
     "  --json   one JSON object instead of text",
     command_status},
    {"quota", "show what quotas have in use, and see to the ledger",
     "list [-c FILE] [--json]\n       postern quota reconcile [-c FILE] [--json]\n       postern "
     "quota init [-c FILE]",
     "list        each quota in force: what each group has in use, its limit, and what is free\n"
     "reconcile   reads the cloud's lists now, waits for it, and tells what was corrected; exits 1 "
     "if something could\n"
     "            not be read, 2 if no gateway answers\n"
     "init        makes or migrates the schema of the shared store that quota.store names\n"
     "  --json    the gateway's answer as it is",
     command_quota},
    {"reload", "reload policies and certificates of the running gateway", "[-c FILE]",
     "As the signal HUP does, but prints what came of it; exits 1 if a part of it was refused.",
     command_reload},
    {"version", "print the version", "", "", command_version},
};

static void print_commands(FILE *out)
{
    (void)fputs("usage: postern COMMAND [OPTION]...\n\nA policy gateway for ModelArts. Commands:\n",
                out);
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        (void)fprintf(out, "  %-9s %s\n", commands[i].name, commands[i].summary);
    (void)fputs("\n`postern COMMAND --help` tells more. Settings are read from " DEFAULT_CONF
                " if -c is left out.\n",
                out);
}

static void print_usage(FILE *out, const struct command *command)
{
    (void)fprintf(out, "usage: postern %s%s%s\n", command->name,
                  command->usage[0] == '\0' ? "" : " ", command->usage);
}

int command_usage(const struct command *command, const char *fmt, ...)
{
    va_list args;

    (void)fprintf(stderr, "postern %s: ", command->name);
    va_start(args, fmt);
    (void)vfprintf(stderr, fmt, args);
    va_end(args);
    (void)fputc('\n', stderr);
    print_usage(stderr, command);
    return RESULT_CANNOT;
}

int command_bad_option(const struct command *command, int option, char **argv)
{
    const char *word = argv[optind - 1];
    bool is_long = strncmp(word, "--", 2) == 0;

    if (option == ':')
        return command_usage(command, "\"%s\" needs a value", word);
    if (is_long && optopt != 0 && strchr(word, '=') != NULL)
        return command_usage(command, "\"%s\": this option takes no value", word);
    /* Of several letters in one word getopt may stand before the word still. */
    if (optopt > ' ' && optopt < 0x7f && optopt != '-')
        return command_usage(command, "\"-%c\" is not an option here", optopt);
    return command_usage(command, "\"%s\" is not an option here", word);
}

int command_help(const struct command *command)
{
    print_usage(stdout, command);
    if (command->help[0] != '\0')
        (void)printf("\n%s\n", command->help);
    return RESULT_WELL;
}

bool command_load(const char *path, struct arena *arena, struct conf *conf,
                  struct loaded_policies *ret)
{
    struct diag diag;
    struct buf text;
    bool well;

    diag_init(&diag, arena);
    well = load_conf(path, arena, &diag, conf) &&
           (ret == NULL || load_policies(conf, arena, &diag, ret));
    buf_init(&text, 1 << 20);
    diag_print(&diag, &text);
    if (text.len > 0)
        (void)fwrite(text.ptr, 1, text.len, stderr);
    buf_done(&text);
    if (!well && strcmp(path, DEFAULT_CONF) == 0 && access(path, F_OK) != 0)
        (void)fputs("name the settings with -c FILE\n", stderr);
    return well;
}

void command_print(struct buf *text)
{
    text->len = redact(text->ptr, text->len);
    if (text->len > 0)
        (void)fwrite(text->ptr, 1, text->len, stdout);
}

/* Secrets first: behind an escape a token would be in the middle of a word. */
void command_print_lines(struct buf *text)
{
    struct buf shown;

    buf_init(&shown, SHOWN_MAX);
    text->len = redact(text->ptr, text->len);
    printable_add_lines(&shown, buf_view(text));
    if (shown.failed != STATUS_OK)
        (void)fputs("postern: what is to be shown does not fit into memory\n", stderr);
    else if (shown.len > 0)
        (void)fwrite(shown.ptr, 1, shown.len, stdout);
    buf_done(&shown);
}

int command_serve(const struct command *command, int argc, char **argv)
{
    const char *conf;
    int result = command_conf_option(command, argc, argv, &conf);

    return result >= 0 ? result : server_run(conf);
}

int command_version(const struct command *command, int argc, char **argv)
{
    const char *conf;
    int result = command_conf_option(command, argc, argv, &conf);

    if (result >= 0)
        return result;
    (void)puts("postern " POSTERN_VERSION);
    return RESULT_WELL;
}

static int unknown_command(const char *word)
{
    const char *names[ARRAY_LEN(commands) + 1] = {NULL};
    const char *near;

    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        names[i] = commands[i].name;
    near = nearest_name(view_str(word), names);
    (void)fprintf(stderr, "postern: \"%s\" is not a command", word);
    if (near != NULL)
        (void)fprintf(stderr, "; did you mean \"%s\"?", near);
    (void)fputs("\n", stderr);
    print_commands(stderr);
    return RESULT_CANNOT;
}

/* An answer that didn't get out whole is none. */
static int finish(int result)
{
    static const char what[] = "can't write to standard output";
    bool failed = ferror(stdout) != 0;
    struct err err;

    if (fflush(stdout) != 0)
        (void)err_set_errno(&err, errno, "%s", what);
    else if (failed)
        (void)err_set(&err, STATUS_IO, "%s", what);
    else
        return result;
    (void)fprintf(stderr, "postern: %s\n", err.text);
    return RESULT_CANNOT;
}

static int run(int argc, char **argv)
{
    if (argc < 2) {
        print_commands(stderr);
        return RESULT_CANNOT;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
        strcmp(argv[1], "help") == 0) {
        print_commands(stdout);
        return RESULT_WELL;
    }
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(&commands[i], argc - 1, argv + 1);
    }
    if (strcmp(argv[1], "--version") == 0) {
        (void)puts("postern " POSTERN_VERSION);
        return RESULT_WELL;
    }
    return unknown_command(argv[1]);
}

int commands_run(int argc, char **argv)
{
    return finish(run(argc, argv));
}
