/* SPDX-License-Identifier: Apache-2.0
 * `postern status` and `postern reload`: what the running gateway says of itself. */
#include <stdio.h>

#include "commands/columns.h"
#include "commands/internal.h"

enum { ANSWER_SECONDS = 30 };

/* What is shown, line by line. {a.b} stands for a member, {a.b day days} for a number and the word
 * that goes with it; a line that has one without a value is left out, and so is the title of a part
 * that has no line. */
static const struct line {
    const char *title; /* NULL: belongs to the line above */
    const char *text;
} lines[] = {
    {"gateway", "postern {version}, pid {pid}, {workers worker workers}, since {started}"},
    {"policies", "{policy_set.digest}"},
    {NULL, "{policy_set.policies policy policies}, {policy_set.quotas quota quotas}, "
           "{policy_set.exceptions exception exceptions}, loaded {policy_set.loaded}"},
    {NULL, "{policy_set.reloads reload reloads}, {policy_set.failed_reloads} refused"},
    {NULL, "the last reload was refused: {policy_set.last_error}"},
    {"journal", "takes records: {journal.accepting}, line {journal.seq}, {journal.queued} queued, "
                "{journal.failures failure failures}"},
    {NULL, "does not take records: {journal.why_not}"},
    {NULL, "{journal.open_intents intent intents} open, {journal.unknown outcome outcomes} "
           "unknown, {journal.existing instance instances}"},
    {NULL, "{journal.free_bytes} bytes of space free, short: {journal.space_low}"},
    {NULL, "seals are signed by the key {journal.seal.key}"},
    {NULL, "the last seal is line {journal.seal.seq}, of {journal.seal.time}"},
    {NULL, "waiting for the witness: {journal.seal.witness_waiting seal seals}; it could not be "
           "told {journal.seal.witness_failures time times}"},
    {"connections", "{connections.clients} of clients, {connections.exchanges exchange exchanges}, "
                    "{connections.upstream_open} to the cloud, {connections.upstream_idle} of them "
                    "unused"},
    {"quotas", "store {quota.store}, available: {quota.available}, waits for a scan: "
               "{quota.waits_for_scan}"},
    {NULL, "{quota.reserved} reserved, {quota.unknown} unknown, {quota.existing instance "
           "instances}, {quota.running} of them running, {quota.orphans orphan orphans}, "
           "{quota.spent charge charges}"},
    {NULL, "the oldest unknown outcome is {quota.unknown_oldest_s second seconds} old"},
    {NULL,
     "{quota.granted} granted, {quota.refused} refused, {quota.unavailable} without an answer "
     "of the store"},
    {"reconcile", "{reconcile.scans list lists} read, {reconcile.failed} could not be"},
    {NULL, "all were read last at {reconcile.last_complete}"},
    {NULL, "{reconcile.settled} settled, {reconcile.gone} gone, {reconcile.corrected} corrected, "
           "{reconcile.orphans orphan orphans} found"},
    {NULL, "the last failure: {reconcile.why}"},
};

/* The member that a path with points names, or NULL. */
static const json_t *find_member(const json_t *object, struct view path)
{
    while (object != NULL && path.len > 0) {
        size_t len = view_find(path, '.');

        object = json_object_getn(object, path.ptr, len);
        path = view_from(path, len < path.len ? len + 1 : len);
    }
    return object;
}

/* What stands between { and }. False: the member has no value. */
static bool fill_place(const json_t *state, struct view place, struct arena *arena, struct buf *out)
{
    size_t blank = view_find(place, ' ');
    const char *value = columns_text(arena, find_member(state, view_of(place.ptr, blank)));
    struct view words, one;

    if (value == NULL)
        return false;
    buf_add_str(out, value);
    if (blank == place.len)
        return true;
    words = view_from(place, blank + 1);
    one = view_of(words.ptr, view_find(words, ' '));
    buf_add_byte(out, ' ');
    buf_add(out, strcmp(value, "1") == 0 ? one : view_from(words, one.len + 1));
    return true;
}

/* False: a member has no value. */
static bool fill_line(const json_t *state, const char *text, struct arena *arena, struct buf *out)
{
    struct view rest = view_str(text);

    while (rest.len > 0) {
        size_t open = view_find(rest, '{');
        size_t close = view_find(rest, '}');

        buf_add(out, view_of(rest.ptr, open));
        if (open == rest.len)
            break;
        if (!fill_place(state, view_of(rest.ptr + open + 1, close - open - 1), arena, out))
            return false;
        rest = view_from(rest, close + 1);
    }
    return true;
}

static void print_lines(const json_t *state, struct arena *arena, struct buf *out)
{
    const char *title = "";
    struct buf line;

    buf_init(&line, 4096);
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        if (lines[i].title != NULL)
            title = lines[i].title;
        buf_clear(&line);
        if (!fill_line(state, lines[i].text, arena, &line))
            continue;
        buf_printf(out, "%-12s %.*s\n", title, VIEW_ARGS(buf_view(&line)));
        title = "";
    }
    buf_done(&line);
}

/* What is under way or unknown, oldest first. */
static void print_open(const json_t *state, struct arena *arena, struct buf *out)
{
    static const char *const members[] = {"id",   "state", "operation", "project",
                                          "user", "name",  "flavor",    "instance"};
    static const char *const heads[] = {"AGE",  "ID",   "STATE",  "OPERATION", "PROJECT",
                                        "USER", "NAME", "FLAVOR", "INSTANCE"};
    const json_t *list = find_member(state, VIEW("quota.reservations")), *item;
    struct columns rows;
    size_t i;

    if (json_array_size(list) == 0)
        return;
    columns_init(&rows, arena, heads, ARRAY_LEN(heads));
    json_array_foreach (list, i, item) {
        columns_add(&rows, columns_age(arena, json_integer_value(json_object_get(item, "age_s"))));
        for (size_t m = 0; m < ARRAY_LEN(members); m++)
            columns_add(&rows, columns_text(arena, json_object_get(item, members[m])));
    }
    buf_add_str(out, "\nreserved or unknown, oldest first:\n");
    columns_print(&rows, out);
    if (json_is_true(find_member(state, VIEW("quota.more"))))
        buf_add_str(out, "... and more\n");
}

/* Where the journal's lines go. */
static void print_sinks(const json_t *state, struct arena *arena, struct buf *out)
{
    static const char *const members[] = {"name",  "kind",      "seq",      "lag_lines",
                                          "lag_s", "delivered", "failures", "why"};
    static const char *const heads[] = {"SINK",    "KIND",      "SEQ",      "BEHIND",
                                        "SECONDS", "DELIVERED", "FAILURES", "WHY"};
    const json_t *list = find_member(state, VIEW("sinks")), *item;
    struct columns rows;
    size_t i;

    if (json_array_size(list) == 0)
        return;
    columns_init(&rows, arena, heads, ARRAY_LEN(heads));
    json_array_foreach (list, i, item) {
        for (size_t m = 0; m < ARRAY_LEN(members); m++)
            columns_add(&rows, columns_text(arena, json_object_get(item, members[m])));
    }
    buf_add_str(out, "\nsinks of the journal:\n");
    columns_print(&rows, out);
}

static int finish_status(const struct command_call *call, unsigned status, struct buf *answer)
{
    struct arena arena;
    struct buf text;
    json_t *state;

    if (status != 200)
        return RESULT_CANNOT;
    if (call->as_json) {
        command_print(answer);
        return RESULT_WELL;
    }
    state = json_loadb(answer->ptr, answer->len, JSON_REJECT_DUPLICATES, NULL);
    if (state == NULL) {
        (void)fputs("postern status: the gateway's answer is not JSON\n", stderr);
        return RESULT_CANNOT;
    }
    arena_init(&arena, LOAD_ARENA_BLOCK, LOAD_ARENA_MAX);
    buf_init(&text, 4 << 20);
    print_lines(state, &arena, &text);
    print_sinks(state, &arena, &text);
    print_open(state, &arena, &text);
    command_print(&text);
    buf_done(&text);
    arena_done(&arena);
    json_decref(state);
    return RESULT_WELL;
}

static int finish_reload(const struct command_call *call, unsigned status, struct buf *answer)
{
    (void)call;
    command_print(answer);
    return status == 200 ? RESULT_WELL : RESULT_NO;
}

int command_reload(const struct command *command, int argc, char **argv)
{
    static const struct command_call call = {.name = "reload",
                                             .method = "POST",
                                             .path = "/v1/reload",
                                             .seconds = ANSWER_SECONDS,
                                             .finish = finish_reload};
    const char *path;
    int result = command_conf_option(command, argc, argv, &path);

    return result >= 0 ? result : command_ask(path, &call);
}

int command_status(const struct command *command, int argc, char **argv)
{
    struct command_call call = {.name = "status",
                                .method = "GET",
                                .path = "/v1/status",
                                .seconds = ANSWER_SECONDS,
                                .finish = finish_status};
    const struct command_switch switches[] = {{"json", &call.as_json}, {NULL, NULL}};
    const char *path;
    int result = command_options(command, argc, argv, switches, &path);

    return result >= 0 ? result : command_ask(path, &call);
}
