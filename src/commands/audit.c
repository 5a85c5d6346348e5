/* SPDX-License-Identifier: Apache-2.0
 * `postern audit`: a table of what it can do, one file each, and where it reads. */
#include "commands/audit.h"

#include <stdio.h>
#include <string.h>

#include "base/nearest.h"

static const struct command actions[] = {
    {"audit repair", "accept damage that a restart may not mend", "[-c FILE]",
     "Says what was found, and opens a new segment behind it, in which the damage and who accepted "
     "it are recorded.\n"
     "Stop the gateway first.",
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
    (void)puts("\n`postern audit ACTION --help` tells more.");
    return result;
}

static int unknown_action(const struct command *command, const char *word)
{
    const char *names[ARRAY_LEN(actions) + 1] = {NULL};
    const char *near;

    for (size_t i = 0; i < ARRAY_LEN(actions); i++)
        names[i] = short_name(&actions[i]);
    near = nearest_name(view_str(word), names);
    return command_usage(command, "\"%s\" is nothing that it can do%s%s%s", word,
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

/* "/a/journal" and "/a/journal/" have the parent "/a"; "journal" has ".". */
static struct view parent_of(struct view path)
{
    while (path.len > 1 && path.ptr[path.len - 1] == '/')
        path.len--;
    while (path.len > 0 && path.ptr[path.len - 1] != '/')
        path.len--;
    return path.len == 0 ? VIEW("./") : path;
}

static bool from_folder(const char *journal, struct arena *arena, struct audit_source *ret)
{
    struct view parent = parent_of(view_str(journal));

    ret->directory = journal;
    ret->sets = arena_printf(arena, "%.*ssets", VIEW_ARGS(parent)).ptr;
    return ret->sets != NULL;
}

bool audit_find_source(const char *conf_path, const char *journal, struct arena *arena,
                       struct audit_source *ret)
{
    struct conf conf;

    if (journal != NULL)
        return from_folder(journal, arena, ret);
    if (!command_load(conf_path, arena, &conf, NULL))
        return false;
    ret->directory = conf.journal.directory;
    ret->sets = conf.journal.sets;
    return true;
}
