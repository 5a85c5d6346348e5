/* SPDX-License-Identifier: Apache-2.0 */
#include "support/test.h"

#include "audit/filter.h"

static void words_that_no_line_has_are_refused(void **state)
{
    static const struct {
        const char *name, *value;
        bool takes;
    } rows[] = {
        {"class", "create", true},
        {"class", "creat", false},
        {"class", "create change", false},
        {"decision", "refuse", true},
        {"decision", "refused", false},
        {"outcome", "unknown", true},
        {"outcome", "", false},
        {"operation", "demanager.create", true},
        {"operation", "demanager.creat", false},
        {"operation", "notebooks.*", true},
        {"user", "anybody", true},
        {"user", "", false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_int_equal(filter_takes(rows[i].name, view_str(rows[i].value)), rows[i].takes);
    assert_null(filter_values("user"));
    assert_string_equal(filter_values("decision"), "allow rewrite refuse");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(words_that_no_line_has_are_refused)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
