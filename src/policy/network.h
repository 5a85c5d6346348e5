/* SPDX-License-Identifier: Apache-2.0
 * IPv4 and IPv6 addresses and networks as text. Read strictly, so that no other reader takes one
 * for something else: no leading zeros in IPv4 numbers and prefix lengths (some read octal), no
 * host bits, no dotted part or zone in IPv6. The families are apart: ::/0 holds no IPv4 address. */
#pragma once

#include "base/attr.h"
#include "base/view.h"

enum { NETWORK_BYTES = 16 };

struct network {
    unsigned bytes_used;                /* 4: IPv4; 16: IPv6 */
    unsigned bits;                      /* of the prefix; all of them for one address */
    unsigned char bytes[NETWORK_BYTES]; /* host bits are 0 */
};

enum network_fault {
    NETWORK_OK,
    NETWORK_UNREADABLE,
    NETWORK_LEADING_ZERO,
    NETWORK_PREFIX,    /* not a length of this family */
    NETWORK_HOST_BITS, /* "10.0.0.1/8" */
    NETWORK_FAULT_COUNT,
};

/* "10.0.0.0/8", "192.0.2.7", "2001:db8::/32". Another result than NETWORK_OK leaves *ret as it
 * was. */
MUST_CHECK enum network_fault network_parse(struct view text, struct network *ret);
/* One sentence's end: "is no IPv4 or IPv6 address or network". */
const char *network_fault_text(enum network_fault fault);
/* Whether every address of inner is one of outer. */
bool network_holds(const struct network *outer, const struct network *inner);
