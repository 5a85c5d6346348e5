/* SPDX-License-Identifier: Apache-2.0
 * Addresses and networks: what is read, what is refused and why, and what lies within what. */
#include "support/test.h"

#include "policy/network.h"

static void reads_strictly(void **state)
{
    static const struct {
        const char *text;
        enum network_fault fault;
        unsigned bytes, bits;
    } rows[] = {
        {"10.0.0.0/8", NETWORK_OK, 4, 8},
        {"192.0.2.7", NETWORK_OK, 4, 32},
        {"192.0.2.7/32", NETWORK_OK, 4, 32},
        {"0.0.0.0/0", NETWORK_OK, 4, 0},
        {"255.255.255.255", NETWORK_OK, 4, 32},
        {"192.0.2.128/25", NETWORK_OK, 4, 25},
        {"2001:db8::/32", NETWORK_OK, 16, 32},
        {"2001:0DB8::1", NETWORK_OK, 16, 128},
        {"::", NETWORK_OK, 16, 128},
        {"::/0", NETWORK_OK, 16, 0},
        {"fe80::/10", NETWORK_OK, 16, 10},
        {"1:2:3:4:5:6:7:8", NETWORK_OK, 16, 128},
        {"", NETWORK_UNREADABLE, 0, 0},
        {"/8", NETWORK_UNREADABLE, 0, 0},
        {"*", NETWORK_UNREADABLE, 0, 0},
        {"localhost", NETWORK_UNREADABLE, 0, 0},
        {"10", NETWORK_UNREADABLE, 0, 0},
        {"10.0.0/8", NETWORK_UNREADABLE, 0, 0},
        {"10.0.0.0.0", NETWORK_UNREADABLE, 0, 0},
        {"10..0.0", NETWORK_UNREADABLE, 0, 0},
        {"256.0.0.1", NETWORK_UNREADABLE, 0, 0},
        {"0x0a.0.0.1", NETWORK_UNREADABLE, 0, 0},
        {" 10.0.0.1", NETWORK_UNREADABLE, 0, 0},
        {"10.0.0.1 ", NETWORK_UNREADABLE, 0, 0},
        {"10.0.0.1\n", NETWORK_UNREADABLE, 0, 0},
        {"+10.0.0.1", NETWORK_UNREADABLE, 0, 0},
        {"10.0.0.1-10.0.0.9", NETWORK_UNREADABLE, 0, 0},
        {"::ffff:10.0.0.1", NETWORK_UNREADABLE, 0, 0},
        {"::ffff:a00:1", NETWORK_UNREADABLE, 0, 0},
        {"0:0:0:0:0:FFFF:808:808/128", NETWORK_UNREADABLE, 0, 0},
        {"::ffff:0:0/96", NETWORK_UNREADABLE, 0, 0},
        {"fe80::1%eth0", NETWORK_UNREADABLE, 0, 0},
        {"[::1]", NETWORK_UNREADABLE, 0, 0},
        {"1::2::3", NETWORK_UNREADABLE, 0, 0},
        {"1:2:3:4:5:6:7", NETWORK_UNREADABLE, 0, 0},
        {"12345::", NETWORK_UNREADABLE, 0, 0},
        {"1111:2222:3333:4444:5555:6666:7777:88888888888", NETWORK_UNREADABLE, 0, 0},
        {"010.0.0.0/8", NETWORK_LEADING_ZERO, 0, 0},
        {"10.00.0.0/8", NETWORK_LEADING_ZERO, 0, 0},
        {"10.0.0.01", NETWORK_LEADING_ZERO, 0, 0},
        {"10.0.0.0/08", NETWORK_LEADING_ZERO, 0, 0},
        {"2001:db8::/032", NETWORK_LEADING_ZERO, 0, 0},
        {"10.0.0.0/", NETWORK_PREFIX, 0, 0},
        {"10.0.0.0/33", NETWORK_PREFIX, 0, 0},
        {"10.0.0.0/-0", NETWORK_PREFIX, 0, 0},
        {"10.0.0.0/-1", NETWORK_PREFIX, 0, 0},
        {"10.0.0.0/8/8", NETWORK_PREFIX, 0, 0},
        {"10.0.0.0/255.0.0.0", NETWORK_PREFIX, 0, 0},
        {"2001:db8::/129", NETWORK_PREFIX, 0, 0},
        {"10.0.0.1/8", NETWORK_HOST_BITS, 0, 0},
        {"10.128.0.0/8", NETWORK_HOST_BITS, 0, 0},
        {"192.0.2.64/25", NETWORK_HOST_BITS, 0, 0},
        {"0.0.0.1/0", NETWORK_HOST_BITS, 0, 0},
        {"2001:db8::1/127", NETWORK_HOST_BITS, 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct network network = {.bytes_used = 99};
        enum network_fault fault = network_parse(view_str(rows[i].text), &network);

        assert_row(fault == rows[i].fault, rows[i].text);
        assert_row(network.bytes_used == (fault == NETWORK_OK ? rows[i].bytes : 99), rows[i].text);
        assert_row(fault != NETWORK_OK || network.bits == rows[i].bits, rows[i].text);
        assert_true(strlen(network_fault_text(fault)) > 0);
    }
}

/* Text with a NUL inside is not cut at it. */
static void a_nul_ends_nothing(void **state)
{
    struct network network;

    (void)state;
    assert_int_equal(network_parse(VIEW("10.0.0.1\0"), &network), NETWORK_UNREADABLE);
    assert_int_equal(network_parse(VIEW("10.0.0.0/8\0"), &network), NETWORK_PREFIX);
    assert_int_equal(network_parse(VIEW_NONE, &network), NETWORK_UNREADABLE);
}

static struct network network_of(const char *text)
{
    struct network network = {0};

    assert_row(network_parse(view_str(text), &network) == NETWORK_OK, text);
    return network;
}

static void holds_what_lies_within(void **state)
{
    static const struct {
        const char *outer, *inner;
        bool holds;
    } rows[] = {
        {"10.0.0.0/8", "10.0.0.0/8", true},
        {"10.0.0.0/8", "10.255.255.255", true},
        {"10.0.0.0/8", "10.1.0.0/16", true},
        {"10.0.0.0/8", "11.0.0.0", false},
        {"10.0.0.0/8", "10.0.0.0/7", false},
        {"10.0.0.0/8", "0.0.0.0/0", false},
        {"0.0.0.0/0", "0.0.0.0/0", true},
        {"0.0.0.0/0", "203.0.113.9", true},
        {"192.0.2.128/25", "192.0.2.128", true},
        {"192.0.2.128/25", "192.0.2.127", false},
        {"192.0.2.4/30", "192.0.2.7", true},
        {"192.0.2.4/30", "192.0.2.8", false},
        {"192.0.2.7", "192.0.2.7", true},
        {"192.0.2.7", "192.0.2.6", false},
        {"2001:db8::/33", "2001:db8:7fff::1", true},
        {"2001:db8::/33", "2001:db8:8000::1", false},
        {"::1", "::1", true},
        {"::/0", "2001:db8::1", true},
        {"::/0", "10.0.0.1", false},
        {"0.0.0.0/0", "::1", false},
        {"0.0.0.0/0", "::/0", false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct network outer = network_of(rows[i].outer), inner = network_of(rows[i].inner);

        assert_row(network_holds(&outer, &inner) == rows[i].holds, rows[i].inner);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_strictly),
        cmocka_unit_test(a_nul_ends_nothing),
        cmocka_unit_test(holds_what_lies_within),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
