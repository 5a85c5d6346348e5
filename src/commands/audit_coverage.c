/* SPDX-License-Identifier: Apache-2.0
 * `postern audit coverage`: which rules of the present policies the journal shows at work. */
#include <getopt.h>
#include <stdio.h>

#include "audit/coverage.h"
#include "base/clock.h"
#include "commands/audit.h"
#include "commands/columns.h"
#include "commands/csv.h"
#include "commands/period_options.h"
#include "json/write.h"

enum { COVERAGE_OUTPUT_MAX = 64 << 20 };

enum shape { AS_TEXT, AS_JSON, AS_CSV };

struct asked {
    const char *conf, *journal, *policies;
    struct period_options times;
    enum shape shape;
};

/* What is printed from. */
struct found {
    const char *directory, *folder; /* of the journal, of the policies */
    struct loaded_policies loaded;
    struct inventory inventory;
    struct coverage coverage;
    struct arena *arena;
    struct buf out;
};

static const char *kind_name(enum inventory_kind kind)
{
    static const char *const names[] = {[INVENTORY_DEFAULT] = "default",
                                        [INVENTORY_MATCH] = "policy",
                                        [INVENTORY_RULE] = "rule",
                                        [INVENTORY_QUOTA] = "quota",
                                        [INVENTORY_EXCEPTION] = "exception"};

    return names[kind];
}

static bool never(const struct coverage_hit *hit)
{
    return hit->fired == 0 && hit->would == 0;
}

/* No line says which exceptions of warn and observe policies were used. */
static bool is_unseen(const struct inventory_item *item)
{
    return item->kind == INVENTORY_EXCEPTION && strcmp(item->mode, "enforce") != 0;
}

/* What nobody wrote is told only if it fired. */
static bool is_left_out(const struct found *f, size_t i)
{
    return f->inventory.items[i].implied && never(&f->coverage.hits[i]);
}

/* ----- text ----- */

static const char *text_of(struct found *f, struct view text)
{
    return text.len == 0 ? NULL : arena_strdup(f->arena, text);
}

static const char *count_of(struct found *f, uint64_t count)
{
    return arena_printf(f->arena, "%llu", (unsigned long long)count).ptr;
}

static const char *time_of(struct found *f, int64_t time_us)
{
    char text[CLOCK_TEXT_BYTES];

    return time_us == 0 ? NULL : arena_strdup(f->arena, clock_format(time_us, text));
}

/* To the second, as in the table of `audit query`. */
static const char *second_of(struct found *f, int64_t time_us)
{
    char text[CLOCK_TEXT_BYTES];

    return time_us == 0 ? NULL
                        : arena_printf(f->arena, "%.19sZ", clock_format(time_us, text).ptr).ptr;
}

static const char *place_of(struct found *f, struct loc at)
{
    if (at.line == 0)
        return NULL;
    return arena_printf(f->arena, "%s/%s:%u:%u", f->folder, at.file, at.line, at.column).ptr;
}

/* "exception alice", "flavors.allow". */
static const char *rule_of(struct found *f, struct view rule, struct view name)
{
    if (!view_eq(rule, VIEW("exception")))
        return text_of(f, rule);
    return arena_printf(f->arena, "exception %.*s", VIEW_ARGS(name)).ptr;
}

static void add_hit(struct found *f, struct columns *t, const struct coverage_hit *hit)
{
    int64_t last_us = hit->last_us > hit->would_last_us ? hit->last_us : hit->would_last_us;

    columns_add(t, count_of(f, hit->fired));
    columns_add(t, count_of(f, hit->would));
    columns_add(t, never(hit) ? "never" : second_of(f, last_us));
}

static void add_nothing(struct columns *t)
{
    columns_add(t, NULL);
    columns_add(t, NULL);
    columns_add(t, NULL);
}

static void print_items(struct found *f)
{
    static const char *const heads[] = {"POLICY", "RULE", "MODE", "FIRED", "WOULD", "LAST", "AT"};
    size_t shown = 0, silent = 0;
    struct columns t;

    columns_init(&t, f->arena, heads, ARRAY_LEN(heads));
    for (size_t i = 0; i < f->inventory.count; i++) {
        const struct inventory_item *item = &f->inventory.items[i];

        if (is_left_out(f, i))
            continue;
        shown += is_unseen(item) ? 0 : 1;
        silent += never(&f->coverage.hits[i]) && !is_unseen(item) ? 1 : 0;
        columns_add(&t, text_of(f, item->policy));
        columns_add(&t, rule_of(f, item->rule, item->name));
        columns_add(&t, item->mode);
        if (is_unseen(item))
            add_nothing(&t);
        else
            add_hit(f, &t, &f->coverage.hits[i]);
        columns_add(&t, place_of(f, item->at));
    }
    columns_print(&t, &f->out);
    buf_printf(&f->out, "%zu of %zu never fired\n", silent, shown);
}

static void print_gone(struct found *f)
{
    static const char *const heads[] = {"POLICY", "RULE", "FIRED", "WOULD", "LAST"};
    const struct coverage *coverage = &f->coverage;
    struct columns t;

    if (coverage->gone_count == 0)
        return;
    buf_add_str(&f->out, "\nno longer in the set:\n");
    columns_init(&t, f->arena, heads, ARRAY_LEN(heads));
    for (size_t i = 0; i < coverage->gone_count; i++) {
        const struct coverage_gone *gone = &coverage->gone[i];

        columns_add(&t, text_of(f, gone->policy));
        columns_add(&t, rule_of(f, gone->rule, gone->name));
        add_hit(f, &t, &gone->hit);
    }
    columns_print(&t, &f->out);
    if (coverage->gone_more > 0)
        buf_printf(&f->out, "and %llu more of names that are not kept\n",
                   (unsigned long long)coverage->gone_more);
}

static void print_text(struct found *f, const struct asked *asked)
{
    const struct coverage *coverage = &f->coverage;
    const struct period *period = &asked->times.period;
    bool whole = period->from_us == INT64_MIN && period->until_us == INT64_MAX;

    buf_printf(&f->out, "policy set %s, %s\njournal %s, %s", policy_set_digest(f->loaded.set),
               f->folder, f->directory, whole ? "all of it" : "");
    if (period->from_us != INT64_MIN)
        buf_printf(&f->out, "from %s", second_of(f, period->from_us));
    if (period->until_us != INT64_MAX)
        buf_printf(&f->out, "%suntil %s", period->from_us == INT64_MIN ? "" : " ",
                   second_of(f, period->until_us));
    buf_printf(&f->out, ": %llu request%s judged", (unsigned long long)coverage->judged,
               coverage->judged == 1 ? "" : "s");
    if (coverage->summed > 0)
        buf_printf(&f->out, ", and %llu refused, of which only their number is known",
                   (unsigned long long)coverage->summed);
    buf_add_str(&f->out, "\n\n");
    print_items(f);
    print_gone(f);
}

/* ----- JSON ----- */

static void write_time(struct jwriter *w, const char *key, int64_t time_us)
{
    char text[CLOCK_TEXT_BYTES];

    if (time_us != 0)
        jwriter_member_text(w, key, clock_format(time_us, text));
}

static void write_hit(struct jwriter *w, const struct coverage_hit *hit)
{
    jwriter_member_int(w, "fired", (int64_t)hit->fired);
    write_time(w, "last", hit->last_us);
    jwriter_member_int(w, "would", (int64_t)hit->would);
    write_time(w, "would_last", hit->would_last_us);
}

static void write_item(struct jwriter *w, const struct inventory_item *item,
                       const struct coverage_hit *hit)
{
    jwriter_open_object(w);
    jwriter_member_text(w, "kind", view_str(kind_name(item->kind)));
    jwriter_member_opt(w, "policy", item->policy);
    jwriter_member_text(w, "rule", item->rule);
    jwriter_member_opt(w, "name", item->name);
    jwriter_member_text(w, "mode", view_str(item->mode));
    if (item->at.line != 0) {
        jwriter_member_text(w, "file", view_str(item->at.file));
        jwriter_member_int(w, "line", item->at.line);
        jwriter_member_int(w, "column", item->at.column);
    }
    if (item->implied) {
        jwriter_key(w, "implied");
        jwriter_bool(w, true);
    }
    if (!is_unseen(item))
        write_hit(w, hit);
    jwriter_close_object(w);
}

static void write_gone(struct jwriter *w, const struct coverage *coverage)
{
    jwriter_key(w, "gone");
    jwriter_open_array(w);
    for (size_t i = 0; i < coverage->gone_count; i++) {
        const struct coverage_gone *gone = &coverage->gone[i];

        jwriter_open_object(w);
        jwriter_member_opt(w, "policy", gone->policy);
        jwriter_member_text(w, "rule", gone->rule);
        jwriter_member_opt(w, "name", gone->name);
        write_hit(w, &gone->hit);
        jwriter_close_object(w);
    }
    jwriter_close_array(w);
}

static void print_json(struct found *f, const struct asked *asked)
{
    const struct coverage *coverage = &f->coverage;
    struct jwriter w;

    jwriter_init(&w, &f->out);
    jwriter_open_object(&w);
    jwriter_member_text(&w, "policy_set", view_str(policy_set_digest(f->loaded.set)));
    if (asked->times.period.from_us != INT64_MIN)
        write_time(&w, "from", asked->times.period.from_us);
    if (asked->times.period.until_us != INT64_MAX)
        write_time(&w, "until", asked->times.period.until_us);
    jwriter_member_int(&w, "judged", (int64_t)coverage->judged);
    jwriter_member_int(&w, "summed", (int64_t)coverage->summed);
    jwriter_member_int(&w, "unreadable", (int64_t)coverage->unreadable);
    jwriter_key(&w, "items");
    jwriter_open_array(&w);
    for (size_t i = 0; i < f->inventory.count; i++)
        write_item(&w, &f->inventory.items[i], &coverage->hits[i]);
    jwriter_close_array(&w);
    write_gone(&w, coverage);
    jwriter_member_int(&w, "gone_more", (int64_t)coverage->gone_more);
    jwriter_close_object(&w);
    buf_add_byte(&f->out, '\n');
}

/* ----- CSV ----- */

enum { CSV_HIT_FIELDS = 4 };

static void add_csv_hit(struct found *f, struct csv *csv, const struct coverage_hit *hit)
{
    csv_add_i64(csv, (int64_t)hit->fired);
    csv_add_str(csv, time_of(f, hit->last_us));
    csv_add_i64(csv, (int64_t)hit->would);
    csv_add_str(csv, time_of(f, hit->would_last_us));
    csv_end_line(csv);
}

static void print_csv_item(struct found *f, struct csv *csv, size_t i)
{
    const struct inventory_item *item = &f->inventory.items[i];

    csv_add_str(csv, "yes");
    csv_add_str(csv, kind_name(item->kind));
    csv_add(csv, item->policy);
    csv_add(csv, item->rule);
    csv_add(csv, item->name);
    csv_add_str(csv, item->mode);
    csv_add_str(csv, place_of(f, item->at));
    if (is_unseen(item)) {
        for (size_t k = 0; k < CSV_HIT_FIELDS; k++)
            csv_add_str(csv, NULL);
        csv_end_line(csv);
        return;
    }
    add_csv_hit(f, csv, &f->coverage.hits[i]);
}

static void print_csv_gone(struct found *f, struct csv *csv, const struct coverage_gone *gone)
{
    csv_add_str(csv, "no");
    csv_add_str(csv, NULL);
    csv_add(csv, gone->policy);
    csv_add(csv, gone->rule);
    csv_add(csv, gone->name);
    csv_add_str(csv, NULL);
    csv_add_str(csv, NULL);
    add_csv_hit(f, csv, &gone->hit);
}

static void print_csv(struct found *f)
{
    static const char *const heads[] = {"in_set", "kind",  "policy", "rule",  "name",      "mode",
                                        "place",  "fired", "last",   "would", "would_last"};
    struct csv csv = {.out = &f->out};

    for (size_t i = 0; i < ARRAY_LEN(heads); i++)
        csv_add_str(&csv, heads[i]);
    csv_end_line(&csv);
    for (size_t i = 0; i < f->inventory.count; i++) {
        if (!is_left_out(f, i))
            print_csv_item(f, &csv, i);
    }
    for (size_t i = 0; i < f->coverage.gone_count; i++)
        print_csv_gone(f, &csv, &f->coverage.gone[i]);
}

/* ----- the command ----- */

static bool load_folder(const char *folder, int64_t now_us, struct arena *arena,
                        struct loaded_policies *ret)
{
    const struct policy_options options = {.now_us = now_us};
    const struct loc place = {.file = "--policies"};
    struct diag diag;
    struct buf text;

    diag_init(&diag, arena);
    if (load_policy_folder(folder, place, &options, arena, &diag, ret))
        return true;
    buf_init(&text, 1 << 20);
    diag_print(&diag, &text);
    (void)fwrite(text.ptr, 1, text.len, stderr);
    buf_done(&text);
    return false;
}

/* The settings are read for what isn't named. */
static bool load(const struct asked *asked, struct found *f)
{
    struct conf conf;

    f->directory = asked->journal;
    f->folder = asked->policies;
    if (f->folder != NULL &&
        !load_folder(asked->policies, asked->times.now_us, f->arena, &f->loaded))
        return false;
    if (f->directory != NULL && f->folder != NULL)
        return true;
    if (!command_load(asked->conf, f->arena, &conf, f->folder == NULL ? &f->loaded : NULL))
        return false;
    if (f->directory == NULL)
        f->directory = conf.journal.directory;
    if (f->folder == NULL)
        f->folder = conf.policies;
    return true;
}

static int fail(const char *why)
{
    (void)fprintf(stderr, "postern audit coverage: %s\n", why);
    return RESULT_CANNOT;
}

static int print(struct found *f, const struct asked *asked)
{
    if (asked->shape == AS_JSON)
        print_json(f, asked);
    else if (asked->shape == AS_CSV)
        print_csv(f);
    else
        print_text(f, asked);
    if (f->out.failed != STATUS_OK)
        return fail("the answer does not fit into memory");
    command_print(&f->out);
    if (f->coverage.unreadable > 0)
        (void)fprintf(stderr,
                      "postern audit coverage: lines of the journal that can't be read, and were "
                      "left out: %llu; `postern audit verify` names them\n",
                      (unsigned long long)f->coverage.unreadable);
    return RESULT_WELL;
}

static int cover(const struct asked *asked, struct found *f)
{
    struct err err = {0};

    if (!load(asked, f))
        return RESULT_CANNOT;
    if (inventory_make(f->loaded.set, f->arena, &f->inventory) != STATUS_OK ||
        coverage_init(&f->coverage, &f->inventory, &asked->times.period, f->arena) != STATUS_OK)
        return fail("out of memory");
    if (coverage_read(&f->coverage, f->directory, &err) != STATUS_OK)
        return fail(err.text);
    return print(f, asked);
}

/* -1 to go on, else the exit status. */
static int take_option(const struct command *command, int option, struct asked *asked)
{
    switch (option) {
    case 'c':
        asked->conf = optarg;
        return -1;
    case 'j':
        asked->journal = optarg;
        return -1;
    case 'p':
        asked->policies = optarg;
        return -1;
    case 's':
        return period_options_take(command, PERIOD_SINCE, optarg, &asked->times);
    case 'f':
        return period_options_take(command, PERIOD_FROM, optarg, &asked->times);
    case 'u':
        return period_options_take(command, PERIOD_UNTIL, optarg, &asked->times);
    default:
        if (asked->shape != AS_TEXT && asked->shape != (option == 'J' ? AS_JSON : AS_CSV))
            return command_usage(command, "--json and --csv exclude each other");
        asked->shape = option == 'J' ? AS_JSON : AS_CSV;
        return -1;
    }
}

static int read_options(const struct command *command, int argc, char **argv, struct asked *asked)
{
    static const struct option options[] = {
        {"conf", required_argument, NULL, 'c'},     {"journal", required_argument, NULL, 'j'},
        {"policies", required_argument, NULL, 'p'}, {"since", required_argument, NULL, 's'},
        {"from", required_argument, NULL, 'f'},     {"until", required_argument, NULL, 'u'},
        {"json", no_argument, NULL, 'J'},           {"csv", no_argument, NULL, 'C'},
        {"help", no_argument, NULL, 'h'},           {NULL, 0, NULL, 0}};
    int option, result;

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
        result = take_option(command, option, asked);
        if (result >= 0)
            return result;
    }
    if (optind < argc)
        return command_usage(command, "\"%s\" is one word too many", argv[optind]);
    return period_options_check(command, &asked->times);
}

int audit_coverage(const struct command *command, int argc, char **argv)
{
    struct asked asked = {.conf = DEFAULT_CONF, .times = period_options_always()};
    struct found found = {0};
    struct arena arena;
    int result = read_options(command, argc, argv, &asked);

    if (result >= 0)
        return result;
    arena_init(&arena, LOAD_ARENA_BLOCK, LOAD_ARENA_MAX);
    buf_init(&found.out, COVERAGE_OUTPUT_MAX);
    found.arena = &arena;
    result = cover(&asked, &found);
    buf_done(&found.out);
    policy_set_unref(&found.loaded.set);
    arena_done(&arena);
    return result;
}
