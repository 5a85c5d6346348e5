/* SPDX-License-Identifier: Apache-2.0
 * Addresses and networks: a strict look at the text first, then inet_pton, which knows the
 * grammar but is more forgiving than we are on some systems. */
#include "policy/network.h"

#include <arpa/inet.h>

#include "base/number.h"

static const char *const fault_texts[NETWORK_FAULT_COUNT] = {
    [NETWORK_OK] = "is well",
    [NETWORK_UNREADABLE] = "is no IPv4 or IPv6 address or network",
    [NETWORK_LEADING_ZERO] = "has a number with a leading zero",
    [NETWORK_PREFIX] = "has no prefix length of its family (0 to 32, 0 to 128)",
    [NETWORK_HOST_BITS] = "has bits set behind its prefix",
};

const char *network_fault_text(enum network_fault fault)
{
    return fault_texts[fault];
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* Only digits and dots, or only hexadecimal digits and colons. */
static bool is_plain(struct view address, bool v6)
{
    for (size_t i = 0; i < address.len; i++) {
        char c = address.ptr[i];

        if (v6 ? !is_hex(c) && c != ':' : !is_digit(c) && c != '.')
            return false;
    }
    return address.len > 0 && address.len < INET6_ADDRSTRLEN;
}

/* A number that begins with 0 and goes on. */
static bool has_leading_zero(struct view numbers)
{
    for (size_t i = 0; i + 1 < numbers.len; i++) {
        bool begins = i == 0 || numbers.ptr[i - 1] == '.';

        if (begins && numbers.ptr[i] == '0' && is_digit(numbers.ptr[i + 1]))
            return true;
    }
    return false;
}

static bool read_address(struct view address, bool v6, unsigned char *bytes)
{
    char text[INET6_ADDRSTRLEN];

    memcpy(text, address.ptr, address.len);
    text[address.len] = '\0';
    return inet_pton(v6 ? AF_INET6 : AF_INET, text, bytes) == 1;
}

/* ::ffff:0:0/96 or within: IPv4 in another dress (RFC 4291 2.5.5.2). */
static bool is_mapped_v4(const struct network *network)
{
    static const unsigned char lead[12] = {[10] = 0xff, [11] = 0xff};

    return network->bytes_used == 16 && memcmp(network->bytes, lead, sizeof lead) == 0;
}

static bool has_host_bits(const struct network *network)
{
    for (unsigned bit = network->bits; bit < network->bytes_used * 8; bit++) {
        if ((network->bytes[bit / 8] >> (7 - bit % 8) & 1) != 0)
            return true;
    }
    return false;
}

enum network_fault network_parse(struct view text, struct network *ret)
{
    size_t slash = view_find(text, '/');
    struct view address = view_of(text.ptr, slash);
    struct view prefix = slash == text.len ? VIEW_NONE : view_from(text, slash + 1);
    bool v6 = view_find(address, ':') < address.len;
    struct network network = {.bytes_used = v6 ? 16 : 4, .bits = v6 ? 128 : 32};
    int64_t bits = 0;

    if (!is_plain(address, v6))
        return NETWORK_UNREADABLE;
    if (has_leading_zero(prefix) || (!v6 && has_leading_zero(address)))
        return NETWORK_LEADING_ZERO;
    if (!read_address(address, v6, network.bytes) || is_mapped_v4(&network))
        return NETWORK_UNREADABLE;
    if (slash < text.len) {
        if (!num_parse_i64(prefix, 0, network.bits, &bits) || view_starts(prefix, VIEW("-")))
            return NETWORK_PREFIX;
        network.bits = (unsigned)bits;
    }
    if (has_host_bits(&network))
        return NETWORK_HOST_BITS;
    *ret = network;
    return NETWORK_OK;
}

bool network_holds(const struct network *outer, const struct network *inner)
{
    unsigned whole = outer->bits / 8, rest = outer->bits % 8;

    if (outer->bytes_used != inner->bytes_used || outer->bits > inner->bits ||
        memcmp(outer->bytes, inner->bytes, whole) != 0)
        return false;
    return rest == 0 || ((outer->bytes[whole] ^ inner->bytes[whole]) & (0xFF00U >> rest)) == 0;
}
