/* SPDX-License-Identifier: Apache-2.0
 * `postern replay`: yesterday's requests under tomorrow's policies. */
#include "commands/replay.h"

#include <getopt.h>
#include <stdio.h>

#include "base/clock.h"
#include "commands/audit.h"
#include "commands/period_options.h"

enum { GROUPS_USUAL = 1000, LIMIT_MAX = 1000000, OUT_MAX = 64 << 20, GROUPS_MAX = 512 << 20 };

struct wanted {
    const char *conf, *journal, *policies, *sets;
    struct period_options times;
    int64_t limit; /* -1: the usual */
    bool json;
};

/* What the callbacks need. */
struct playing {
    const struct wanted *wanted;
    const struct conf *conf;
    const char *sets;
    struct replay_groups groups;
    struct buf out; /* JSON: not yet printed */
    struct jwriter w;
    uint64_t listed, untold;
    bool failed;
};

/* ---- options ---- */

static int take_limit(const struct command *command, struct wanted *w)
{
    static const int64_t bounds[] = {1, LIMIT_MAX};

    return command_number(command, "limit", optarg, bounds, &w->limit);
}

/* One option; -1 to go on. */
static int take_option(const struct command *command, int option, struct wanted *w, char **argv)
{
    switch (option) {
    case 'c':
        w->conf = optarg;
        return -1;
    case 'J':
        w->journal = optarg;
        return -1;
    case 'P':
        w->policies = optarg;
        return -1;
    case 'S':
        w->sets = optarg;
        return -1;
    case 's':
        return period_options_take(command, PERIOD_SINCE, optarg, &w->times);
    case 'f':
        return period_options_take(command, PERIOD_FROM, optarg, &w->times);
    case 'u':
        return period_options_take(command, PERIOD_UNTIL, optarg, &w->times);
    case 'l':
        return take_limit(command, w);
    case 'j':
        w->json = true;
        return -1;
    case 'h':
        return command_help(command);
    default:
        return command_bad_option(command, option, argv);
    }
}

static int parse_options(const struct command *command, int argc, char **argv, struct wanted *w)
{
    static const struct option options[] = {
        {"conf", required_argument, NULL, 'c'},
        {"journal", required_argument, NULL, 'J'},
        {"sets", required_argument, NULL, 'S'},
        {"policies", required_argument, NULL, 'P'},
        {"since", required_argument, NULL, 's'},
        {"from", required_argument, NULL, 'f'},
        {"until", required_argument, NULL, 'u'},
        {"limit", required_argument, NULL, 'l'},
        {"json", no_argument, NULL, 'j'},
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
        result = take_option(command, option, w, argv);
        if (result >= 0)
            return result;
    }
    if (optind < argc)
        return command_usage(command, "\"%s\" is one word too many", argv[optind]);
    if (w->policies == NULL)
        return command_usage(command, "name the folder of policies to try by --policies");
    return period_options_check(command, &w->times);
}

/* ---- policies ---- */

static struct policy_options options_of(const struct conf *conf)
{
    return (struct policy_options){.no_identity = conf->identity.verify == VERIFY_OFF,
                                   .now_us = clock_now_us()};
}

/* A set keeps all it needs: what it was read from goes. */
static struct policy_set *load_kept(void *user, const char *digest)
{
    const struct playing *p = user;
    const struct policy_options options = options_of(p->conf);
    struct loaded_policies loaded = {.set = NULL};
    struct arena arena;
    struct diag diag;
    struct view folder;

    arena_init(&arena, LOAD_ARENA_BLOCK, LOAD_ARENA_MAX);
    diag_init(&diag, &arena);
    folder = arena_printf(&arena, "%s/%s", p->sets, digest);
    if (folder.ptr != NULL && !load_policy_folder(folder.ptr, (struct loc){.file = folder.ptr},
                                                  &options, &arena, &diag, &loaded))
        loaded.set = NULL; /* it is in the totals */
    arena_done(&arena);
    return loaded.set;
}

static bool load_candidate(const struct wanted *w, const struct conf *conf, struct arena *arena,
                           struct policy_set **ret)
{
    const struct policy_options options = options_of(conf);
    struct loaded_policies loaded = {.set = NULL};
    struct diag diag;
    struct buf text;
    bool well;

    diag_init(&diag, arena);
    well = load_policy_folder(w->policies, (struct loc){.file = "--policies"}, &options, arena,
                              &diag, &loaded);
    buf_init(&text, 1 << 20);
    diag_print(&diag, &text);
    if (text.len > 0)
        (void)fwrite(text.ptr, 1, text.len, stderr);
    buf_done(&text);
    *ret = loaded.set;
    return well;
}

/* ---- changes ---- */

static void flush(struct playing *p)
{
    p->failed = p->failed || p->out.failed != STATUS_OK;
    command_print(&p->out);
    buf_clear(&p->out);
}

static bool list_change(struct playing *p, const struct replay_change *change)
{
    if (p->wanted->limit >= 0 && p->listed == (uint64_t)p->wanted->limit) {
        p->untold++;
        return true;
    }
    p->listed++;
    replay_print_change(&p->w, change);
    flush(p);
    return !p->failed;
}

static bool on_change(void *user, const struct replay_change *change)
{
    struct playing *p = user;

    if (p->wanted->json)
        return list_change(p, change);
    p->failed = replay_groups_add(&p->groups, change) != STATUS_OK;
    return !p->failed;
}

/* ---- the run ---- */

static int no_request(const struct replay_totals *totals, const char *directory)
{
    if (totals->lines == 0)
        (void)fprintf(stderr,
                      "postern replay: %s: policies have judged no request in this period\n",
                      directory);
    else
        (void)fprintf(stderr,
                      "postern replay: %s: of %llu judged requests in this period none was kept: "
                      "set journal.requests to full, and replay what comes then\n",
                      directory, (unsigned long long)totals->lines);
    if (totals->bad_lines > 0)
        (void)fprintf(stderr,
                      "postern replay: lines of the journal that can't be read: %llu; `postern "
                      "audit verify` names them\n",
                      (unsigned long long)totals->bad_lines);
    return RESULT_CANNOT;
}

/* Silence of all would otherwise pass for consent. */
static int none_judged(const struct replay_totals *totals)
{
    (void)fprintf(stderr,
                  "postern replay: of %llu kept requests none could be judged again, so that it "
                  "can't be told what would change\n",
                  (unsigned long long)totals->kept);
    return RESULT_CANNOT;
}

static bool finish(struct playing *p, const struct replayed *replayed, struct arena *arena)
{
    bool well = true;

    if (p->wanted->json) {
        jwriter_close_array(&p->w);
        replay_print_totals_json(&p->w, replayed, p->untold);
        jwriter_close_object(&p->w);
        buf_add_byte(&p->out, '\n');
    } else {
        well = replay_print_text(replayed, &p->groups, arena, &p->out);
    }
    flush(p);
    return well && !p->failed;
}

static int replay(struct playing *p, const char *directory, struct arena *arena,
                  const struct policy_set *candidate)
{
    const struct judging_settings judging = conf_judging(p->conf);
    const struct replay_plan plan = {.directory = directory,
                                     .period = p->wanted->times.period,
                                     .judging = &judging,
                                     .candidate = candidate,
                                     .load_set = load_kept,
                                     .on_change = on_change,
                                     .user = p};
    struct replay_totals totals;
    struct err err = {0};
    const struct replayed replayed = {
        .totals = &totals, .policies = p->wanted->policies, .digest = policy_set_digest(candidate)};

    if (replay_run(&plan, &totals, &err) != STATUS_OK) {
        (void)fprintf(stderr, "postern replay: %s\n",
                      err.text[0] == '\0' ? "no memory for what changes; try --limit" : err.text);
        return RESULT_CANNOT;
    }
    if (totals.kept == 0)
        return no_request(&totals, directory);
    if (!finish(p, &replayed, arena)) {
        (void)fputs("postern replay: no memory for what changes; try --limit\n", stderr);
        return RESULT_CANNOT;
    }
    if (totals.judged == 0)
        return none_judged(&totals);
    return totals.changed > 0 ? RESULT_NO : RESULT_WELL;
}

static int run(const struct wanted *w, const struct conf *conf, struct arena *arena)
{
    struct playing p = {.wanted = w, .conf = conf};
    struct audit_source source = {conf->journal.directory, conf->journal.sets};
    struct policy_set *candidate = NULL;
    struct arena kept;
    int result = RESULT_CANNOT;

    if (w->journal != NULL && !audit_find_source(NULL, w->journal, arena, &source))
        return RESULT_CANNOT;
    p.sets = w->sets != NULL ? w->sets : source.sets;
    arena_init(&kept, LOAD_ARENA_BLOCK, GROUPS_MAX);
    buf_init(&p.out, OUT_MAX);
    jwriter_init(&p.w, &p.out);
    replay_groups_init(&p.groups, &kept, w->limit >= 0 ? (size_t)w->limit : GROUPS_USUAL);
    if (w->json) {
        jwriter_open_object(&p.w);
        jwriter_key(&p.w, "changed");
        jwriter_open_array(&p.w);
    }
    if (load_candidate(w, conf, arena, &candidate))
        result = replay(&p, source.directory, arena, candidate);
    policy_set_unref(&candidate);
    buf_done(&p.out);
    arena_done(&kept);
    return result;
}

int command_replay(const struct command *command, int argc, char **argv)
{
    struct wanted w = {.conf = DEFAULT_CONF, .times = period_options_always(), .limit = -1};
    struct arena arena;
    struct conf conf;
    int result = parse_options(command, argc, argv, &w);

    if (result >= 0)
        return result;
    arena_init(&arena, LOAD_ARENA_BLOCK, LOAD_ARENA_MAX);
    result = RESULT_CANNOT;
    if (command_load(w.conf, &arena, &conf, NULL))
        result = run(&w, &conf, &arena);
    arena_done(&arena);
    return result;
}
