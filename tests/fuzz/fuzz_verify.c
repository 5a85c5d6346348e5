/* SPDX-License-Identifier: Apache-2.0
 * Verifying any journal. Input: segments with 0x1E between, and behind 0x1F a witness; lines that
 * begin with '{' stand as they are, others get their place in the chain in front. What is called
 * whole has a right chain by a plain reading of it, and what a plain reading finds broken isn't
 * called whole. The same folder gives the same report. */
#include <unistd.h>

#include <jansson.h>

#include "journal/chain.h"
#include "journal/open.h"
#include "proof/verify.h"

#include "fuzz.h"
#include "segments.h"

static void write_file(const char *path, struct view bytes)
{
    FILE *file = fopen(path, "wb");

    REQUIRE(file != NULL && (bytes.len == 0 || fwrite(bytes.ptr, bytes.len, 1, file) == 1));
    REQUIRE(fclose(file) == 0);
}

/* ---- a plain reading ---- */

static bool plain_open(const json_t *open)
{
    const json_t *entry;
    size_t i;

    json_array_foreach (open, i, entry) {
        if (json_string_length(json_object_get(entry, "id")) == 0 ||
            !json_is_string(json_object_get(entry, "state")))
            return false;
    }
    return json_is_array(open);
}

static bool plain_id(const json_t *line, const char *event)
{
    size_t len = json_string_length(json_object_get(line, "id"));

    if (strcmp(event, "intent") == 0)
        return len > 0 && len <= OPEN_KEY_BYTES;
    return len > 0 || strcmp(event, "orphan") != 0;
}

/* Whether the line stands where it should; moves on behind it. */
static bool plain_line(struct view line, uint64_t name, bool first, struct chain *chain)
{
    json_t *value = json_loadb(line.ptr, line.len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
    const json_t *seq = json_object_get(value, "seq"), *v = json_object_get(value, "v");
    const char *prev = json_string_value(json_object_get(value, "prev"));
    const char *event = json_string_value(json_object_get(value, "event"));
    bool begins = chain->seq == 0, well = json_is_integer(seq) && json_integer_value(seq) > 0;

    well = well && json_integer_value(v) == 1 && prev != NULL && event != NULL &&
           json_is_string(json_object_get(value, "time"));
    if (well && (!begins || json_integer_value(seq) == 1))
        well = strlen(prev) == sizeof chain->hash &&
               memcmp(prev, chain->hash, sizeof chain->hash) == 0;
    if (well && !begins)
        well = (uint64_t)json_integer_value(seq) == chain->seq + 1;
    if (well && first)
        well = (uint64_t)json_integer_value(seq) == name;
    well = well && first == (strcmp(event, "checkpoint") == 0);
    well = well && (!first || plain_open(json_object_get(value, "open")));
    well = well && plain_id(value, event);
    if (well)
        chain_set(chain, (uint64_t)json_integer_value(seq), line);
    json_decref(value);
    return well;
}

static bool plain_segment(const struct segments *written, size_t at, bool last, struct chain *chain)
{
    struct view rest = buf_view(&written->bytes[at]), line;
    bool first = true;

    if (rest.len == 0)
        return true;
    while (fuzz_part(&rest, '\n', &line)) {
        if (rest.ptr == NULL) /* what follows the last LF: nothing, or half a line */
            return line.len == 0 || last;
        if (!plain_line(line, written->seq[at], first, chain))
            return false;
        first = false;
        if (rest.len == 0)
            return true;
    }
    return true;
}

static bool plain_reading(const struct segments *written)
{
    struct chain chain;

    chain_start(&chain);
    for (size_t i = 0; i < written->count; i++) {
        if (!plain_segment(written, i, i + 1 == written->count, &chain))
            return false;
    }
    return true;
}

/* ---- the properties ---- */

static bool is_of_chain(enum fault_kind kind)
{
    return kind != FAULT_PAIR && kind != FAULT_SEAL && kind != FAULT_WITNESS;
}

static void check_report(const struct verify_report *report, bool plain, bool witnessed)
{
    bool chain = true;

    REQUIRE(report->faults.count <= FAULTS_MAX);
    for (unsigned i = 0; i < report->faults.count; i++) {
        const struct fault *fault = &report->faults.list[i];

        REQUIRE((unsigned)fault->kind < FAULT_KINDS && fault->text[0] != '\0');
        chain = chain && !is_of_chain(fault->kind);
    }
    if (!plain)
        REQUIRE(report->faults.count > 0);
    /* A witness may say that the journal was cut. */
    if (plain && !witnessed && report->faults.more == 0)
        REQUIRE(chain);
    REQUIRE(report->witness_found + report->witness_before <= report->witness_lines);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct verify_report report, again;
    static const struct ed25519_public key = {.id = {'0'}};
    struct view input = fuzz_input(data, size), segments, seals = VIEW_NONE;
    struct verify_settings settings = {.directory = segments_folder()};
    char witness[SEGMENTS_PATH];
    struct segments written;
    struct err err;
    enum status status;

    (void)snprintf(witness, sizeof witness, "%s.witness", segments_folder());
    if (!fuzz_part(&input, '\x1f', &segments))
        return 0;
    seals = input;
    segments_write(segments, &written);
    if (seals.ptr != NULL) {
        write_file(witness, seals);
        settings.witness = witness;
    }
    settings.keys = &key;
    settings.key_count = size % 2;
    status = verify_journal(&settings, &report, &err);
    REQUIRE(status == STATUS_OK || status == STATUS_INVALID);
    if (status == STATUS_OK) {
        check_report(&report, plain_reading(&written), seals.ptr != NULL);
        REQUIRE(verify_journal(&settings, &again, &err) == STATUS_OK);
        REQUIRE(memcmp(&report, &again, sizeof report) == 0);
    }
    segments_done(&written);
    segments_empty();
    (void)unlink(witness);
    return 0;
}
