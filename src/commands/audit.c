/* SPDX-License-Identifier: Apache-2.0
 * `postern audit`: a table of what it can do, one file each, and where it reads. */
#include "commands/audit.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/nearest.h"
#include "commands/period_options.h"

#define JOURNAL_HELP                                                             \
    "  -c FILE          the settings that name the journal (" DEFAULT_CONF ")\n" \
    "  --journal DIR    a folder of segments, such as a copy; no settings are read then\n"
#define INDEX_HELP "  --index FILE     another index than the one beside the journal\n"

static const struct command actions[] = {
    {"audit query", "ask who did what, and what came of it",
     "[-c FILE | --journal DIR] [--index FILE] [FILTER...]\n"
     "                           [--limit N] [--before N] [--json | --csv]\n"
     "       postern audit query ... --who-created ID_OR_NAME\n"
     "       postern audit query ... --open",
     "Exchanges, newest first. Filters: --user ID_OR_NAME, --project ID, --flavor NAME, --instance "
     "ID_OR_NAME,\n"
     "--operation NAME, --class CLASS, --decision allow|rewrite|refuse, --outcome OUTCOME,\n"
     "--reason CODE, --policy NAME, and the period. All that are given have to hold; * in names "
     "stands for any\n"
     "run of characters. Exits 0 also if nothing was found, 1 if --open read a damaged "
     "journal.\n" JOURNAL_HELP PERIOD_HELP
     "  --who-created    the story of an instance, with the place of every line\n"
     "  --open           the instances that exist by the journal\n"
     "  --limit N        at most so many (100; of a story 1000; with --open all)\n"
     "  --before N       the next page: the answer before it says which\n" INDEX_HELP
     "  --json           the journal's own lines, one exchange a line\n"
     "  --csv            for spreadsheets",
     audit_query_command},
    {"audit summary", "count by user, flavor, day, ...",
     "--by GROUP[,GROUP]... [-c FILE | --journal DIR] [--index FILE]\n"
     "                             [FILTER...] [--json | --csv]",
     "Per group how many requests were asked, allowed, rewritten, refused, how many instances "
     "created, and how many\n"
     "hours of run time were given. Filters are those of `postern audit query`.\n"
     "  --by GROUP,...   user, flavor, project, operation, policy, reason, day\n" JOURNAL_HELP
         PERIOD_HELP INDEX_HELP "  --json           one group a line\n"
     "  --csv            for spreadsheets",
     audit_summary_command},
    {"audit coverage", "which rules fired, and which never did",
     "[-c FILE] [--journal DIR] [--policies DIR]\n"
     "                              " PERIOD_USAGE "\n"
     "                              [--json | --csv]",
     "Counts, for each rule, quota and exception of the policies, the requests in which the "
     "journal shows it at\n"
     "work, and when last; what warn and observe policies would have done apart. Names that the "
     "policies no\n"
     "longer have are listed apart. Exits 0 also if a rule never fired.\n"
     "  -c FILE          the settings, read for what isn't named (" DEFAULT_CONF ")\n"
     "  --journal DIR    a folder of segments; without it that of the settings\n"
     "  --policies DIR   policies; without it those of the settings\n" PERIOD_HELP
     "  --json           one object\n"
     "  --csv            for spreadsheets",
     audit_coverage},
    {"audit export", "write the lines of a period in a format that others read",
     "[-c FILE | --journal DIR] " PERIOD_USAGE "\n"
     "                            [--format postern|cadf|cloudevents] [--output FILE] [--source "
     "NAME]",
     "One JSON object a line, oldest first, to standard output or into a new file: one that is "
     "there is never\n"
     "overwritten, and one that couldn't be written in full is removed. A line that can't be read "
     "is skipped and\n"
     "named on standard error (segment:line). The chain is not verified: `postern audit verify` "
     "does that.\n"
     "Exits 0 if it is all of it, 1 if lines were skipped, 2 if it couldn't be read or "
     "written.\n" JOURNAL_HELP PERIOD_HELP
     "  --format NAME    postern (the lines as they are), cadf, cloudevents; see docs/formats.md\n"
     "  --output FILE    a new file instead of standard output\n"
     "  --source NAME    the gateway, as cadf and cloudevents name it; else this host's name",
     audit_export},
    {"audit verify", "prove that the journal is what was written",
     "[-c FILE | --journal DIR] [--key FILE]... [--witness FILE] [--json]",
     "Reads every line of every segment: the chain, each intent with its outcome, seals, the "
     "witness, and the\n"
     "copies of the policy sets beside the journal. Changes nothing; the gateway may run. Exits 1 "
     "if "
     "there is a\n"
     "fault, and names it with segment and line.\n" JOURNAL_HELP
     "  --key FILE       a public key (PEM) whose seals are to hold; several for keys that "
     "followed each other, in\n"
     "                   that order, up to the one in use. Without one, signatures aren't looked "
     "at\n"
     "  --witness FILE   seals that were written elsewhere: each must stand in the journal\n"
     "  --json           one object",
     audit_verify},
    {"audit repair", "accept damage that a restart may not mend", "[-c FILE]",
     "Says what was found, and opens a new segment behind it, in which the damage and who accepted "
     "it are recorded.\n"
     "Stop the gateway first. Exits 1 if there is no damage.",
     audit_repair},
};

static const char *short_name(const struct command *action)
{
    return strchr(action->name, ' ') + 1;
}

static int audit_help(const struct command *command)
{
    int result = command_help(command);

    for (size_t i = 0; i < ARRAY_LEN(actions); i++)
        (void)printf("  %-9s %s\n", short_name(&actions[i]), actions[i].summary);
    (void)puts(
        "\n`postern audit ACTION --help` tells more; docs/audit.md leads from a question to a "
        "proof.");
    return result;
}

static int unknown_action(const struct command *command, const char *word)
{
    const char *names[ARRAY_LEN(actions) + 1] = {NULL};
    const char *near;

    for (size_t i = 0; i < ARRAY_LEN(actions); i++)
        names[i] = short_name(&actions[i]);
    near = nearest_name(view_str(word), names);
    return command_usage(command, "\"%s\" is not an action%s%s%s", word,
                         near == NULL ? "" : "; did you mean \"", near == NULL ? "" : near,
                         near == NULL ? "" : "\"?");
}

int command_audit(const struct command *command, int argc, char **argv)
{
    if (argc < 2)
        return command_usage(command, "say what to do; `postern audit --help` lists it");
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
        return audit_help(command);
    for (size_t i = 0; i < ARRAY_LEN(actions); i++) {
        if (strcmp(argv[1], short_name(&actions[i])) == 0)
            return actions[i].run(&actions[i], argc - 1, argv + 1);
    }
    return unknown_action(command, argv[1]);
}

/* Where the path's last name begins; slashes behind it are taken off. */
static size_t find_name(struct view *path)
{
    size_t at;

    while (path->len > 1 && path->ptr[path->len - 1] == '/')
        path->len--;
    at = path->len;
    while (at > 0 && path->ptr[at - 1] != '/')
        at--;
    return at;
}

/* "/a/journal" and "/a/journal/" have the parent "/a/"; "journal" has "./". */
static struct view parent_of(struct view path)
{
    size_t at = find_name(&path);

    return at == 0 ? VIEW("./") : view_of(path.ptr, at);
}

static bool ends_in_dots(struct view path)
{
    size_t at = find_name(&path);
    struct view name = view_from(path, at);

    return view_eq(name, VIEW(".")) || view_eq(name, VIEW(".."));
}

/* What stands beside the journal is found by its folder's name, so it gets one. Links stay: what
 * belongs to a journal stands beside the name by which the settings call it. */
static const char *name_of(const char *journal, struct arena *arena)
{
    char real[PATH_MAX];

    if (!ends_in_dots(view_str(journal)) || realpath(journal, real) == NULL)
        return journal; /* whoever opens it says what is wrong */
    return arena_strdup(arena, view_str(real));
}

static bool from_folder(const char *journal, struct arena *arena, struct audit_source *ret)
{
    struct view parent;

    ret->directory = name_of(journal, arena);
    if (ret->directory == NULL)
        return false;
    parent = parent_of(view_str(ret->directory));
    ret->sets = arena_printf(arena, "%.*ssets", VIEW_ARGS(parent)).ptr;
    return ret->sets != NULL;
}

bool audit_find_source(const char *conf_path, const char *journal, struct arena *arena,
                       struct audit_source *ret)
{
    struct conf conf;

    if (journal != NULL)
        return from_folder(journal, arena, ret);
    if (!command_load(conf_path == NULL ? DEFAULT_CONF : conf_path, arena, &conf, NULL)) {
        if (conf_path == NULL && access(DEFAULT_CONF, F_OK) != 0)
            (void)fputs("or a journal's folder with --journal DIR\n", stderr);
        return false;
    }
    ret->directory = conf.journal.directory;
    ret->sets = conf.journal.sets;
    return true;
}
