/* SPDX-License-Identifier: Apache-2.0
 * `postern audit verify`: the options, and what was found in words or as JSON. */
#include <getopt.h>
#include <stdio.h>

#include "base/clock.h"
#include "commands/audit.h"
#include "commands/kept_set.h"
#include "commands/period_options.h"
#include "journal/segment.h"
#include "json/write.h"
#include "proof/verify.h"

#define U(value) ((unsigned long long)(value))

enum { KEYS_MAX = 16, OUT_MAX = 1 << 20 };

struct options {
    const char *conf, *journal, *witness;
    const char *keys[KEYS_MAX];
    size_t key_count;
    bool json;
};

/* ---- in words ---- */

static void print_fault(const struct fault *fault, struct buf *out)
{
    char name[SEGMENT_NAME_BYTES];

    segment_name_format(fault->at.segment, name);
    buf_printf(out, "%s:%llu: %s (seq %llu): %s\n", name, U(fault->at.line),
               fault_word(fault->kind), U(fault->at.seq), fault->text);
}

static void print_faults(const struct fault_list *faults, struct buf *out)
{
    for (unsigned i = 0; i < faults->count; i++)
        print_fault(&faults->list[i], out);
    if (faults->more > 0)
        buf_printf(out, "and %llu more\n", U(faults->more));
}

static const char *time_of(int64_t us, char out[CLOCK_TEXT_BYTES])
{
    return us == 0 ? "an unknown time" : clock_format(us, out).ptr;
}

static void print_lines(const struct verify_report *r, struct buf *out)
{
    char first[CLOCK_TEXT_BYTES], last[CLOCK_TEXT_BYTES];

    buf_printf(out, "segments: %llu, lines: %llu, seq %llu to %llu\n", U(r->segments), U(r->lines),
               U(r->first_seq), U(r->last_seq));
    buf_printf(out, "from %s to %s\n", time_of(r->first_us, first), time_of(r->last_us, last));
    buf_printf(out, "head %.*s\n", DIGEST_HEX_BYTES, r->head);
    buf_printf(out, "intents: %llu, open: %llu", U(r->intents), U(r->open));
    if (r->open > 0 && r->oldest_open.segment != 0)
        buf_printf(out, ", the first of them seq %llu", U(r->oldest_open.seq));
    buf_add_byte(out, '\n');
    if (r->torn > 0)
        buf_printf(out,
                   "warning: %llu bytes of a line without its end stand behind the last one: the "
                   "gateway is writing it, or a crash left it and the next start removes it\n",
                   U(r->torn));
}

static void print_seals(const struct verify_report *r, bool keys, struct buf *out)
{
    char time[CLOCK_TEXT_BYTES];

    if (r->earlier.count > 0)
        buf_printf(out,
                   "warning: seals whose time is earlier than that of the seal before: %llu, the "
                   "last at seq %llu; the clock was set back, so don't go by times around there\n",
                   U(r->earlier.count), U(r->earlier.seq));
    if (!keys) {
        buf_printf(out,
                   "seals: %llu, in their places; no key was given, so their signatures "
                   "were not looked at and nothing is proven\n",
                   U(r->seals));
        return;
    }
    buf_printf(out, "seals: %llu, signed with a key that was given: %llu\n", U(r->seals),
               U(r->seals_good));
    if (r->proven_until == 0)
        return;
    buf_printf(out,
               "all lines from seq %llu up to seq %llu are proven by a seal of key %.*s at %s\n",
               U(r->proven_from), U(r->proven_until), DIGEST_HEX_BYTES, r->proven_key,
               time_of(r->proven_us, time));
    if (r->last_seq > r->proven_until + 1)
        buf_printf(out, "lines behind it that are not proven yet: %llu\n",
                   U(r->last_seq - r->proven_until - 1));
    if (r->late.places > 0)
        buf_printf(
            out,
            "warning: lines that the run which wrote them didn't seal: %llu in %llu places, "
            "the last from seq %llu up to seq %llu; a crash leaves such, a run without "
            "journal.seal, and who writes to the journal while no gateway runs; the next run "
            "sealed what it found, so look whether the service's log tells of a crash there\n",
            U(r->late.lines), U(r->late.places), U(r->late.from), U(r->late.until));
}

static void print_witness(const struct verify_report *r, struct buf *out)
{
    if (!r->witnessed)
        return;
    buf_printf(out, "witness: %llu of %llu seals stand in the journal as they are",
               U(r->witness_found), U(r->witness_lines));
    if (r->witness_before > 0)
        buf_printf(out, ", of removed segments, which can't be compared: %llu",
                   U(r->witness_before));
    buf_add_byte(out, '\n');
    if (r->unwitnessed > 0)
        buf_printf(
            out,
            "warning: seals that stand in the journal, but not in the witness: %llu; it wasn't "
            "told of them, or others were made in its place\n",
            U(r->unwitnessed));
    if (r->witness_other > 0)
        buf_printf(out, "warning: lines of the witness that are no seals: %llu\n",
                   U(r->witness_other));
    if (r->witness_torn)
        buf_add(out, VIEW("warning: the last line of the witness has no end\n"));
}

static void print_sets(const struct sets_report *sets, struct buf *out)
{
    if (sets->named == 0)
        return;
    buf_printf(out, "policy sets: %llu, kept beside the journal as they judged: %llu\n",
               U(sets->named), U(sets->kept));
    if (sets->missing > 0)
        buf_printf(out,
                   "warning: policy sets that aren't kept beside the journal, or that you may not "
                   "read, so that what they said isn't proven: %llu, the first is %s\n",
                   U(sets->missing), sets->first_missing);
}

static struct view verdict(const struct verify_report *r)
{
    if (verify_is_well(r))
        return VIEW("the journal is whole\n");
    if (r->sets.other == r->faults.count + r->faults.more)
        return VIEW("the journal is whole, but what is kept of the policy sets is NOT what "
                    "judged\n");
    return VIEW("the journal is NOT what was written\n");
}

static void print_words(const struct verify_report *r, bool keys, struct buf *out)
{
    print_faults(&r->faults, out);
    print_lines(r, out);
    for (unsigned i = 0; i < r->note_count; i++)
        buf_printf(out, "note: %s\n", r->notes[i]);
    print_seals(r, keys, out);
    print_witness(r, out);
    print_sets(&r->sets, out);
    buf_add(out, verdict(r));
}

/* ---- as JSON ---- */

static void member_count(struct jwriter *w, const char *key, uint64_t value)
{
    jwriter_member_int(w, key, (int64_t)value);
}

static void member_time(struct jwriter *w, const char *key, int64_t us)
{
    char text[CLOCK_TEXT_BYTES];

    if (us != 0)
        jwriter_member_text(w, key, clock_format(us, text));
}

static void write_faults(struct jwriter *w, const struct fault_list *faults)
{
    jwriter_key(w, "faults");
    jwriter_open_array(w);
    for (unsigned i = 0; i < faults->count; i++) {
        const struct fault *fault = &faults->list[i];
        char name[SEGMENT_NAME_BYTES];

        segment_name_format(fault->at.segment, name);
        jwriter_open_object(w);
        jwriter_member_text(w, "kind", view_str(fault_word(fault->kind)));
        jwriter_member_text(w, "segment", view_str(name));
        member_count(w, "line", fault->at.line);
        member_count(w, "seq", fault->at.seq);
        jwriter_member_text(w, "text", view_str(fault->text));
        jwriter_close_object(w);
    }
    jwriter_close_array(w);
    member_count(w, "more_faults", faults->more);
}

static void write_late(struct jwriter *w, const struct seals_late *late)
{
    if (late->places == 0)
        return;
    jwriter_key(w, "late");
    jwriter_open_object(w);
    member_count(w, "lines", late->lines);
    member_count(w, "places", late->places);
    member_count(w, "from", late->from);
    member_count(w, "until", late->until);
    jwriter_close_object(w);
}

static void write_earlier(struct jwriter *w, const struct seals_earlier *earlier)
{
    if (earlier->count == 0)
        return;
    jwriter_key(w, "earlier");
    jwriter_open_object(w);
    member_count(w, "count", earlier->count);
    member_count(w, "seq", earlier->seq);
    jwriter_close_object(w);
}

static void write_seals(struct jwriter *w, const struct verify_report *r, bool keys)
{
    jwriter_key(w, "seals");
    jwriter_open_object(w);
    member_count(w, "count", r->seals);
    if (keys)
        member_count(w, "verified", r->seals_good);
    if (r->proven_until > 0) {
        jwriter_key(w, "proven");
        jwriter_open_object(w);
        member_count(w, "from", r->proven_from);
        member_count(w, "until", r->proven_until);
        jwriter_member_text(w, "key", view_of(r->proven_key, DIGEST_HEX_BYTES));
        member_time(w, "time", r->proven_us);
        jwriter_close_object(w);
    }
    write_late(w, &r->late);
    write_earlier(w, &r->earlier);
    jwriter_close_object(w);
}

static void write_witness(struct jwriter *w, const struct verify_report *r)
{
    if (!r->witnessed)
        return;
    jwriter_key(w, "witness");
    jwriter_open_object(w);
    member_count(w, "seals", r->witness_lines);
    member_count(w, "found", r->witness_found);
    member_count(w, "of_removed_segments", r->witness_before);
    member_count(w, "not_in_witness", r->unwitnessed);
    member_count(w, "other_lines", r->witness_other);
    jwriter_key(w, "torn");
    jwriter_bool(w, r->witness_torn);
    jwriter_close_object(w);
}

static void write_sets(struct jwriter *w, const struct sets_report *sets)
{
    jwriter_key(w, "policy_sets");
    jwriter_open_object(w);
    member_count(w, "named", sets->named);
    member_count(w, "kept", sets->kept);
    member_count(w, "missing", sets->missing);
    member_count(w, "other", sets->other);
    jwriter_close_object(w);
}

static void write_json(const struct verify_report *r, bool keys, struct buf *out)
{
    struct jwriter w;

    jwriter_init(&w, out);
    jwriter_open_object(&w);
    jwriter_key(&w, "whole");
    jwriter_bool(&w, verify_is_well(r));
    member_count(&w, "segments", r->segments);
    member_count(&w, "lines", r->lines);
    member_count(&w, "bytes", r->bytes);
    member_count(&w, "first_seq", r->first_seq);
    member_count(&w, "last_seq", r->last_seq);
    member_time(&w, "first_time", r->first_us);
    member_time(&w, "last_time", r->last_us);
    jwriter_member_text(&w, "head", view_of(r->head, r->head[0] == '\0' ? 0 : DIGEST_HEX_BYTES));
    member_count(&w, "intents", r->intents);
    member_count(&w, "outcomes", r->outcomes);
    member_count(&w, "open", r->open);
    member_count(&w, "unterminated_bytes", r->torn);
    write_seals(&w, r, keys);
    write_witness(&w, r);
    write_sets(&w, &r->sets);
    jwriter_key(&w, "notes");
    jwriter_open_array(&w);
    for (unsigned i = 0; i < r->note_count; i++)
        jwriter_text(&w, view_str(r->notes[i]));
    jwriter_close_array(&w);
    write_faults(&w, &r->faults);
    jwriter_close_object(&w);
    buf_add_byte(out, '\n');
}

/* ---- the command ---- */

static int parse(const struct command *command, int argc, char **argv, struct options *o)
{
    static const struct option options[] = {
        {"conf", required_argument, NULL, 'c'},
        {"help", no_argument, NULL, 'h'},
        {"journal", required_argument, NULL, 'j'},
        {"witness", required_argument, NULL, 'w'},
        {"key", required_argument, NULL, 'k'},
        {"json", no_argument, NULL, 'J'},
        {NULL, 0, NULL, 0},
    };
    int option, result;

    result = command_check_once(command, argc, argv, options, "k");
    if (result >= 0)
        return result;
    opterr = 0;
    // NOLINTNEXTLINE(concurrency-mt-unsafe): before any thread
    while ((option = getopt_long(argc, argv, ":c:h", options, NULL)) != -1) {
        if (option == 'c')
            o->conf = optarg;
        else if (option == 'j')
            o->journal = optarg;
        else if (option == 'w')
            o->witness = optarg;
        else if (option == 'J')
            o->json = true;
        else if (option == 'h')
            return command_help(command);
        else if (option != 'k')
            return command_bad_option(command, option, argv);
        else if (o->key_count == KEYS_MAX)
            return command_usage(command, "more than %d keys", KEYS_MAX);
        else
            o->keys[o->key_count++] = optarg;
    }
    if (optind < argc)
        return command_usage(command, "\"%s\" is one word too many", argv[optind]);
    return command_one_journal(command, o->conf, o->journal);
}

static enum status verify(const struct options *o, const struct audit_source *source,
                          struct buf *out, bool *ret_well, struct err *err)
{
    static struct verify_report report;
    struct ed25519_public keys[KEYS_MAX];
    const struct verify_settings settings = {
        .directory = source->directory,
        .witness = o->witness,
        .keys = keys,
        .key_count = o->key_count,
        .look_at_set = kept_set_look,
        .sets = source->sets,
    };
    enum status status = STATUS_OK;

    for (size_t i = 0; i < o->key_count && status == STATUS_OK; i++)
        status = ed25519_load_public(o->keys[i], &keys[i], err);
    if (status == STATUS_OK)
        status = verify_journal(&settings, &report, err);
    if (status != STATUS_OK)
        return status;
    (o->json ? write_json : print_words)(&report, o->key_count > 0, out);
    *ret_well = verify_is_well(&report);
    return STATUS_OK;
}

int audit_verify(const struct command *command, int argc, char **argv)
{
    struct options options = {.conf = NULL};
    struct audit_source source;
    struct err err = {.text = ""};
    struct arena arena;
    struct buf out;
    bool well = false;
    int result = parse(command, argc, argv, &options);

    if (result >= 0)
        return result;
    arena_init(&arena, LOAD_ARENA_BLOCK, LOAD_ARENA_MAX);
    buf_init(&out, OUT_MAX);
    result = RESULT_CANNOT;
    if (audit_find_source(options.conf, options.journal, &arena, &source)) {
        if (verify(&options, &source, &out, &well, &err) == STATUS_OK)
            result = well ? RESULT_WELL : RESULT_NO;
        else
            (void)fprintf(stderr, "postern audit verify: %s\n", err.text);
    }
    command_print(&out);
    buf_done(&out);
    arena_done(&arena);
    return result;
}
