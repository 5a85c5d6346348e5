/* SPDX-License-Identifier: Apache-2.0
 * Counting connections by address: over all who share the table, and exact at the limit. */
#include "support/test.h"

#include "front/inner.h"

static void key_of(unsigned number, unsigned char key[16])
{
    memset(key, 0, 16);
    memcpy(key, &number, sizeof number);
}

static void test_at_the_limit(void **state)
{
    struct front_addresses *addresses = front_addresses_new();
    struct address *first, *second;
    unsigned char here[16], there[16];

    (void)state;
    assert_non_null(addresses);
    key_of(1, here);
    key_of(2, there);
    first = address_take(addresses, here, 2);
    assert_non_null(first);
    second = address_take(addresses, here, 2);
    assert_ptr_equal(second, first);
    assert_null(address_take(addresses, here, 2));
    address_give(addresses, address_take(addresses, there, 2)); /* another one is not in the way */
    address_give(addresses, second);
    second = address_take(addresses, here, 2);
    assert_non_null(second);
    address_give(addresses, first);
    address_give(addresses, second);
    address_give(addresses, NULL);
    front_addresses_free(&addresses);
    assert_null(addresses);
    front_addresses_free(&addresses);
}

enum { MANY = 5000 };

static void test_many(void **state)
{
    struct front_addresses *addresses = front_addresses_new();
    static struct address *taken[MANY];
    unsigned char key[16];

    (void)state;
    for (unsigned i = 0; i < MANY; i++) {
        key_of(i, key);
        taken[i] = address_take(addresses, key, 1);
        assert_non_null(taken[i]);
        assert_null(address_take(addresses, key, 1));
    }
    for (unsigned i = 0; i < MANY; i++)
        address_give(addresses, taken[i]);
    key_of(7, key);
    address_give(addresses, address_take(addresses, key, 1));
    front_addresses_free(&addresses);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_at_the_limit),
        cmocka_unit_test(test_many),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
