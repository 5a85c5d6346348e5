/* SPDX-License-Identifier: Apache-2.0
 * Errors: filling, wrapping, cutting, and callers who don't want to know. */
#include "support/test.h"

#include <errno.h>

#include "base/error.h"

static void sets(void **state)
{
    struct err err = {.text = "before", .loc = {"f", 1, 2}};

    (void)state;
    assert_int_equal(err_set(&err, STATUS_LIMIT, "%d over %s", 3, "it"), STATUS_LIMIT);
    assert_int_equal(err.status, STATUS_LIMIT);
    assert_string_equal(err.text, "3 over it");
    assert_null(err.loc.file);
    assert_int_equal(err.loc.line, 0);
}

static void sets_with_a_place(void **state)
{
    struct err err = {0};

    (void)state;
    assert_int_equal(err_set_at(&err, (struct loc){"f", 4, 5}, STATUS_SYNTAX, "bad"),
                     STATUS_SYNTAX);
    assert_string_equal(err.loc.file, "f");
    assert_int_equal(err.loc.line, 4);
    assert_int_equal(err.loc.column, 5);
    assert_string_equal(err.text, "bad");
}

static void sets_from_errno(void **state)
{
    struct err err = {0};

    (void)state;
    assert_int_equal(err_set_errno(&err, ENOENT, "opening %s", "x"), STATUS_IO);
    assert_int_equal(err.status, STATUS_IO);
    assert_string_equal(err.text, "opening x: No such file or directory");
}

static void wraps(void **state)
{
    struct err err = {0};

    (void)state;
    (void)err_set_at(&err, (struct loc){"f", 4, 5}, STATUS_SYNTAX, "bad");
    assert_int_equal(err_wrap(&err, "reading %s", "x"), STATUS_SYNTAX);
    assert_int_equal(err_wrap(&err, "loading"), STATUS_SYNTAX);
    assert_string_equal(err.text, "loading: reading x: bad");
    assert_int_equal(err.loc.line, 4);
}

static void nobody_has_to_listen(void **state)
{
    (void)state;
    assert_int_equal(err_set(NULL, STATUS_NOMEM, "x"), STATUS_NOMEM);
    assert_int_equal(err_set_at(NULL, (struct loc){0}, STATUS_PEER, "x"), STATUS_PEER);
    assert_int_equal(err_set_errno(NULL, EIO, "x"), STATUS_IO);
    assert_int_equal(err_wrap(NULL, "x"), STATUS_IO);
}

static void long_texts_are_cut(void **state)
{
    struct err err = {0};

    (void)state;
    (void)err_set(&err, STATUS_IO, "%2000d", 1);
    assert_int_equal(strlen(err.text), sizeof err.text - 1);
    (void)err_wrap(&err, "what");
    assert_int_equal(strlen(err.text), sizeof err.text - 1);
    assert_memory_equal(err.text, "what:  ", 7);
    (void)err_wrap(&err, "%2000d", 1);
    assert_int_equal(strlen(err.text), sizeof err.text - 1);
    (void)err_set_errno(&err, ENOENT, "%508d", 1);
    assert_int_equal(strlen(err.text), sizeof err.text - 1);
    assert_string_equal(err.text + 507, "1: N");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sets),
        cmocka_unit_test(sets_with_a_place),
        cmocka_unit_test(sets_from_errno),
        cmocka_unit_test(wraps),
        cmocka_unit_test(nobody_has_to_listen),
        cmocka_unit_test(long_texts_are_cut),
    };

    return cmocka_run_group_tests_name("base/error", tests, NULL, NULL);
}
