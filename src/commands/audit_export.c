/* SPDX-License-Identifier: Apache-2.0
 * `postern audit export`: the lines of a period, oldest first, in a format that others read. One
 * line is in memory at a time. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "commands/audit.h"
#include "commands/new_file.h"
#include "commands/period_options.h"
#include "formats/format.h"
#include "journal/line.h"
#include "trail/row.h"
#include "trail/trail.h"

enum {
    LINE_ARENA_BLOCK = 1 << 16,
    OUT_BYTES = 1 << 18, /* written at once */
    FORMATTED_MAX = 1 << 30,
    HOST_BYTES = 256
};
static const size_t line_arena_max = (size_t)8 << 30;

struct export
{
    const struct command *command;
    const char *conf, *journal, *output, *source;
    enum format format;
    struct period_options times;

    char host[HOST_BYTES];
    struct trail *trail;
    struct arena arena; /* of one line */
    struct buf out;
    struct new_file file; /* if there is an output */
    int fd;
    bool damaged;
};

/* ---- what is asked for ---- */

enum option_id { OPTION_JOURNAL = 256, OPTION_SINCE, OPTION_FROM, OPTION_UNTIL, OPTION_FORMAT };

static int take_format(struct export *x, const char *text)
{
    if (format_find(view_str(text), &x->format))
        return -1;
    return command_usage(x->command, "--format: \"%s\" is none of: postern cadf cloudevents", text);
}

/* -1 to go on, else the exit status. */
static int take_option(struct export *x, int id)
{
    switch (id) {
    case 'c':
        x->conf = optarg;
        return -1;
    case 'o':
        x->output = optarg;
        return -1;
    case 's':
        x->source = optarg;
        return -1;
    case OPTION_JOURNAL:
        x->journal = optarg;
        return -1;
    case OPTION_SINCE:
        return period_options_take(x->command, PERIOD_SINCE, optarg, &x->times);
    case OPTION_FROM:
        return period_options_take(x->command, PERIOD_FROM, optarg, &x->times);
    case OPTION_UNTIL:
        return period_options_take(x->command, PERIOD_UNTIL, optarg, &x->times);
    default:
        return take_format(x, optarg);
    }
}

static int check_options(const struct export *x)
{
    int result = command_one_journal(x->command, x->conf, x->journal);

    if (result < 0)
        result = period_options_check(x->command, &x->times);
    if (result < 0 && x->source[0] == '\0')
        return command_usage(x->command, "--source: it is empty");
    if (result < 0 && x->output != NULL && x->output[0] == '\0')
        return command_usage(x->command, "--output: it is empty");
    return result;
}

static int read_options(struct export *x, int argc, char **argv)
{
    static const struct option options[] = {
        {"conf", required_argument, NULL, 'c'},
        {"help", no_argument, NULL, 'h'},
        {"output", required_argument, NULL, 'o'},
        {"source", required_argument, NULL, 's'},
        {"journal", required_argument, NULL, OPTION_JOURNAL},
        {"since", required_argument, NULL, OPTION_SINCE},
        {"from", required_argument, NULL, OPTION_FROM},
        {"until", required_argument, NULL, OPTION_UNTIL},
        {"format", required_argument, NULL, OPTION_FORMAT},
        {0},
    };
    int option, result;

    result = command_check_once(x->command, argc, argv, options, NULL);
    if (result >= 0)
        return result;
    opterr = 0;
    // NOLINTNEXTLINE(concurrency-mt-unsafe): before any thread
    while ((option = getopt_long(argc, argv, ":c:h", options, NULL)) != -1) {
        if (option == 'h')
            return command_help(x->command);
        if (option == ':' || option == '?')
            return command_bad_option(x->command, option, argv);
        result = take_option(x, option);
        if (result >= 0)
            return result;
    }
    if (optind < argc)
        return command_usage(x->command, "\"%s\" is one word too many", argv[optind]);
    return check_options(x);
}

/* ---- writing ---- */

static int say_cannot_make(const struct export *x, int failed)
{
    if (failed == EEXIST)
        (void)fprintf(stderr, "postern audit export: %s is there already; it stays as it is\n",
                      x->output);
    else
        (void)fprintf(stderr, "postern audit export: can't make %s: %s\n", x->output,
                      strerrordesc_np(failed));
    return RESULT_CANNOT;
}

static int open_output(struct export *x)
{
    int failed = x->output == NULL ? 0 : new_file_open(&x->file, x->output);

    if (failed != 0)
        return say_cannot_make(x, failed);
    if (x->output != NULL)
        x->fd = x->file.fd;
    return -1;
}

static bool say_cannot_write(const struct export *x, int failed)
{
    (void)fprintf(stderr, "postern audit export: can't write %s: %s\n",
                  x->output == NULL ? "to standard output" : x->output,
                  failed == EPIPE ? "nobody reads it any more" : strerrordesc_np(failed));
    return false;
}

/* All of what waits; false, with a message: it can't be written. */
static bool flush(struct export *x)
{
    size_t done = 0;

    while (done < x->out.len) {
        const ssize_t n = write(x->fd, x->out.ptr + done, x->out.len - done);

        if (n < 0 && errno != EINTR)
            return say_cannot_write(x, errno);
        done += n > 0 ? (size_t)n : 0;
    }
    buf_clear(&x->out);
    return true;
}

/* A file is there in full, or not at all. */
static int end_output(struct export *x, int result)
{
    int failed;

    if (x->output == NULL)
        return result;
    if (result == RESULT_CANNOT) {
        new_file_drop(&x->file);
        return result;
    }
    failed = new_file_keep(&x->file);
    if (failed == EEXIST)
        return say_cannot_make(x, failed);
    if (failed != 0)
        (void)say_cannot_write(x, failed);
    return failed != 0 ? RESULT_CANNOT : result;
}

/* ---- the lines ---- */

static void say_damaged(struct export *x, const struct trail_line *line, const char *why)
{
    (void)fprintf(stderr, "%020llu.jsonl:%llu: skipped: %s\n", (unsigned long long)line->at.segment,
                  (unsigned long long)line->at.line, why);
    x->damaged = true;
}

/* False: the command can't go on. */
static bool export_line(struct export *x, const struct trail_line *line)
{
    struct row row;
    const char *why = "it is half a line";
    enum status status = line->whole ? STATUS_OK : STATUS_SYNTAX;

    if (status == STATUS_OK)
        status = row_read(line->text, &x->arena, &row, &why);
    if (status == STATUS_OK && row.time_us == 0) {
        why = "it has no time that can be read";
        status = STATUS_SYNTAX;
    }
    if (status == STATUS_OK) {
        if (!period_has(&x->times.period, row.time_us))
            return true;
        why = "it is too long in that format";
        arena_reset(&x->arena);
        status = format_line(x->format, view_str(x->source), line->text, &x->arena, &x->out);
        x->out.failed = STATUS_OK;
    }
    if (status == STATUS_NOMEM) {
        (void)fprintf(stderr, "postern audit export: memory is out\n");
        return false;
    }
    if (status != STATUS_OK)
        say_damaged(x, line, why);
    else
        buf_add_byte(&x->out, '\n');
    return true;
}

static int export_lines(struct export *x)
{
    struct trail_line line;
    struct err err = {0};
    enum trail_step step;
    int64_t time_us;

    while ((step = trail_next(x->trail, &line, &err)) == TRAIL_LINE) {
        if (line.whole && line_peek_time(line.text, &time_us) &&
            !period_has(&x->times.period, time_us))
            continue;
        arena_reset(&x->arena);
        if (!export_line(x, &line) || (x->out.len >= OUT_BYTES && !flush(x)))
            return RESULT_CANNOT;
    }
    if (step == TRAIL_FAILED) {
        (void)fprintf(stderr, "postern audit export: %s\n", err.text);
        return RESULT_CANNOT;
    }
    if (!flush(x))
        return RESULT_CANNOT;
    return x->damaged ? RESULT_NO : RESULT_WELL;
}

static int export_from(struct export *x, const char *directory)
{
    struct err err = {0};
    int result;

    if (trail_open(directory, &x->trail, &err) != STATUS_OK) {
        (void)fprintf(stderr, "postern audit export: %s\n", err.text);
        return RESULT_CANNOT;
    }
    result = open_output(x);
    if (result < 0)
        result = end_output(x, export_lines(x));
    trail_close(&x->trail);
    return result;
}

static int export(struct export *x)
{
    struct arena arena;
    struct audit_source source;
    int result = RESULT_CANNOT;

    /* A pipe that is closed and a file that gets too long are errors of a write. */
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGXFSZ, SIG_IGN);
    arena_init(&arena, LOAD_ARENA_BLOCK, LOAD_ARENA_MAX);
    arena_init(&x->arena, LINE_ARENA_BLOCK, line_arena_max);
    buf_init(&x->out, FORMATTED_MAX);
    if (audit_find_source(x->conf, x->journal, &arena, &source))
        result = export_from(x, source.directory);
    buf_done(&x->out);
    arena_done(&x->arena);
    arena_done(&arena);
    return result;
}

int audit_export(const struct command *command, int argc, char **argv)
{
    struct export x = {.command = command,
                       .format = FORMAT_POSTERN,
                       .times = period_options_always(),
                       .fd = STDOUT_FILENO};
    int result;

    if (gethostname(x.host, sizeof x.host - 1) != 0 || x.host[0] == '\0')
        (void)snprintf(x.host, sizeof x.host, "localhost");
    x.source = x.host;
    result = read_options(&x, argc, argv);
    return result >= 0 ? result : export(&x);
}
