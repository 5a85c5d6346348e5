/* SPDX-License-Identifier: Apache-2.0
 * A second change of one instance is refused while the first is under way, and only then. */
#include "support/test.h"

#include "gateway/pending.h"

static struct pending_entry entry(enum family family, const char *project, const char *instance)
{
    return (struct pending_entry){
        .family = family, .project = view_str(project), .instance = view_str(instance)};
}

static void test_same_instance_waits(void **state)
{
    struct pending pending;
    struct pending_entry first = entry(FAMILY_DEMANAGER, "p", "nb");
    struct pending_entry second = entry(FAMILY_DEMANAGER, "p", "nb");

    (void)state;
    pending_init(&pending);
    assert_true(pending_add(&pending, &first));
    assert_false(pending_add(&pending, &second));
    pending_remove(&pending, &second); /* it never was in: nothing happens to the first */
    assert_false(pending_add(&pending, &second));
    pending_remove(&pending, &first);
    assert_true(pending_add(&pending, &second));
    pending_remove(&pending, &second);
    pending_remove(&pending, &second);
    pending_done(&pending);
}

static void test_others_pass(void **state)
{
    static const struct {
        const char *name;
        enum family family;
        const char *project, *instance;
    } rows[] = {
        {"other family", FAMILY_NOTEBOOKS, "p", "nb"},
        {"other project", FAMILY_DEMANAGER, "q", "nb"},
        {"other instance", FAMILY_DEMANAGER, "p", "nb2"},
        {"case differs", FAMILY_DEMANAGER, "p", "NB"},
        {"cut elsewhere", FAMILY_DEMANAGER, "pn", "b"},
    };
    struct pending pending;
    struct pending_entry first = entry(FAMILY_DEMANAGER, "p", "nb");

    (void)state;
    pending_init(&pending);
    assert_true(pending_add(&pending, &first));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct pending_entry other = entry(rows[i].family, rows[i].project, rows[i].instance);

        assert_row(pending_add(&pending, &other), rows[i].name);
        pending_remove(&pending, &other);
    }
    pending_remove(&pending, &first);
    pending_done(&pending);
}

enum { MANY = 2000 };

static void test_many(void **state)
{
    static struct pending_entry entries[MANY];
    static char names[MANY][16];
    struct pending pending;

    (void)state;
    pending_init(&pending);
    for (size_t i = 0; i < MANY; i++) {
        (void)snprintf(names[i], sizeof names[i], "nb-%zu", i);
        entries[i] = entry(FAMILY_DEMANAGER, "p", names[i]);
        assert_true(pending_add(&pending, &entries[i]));
    }
    for (size_t i = 0; i < MANY; i += 2)
        pending_remove(&pending, &entries[i]);
    for (size_t i = 0; i < MANY; i++) {
        struct pending_entry again = entry(FAMILY_DEMANAGER, "p", names[i]);

        assert_int_equal(pending_add(&pending, &again), i % 2 == 0);
        pending_remove(&pending, &again);
    }
    pending_done(&pending);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_instance_waits),
        cmocka_unit_test(test_others_pass),
        cmocka_unit_test(test_many),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
