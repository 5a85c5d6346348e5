/* SPDX-License-Identifier: Apache-2.0
 * Line by line. Links judge where a line stands, pairs what it opens and closes, seals and the
 * witness what it must be, sets the policies that it names. */
#include "proof/verify.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal/segment.h"
#include "proof/links.h"
#include "proof/pairs.h"
#include "proof/seals.h"
#include "proof/witness.h"
#include "trail/row.h"
#include "trail/trail.h"

#define U(value) ((unsigned long long)(value))

enum { ARENA_BLOCK = 1 << 16, PATH_BYTES = 4096 };
static const size_t arena_max = (size_t)8 << 30;

struct verify {
    const struct verify_settings *settings;
    struct verify_report *report;
    struct links links;
    struct pairs pairs;
    struct seals seals;
    struct sets sets;
    struct witness witness;
    size_t witness_at; /* the next of its lines */
    struct digest *digest;
    struct arena arena;  /* of one line */
    uint64_t segment;    /* that is being read; 0: none yet */
    uint64_t whole_from; /* seq from which on the chain is whole */
    bool skip;           /* the segment is a replayed one */
    bool doubtful;       /* lines of this segment may be missing: pairs aren't judged */
    bool known_open;     /* what was open at the start is known */
    bool sealed;         /* the last line is a seal */
    struct trail *trail;
};

/* One line on its way. */
struct seen {
    struct fault_place at;
    struct view text;
    bool first, too_long;
    unsigned char raw[DIGEST_BYTES];
    char hash[DIGEST_HEX_BYTES];
    struct row row;
};

/* ---- pairs ---- */

static enum status add_pair(struct pairs *pairs, struct view id, struct fault_place at,
                            bool *ret_twice, struct err *err)
{
    enum status status = pairs_add(pairs, id, at, ret_twice);

    if (status == STATUS_LIMIT)
        return err_set(err, status, "segment %020llu, line %llu: more than %d intents are open",
                       U(at.segment), U(at.line), PAIRS_MAX);
    return status == STATUS_OK ? status : err_set(err, status, "no memory for the open intents");
}

static enum status open_intent(struct verify *v, struct view id, struct fault_place at,
                               struct err *err)
{
    bool twice = false;
    enum status status = add_pair(&v->pairs, id, at, &twice, err);

    if (status != STATUS_OK)
        return status;
    if (twice && !v->doubtful)
        (void)verify_fault(&v->report->faults, FAULT_PAIR, at,
                           "an intent of its id is open already: %.*s", VIEW_ARGS(id));
    return STATUS_OK;
}

static enum status take_intent(struct verify *v, struct seen *seen, struct err *err)
{
    struct view id = row_text(&seen->row, ROW_ID);

    v->report->intents++;
    if (id.len > 0 && id.len <= OPEN_KEY_BYTES)
        return open_intent(v, id, seen->at, err);
    (void)verify_fault(&v->report->faults, FAULT_CHANGED, seen->at,
                       "an intent has to have an `id` of at most %d bytes", OPEN_KEY_BYTES);
    return STATUS_OK;
}

/* A start takes none without, and what it doesn't take is damage. */
static void take_orphan(struct verify *v, struct seen *seen)
{
    if (row_text(&seen->row, ROW_ID).len == 0)
        (void)verify_fault(&v->report->faults, FAULT_CHANGED, seen->at,
                           "an orphan has to have an `id`");
}

static bool is_judged(struct row *row)
{
    static const char *const judged[] = {"create", "change", "start", "mount"};
    struct view class = row_text(row, ROW_CLASS);

    for (size_t i = 0; i < ARRAY_LEN(judged); i++) {
        if (view_eq(class, view_str(judged[i])))
            return true;
    }
    return false;
}

/* An outcome "refused" may stand alone: the disk failed when its intent was written. */
static void close_intent(struct verify *v, struct seen *seen)
{
    struct view id = row_text(&seen->row, ROW_ID);

    v->report->outcomes++;
    if (pairs_take(&v->pairs, id) || v->doubtful || !v->known_open || !is_judged(&seen->row) ||
        view_eq(row_text(&seen->row, ROW_OUTCOME), VIEW("refused")))
        return;
    (void)verify_fault(&v->report->faults, FAULT_PAIR, seen->at,
                       "no intent is open for this outcome: it had one already, or its intent is "
                       "missing: %.*s",
                       id.len > OPEN_KEY_BYTES ? OPEN_KEY_BYTES : (int)id.len, id.ptr);
}

/* Those that should be closed by now. */
static void left_open(struct verify *v, struct fault_place at, const char *what)
{
    const struct pair_entry *oldest = pairs_oldest(&v->pairs);

    if (oldest == NULL)
        return;
    (void)verify_fault(
        &v->report->faults, FAULT_PAIR, at,
        "%s, but %llu of the intents before it have no outcome; the first has seq %llu "
        "(segment %020llu, line %llu)",
        what, U(v->pairs.count), U(oldest->at.seq), U(oldest->at.segment), U(oldest->at.line));
}

static struct view reserved_id(struct row *row, jref element)
{
    if (!view_eq(row_text_in(row, element, VIEW("state")), VIEW("reserved")))
        return VIEW_NONE;
    return row_text_in(row, element, VIEW("id"));
}

/* Whether the checkpoint lists as reserved what the lines before it left open. */
static void compare_open(struct verify *v, const struct pairs *told, struct fault_place at)
{
    size_t strange = 0;

    for (size_t i = 0; i < told->room; i++) {
        const struct open_key *id = &told->entries[i].id;

        strange += id->len != 0 && !pairs_has(&v->pairs, open_key_view(id));
    }
    if (strange > 0)
        (void)verify_fault(
            &v->report->faults, FAULT_PAIR, at,
            "the checkpoint says that %zu intents are open for which no line before it "
            "stands",
            strange);
    if (v->pairs.count + strange > told->count)
        left_open(v, at, "the checkpoint tells of fewer open intents");
}

/* The intents that it lists; one that stands twice is no more than one. */
static enum status read_open(struct seen *seen, struct pairs *told, struct err *err)
{
    const struct fault_place before = {.segment = 0};

    JDOC_EACH(&seen->row.doc, row_list(&seen->row, ROW_OPEN), element)
    {
        struct view id = reserved_id(&seen->row, element);
        bool twice;
        enum status status = id.len == 0 ? STATUS_OK : add_pair(told, id, before, &twice, err);

        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

static enum status take_checkpoint(struct verify *v, struct seen *seen, struct err *err)
{
    struct pairs told = {.entries = NULL};
    enum status status = read_open(seen, &told, err);

    if (status == STATUS_OK && v->known_open && !v->doubtful)
        compare_open(v, &told, seen->at);
    pairs_done(&v->pairs);
    v->pairs = told;
    v->known_open = true;
    v->doubtful = false;
    return status;
}

/* ---- what a line is ---- */

static void note_repair(struct verify *v, struct seen *seen)
{
    struct view actor = row_text(&seen->row, ROW_ACTOR), error = row_text(&seen->row, ROW_ERROR);
    struct verify_report *report = v->report;
    char *note;

    if (actor.ptr == NULL || report->note_count == VERIFY_NOTES_MAX)
        return;
    note = report->notes[report->note_count++];
    (void)snprintf(note, VERIFY_NOTE_BYTES,
                   "segment %020llu begins behind damage that %.*s has %.*s", U(seen->at.segment),
                   VIEW_ARGS(actor), VIEW_ARGS(error));
    fault_printable(note);
}

/* NULL, or what is wrong with the checkpoint's list. A start wouldn't take it either. */
static const char *judge_open(struct row *row)
{
    jref open = row_list(row, ROW_OPEN);

    if (open == JREF_NONE || jdoc_kind(&row->doc, open) != JKIND_ARRAY)
        return "the checkpoint's `open` isn't a list";
    JDOC_EACH(&row->doc, open, element)
    {
        if (row_text_in(row, element, VIEW("id")).len == 0 ||
            row_text_in(row, element, VIEW("state")).ptr == NULL)
            return "an element of the checkpoint's `open` has no `id` or no `state`";
    }
    return NULL;
}

static enum status take_first(struct verify *v, struct seen *seen, enum links_found found,
                              struct err *err)
{
    const char *why;

    v->sealed = false;
    if (!view_eq(row_text(&seen->row, ROW_EVENT), VIEW("checkpoint"))) {
        if (found == LINKS_WELL) /* else it is known already that something is wrong here */
            (void)verify_fault(&v->report->faults, FAULT_CHANGED, seen->at,
                               "a segment has to start with a checkpoint");
        v->doubtful = true;
        return STATUS_OK;
    }
    note_repair(v, seen);
    why = judge_open(&seen->row);
    if (why != NULL) {
        (void)verify_fault(&v->report->faults, FAULT_CHANGED, seen->at, "%s", why);
        v->doubtful = true;
        return STATUS_OK;
    }
    return take_checkpoint(v, seen, err);
}

static enum status take_event(struct verify *v, struct seen *seen, struct err *err)
{
    struct view event = row_text(&seen->row, ROW_EVENT);

    v->sealed = false;
    if (view_eq(event, VIEW("intent")))
        return take_intent(v, seen, err);
    if (view_eq(event, VIEW("outcome"))) {
        close_intent(v, seen);
    } else if (view_eq(event, VIEW("seal"))) {
        v->sealed = true;
        seals_add(&v->seals, &seen->row, seen->at, v->whole_from, &v->report->faults);
    } else if (view_eq(event, VIEW("start"))) {
        if (!v->doubtful && v->known_open)
            left_open(v, seen->at, "a start closes what is open");
        pairs_clear(&v->pairs);
        seals_add_start(&v->seals, seen->at.seq, v->report->first_seq);
    } else if (view_eq(event, VIEW("orphan"))) {
        take_orphan(v, seen);
    } else if (view_eq(event, VIEW("checkpoint"))) {
        (void)verify_fault(&v->report->faults, FAULT_INSERTED, seen->at,
                           "a checkpoint stands only at the beginning of a segment");
    }
    return STATUS_OK;
}

/* ---- the witness ---- */

/* Where the journal ends, or where it should have begun. */
static struct fault_place end_of(const struct verify *v)
{
    const struct fault_place begin = {.segment = v->segment, .line = 1, .seq = v->segment};

    return v->links.started || v->segment == 0 ? v->links.last.at : begin;
}

static void compare_witness(struct verify *v, const struct seen *seen)
{
    for (; v->witness_at < v->witness.count; v->witness_at++) {
        const struct witness_line *line = &v->witness.lines[v->witness_at];

        if (line->seq > seen->at.seq)
            return;
        if (line->seq < v->report->first_seq)
            v->report->witness_before++;
        else if (line->seq < seen->at.seq)
            (void)verify_fault(&v->report->faults, FAULT_WITNESS, seen->at,
                               "seq %llu, which the witness has in line %llu, is missing before it",
                               U(line->seq), U(line->line));
        else if (memcmp(line->hash, seen->raw, sizeof line->hash) != 0)
            (void)verify_fault(&v->report->faults, FAULT_WITNESS, seen->at,
                               "the witness has another line of that seq (its line %llu)",
                               U(line->line));
        else
            v->report->witness_found++;
    }
}

/* What the journal has no more. */
static void end_witness(struct verify *v)
{
    struct verify_report *report = v->report;
    const struct witness_line *first, *last;
    const struct fault_place at = end_of(v);

    report->witness_other = v->witness.other;
    report->witness_torn = v->witness.torn;
    report->witness_lines = v->witness.count;
    if (v->witness_at == v->witness.count)
        return;
    first = &v->witness.lines[v->witness_at];
    last = &v->witness.lines[v->witness.count - 1];
    (void)verify_fault(
        &report->faults, FAULT_CUT, at,
        "the journal ends here, but the witness has seals behind it (%llu), from seq %llu in "
        "its line %llu to seq %llu in its line %llu",
        U(v->witness.count - v->witness_at), U(first->seq), U(first->line), U(last->seq),
        U(last->line));
}

/* ---- lines ---- */

static void break_off(struct verify *v, uint64_t whole_from)
{
    v->doubtful = true;
    v->whole_from = whole_from;
}

static void count_line(struct verify *v, const struct seen *seen, int64_t time_us)
{
    struct verify_report *report = v->report;

    if (report->first_seq == 0) {
        report->first_seq = seen->at.seq;
        report->first_us = time_us;
        v->whole_from = seen->at.seq;
    }
    report->last_seq = seen->at.seq;
    report->last_us = time_us == 0 ? report->last_us : time_us;
    memcpy(report->head, seen->hash, sizeof report->head);
}

static void take_unread(struct verify *v, struct seen *seen, const char *why)
{
    int number;

    seen->at.seq = v->links.started ? v->links.last.at.seq + 1 : seen->at.segment;
    number = verify_fault(&v->report->faults, FAULT_CHANGED, seen->at, "%s", why);
    links_add_unread(&v->links, seen->at, seen->hash, number);
    count_line(v, seen, 0);
    break_off(v, seen->at.seq + 1);
    v->sealed = false;
}

static enum status take_set(struct verify *v, struct seen *seen, struct err *err)
{
    enum status status = sets_add(&v->sets, row_text(&seen->row, ROW_POLICY_SET), seen->at);

    if (status == STATUS_LIMIT)
        return err_set(err, status, "segment %020llu, line %llu: more than %d policy sets",
                       U(seen->at.segment), U(seen->at.line), PAIRS_MAX);
    return status == STATUS_OK ? status : err_set(err, status, "no memory for the policy sets");
}

/* Of a line that counts. */
static enum status take_row(struct verify *v, struct seen *seen, enum links_found found,
                            struct err *err)
{
    const uint64_t found_before = v->report->witness_found;
    enum status status;

    count_line(v, seen, seen->row.time_us);
    if (found == LINKS_BROKEN)
        break_off(v, seen->at.seq);
    status = seen->first ? take_first(v, seen, found, err) : take_event(v, seen, err);
    if (status == STATUS_OK)
        status = take_set(v, seen, err);
    if (status == STATUS_OK)
        compare_witness(v, seen);
    v->report->unwitnessed +=
        v->sealed && v->settings->witness != NULL && v->report->witness_found == found_before;
    return status;
}

static enum status take_place(struct verify *v, struct seen *seen, struct err *err)
{
    const struct links_line line = {
        .at = seen->at,
        .prev = row_text(&seen->row, ROW_PREV),
        .hash = seen->hash,
        .first = seen->first,
        .cut = v->seals.count > 0 && !v->sealed,
    };
    enum links_found found = links_add(&v->links, &line);

    v->skip = found == LINKS_REPLAY;
    if (found == LINKS_ODD || found == LINKS_REPLAY) {
        break_off(v, v->links.last.at.seq + 1);
        return STATUS_OK;
    }
    return take_row(v, seen, found, err);
}

static void hash_line(struct verify *v, struct seen *seen)
{
    digest_start(v->digest);
    digest_add(v->digest, seen->text);
    digest_finish(v->digest, seen->raw);
    digest_hex(seen->raw, seen->hash);
}

/* Segments may be removed for their age while this one reads: the oldest that is still there then
 * begins the journal. */
static enum status look_for_retired(struct verify *v, struct seen *seen, struct err *err)
{
    uint64_t *list = NULL;
    size_t count = 0;
    int dir_fd = open(v->settings->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    enum status status;

    if (dir_fd < 0)
        return STATUS_OK; /* the reader will say it */
    status = segment_list(dir_fd, &list, &count, err);
    (void)close(dir_fd);
    if (status == STATUS_OK && count > 0 && list[0] == seen->at.segment &&
        v->report->first_seq != 0) {
        links_start(&v->links, &v->report->faults);
        pairs_clear(&v->pairs);
        v->known_open = false;
        v->report->first_seq = 0;
    }
    free(list);
    return status;
}

/* What every line has, and readers of less don't ask for. */
static enum status check_members(struct seen *seen, const char **ret_why)
{
    if (row_text(&seen->row, ROW_PREV).ptr == NULL)
        *ret_why = "it has no \"prev\"";
    else if (row_text(&seen->row, ROW_TIME).ptr == NULL)
        *ret_why = "it has no \"time\"";
    else
        return STATUS_OK;
    return seen->row.failed ? STATUS_NOMEM : STATUS_SYNTAX;
}

static enum status take_whole(struct verify *v, struct seen *seen, struct err *err)
{
    const char *why;
    enum status status;

    hash_line(v, seen);
    if (seen->too_long) {
        take_unread(v, seen, "it is longer than a line may be");
        return STATUS_OK;
    }
    arena_reset(&v->arena);
    status = row_read(seen->text, &v->arena, &seen->row, &why);
    if (status == STATUS_OK)
        status = check_members(seen, &why);
    if (status == STATUS_NOMEM)
        return err_set(err, status, "no memory for segment %020llu, line %llu", U(seen->at.segment),
                       U(seen->at.line));
    if (status != STATUS_OK) {
        take_unread(v, seen, why);
        return STATUS_OK;
    }
    seen->at.seq = seen->row.seq;
    if (seen->first && v->links.started && seen->at.seq > v->links.last.at.seq + 1) {
        status = look_for_retired(v, seen, err);
        if (status != STATUS_OK)
            return status;
    }
    status = take_place(v, seen, err);
    return status == STATUS_OK && seen->row.failed
               ? err_set(err, STATUS_NOMEM, "no memory for a line's texts")
               : status;
}

/* ---- segments without lines ---- */

/* Whether the segment still stands there, without any line: it wasn't removed for its age. */
static bool is_emptied(const struct verify *v, uint64_t segment)
{
    char name[SEGMENT_NAME_BYTES], path[PATH_BYTES];
    struct stat facts;
    int len;

    segment_name_format(segment, name);
    len = snprintf(path, sizeof path, "%s/%s", v->settings->directory, name);
    return len > 0 && (size_t)len < sizeof path && lstat(path, &facts) == 0 && facts.st_size == 0;
}

/* In front of the first line; links tell of all that are missing behind it. */
static void look_in_front(struct verify *v, struct fault_place at)
{
    size_t count;
    const uint64_t *segments = trail_segments(v->trail, &count);

    for (size_t i = 0; i < count && segments[i] < at.segment; i++) {
        if (is_emptied(v, segments[i]))
            (void)verify_fault(&v->report->faults, FAULT_MISSING, at,
                               "segment %020llu in front of it has no line any more",
                               U(segments[i]));
    }
}

/* Behind the last line. A segment is made before its first line, and named after it. */
static void look_behind(struct verify *v)
{
    size_t count;
    const uint64_t *segments = trail_segments(v->trail, &count);

    for (size_t i = 0; i < count; i++) {
        if (segments[i] > v->segment && segments[i] > v->links.last.at.seq + 1)
            (void)verify_fault(&v->report->faults, FAULT_CUT, end_of(v),
                               "the lines of segment %020llu behind it are missing",
                               U(segments[i]));
    }
}

static enum status take_line(struct verify *v, const struct trail_line *line, struct err *err)
{
    struct seen seen = {
        .at = {.segment = line->at.segment, .line = line->at.line},
        .text = line->text,
        .first = line->at.segment != v->segment,
        .too_long = line->length > line->text.len,
    };

    if (seen.first) {
        if (v->segment == 0)
            look_in_front(v, seen.at);
        v->segment = line->at.segment;
        v->report->segments++;
        v->skip = false;
    }
    v->report->lines++;
    v->report->bytes += line->length + line->whole;
    if (v->skip)
        return STATUS_OK;
    if (line->whole)
        return take_whole(v, &seen, err);
    seen.at.seq = v->links.last.at.seq + 1;
    links_add_torn(&v->links, seen.at);
    break_off(v, seen.at.seq + 1);
    return STATUS_OK;
}

static void finish(struct verify *v)
{
    struct verify_report *report = v->report;
    const struct pair_entry *oldest = pairs_oldest(&v->pairs);

    report->torn = trail_torn(v->trail);
    if (report->lines > 0)
        look_behind(v);
    report->open = v->pairs.count;
    if (oldest != NULL)
        report->oldest_open = oldest->at;
    if (v->settings->witness != NULL)
        end_witness(v);
    seals_end(&v->seals, end_of(v), &report->faults);
    report->seals = v->seals.count;
    report->seals_good = v->seals.good;
    report->proven_from = v->seals.from;
    report->proven_until = v->seals.until;
    report->proven_us = v->seals.proven_us;
    report->late = v->seals.late;
    report->earlier = v->seals.earlier;
    report->sets = v->sets.report;
    memcpy(report->proven_key, v->seals.key, sizeof report->proven_key);
}

static enum status walk(struct verify *v, struct err *err)
{
    for (;;) {
        struct trail_line line;
        enum trail_step step = trail_next(v->trail, &line, err);
        enum status status;

        if (step == TRAIL_FAILED)
            return STATUS_IO;
        if (step == TRAIL_END)
            break;
        status = take_line(v, &line, err);
        if (status != STATUS_OK)
            return status;
    }
    if (v->report->lines == 0 && v->witness.count == 0)
        return err_set(err, STATUS_INVALID, "there is no line of a journal in %s",
                       v->settings->directory);
    finish(v);
    return STATUS_OK;
}

enum status verify_journal(const struct verify_settings *settings, struct verify_report *ret,
                           struct err *err)
{
    struct verify v = {
        .settings = settings,
        .report = ret,
        .seals = {.keys = settings->keys, .key_count = settings->key_count},
        .sets = {.look = settings->look_at_set, .folder = settings->sets, .faults = &ret->faults},
        .digest = digest_new(),
    };
    enum status status = STATUS_OK;

    memset(ret, 0, sizeof *ret);
    links_start(&v.links, &ret->faults);
    arena_init(&v.arena, ARENA_BLOCK, arena_max);
    if (v.digest == NULL)
        status = err_set(err, STATUS_NOMEM, "no memory for a digest");
    /* The witness first: what is written meanwhile is in the journal before it is there. */
    ret->witnessed = settings->witness != NULL;
    if (status == STATUS_OK && settings->witness != NULL)
        status = witness_read(settings->witness, &v.witness, err);
    if (status == STATUS_OK)
        status = trail_open(settings->directory, &v.trail, err);
    if (status == STATUS_OK)
        status = walk(&v, err);
    trail_close(&v.trail);
    witness_done(&v.witness);
    pairs_done(&v.pairs);
    sets_done(&v.sets);
    arena_done(&v.arena);
    digest_free(&v.digest);
    return status;
}
