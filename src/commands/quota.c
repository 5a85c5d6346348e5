/* SPDX-License-Identifier: Apache-2.0
 * `postern quota`: what is in use, and a reconcile on request, of the running gateway; and the
 * schema of a shared store. */
#include <stdio.h>

#include "commands/columns.h"
#include "commands/internal.h"
#include "quota/store.h"

/* A reconcile reads every page of every list. */
enum { LIST_SECONDS = 30, RECONCILE_SECONDS = 900 };

/* "project=... user=...", or what stands for a quota that nobody uses or that has no groups. */
static const char *group_of(struct arena *arena, const json_t *group)
{
    static const char *const members[] = {"project", "user", "domain", "workspace", "pool"};
    struct view text = VIEW_NONE;

    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        const json_t *value = json_object_get(group, members[i]);

        if (value == NULL)
            continue;
        text = arena_printf(arena, "%.*s%s%s=%s", VIEW_ARGS(text), text.len > 0 ? " " : "",
                            members[i], json_string_value(value));
    }
    return text.ptr == NULL ? "all" : text.ptr;
}

/* "hours in 30d" for a budget. */
static const char *counts_of(struct arena *arena, const json_t *quota)
{
    const char *counts = columns_text(arena, json_object_get(quota, "counts"));
    const json_t *window = json_object_get(quota, "window_s");

    if (window == NULL || counts == NULL)
        return counts;
    return arena_printf(arena, "%s in %s", counts, columns_age(arena, json_integer_value(window)))
        .ptr;
}

static void add_row(struct columns *rows, const json_t *quota, const char *group,
                    const json_t *used, const json_t *left)
{
    struct arena *arena = rows->arena;

    columns_add(rows, columns_text(arena, json_object_get(quota, "name")));
    columns_add(rows, columns_text(arena, json_object_get(quota, "policy")));
    columns_add(rows, counts_of(arena, quota));
    columns_add(rows, group);
    columns_add(rows, used == NULL ? "0" : columns_text(arena, used));
    columns_add(rows, columns_text(arena, json_object_get(quota, "limit")));
    columns_add(rows, columns_text(arena, left));
}

static void add_quota(struct columns *rows, const json_t *quota)
{
    const json_t *groups = json_object_get(quota, "groups"), *group;
    size_t i;

    if (json_array_size(groups) == 0)
        add_row(rows, quota, "(nobody yet)", NULL, json_object_get(quota, "limit"));
    json_array_foreach (groups, i, group)
        add_row(rows, quota, group_of(rows->arena, group), json_object_get(group, "used"),
                json_object_get(group, "free"));
}

static void print_list(const json_t *answer, struct buf *out)
{
    static const char *const heads[] = {"QUOTA", "POLICY", "COUNTS", "GROUP",
                                        "USED",  "LIMIT",  "FREE"};
    const json_t *list = json_object_get(answer, "quotas"), *quota;
    struct arena arena;
    struct columns rows;
    size_t i;

    if (json_array_size(list) == 0) {
        buf_add_str(out, "the policies in force have no quotas\n");
        return;
    }
    arena_init(&arena, LOAD_ARENA_BLOCK, LOAD_ARENA_MAX);
    columns_init(&rows, &arena, heads, ARRAY_LEN(heads));
    json_array_foreach (list, i, quota)
        add_quota(&rows, quota);
    columns_print(&rows, out);
    if (json_is_true(json_object_get(answer, "more")))
        buf_add_str(out, "... and more groups than are listed\n");
    arena_done(&arena);
}

static int64_t member(const json_t *report, const char *name)
{
    return json_integer_value(json_object_get(report, name));
}

static void print_report(const json_t *report, struct buf *out)
{
    buf_printf(out,
               "lists read: %lld; outcomes settled: %lld, instances gone: %lld, corrected: %lld, "
               "orphans found: %lld\n",
               (long long)member(report, "scans"), (long long)member(report, "settled"),
               (long long)member(report, "gone"), (long long)member(report, "corrected"),
               (long long)member(report, "orphans"));
}

/* The answer as JSON, or NULL and a message. */
static json_t *read_json(const struct command_call *call, unsigned status, struct buf *answer)
{
    json_t *json = answer->len == 0
                       ? NULL
                       : json_loadb(answer->ptr, answer->len, JSON_REJECT_DUPLICATES, NULL);

    if (json == NULL)
        (void)fprintf(stderr, "postern %s: the gateway's answer (%u) is not JSON\n", call->name,
                      status);
    return json;
}

static void print_text(const struct command_call *call, const json_t *json, struct buf *answer,
                       void (*print)(const json_t *json, struct buf *out))
{
    struct buf text;

    if (call->as_json) {
        command_print(answer);
        return;
    }
    buf_init(&text, 8 << 20);
    print(json, &text);
    command_print(&text);
    buf_done(&text);
}

static int finish_list(const struct command_call *call, unsigned status, struct buf *answer)
{
    json_t *json = read_json(call, status, answer);
    int result = RESULT_CANNOT;

    if (json != NULL && status == 200) {
        print_text(call, json, answer, print_list);
        result = RESULT_WELL;
    }
    json_decref(json);
    return result;
}

static int finish_reconcile(const struct command_call *call, unsigned status, struct buf *answer)
{
    json_t *json = read_json(call, status, answer);
    const char *why = json_string_value(json_object_get(json, "why"));
    int64_t failed = member(json, "failed");
    bool well = json != NULL && status == 200 && failed == 0;

    if (json == NULL)
        return RESULT_CANNOT;
    if (json_object_get(json, "scans") != NULL || call->as_json)
        print_text(call, json, answer, print_report);
    if (failed > 0)
        (void)fprintf(stderr, "postern %s: lists that could not be read: %lld: %s\n", call->name,
                      (long long)failed, why == NULL ? "" : why);
    else if (!well)
        (void)fprintf(stderr, "postern %s: %s\n", call->name, why == NULL ? "refused" : why);
    json_decref(json);
    return well ? RESULT_WELL : RESULT_NO;
}

static int init(const char *conf_path)
{
    struct arena arena;
    struct conf conf;
    struct buf what;
    struct err err = {0};
    int result = RESULT_CANNOT;

    arena_init(&arena, LOAD_ARENA_BLOCK, LOAD_ARENA_MAX);
    buf_init(&what, 1 << 16);
    if (!command_load(conf_path, &arena, &conf, NULL)) {
        /* said so */
    } else if (conf.quota.url == NULL) {
        (void)fprintf(stderr,
                      "postern quota init: quota.store is local: only a shared store needs it\n");
    } else if (quota_store_init(conf.quota.url, &what, &err) != STATUS_OK) {
        command_print(&what);
        (void)fprintf(stderr, "postern quota init: %s\n", err.text);
    } else {
        command_print(&what);
        result = RESULT_WELL;
    }
    buf_done(&what);
    arena_done(&arena);
    return result;
}

int command_quota(const struct command *command, int argc, char **argv)
{
    static const struct command_call calls[] = {
        {.name = "quota list",
         .method = "GET",
         .path = "/v1/quotas",
         .seconds = LIST_SECONDS,
         .finish = finish_list},
        {.name = "quota reconcile",
         .method = "POST",
         .path = "/v1/reconcile",
         .seconds = RECONCILE_SECONDS,
         .finish = finish_reconcile},
    };
    const char *word = argc > 1 ? argv[1] : "", *path;
    bool as_json = false;
    const struct command_switch switches[] = {{"json", &as_json}, {NULL, NULL}};
    int result;

    if (strcmp(word, "--help") == 0)
        return command_help(command);
    if (strcmp(word, "init") == 0) {
        result = command_conf_option(command, argc - 1, argv + 1, &path);
        return result >= 0 ? result : init(path);
    }
    for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
        struct command_call call = calls[i];

        if (strcmp(word, call.name + strlen("quota ")) != 0)
            continue;
        result = command_options(command, argc - 1, argv + 1, switches, &path);
        call.as_json = as_json;
        return result >= 0 ? result : command_ask(path, &call);
    }
    if (word[0] != '\0')
        return command_usage(command, "\"%s\" is not an action: list, reconcile or init", word);
    return command_usage(command, "say what to do: list, reconcile or init");
}
