/* SPDX-License-Identifier: Apache-2.0
 * Starting on any journal. Input: segments with 0x1E between; lines that begin with '{' stand as
 * they are, others get their place in the chain in front ({"v":1,"seq":N,"prev":"...",). What is
 * damaged stays as it was found, can be repaired, and works then; what is not goes on with a chain
 * that verifies; the second start finds what the first one left. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <jansson.h>

#include "base/log.h"
#include "journal/chain.h"
#include "journal/journal.h"
#include "journal/segment.h"

#include "fuzz.h"
#include "segments.h"

enum { CLOSE_MS = 60000 };

/* Damage is what this is about: not for the terminal, a hundred times a second. */
void __wrap_log_line(enum log_level level, const char *fmt, ...);
void __wrap_log_line(enum log_level level, const char *fmt, ...)
{
    (void)level;
    (void)fmt;
}

/* ---- the folder ---- */

static void read_file(uint64_t seq, struct buf *out)
{
    char path[SEGMENTS_PATH];
    ssize_t n = 1;
    int fd;

    segments_path(seq, path);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    REQUIRE(fd >= 0);
    buf_init(out, SEGMENTS_BYTES);
    while (n > 0) {
        REQUIRE(buf_reserve(out, 65536));
        n = read(fd, out->ptr + out->len, 65536);
        REQUIRE(n >= 0);
        out->len += (size_t)n;
    }
    (void)close(fd);
}

static void check_untouched(const struct segments *written)
{
    for (size_t i = 0; i < written->count; i++) {
        struct buf now;

        read_file(written->seq[i], &now);
        REQUIRE(view_eq(buf_view(&now), buf_view(&written->bytes[i])));
        buf_done(&now);
    }
}

/* ---- the chain ---- */

static void check_line(struct view line, struct chain *chain, bool first)
{
    json_t *value = json_loadb(line.ptr, line.len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
    const char *prev = json_string_value(json_object_get(value, "prev"));
    uint64_t seq = (uint64_t)json_integer_value(json_object_get(value, "seq"));

    REQUIRE(prev != NULL && (first || seq == chain->seq + 1));
    REQUIRE(first || (strlen(prev) == sizeof chain->hash &&
                      memcmp(prev, chain->hash, sizeof chain->hash) == 0));
    chain_set(chain, seq, line);
    json_decref(value);
}

/* From the segment that was gone on with: the last that held a line, or the first of all. */
static void check_chain(const struct segments *written)
{
    uint64_t *list = NULL, last = written->count == 0 ? 1 : written->seq[written->count - 1];
    int dir = open(segments_folder(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    size_t count = 0, from = 0;
    struct chain chain = {.seq = 0};
    struct err err;
    bool first = true;

    REQUIRE(dir >= 0 && segment_list(dir, &list, &count, &err) == STATUS_OK && count > 0);
    while (from + 1 < count && list[from + 1] <= last)
        from++;
    for (size_t i = from; i < count; i++) {
        struct view rest, line;
        struct buf bytes;

        read_file(list[i], &bytes);
        REQUIRE(bytes.len > 0 && bytes.ptr[bytes.len - 1] == '\n');
        rest = view_of(bytes.ptr, bytes.len - 1);
        while (fuzz_part(&rest, '\n', &line)) {
            check_line(line, &chain, first);
            first = false;
        }
        buf_done(&bytes);
    }
    free(list);
    (void)close(dir);
}

/* ---- starting ---- */

static const struct journal_settings *settings(void)
{
    static struct journal_settings s;

    s = (struct journal_settings){
        .directory = segments_folder(),
        .durability = DURABILITY_SYNC,
        .segment_bytes = 1 << 16,
        .keep_us = INT64_MAX / 2,
    };
    return &s;
}

static struct journal *start(struct journal_state *ret)
{
    struct journal *journal = NULL;
    struct err err = {.text = ""};
    bool opened = journal_open(settings(), &journal, &err) == STATUS_OK;

    if (!opened)
        fuzz_show("journal_open", view_str(err.text));
    REQUIRE(opened); /* damage is no failure */
    journal_get_state(journal, ret);
    REQUIRE(ret->damaged == !ret->accepting && (ret->why_not != NULL) == ret->damaged);
    return journal;
}

static void submit(struct journal *journal, enum journal_event event, enum journal_outcome outcome)
{
    const struct journal_facts facts = {
        .event = event,
        .id = VIEW("0123456789abcdef0123456789abcdef"),
        .operation = &operations[OP_DEMANAGER_CREATE],
        .outcome = outcome,
        .duration_us = -1,
    };

    REQUIRE(journal_submit(journal, NULL, &facts, JOURNAL_NO_WAIT, 0) == STATUS_OK);
}

/* Goes on, and finds the next time what was left. */
static void check_going_on(struct journal *journal, const struct journal_state *found)
{
    struct journal_state now;

    REQUIRE(found->open_intents == 0); /* recovery has closed them */
    submit(journal, JOURNAL_INTENT, OUTCOME_NONE);
    submit(journal, JOURNAL_OUTCOME, OUTCOME_FAILED);
    journal_close(&journal, CLOSE_MS);
    journal = start(&now);
    REQUIRE(!now.damaged && now.open_intents == 0);
    REQUIRE(now.existing == found->existing && now.unknown == found->unknown);
    REQUIRE(now.spent == found->spent);
    journal_close(&journal, CLOSE_MS);
}

static void repair(void)
{
    struct journal_state now;
    struct journal *journal;
    struct err err;
    struct buf what;

    buf_init(&what, 4096);
    REQUIRE(journal_repair(settings(), "somebody", &what, &err) == STATUS_OK && what.len > 0);
    buf_done(&what);
    journal = start(&now);
    REQUIRE(now.accepting);
    check_going_on(journal, &now);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct journal_state first, second;
    struct segments written;
    struct journal *journal;
    char why[512];

    segments_write(fuzz_input(data, size), &written);
    journal = start(&first);
    if (first.damaged) {
        (void)snprintf(why, sizeof why, "%s", first.why_not);
        journal_close(&journal, CLOSE_MS);
        check_untouched(&written);
        journal = start(&second);
        REQUIRE(second.damaged && strcmp(why, second.why_not) == 0);
        journal_close(&journal, CLOSE_MS);
        check_untouched(&written);
        repair();
    } else {
        check_going_on(journal, &first);
        check_chain(&written);
    }
    segments_done(&written);
    segments_empty();
    return 0;
}
