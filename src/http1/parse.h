/* SPDX-License-Identifier: Apache-2.0
 * What the files of this room share: classes of bytes, lines, header fields and framing. */
#pragma once

#include "http1/head.h"

/* Bits of http1_classes: what a byte may be part of. */
enum {
    HTTP1_IN_NAME = 1,   /* a field name: tchar without '_', which some readers take for '-' */
    HTTP1_IN_TARGET = 2, /* a request target: visible ASCII but '#' */
    HTTP1_IN_VALUE = 4,  /* a field value: no control bytes but HTAB; 0x80 and up pass */
};
extern const unsigned char http1_classes[256];

/* Fills the fault, returns STATUS_SYNTAX. */
enum status http1_fail(struct http1_fault *fault, enum http1_reason id, const char *text);
/* How many bytes from the start of v are all of that class. */
size_t http1_span(struct view v, unsigned in);
/* Whether v could be a field value; looks at sixteen bytes at a time. */
bool http1_is_value(struct view v);
/* Takes one line off *rest, without its CRLF. False: no line ends, or not with CRLF. */
bool http1_line(struct view *rest, struct view *ret);
/* "HTTP/1.0" or "HTTP/1.1"; other versions are told from what is no version at all. */
MUST_CHECK enum status http1_version(struct view text, enum http1_reason otherwise,
                                     unsigned *ret_minor, struct http1_fault *fault);

/* The fields of a head and what they say about the message. */
struct http1_fields {
    struct http1_field *list;
    unsigned count;
    unsigned hosts, lengths, codings; /* how many of Host, Content-Length, Transfer-Encoding */
    unsigned expects;                 /* how many Expect */
    struct view host;
    uint64_t length; /* of Content-Length */
    bool upgrade, close, keep_alive, strange_expect;
};

/* lines: the field lines with the blank line behind them. */
MUST_CHECK enum status http1_parse_fields(struct view lines, const struct http1_limits *limits,
                                          struct arena *arena, struct http1_fields *ret,
                                          struct http1_fault *fault);
/* Is there one way to tell the end of the message? */
MUST_CHECK enum status http1_check_framing(const struct http1_fields *fields, unsigned minor,
                                           struct http1_fault *fault);
/* By version and Connection (RFC 9112 9.3). */
bool http1_keeps_alive(const struct http1_fields *fields, unsigned minor);
