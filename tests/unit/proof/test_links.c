/* SPDX-License-Identifier: Apache-2.0
 * What was done to lines, told from their seq and prev alone. A line is its letter: 'b' has the seq
 * 2 and follows 'a', whatever stands before it; a capital is another line with the same seq and
 * prev. */
#include "support/test.h"

#include <ctype.h>

#include "proof/links.h"

static void hash_of(char letter, char out[DIGEST_HEX_BYTES])
{
    memset(out, letter == '`' ? '0' : letter, DIGEST_HEX_BYTES);
}

/* Segments are parted by '|'; '?' can't be read, '/' is half a line. Faults come out as
 * "kind@place". */
static void run(const char *text, uint64_t name, struct fault_list *faults)
{
    struct links links;
    struct fault_place at = {.segment = name};
    bool first = true, skip = false;

    memset(faults, 0, sizeof *faults);
    links_start(&links, faults);
    for (uint64_t place = 1; *text != '\0'; text++, place++) {
        char prev[DIGEST_HEX_BYTES], hash[DIGEST_HEX_BYTES];

        at.line = place;
        if (*text == '|') {
            at.segment = (uint64_t)(tolower((unsigned char)text[1]) - 'a' + 1);
            first = true;
            skip = false;
            continue;
        }
        if (skip)
            continue;
        hash_of(*text, hash);
        at.seq = *text == '?' ? links.last.at.seq + 1
                              : (uint64_t)(tolower((unsigned char)*text) - 'a' + 1);
        if (*text == '?') {
            links_add_unread(&links, at, hash,
                             verify_fault(faults, FAULT_CHANGED, at, "it can't be read"));
        } else if (*text == '/') {
            links_add_torn(&links, at);
        } else {
            const struct links_line line = {
                .at = at, .prev = view_of(prev, sizeof prev), .hash = hash, .first = first};

            hash_of((char)(tolower((unsigned char)*text) - 1), prev);
            skip = links_add(&links, &line) == LINKS_REPLAY;
        }
        first = false;
    }
}

static void kinds_and_places(void **state)
{
    static const struct {
        const char *lines, *want; /* places count from 1, with the '|' */
    } rows[] = {
        {"abcdef", ""},
        {"abc|def|ghi", ""},
        {"aBcd", "changed@2 "}, /* b was changed: c follows another one */
        {"aBCd", "changed@2 changed@3 "},
        {"abdef", "dropped@3 "},
        {"abhij", "dropped@3 "},
        {"abce|fg", "dropped@4 "},
        {"bcd", "dropped@1 "},
        {"abdcef", "swapped@3 "},
        {"abedcfg", "swapped@3 swapped@5 "},
        {"abfdecghi", "swapped@3 swapped@6 "},
        {"abdecfg", "swapped@3 "},
        {"abcbdef", "inserted@4 "},
        {"abcadef", "inserted@4 "},
        {"abcccdef", "inserted@3 inserted@5 "},
        {"abcCdef", "inserted@4 "}, /* d goes on from the first of the two */
        {"abCcdef", "inserted@3 "}, /* and here from the second */
        {"abzcdef", "inserted@3 "},
        {"ab?def", "changed@3 "},
        {"ab?cdef", "inserted@3 "},
        {"ab??ef", "changed@3 changed@4 "},
        {"abc|ghi", "missing@5 "},
        {"abc|def|abc|ghi", "replayed@9 "},
        {"abc|def|def|ghi", "replayed@9 "},
        {"abc/|def", "cut@4 "},
        {"abc/|efg", "cut@4 "},
        {"abc/|ghi", "cut@4 missing@6 "},
        {"abdef|gikl", "dropped@3 dropped@8 dropped@9 "},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct fault_list faults;
        char got[256] = "";
        size_t len = 0;

        run(rows[i].lines, 1, &faults);
        for (unsigned k = 0; k < faults.count; k++)
            len += (size_t)snprintf(got + len, sizeof got - len, "%s@%llu ",
                                    fault_word(faults.list[k].kind),
                                    (unsigned long long)faults.list[k].at.line);
        if (strcmp(got, rows[i].want) != 0)
            fail_msg("%s: got %s, want %s", rows[i].lines, got, rows[i].want);
    }
}

static void the_first_line_is_taken_at_its_word(void **state)
{
    struct fault_list faults;

    (void)state;
    run("cde", 3, &faults);
    assert_int_equal(faults.count, 0);
    run("cde", 2, &faults);
    assert_int_equal(faults.list[0].kind, FAULT_DROPPED);
    run("cde", 7, &faults);
    assert_int_equal(faults.list[0].kind, FAULT_REPLAYED);
}

static void the_list_is_bounded(void **state)
{
    struct fault_list faults = {.count = 0};
    const struct fault_place at = {.segment = 1, .line = 1, .seq = 7};

    (void)state;
    for (int i = 0; i < FAULTS_MAX; i++)
        assert_int_equal(verify_fault(&faults, FAULT_PAIR, at, "%d", i), i);
    assert_int_equal(verify_fault(&faults, FAULT_PAIR, at, "more"), -1);
    assert_int_equal(faults.count, FAULTS_MAX);
    assert_int_equal(faults.more, 1);
    verify_amend(&faults, -1, FAULT_SEAL, at, "nothing");
    verify_amend(&faults, 3, FAULT_SEAL, at, "\x1b[31m%s", "caf\xc3\xa9");
    assert_string_equal(faults.list[3].text, "?[31mcaf??");
    assert_int_equal(verify_find(&faults, FAULT_SEAL, 7), 3);
    assert_int_equal(verify_find(&faults, FAULT_SEAL, 8), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kinds_and_places),
        cmocka_unit_test(the_first_line_is_taken_at_its_word),
        cmocka_unit_test(the_list_is_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
