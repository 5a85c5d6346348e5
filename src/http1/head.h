/* SPDX-License-Identifier: Apache-2.0
 * HTTP/1.1 message heads (RFC 9112), both directions. The end of the head is found first, then it
 * is validated line by line; whatever two readers could read differently is refused, never
 * repaired: Content-Length with Transfer-Encoding, more than one of either, any coding but exactly
 * "chunked" on 1.1, control bytes, NUL, bare CR or LF, white space before the colon, obs-fold,
 * empty or odd field names, names with '_', missing, repeated or invalid Host, versions but 1.0
 * and 1.1, an absolute-form whose authority differs from Host, fragments, a GET or HEAD with a
 * body. No I/O, no clock, no allocation but the arena's. */
#pragma once

#include <stdint.h>

#include "base/arena.h"
#include "base/reason.h"

struct http1_limits {
    size_t
        head;   /* bytes of the whole head, its blank line included: 431, or 414 if no line ended */
    size_t uri; /* bytes of the request target: 414 */
    size_t header_value; /* bytes of one value: 431 */
    unsigned headers;    /* field lines: 431 */
};

/* Fields that somebody of ours asks for by name; rows of fields.def (id, lower-case name). */
enum http1_field_id {
#define FIELD(id, name) HTTP1_##id,
#include "http1/fields.def"
#undef FIELD
    HTTP1_OTHER,
};

struct http1_field {
    struct view name, value; /* value trimmed; name as received */
    enum http1_field_id id;
};

enum http1_framing { HTTP1_NO_BODY, HTTP1_LENGTH, HTTP1_CHUNKED, HTTP1_UNTIL_CLOSE };

/* Everything borrows from the head's bytes. */
struct http1_request {
    struct view method; /* token, upper case only */
    struct view target; /* as received */
    struct view path;  /* origin-form: up to '?'; of an absolute-form: its path, "/" if it has none;
                          "*" for OPTIONS * */
    struct view query; /* behind '?', ptr NULL if there is none */
    struct view host;  /* the Host field's value; ptr NULL if a 1.0 request has none */
    const struct http1_field *fields; /* in the order received */
    unsigned count;
    unsigned minor; /* HTTP/1.minor, 0 or 1 */
    enum http1_framing framing;
    uint64_t length; /* HTTP1_LENGTH */
    bool keep_alive; /* by version and Connection */
    bool expect_continue;
    bool upgrade; /* an Upgrade field or Connection: upgrade is there */
};

struct http1_response {
    unsigned status; /* 100 to 599 */
    struct view reason;
    const struct http1_field *fields;
    unsigned count;
    unsigned minor;
    enum http1_framing framing;
    uint64_t length; /* what Content-Length says, also where no body follows (HEAD, 304); UINT64_MAX
                        without one */
    bool keep_alive; /* by version, Connection and framing */
};

enum http1_reason {
#define REASON(id, code, status, help) HTTP1_FAULT_##id,
#include "http1/reasons.def"
#undef REASON
    HTTP1_FAULT_COUNT,
};
extern const struct reason_row http1_reasons[HTTP1_FAULT_COUNT];

/* What is wrong; text is ours alone (no bytes of the message), one sentence. */
struct http1_fault {
    const struct reason_row *row;
    const char *text;
};

/* Looks for the end of a head, going on from *scanned (0 at first; the caller keeps it between
 * calls). Returns the head's length with its blank line, 0 if it isn't complete, or SIZE_MAX with
 * ret_fault when it can't become one: over limits->head, a bare CR or LF, a NUL. Leading CRLFs
 * before a request line are the caller's to skip (RFC 9112 2.2: at most one). */
MUST_CHECK size_t http1_find_head(struct view bytes, const struct http1_limits *limits,
                                  size_t *scanned, struct http1_fault *ret_fault);

/* head: exactly what http1_find_head measured. STATUS_OK, STATUS_SYNTAX (fault filled) or
 * STATUS_NOMEM. */
MUST_CHECK enum status http1_parse_request(struct view head, const struct http1_limits *limits,
                                           struct arena *arena, struct http1_request *ret,
                                           struct http1_fault *ret_fault);
/* method: of the request that it answers (HEAD and CONNECT change the framing, RFC 9112 6.3). */
MUST_CHECK enum status http1_parse_response(struct view head, struct view method,
                                            const struct http1_limits *limits, struct arena *arena,
                                            struct http1_response *ret,
                                            struct http1_fault *ret_fault);

/* The field of that id if there is exactly one, otherwise NULL: of two fields none is the right
 * one. *ret_count (may be NULL) gets how many there are. */
const struct http1_field *http1_find_field(const struct http1_field *fields, unsigned count,
                                           enum http1_field_id id, unsigned *ret_count);
/* Is it hop-by-hop by our fixed list (RFC 9110 7.6.1)? Connection never decides. */
bool http1_is_hop_by_hop(enum http1_field_id id);
/* The registered reason phrase, "Unknown" for others. */
const char *http1_phrase(unsigned status);
