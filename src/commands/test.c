/* SPDX-License-Identifier: Apache-2.0
 * `postern test`: cases against policies, judged by the code that serves. */
#include "commands/test.h"

#include <getopt.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/redact.h"
#include "commands/internal.h"
#include "trial/outcome.h"

enum { WORK_BLOCK = 64 << 10, WORK_MAX = 256 << 20, WHY_MAX = 1 << 20, REQUEST_MAX = 16 << 20 };

struct wanted {
    const char *conf; /* NULL: not named */
    const char *folder, *junit;
    bool coverage;
};

struct case_file {
    const char *path;
    struct cases cases;
};

/* What is run, and what came of it. */
struct run {
    struct arena *arena; /* of what lives as long as the run */
    struct judging_settings settings;
    struct loaded_policies loaded;
    const char *cases_folder, *policy_folder;
    struct case_file *files;
    size_t file_count, case_count, failed;
    int64_t now_us;
    struct reach coverage;
    struct junit junit;
    struct arena work; /* of one case */
    struct buf why;
    bool broken; /* a case could not be judged, or not be reported */
};

static int parse_options(const struct command *command, int argc, char **argv, struct wanted *w)
{
    static const struct option options[] = {
        {"conf", required_argument, NULL, 'c'},
        {"junit", required_argument, NULL, 'j'},
        {"coverage", no_argument, NULL, 'v'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int option, result;

    result = command_check_once(command, argc, argv, options, NULL);
    if (result >= 0)
        return result;
    opterr = 0;
    // NOLINTNEXTLINE(concurrency-mt-unsafe): before any thread
    while ((option = getopt_long(argc, argv, ":c:h", options, NULL)) != -1) {
        if (option == 'c')
            w->conf = optarg;
        else if (option == 'j')
            w->junit = optarg;
        else if (option == 'v')
            w->coverage = true;
        else if (option == 'h')
            return command_help(command);
        else
            return command_bad_option(command, option, argv);
    }
    if (optind + 1 < argc)
        return command_usage(command, "\"%s\" is one word too many", argv[optind + 1]);
    if (w->junit != NULL && w->junit[0] == '\0')
        return command_usage(command, "--junit: it is empty");
    w->folder = optind < argc ? argv[optind] : NULL;
    return -1;
}

static void print_faults(const struct diag *diag)
{
    struct buf text;

    buf_init(&text, 1 << 20);
    diag_print(diag, &text);
    if (text.len > 0) {
        text.len = redact(text.ptr, text.len);
        (void)fwrite(text.ptr, 1, text.len, stderr);
    }
    buf_done(&text);
}

static void complain(const char *text)
{
    (void)fprintf(stderr, "postern test: %s\n", text);
}

/* A folder of policies with their cases is tested alike on every machine: by the defaults. */
static bool load_folder(struct run *run, const char *folder)
{
    static const char defaults[] = "version: 1\nupstream: {url: \"https://cloud.invalid\"}\n";
    const struct policy_options options = {.now_us = run->now_us};
    const struct loc place = {.file = folder};
    struct conf conf;
    struct diag diag;
    bool well;

    diag_init(&diag, run->arena);
    well = conf_load(DEFAULT_CONF, view_str(defaults), run->arena, &diag, &conf) &&
           load_policy_folder(folder, place, &options, run->arena, &diag, &run->loaded);
    print_faults(&diag);
    if (well)
        run->settings = conf_judging(&conf);
    run->cases_folder = run->policy_folder = folder;
    return well;
}

static bool load_settings(struct run *run, const char *path, const char *folder)
{
    struct conf conf;

    if (!command_load(path, run->arena, &conf, &run->loaded))
        return false;
    run->settings = conf_judging(&conf);
    run->policy_folder = conf.policies;
    run->cases_folder = folder == NULL ? conf.policies : folder;
    return true;
}

static bool load(struct run *run, const struct wanted *w)
{
    struct err err = {0};
    bool has_policies = false;

    if (w->folder != NULL && file_has_policies(w->folder, &has_policies, &err) != STATUS_OK) {
        complain(err.text);
        return false;
    }
    if (has_policies && w->conf == NULL)
        return load_folder(run, w->folder);
    if (load_settings(run, w->conf == NULL ? DEFAULT_CONF : w->conf, w->folder))
        return true;
    if (w->folder != NULL && w->conf == NULL)
        (void)fprintf(stderr,
                      "postern test: %s: no policies here, so the settings' policies would judge "
                      "its cases\n",
                      w->folder);
    return false;
}

/* The bodies that stand in files of their own. */
static void read_requests(struct run *run, struct cases *cases, struct diag *diag)
{
    for (size_t i = 0; i < cases->count; i++) {
        struct policy_case *one = &cases->items[i];
        struct err err = {0};
        struct view path;

        if (one->request_file == NULL)
            continue;
        path = one->request_file[0] == '/'
                   ? view_str(one->request_file)
                   : arena_printf(run->arena, "%s/%s", run->cases_folder, one->request_file);
        if (path.ptr == NULL)
            diag_fault(diag, one->request_at, "request_file: no memory left for it");
        else if (file_read(path.ptr, REQUEST_MAX, run->arena, &one->request, &err) != STATUS_OK)
            diag_fault(diag, one->request_at, "request_file: %s", err.text);
    }
}

static bool read_files(struct run *run, const struct policy_file *texts, size_t count,
                       struct diag *diag)
{
    run->files = arena_array(run->arena, count, sizeof *run->files);
    for (size_t i = 0; run->files != NULL && i < count; i++) {
        struct case_file *file = &run->files[i];
        struct view path = arena_printf(run->arena, "%s/%s", run->cases_folder, texts[i].name);

        if (path.ptr == NULL)
            return false;
        file->path = path.ptr;
        if (cases_read(file->path, texts[i].bytes, run->arena, diag, &file->cases))
            read_requests(run, &file->cases, diag);
        run->case_count += file->cases.count;
    }
    run->file_count = count;
    return run->files != NULL;
}

/* -1 to go on. */
static int read_cases(struct run *run)
{
    struct policy_file *texts;
    struct err err = {0};
    struct diag diag;
    size_t count;

    if (file_read_cases(run->cases_folder, run->arena, &texts, &count, &err) != STATUS_OK) {
        complain(err.text);
        return RESULT_CANNOT;
    }
    diag_init(&diag, run->arena);
    if (!read_files(run, texts, count, &diag)) {
        complain("the cases do not fit into memory");
        return RESULT_CANNOT;
    }
    print_faults(&diag);
    if (diag.faults > 0)
        return RESULT_NO;
    if (run->case_count == 0) {
        (void)fprintf(stderr, "postern test: %s: no cases here; expected *.test.yaml files\n",
                      run->cases_folder);
        return RESULT_NO;
    }
    return -1;
}

static void print_failed(const struct policy_case *one, struct view why)
{
    struct buf text;

    buf_init(&text, WHY_MAX + 4096);
    buf_printf(&text, "%s:%u:%u: %.*s: failed\n", one->at.file, one->at.line, one->at.column,
               VIEW_ARGS(one->name));
    buf_add(&text, why);
    command_print_lines(&text);
    buf_done(&text);
}

/* Leaves what didn't come true in run->why. */
static bool judge(struct run *run, const struct wanted *w, const struct policy_case *one)
{
    struct outcome outcome;
    bool well = outcome_judge(one, &run->settings, run->loaded.set, run->now_us, &run->work,
                              &outcome) == STATUS_OK &&
                outcome_compare(one, &outcome, &run->work, &run->why) == STATUS_OK;

    if (well && w->coverage)
        reach_add(&run->coverage, outcome.judging.decision);
    outcome_done(&outcome);
    return well;
}

static void run_case(struct run *run, const struct wanted *w, const struct case_file *file,
                     const struct policy_case *one)
{
    int64_t began_us = clock_monotonic_us();

    buf_clear(&run->why);
    if (!judge(run, w, one)) {
        (void)fprintf(stderr, "%s:%u:%u: this case does not fit into memory\n", one->at.file,
                      one->at.line, one->at.column);
        run->broken = true;
        return;
    }
    if (run->why.failed == STATUS_NOMEM)
        run->broken = true;
    if (run->why.len > 0) {
        run->failed++;
        print_failed(one, buf_view(&run->why));
    }
    junit_add(&run->junit, file->path, one, buf_view(&run->why), clock_monotonic_us() - began_us);
    arena_reset(&run->work);
}

static void print_summary(const struct run *run)
{
    (void)printf("%zu case%s in %zu file%s: %zu passed, %zu failed\npolicy set %s\n",
                 run->case_count, run->case_count == 1 ? "" : "s", run->file_count,
                 run->file_count == 1 ? "" : "s", run->case_count - run->failed, run->failed,
                 policy_set_digest(run->loaded.set));
}

/* How many items are not reached. */
static size_t print_coverage(struct run *run)
{
    struct buf text;
    size_t missed;

    buf_init(&text, 64 << 20);
    missed = test_print_coverage(&run->coverage, run->policy_folder, &text);
    run->broken = run->broken || text.failed != STATUS_OK;
    command_print_lines(&text);
    buf_done(&text);
    return missed;
}

static int report(struct run *run, const struct wanted *w)
{
    size_t missed = w->coverage ? print_coverage(run) : 0;
    struct err err = {0};

    if (w->junit != NULL && junit_write(&run->junit, w->junit, &err) != STATUS_OK) {
        complain(err.text);
        run->broken = true;
    }
    print_summary(run);
    if (run->broken)
        return RESULT_CANNOT;
    return run->failed > 0 || missed > 0 ? RESULT_NO : RESULT_WELL;
}

static int run_all(struct run *run, const struct wanted *w)
{
    if (w->coverage && reach_init(run->loaded.set, run->arena, &run->coverage) != STATUS_OK) {
        complain("the list of rules does not fit into memory");
        return RESULT_CANNOT;
    }
    for (size_t i = 0; i < run->file_count; i++) {
        const struct case_file *file = &run->files[i];

        for (size_t k = 0; k < file->cases.count && !run->broken; k++)
            run_case(run, w, file, &file->cases.items[k]);
        junit_close_file(&run->junit, file->path);
    }
    return report(run, w);
}

int command_test(const struct command *command, int argc, char **argv)
{
    struct wanted w = {.conf = NULL};
    struct run run = {.now_us = clock_now_us()};
    struct arena arena;
    int result = parse_options(command, argc, argv, &w);

    if (result >= 0)
        return result;
    arena_init(&arena, LOAD_ARENA_BLOCK, LOAD_ARENA_MAX);
    arena_init(&run.work, WORK_BLOCK, WORK_MAX);
    buf_init(&run.why, WHY_MAX);
    junit_init(&run.junit);
    run.arena = &arena;
    result = RESULT_CANNOT;
    if (load(&run, &w)) {
        result = read_cases(&run);
        if (result < 0)
            result = run_all(&run, &w);
    }
    policy_set_unref(&run.loaded.set);
    junit_done(&run.junit);
    buf_done(&run.why);
    arena_done(&run.work);
    arena_done(&arena);
    return result;
}
