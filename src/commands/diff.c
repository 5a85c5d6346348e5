/* SPDX-License-Identifier: Apache-2.0
 * `postern diff`: what changed between two policy sets. A set is a folder, or the digest of one
 * that the journal keeps. */
#include "policy/diff.h"

#include <getopt.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "commands/internal.h"
#include "json/write.h"

enum { OUTPUT_MAX = 256 << 20 };

struct side {
    const char *word;   /* as it was asked for */
    const char *folder; /* where it was found */
    bool kept;          /* by its digest, among those that the journal keeps */
    struct loaded_policies loaded;
};

struct request {
    const char *conf;
    bool as_json;
    struct side sides[2]; /* old, new */
};

static bool is_digest(struct view word)
{
    for (size_t i = 0; i < word.len; i++) {
        char c = word.ptr[i];

        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
            return false;
    }
    return word.len == DIGEST_HEX_BYTES;
}

/* The settings say where kept sets are; they are read only if one is asked for. */
static bool find_folder(const struct request *request, struct side *side, struct arena *arena)
{
    struct stat found;
    struct conf conf;

    side->folder = side->word;
    if (stat(side->word, &found) == 0 || !is_digest(view_str(side->word)))
        return true;
    if (!command_load(request->conf, arena, &conf, NULL))
        return false;
    side->folder = arena_printf(arena, "%s/%s", conf.journal.sets, side->word).ptr;
    if (side->folder == NULL)
        return false;
    side->kept = stat(side->folder, &found) == 0;
    if (side->kept)
        return true;
    (void)fprintf(stderr, "postern diff: the journal keeps no set %s (looked in %s)\n", side->word,
                  conf.journal.sets);
    return false;
}

/* A copy that was changed since isn't what judged. */
static bool is_as_asked(const struct side *side)
{
    const char *digest = policy_set_digest(side->loaded.set);

    if (!side->kept || strcmp(digest, side->word) == 0)
        return true;
    (void)fprintf(stderr,
                  "postern diff: %s: the copy of the policy set is damaged: it is %s now, not what "
                  "judged; name the folder to see what stands in it\n",
                  side->folder, digest);
    return false;
}

/* Warnings are `check`'s matter. */
static bool load_side(const char *name, struct side *side, struct arena *arena)
{
    const struct policy_options options = {.now_us = clock_now_us()};
    const struct loc place = {.file = name};
    struct diag diag;
    struct buf text;

    diag_init(&diag, arena);
    if (load_policy_folder(side->folder, place, &options, arena, &diag, &side->loaded))
        return is_as_asked(side);
    buf_init(&text, 1 << 20);
    diag_print(&diag, &text);
    (void)fwrite(text.ptr, 1, text.len, stderr);
    buf_done(&text);
    return false;
}

/* ----- text ----- */

/* "team-a", "team-a: quota gpus", "exception alice", "weights price". */
static void add_name(const struct diff_change *change, struct buf *out)
{
    bool is_policy = strcmp(change->what, "policy") == 0;

    if (change->name.ptr == NULL)
        return;
    if (strcmp(change->what, "quota") == 0) {
        yschema_print_text(change->policy, out);
        buf_add_str(out, ": ");
    }
    if (!is_policy || change->rule[0] == '\0')
        buf_printf(out, "%s ", change->what);
    yschema_print_text(change->name, out);
    buf_add_str(out, change->rule[0] == '\0' ? " " : ": ");
}

static void add_place(const struct side *side, struct loc at, struct buf *out)
{
    buf_printf(out, "%s/%s:%u:%u", side->folder, at.file, at.line, at.column);
}

static void add_change(const struct request *request, const struct diff_change *change,
                       struct buf *out)
{
    add_name(change, out);
    buf_add(out, change->text);
    if (change->sense != DIFF_UNTOLD)
        buf_printf(out, " (%s)", diff_sense_name(change->sense));
    buf_add_str(out, "\n   ");
    if (change->old_at.line != 0) {
        buf_add_str(out, " old ");
        add_place(&request->sides[0], change->old_at, out);
    }
    if (change->new_at.line != 0) {
        buf_add_str(out, " new ");
        add_place(&request->sides[1], change->new_at, out);
    }
    buf_add_byte(out, '\n');
}

static bool same_text(const struct request *request)
{
    return strcmp(policy_set_digest(request->sides[0].loaded.set),
                  policy_set_digest(request->sides[1].loaded.set)) == 0;
}

static void add_summary(const struct request *request, const struct policy_diff *diff,
                        struct buf *out)
{
    size_t counts[DIFF_COVERED + 1] = {0};

    for (size_t i = 0; i < diff->count; i++)
        counts[diff->changes[i].sense]++;
    if (diff->count > 0)
        buf_printf(out, "%zu %s: %zu stricter, %zu looser\n", diff->count,
                   diff->count == 1 ? "difference" : "differences", counts[DIFF_STRICTER],
                   counts[DIFF_LOOSER]);
    else if (same_text(request))
        buf_add_str(out, "no rule changed; the texts are the same\n");
    else
        buf_add_str(out, "no rule changed; comments, layout or files did\n");
}

static void print_text(const struct request *request, const struct policy_diff *diff,
                       struct buf *out)
{
    static const char *const words[] = {"old", "new"};

    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        buf_printf(out, "%s %s %s\n", words[i], policy_set_digest(request->sides[i].loaded.set),
                   request->sides[i].folder);
    for (size_t i = 0; i < diff->count; i++)
        add_change(request, &diff->changes[i], out);
    add_summary(request, diff, out);
}

/* ----- JSON ----- */

static void write_place(struct jwriter *w, const char *key, struct loc at)
{

    if (at.line == 0)
        return;
    jwriter_key(w, key);
    jwriter_open_object(w);
    jwriter_member_text(w, "file", view_str(at.file));
    jwriter_member_int(w, "line", at.line);
    jwriter_member_int(w, "column", at.column);
    jwriter_close_object(w);
}

static void write_change(struct jwriter *w, const struct diff_change *change)
{
    jwriter_open_object(w);
    jwriter_member_text(w, "what", view_str(change->what));
    jwriter_member_opt(w, "name", change->name);
    jwriter_member_opt(w, "policy", change->policy);
    if (change->rule[0] != '\0')
        jwriter_member_text(w, "rule", view_str(change->rule));
    jwriter_member_text(w, "change", view_str(diff_kind_name(change->kind)));
    if (change->sense != DIFF_UNTOLD)
        jwriter_member_text(w, "sense", view_str(diff_sense_name(change->sense)));
    jwriter_member_text(w, "text", change->text);
    if (change->value_count > 0) {
        jwriter_key(w, "values");
        jwriter_open_array(w);
        for (size_t i = 0; i < change->value_count; i++)
            jwriter_text(w, change->values[i]);
        jwriter_close_array(w);
    }
    write_place(w, "old", change->old_at);
    write_place(w, "new", change->new_at);
    jwriter_close_object(w);
}

static void print_json(const struct request *request, const struct policy_diff *diff,
                       struct buf *out)
{
    static const char *const keys[] = {"old", "new"};
    struct jwriter w;

    jwriter_init(&w, out);
    jwriter_open_object(&w);
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        jwriter_key(&w, keys[i]);
        jwriter_open_object(&w);
        jwriter_member_text(&w, "folder", view_str(request->sides[i].folder));
        jwriter_member_text(&w, "policy_set",
                            view_str(policy_set_digest(request->sides[i].loaded.set)));
        jwriter_close_object(&w);
    }
    jwriter_key(&w, "same_text");
    jwriter_bool(&w, same_text(request));
    jwriter_key(&w, "changes");
    jwriter_open_array(&w);
    for (size_t i = 0; i < diff->count; i++)
        write_change(&w, &diff->changes[i]);
    jwriter_close_array(&w);
    jwriter_close_object(&w);
    buf_add_byte(out, '\n');
}

/* ----- the command ----- */

static int show(const struct request *request, const struct policy_diff *diff)
{
    struct buf out;
    int result = diff->count > 0 ? RESULT_NO : RESULT_WELL;

    buf_init(&out, OUTPUT_MAX);
    if (request->as_json)
        print_json(request, diff, &out);
    else
        print_text(request, diff, &out);
    if (out.failed != STATUS_OK) {
        (void)fputs("postern diff: the differences do not fit into memory\n", stderr);
        result = RESULT_CANNOT;
    } else if (request->as_json) {
        command_print(&out);
    } else {
        command_print_lines(&out);
    }
    buf_done(&out);
    return result;
}

static int compare(struct request *request, struct arena *arena)
{
    struct loaded_policies *one = &request->sides[0].loaded, *two = &request->sides[1].loaded;
    const struct policy_diff *diff;
    bool loaded;

    for (size_t i = 0; i < ARRAY_LEN(request->sides); i++) {
        if (!find_folder(request, &request->sides[i], arena))
            return RESULT_CANNOT;
    }
    loaded = load_side("OLD", &request->sides[0], arena);
    loaded = load_side("NEW", &request->sides[1], arena) && loaded;
    if (!loaded)
        return RESULT_CANNOT;
    if (policy_diff(one->files, one->count, two->files, two->count, arena, &diff) == STATUS_OK)
        return show(request, diff);
    (void)fputs("postern diff: the differences do not fit into memory\n", stderr);
    return RESULT_CANNOT;
}

static int read_options(const struct command *command, int argc, char **argv,
                        struct request *request)
{
    static const struct option options[] = {{"conf", required_argument, NULL, 'c'},
                                            {"json", no_argument, NULL, 'j'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    int option, result;

    result = command_check_once(command, argc, argv, options, NULL);
    if (result >= 0)
        return result;
    opterr = 0;
    // NOLINTNEXTLINE(concurrency-mt-unsafe): before any thread
    while ((option = getopt_long(argc, argv, ":c:h", options, NULL)) != -1) {
        if (option == 'c')
            request->conf = optarg;
        else if (option == 'j')
            request->as_json = true;
        else if (option == 'h')
            return command_help(command);
        else
            return command_bad_option(command, option, argv);
    }
    if (argc - optind < 2)
        return command_usage(command, "name two policy sets, the old one and the new one");
    if (argc - optind > 2)
        return command_usage(command, "\"%s\" is one word too many", argv[optind + 2]);
    request->sides[0].word = argv[optind];
    request->sides[1].word = argv[optind + 1];
    return -1;
}

int command_diff(const struct command *command, int argc, char **argv)
{
    struct request request = {.conf = DEFAULT_CONF, .sides = {{.word = ""}, {.word = ""}}};
    struct arena arena;
    int result = read_options(command, argc, argv, &request);

    if (result >= 0)
        return result;
    arena_init(&arena, LOAD_ARENA_BLOCK, (size_t)4 * LOAD_ARENA_MAX);
    result = compare(&request, &arena);
    policy_set_unref(&request.sides[0].loaded.set);
    policy_set_unref(&request.sides[1].loaded.set);
    arena_done(&arena);
    return result;
}
