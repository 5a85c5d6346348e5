/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/audit_ask.h"

#include <getopt.h>

#include "audit/filter.h"
#include "base/clock.h"
#include "base/nearest.h"
#include "journal/segment.h"
#include "modelarts/operation.h"

enum { ARENA_BLOCK = 1 << 16 };

enum option_kind {
    WORD,
    SINCE,
    FROM,
    UNTIL,
    LIMIT,
    BEFORE,
    BY,
    CONF,
    JOURNAL,
    INDEX,
    WHO,
    OPEN,
    JSON,
    CSV
};

static const struct option_row {
    const char *name;
    size_t field; /* of the filter, for a WORD */
    enum option_kind kind;
    bool argument, query, summary;
} rows[] = {
    {"user", offsetof(struct audit_filter, user), WORD, true, true, true},
    {"project", offsetof(struct audit_filter, project), WORD, true, true, true},
    {"flavor", offsetof(struct audit_filter, flavor), WORD, true, true, true},
    {"instance", offsetof(struct audit_filter, instance), WORD, true, true, true},
    {"operation", offsetof(struct audit_filter, operation), WORD, true, true, true},
    {"class", offsetof(struct audit_filter, class), WORD, true, true, true},
    {"decision", offsetof(struct audit_filter, decision), WORD, true, true, true},
    {"outcome", offsetof(struct audit_filter, outcome), WORD, true, true, true},
    {"reason", offsetof(struct audit_filter, reason), WORD, true, true, true},
    {"policy", offsetof(struct audit_filter, policy), WORD, true, true, true},
    {"since", 0, SINCE, true, true, true},
    {"from", 0, FROM, true, true, true},
    {"until", 0, UNTIL, true, true, true},
    {"limit", 0, LIMIT, true, true, false},
    {"before", 0, BEFORE, true, true, false},
    {"by", 0, BY, true, false, true},
    {"conf", 0, CONF, true, true, true},
    {"journal", 0, JOURNAL, true, true, true},
    {"index", 0, INDEX, true, true, true},
    {"who-created", 0, WHO, true, true, false},
    {"open", 0, OPEN, false, true, false},
    {"json", 0, JSON, false, true, true},
    {"csv", 0, CSV, false, true, true},
};
enum { FIRST_OPTION = 256 };

static int bad_operation(const struct command *command, const char *word)
{
    const char *names[OP_COUNT + 1] = {NULL};
    const char *near;

    for (size_t i = 0; i < OP_COUNT; i++)
        names[i] = operations[i].name;
    near = nearest_name(view_str(word), names);
    return command_usage(command, "--operation: there is no operation \"%s\"%s%s%s", word,
                         near == NULL ? "" : "; did you mean \"", near == NULL ? "" : near,
                         near == NULL ? "" : "\"?");
}

static int take_word(const struct command *command, const struct option_row *row, const char *text,
                     struct ask *ask)
{
    struct view word = view_str(text);
    const char *values = filter_values(row->name);

    if (values != NULL && !filter_takes(row->name, word))
        return command_usage(command, "--%s: \"%s\" is none of: %s", row->name, text, values);
    if (!filter_takes(row->name, word))
        return bad_operation(command, text);
    memcpy((char *)&ask->filter + row->field, &word, sizeof word);
    return -1;
}

static int take_limit(const struct command *command, const char *text, struct ask *ask)
{
    static const int64_t bounds[] = {1, AUDIT_LIMIT_MAX};
    int64_t number;
    int result = command_number(command, "limit", text, bounds, &number);

    if (result < 0)
        ask->page.limit = (size_t)number;
    return result;
}

static int take_before(const struct command *command, const char *text, struct ask *ask)
{
    static const int64_t bounds[] = {1, INT64_MAX};
    int64_t number;
    int result = command_number(command, "before", text, bounds, &number);

    if (result < 0)
        ask->page.before = (uint64_t)number;
    return result;
}

static int take_format(const struct command *command, enum ask_format format, struct ask *ask)
{
    if (ask->format != ASK_TEXT && ask->format != format)
        return command_usage(command, "--json and --csv exclude each other");
    ask->format = format;
    return -1;
}

static int take_by(const struct command *command, const char *text, struct ask *ask)
{
    struct err err;

    return audit_by_parse(view_str(text), ask->by, &ask->by_count, &err) == STATUS_OK
               ? -1
               : command_usage(command, "--by: %s", err.text);
}

static int take_option(const struct command *command, const struct option_row *row,
                       const char *text, struct ask *ask)
{
    if (row->argument && text[0] == '\0')
        return command_usage(command, "--%s: it is empty", row->name);
    switch (row->kind) {
    case WORD:
        return take_word(command, row, text, ask);
    case SINCE:
        return period_options_take(command, PERIOD_SINCE, text, &ask->times);
    case FROM:
        return period_options_take(command, PERIOD_FROM, text, &ask->times);
    case UNTIL:
        return period_options_take(command, PERIOD_UNTIL, text, &ask->times);
    case LIMIT:
        return take_limit(command, text, ask);
    case BEFORE:
        return take_before(command, text, ask);
    case BY:
        return take_by(command, text, ask);
    case CONF:
        ask->conf = text;
        return -1;
    case JOURNAL:
        ask->journal = text;
        return -1;
    case INDEX:
        ask->index = text;
        return -1;
    case WHO:
        ask->who_created = text;
        return -1;
    case OPEN:
        ask->open = true;
        return -1;
    case JSON:
        return take_format(command, ASK_JSON, ask);
    case CSV:
        return take_format(command, ASK_CSV, ask);
    }
    return -1;
}

static int parse(const struct command *command, int argc, char **argv, bool query, struct ask *ask)
{
    struct option options[ARRAY_LEN(rows) + 2] = {{"help", no_argument, NULL, 'h'}};
    const struct option_row *conf = NULL;
    size_t count = 1;
    int option, result;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (!(query ? rows[i].query : rows[i].summary))
            continue;
        if (rows[i].kind == CONF)
            conf = &rows[i];
        options[count++] =
            (struct option){rows[i].name, rows[i].argument ? required_argument : no_argument, NULL,
                            rows[i].kind == CONF ? 'c' : FIRST_OPTION + (int)i};
    }
    result = command_check_once(command, argc, argv, options, NULL);
    if (result >= 0)
        return result;
    opterr = 0;
    // NOLINTNEXTLINE(concurrency-mt-unsafe): before any thread
    while ((option = getopt_long(argc, argv, ":c:h", options, NULL)) != -1) {
        if (option == 'h')
            return command_help(command);
        if (option == ':' || option == '?')
            return command_bad_option(command, option, argv);
        result =
            take_option(command, option == 'c' ? conf : &rows[option - FIRST_OPTION], optarg, ask);
        if (result >= 0)
            return result;
    }
    return optind < argc ? command_usage(command, "\"%s\" is one word too many", argv[optind]) : -1;
}

int ask_options(const struct command *command, int argc, char **argv, bool query, struct ask *ret)
{
    int result;

    *ret = (struct ask){
        .command = command, .filter = audit_filter_all(), .times = period_options_always()};
    ret->now_us = ret->times.now_us;
    result = parse(command, argc, argv, query, ret);
    if (result < 0)
        result = command_one_journal(command, ret->conf, ret->journal);
    if (result < 0)
        result = period_options_check(command, &ret->times);
    ret->filter.period = ret->times.period;
    if (result < 0 && ret->open && ret->who_created != NULL)
        return command_usage(command, "--open and --who-created exclude each other");
    if (result < 0 && ret->who_created != NULL && ret->filter.instance.ptr != NULL)
        return command_usage(command, "--instance and --who-created exclude each other");
    return result;
}

void ask_print(const struct buf *out)
{
    if (out->len > 0)
        (void)fwrite(out->ptr, 1, out->len, stdout);
}

static void print_notes(const struct command *command, const struct audit_index *index)
{
    uint64_t damaged = audit_index_damaged(index);

    if (audit_index_note(index)[0] != '\0')
        (void)fprintf(stderr, "postern %s: %s\n", command->name, audit_index_note(index));
    if (damaged > 0)
        (void)fprintf(stderr,
                      "postern %s: lines of the journal that can't be read or stand out of their "
                      "order, and are in no answer: %llu; `postern audit verify` names them\n",
                      command->name, (unsigned long long)damaged);
}

void ask_warn_damage(const struct ask *ask, const char *damage)
{
    if (damage[0] != '\0')
        (void)fprintf(stderr,
                      "postern %s: what exists may be told wrong: the journal is damaged, %s; "
                      "`postern audit verify` names all of it\n",
                      ask->command->name, damage);
}

static enum status work_once(const struct ask *ask, const struct audit_source *source, bool anew,
                             ask_work work, struct buf *out, struct err *err)
{
    const struct audit_index_settings settings = {
        .directory = source->directory, .path = ask->index, .anew = anew};
    struct audit_index *index = NULL;
    enum status status = audit_index_open(&settings, &index, err);

    if (status != STATUS_OK)
        return status;
    status = work(ask, index, source, out, err);
    if (status == STATUS_OK)
        print_notes(ask->command, index);
    audit_index_close(&index);
    if (status == STATUS_OK && out->failed != STATUS_OK)
        return err_set(err, STATUS_LIMIT, "the answer is too long; ask for less with --limit");
    return status;
}

int ask_run(const struct ask *ask, ask_work work)
{
    struct audit_source source;
    struct arena arena;
    struct buf out;
    struct err err = {0};
    enum status status = STATUS_INVALID;

    arena_init(&arena, LOAD_ARENA_BLOCK, LOAD_ARENA_MAX);
    buf_init(&out, ASK_OUT_MAX);
    if (audit_find_source(ask->conf, ask->journal, &arena, &source)) {
        status = work_once(ask, &source, false, work, &out, &err);
        if (status == STATUS_SYNTAX) {
            buf_clear(&out);
            status = work_once(ask, &source, true, work, &out, &err);
        }
        if (status == STATUS_OK)
            ask_print(&out);
        else
            (void)fprintf(stderr, "postern %s: %s\n", ask->command->name, err.text);
    }
    buf_done(&out);
    arena_done(&arena);
    return status == STATUS_OK ? RESULT_WELL : RESULT_CANNOT;
}

const char *ask_text(struct arena *arena, struct view text)
{
    const char *out = "";

    if (view_find(text, '\0') == text.len)
        return text.len == 0 ? NULL : arena_strdup(arena, text);
    while (out != NULL) {
        size_t end = view_find(text, '\0');

        out = arena_printf(arena, "%s%.*s%s", out, VIEW_ARGS(view_of(text.ptr, end)),
                           end < text.len ? "\\x00" : "")
                  .ptr;
        if (end == text.len)
            break;
        text = view_from(text, end + 1);
    }
    return out;
}

const char *ask_time(struct arena *arena, int64_t time_us)
{
    char text[CLOCK_TEXT_BYTES];

    return time_us == 0 ? NULL : arena_printf(arena, "%.19sZ", clock_format(time_us, text).ptr).ptr;
}

const char *ask_moment(struct arena *arena, int64_t time_us)
{
    char text[CLOCK_TEXT_BYTES];

    return time_us == 0 ? NULL : arena_strdup(arena, clock_format(time_us, text));
}

const char *ask_list(struct arena *arena, struct view list, const char *between)
{
    const char *text = NULL;
    struct view element;

    while (audit_list_next(&list, &element))
        text = text == NULL
                   ? arena_printf(arena, "%.*s", VIEW_ARGS(element)).ptr
                   : arena_printf(arena, "%s%s%.*s", text, between, VIEW_ARGS(element)).ptr;
    return text;
}

const char *ask_place(struct arena *arena, const struct audit_line *line)
{
    char name[SEGMENT_NAME_BYTES];

    if (line->text.ptr == NULL)
        return NULL;
    segment_name_format(line->at.segment, name);
    return arena_printf(arena, "%s:%llu", name, (unsigned long long)line->at.line).ptr;
}
