/* SPDX-License-Identifier: Apache-2.0
 * Bodies by their framing. Chunk lines and trailers are read byte by byte in one small machine,
 * payload is handed on in whole runs. */
#include "http1/body.h"

#include "http1/parse.h"

/* What the next byte of a chunked body belongs to. */
enum chunk_state {
    AT_SIZE,      /* the first digit of a size */
    IN_SIZE,      /* further digits, or ';', or CR */
    IN_EXTENSION, /* skipped up to CR */
    AT_SIZE_LF,   /* the LF of the size's line */
    IN_DATA,      /* payload */
    AT_DATA_CR,   /* the CRLF behind the payload */
    AT_DATA_LF,
    AT_TRAILER, /* a trailer's first byte, or the CR of the last line */
    IN_NAME,    /* up to ':' */
    IN_VALUE,   /* up to CR */
    AT_TRAILER_LF,
    AT_LAST_LF,
    AT_END, /* all is read */
    IS_BROKEN,
};

void http1_body_init(struct http1_body *body, enum http1_framing framing, uint64_t length)
{
    *body = (struct http1_body){.framing = framing};
    if (framing == HTTP1_LENGTH)
        body->left = length;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

static bool is_in(char c, unsigned in)
{
    return (http1_classes[(unsigned char)c] & in) != 0;
}

/* One more digit of the size; sizes stay below 2^60, so that sums of them can be told. */
static enum chunk_state add_digit(struct http1_body *body, char c)
{
    int digit = hex_digit(c);

    if (digit < 0 || body->left >= UINT64_C(1) << 56)
        return IS_BROKEN;
    body->left = body->left * 16 + (uint64_t)digit;
    return IN_SIZE;
}

static enum chunk_state size_byte(struct http1_body *body, char c)
{
    if (c == '\r')
        return AT_SIZE_LF;
    if (c == ';')
        return IN_EXTENSION;
    return add_digit(body, c);
}

static enum chunk_state after_size(struct http1_body *body)
{
    body->line = 0;
    return body->left > 0 ? IN_DATA : AT_TRAILER;
}

static enum chunk_state expect(char c, char wanted, enum chunk_state next)
{
    return c == wanted ? next : IS_BROKEN;
}

static enum chunk_state in_text(char c, enum chunk_state self, enum chunk_state next)
{
    if (c == '\r')
        return next;
    return is_in(c, HTTP1_IN_VALUE) ? self : IS_BROKEN;
}

static enum chunk_state in_name(char c)
{
    if (c == ':')
        return IN_VALUE;
    return is_in(c, HTTP1_IN_NAME) ? IN_NAME : IS_BROKEN;
}

static enum chunk_state data_end(struct http1_body *body, char c)
{
    body->line = 0;
    return expect(c, '\n', AT_SIZE);
}

static enum chunk_state trailer_start(char c)
{
    if (c == '\r')
        return AT_LAST_LF;
    return is_in(c, HTTP1_IN_NAME) ? IN_NAME : IS_BROKEN;
}

/* The state behind one byte that is not payload. */
static enum chunk_state take_byte(struct http1_body *body, char c)
{
    switch ((enum chunk_state)body->state) {
    case AT_SIZE:
        return add_digit(body, c);
    case IN_SIZE:
        return size_byte(body, c);
    case IN_EXTENSION:
        return in_text(c, IN_EXTENSION, AT_SIZE_LF);
    case AT_SIZE_LF:
        return c == '\n' ? after_size(body) : IS_BROKEN;
    case AT_DATA_CR:
        return expect(c, '\r', AT_DATA_LF);
    case AT_DATA_LF:
        return data_end(body, c);
    case AT_TRAILER:
        return trailer_start(c);
    case IN_NAME:
        return in_name(c);
    case IN_VALUE:
        return in_text(c, IN_VALUE, AT_TRAILER_LF);
    case AT_TRAILER_LF:
        return expect(c, '\n', AT_TRAILER);
    case AT_LAST_LF:
        return expect(c, '\n', AT_END);
    case IN_DATA:
    case AT_END:
    case IS_BROKEN:
        break;
    }
    return IS_BROKEN;
}

static enum http1_step broken(struct http1_body *body, struct http1_fault *fault, const char *text)
{
    body->state = IS_BROKEN;
    http1_fail(fault, HTTP1_FAULT_BAD_BODY, text);
    return HTTP1_BAD;
}

/* Payload, as much as is there. */
static enum http1_step take_data(struct http1_body *body, struct view *in, struct view *ret_data)
{
    size_t n = in->len < body->left ? in->len : (size_t)body->left;

    if (n == 0)
        return HTTP1_NEED_MORE;
    *ret_data = view_of(in->ptr, n);
    *in = view_from(*in, n);
    body->left -= n;
    body->total += n;
    return HTTP1_DATA;
}

static enum http1_step next_chunked(struct http1_body *body, struct view *in, struct view *ret_data,
                                    struct http1_fault *fault)
{
    while (body->state != AT_END) {
        unsigned max = body->state < AT_TRAILER ? HTTP1_CHUNK_LINE_MAX : HTTP1_TRAILERS_MAX;

        if (body->state == IN_DATA) {
            enum http1_step step = take_data(body, in, ret_data);

            if (body->left == 0)
                body->state = AT_DATA_CR;
            return step;
        }
        if (in->len == 0)
            return HTTP1_NEED_MORE;
        if (++body->line > max)
            return broken(body, fault, "A chunk's line or the trailers are too long.");
        body->state = take_byte(body, in->ptr[0]);
        if (body->state == IS_BROKEN)
            return broken(body, fault,
                          "The body's chunks are not framed as RFC 9112 section 7.1 says.");
        *in = view_from(*in, 1);
    }
    return HTTP1_END;
}

enum http1_step http1_body_next(struct http1_body *body, struct view *in, struct view *ret_data,
                                struct http1_fault *ret_fault)
{
    if (body->framing == HTTP1_CHUNKED) {
        if (body->state == IS_BROKEN)
            return broken(body, ret_fault, "The body is broken.");
        return next_chunked(body, in, ret_data, ret_fault);
    }
    if (body->framing == HTTP1_UNTIL_CLOSE) {
        body->left = UINT64_MAX;
        return take_data(body, in, ret_data);
    }
    return body->left == 0 ? HTTP1_END : take_data(body, in, ret_data);
}

bool http1_body_complete(const struct http1_body *body)
{
    if (body->framing == HTTP1_CHUNKED)
        return body->state == AT_END;
    return body->framing == HTTP1_UNTIL_CLOSE || body->left == 0;
}
