/* SPDX-License-Identifier: Apache-2.0
 * A request's head: the request line, its target and Host, and how the body is framed. */
#include "http1/parse.h"

enum { METHOD_MAX = 32, PORT_DIGITS_MAX = 5 };

struct request_line {
    struct view method, target, version;
};

/* Exactly two blanks; everything else about the parts comes later. */
static bool split_line(struct view line, struct request_line *ret)
{
    size_t first = view_find(line, ' ');
    struct view rest;
    size_t second;

    if (first == line.len)
        return false;
    rest = view_from(line, first + 1);
    second = view_find(rest, ' ');
    if (second == rest.len)
        return false;
    *ret = (struct request_line){view_of(line.ptr, first), view_of(rest.ptr, second),
                                 view_from(rest, second + 1)};
    return true;
}

static bool is_method(struct view method)
{
    for (size_t i = 0; i < method.len; i++)
        if ((method.ptr[i] < 'A' || method.ptr[i] > 'Z') && method.ptr[i] != '-')
            return false;
    return method.len > 0;
}

static enum status check_method(const struct request_line *line, struct http1_fault *fault)
{
    if (!is_method(line->method))
        return http1_fail(fault, HTTP1_FAULT_BAD_REQUEST_LINE,
                          "The method is not made of capital letters.");
    /* The HTTP/2 preface is a request line that means something else (RFC 9113 3.4). */
    if (view_eq(line->method, VIEW("PRI")) && view_eq(line->version, VIEW("HTTP/2.0")))
        return http1_fail(fault, HTTP1_FAULT_UPGRADE, "HTTP/2 is not spoken here.");
    if (line->method.len > METHOD_MAX || view_eq(line->method, VIEW("CONNECT")) ||
        view_eq(line->method, VIEW("TRACE")))
        return http1_fail(fault, HTTP1_FAULT_METHOD, "The method is not served.");
    return STATUS_OK;
}

static enum status parse_line(struct view text, const struct http1_limits *limits,
                              struct http1_request *req, struct http1_fault *fault)
{
    struct request_line line;
    enum status s;

    if (!split_line(text, &line))
        return http1_fail(fault, HTTP1_FAULT_BAD_REQUEST_LINE,
                          "The request line is not a method, a target and a version with one "
                          "blank between them.");
    s = check_method(&line, fault);
    if (s != STATUS_OK)
        return s;
    s = http1_version(line.version, HTTP1_FAULT_BAD_REQUEST_LINE, &req->minor, fault);
    if (s != STATUS_OK)
        return s;
    if (line.target.len > limits->uri)
        return http1_fail(fault, HTTP1_FAULT_URI_TOO_LONG,
                          "The request target is longer than is allowed.");
    req->method = line.method;
    req->target = line.target;
    return STATUS_OK;
}

static bool is_port(struct view port)
{
    unsigned value = 0;

    if (port.len == 0 || port.len > PORT_DIGITS_MAX)
        return false;
    for (size_t i = 0; i < port.len; i++) {
        if (port.ptr[i] < '0' || port.ptr[i] > '9')
            return false;
        value = value * 10 + (unsigned)(port.ptr[i] - '0');
    }
    return value <= UINT16_MAX;
}

static bool is_alnum(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* How much of v is made of letters, digits and the extra bytes. */
static size_t span_name(struct view v, const char *extra)
{
    size_t n = 0;

    while (n < v.len && (is_alnum(v.ptr[n]) || (v.ptr[n] != '\0' && strchr(extra, v.ptr[n]))))
        n++;
    return n;
}

/* A name, an IPv4 address or an IPv6 address in brackets, and perhaps a port. Escapes and the other
 * bytes that RFC 3986 would allow in a host name have no use in real ones. */
static bool is_host(struct view host)
{
    size_t end;

    if (host.len > 0 && host.ptr[0] == '[') {
        end = 1 + span_name(view_from(host, 1), ":.");
        if (end < 3 || end == host.len || host.ptr[end] != ']')
            return false;
        end++;
    } else {
        end = span_name(host, "-._");
        if (end == 0)
            return false;
    }
    if (end == host.len)
        return true;
    return host.ptr[end] == ':' && is_port(view_from(host, end + 1));
}

static enum status check_host(const struct http1_fields *fields, const struct http1_request *req,
                              struct http1_fault *fault)
{
    if (fields->hosts > 1)
        return http1_fail(fault, HTTP1_FAULT_BAD_HOST, "There is more than one Host.");
    /* HTTP/1.0 did not ask for one. */
    if (fields->hosts == 0 && req->minor == 0)
        return STATUS_OK;
    if (fields->hosts == 0)
        return http1_fail(fault, HTTP1_FAULT_BAD_HOST, "There is no Host.");
    if (!is_host(fields->host))
        return http1_fail(fault, HTTP1_FAULT_BAD_HOST,
                          "Host is not a host name or address with an optional port.");
    return STATUS_OK;
}

/* Where the authority of an absolute-form begins, 0 if the target is none. */
static size_t scheme_len(struct view target)
{
    static const struct view schemes[] = {{"http://", 7}, {"https://", 8}};

    for (size_t i = 0; i < ARRAY_LEN(schemes); i++)
        if (target.len >= schemes[i].len &&
            view_eq_nocase(view_of(target.ptr, schemes[i].len), schemes[i]))
            return schemes[i].len;
    return 0;
}

static void split_query(struct view from, struct http1_request *req)
{
    size_t mark = view_find(from, '?');

    req->path = view_of(from.ptr, mark);
    req->query = mark < from.len ? view_from(from, mark + 1) : VIEW_NONE;
}

/* RFC 9112 3.2.2; an empty path means "/", and "*" where OPTIONS asks (3.2.4). */
static enum status take_absolute(struct view rest, struct http1_request *req,
                                 struct http1_fault *fault)
{
    size_t end = 0;

    while (end < rest.len && rest.ptr[end] != '/' && rest.ptr[end] != '?')
        end++;
    if (end == 0 || !view_eq_nocase(view_of(rest.ptr, end), req->host))
        return http1_fail(fault, HTTP1_FAULT_BAD_HOST, "The target's host differs from Host.");
    split_query(view_from(rest, end), req);
    if (req->path.len > 0)
        return STATUS_OK;
    if (view_eq(req->method, VIEW("OPTIONS")) && req->query.ptr == NULL)
        req->path = VIEW("*");
    else
        req->path = VIEW("/");
    return STATUS_OK;
}

static enum status take_target(struct http1_request *req, struct http1_fault *fault)
{
    struct view target = req->target;
    size_t scheme;

    if (http1_span(target, HTTP1_IN_TARGET) != target.len)
        return http1_fail(fault, HTTP1_FAULT_BAD_TARGET,
                          "The request target holds a byte that must be escaped, or a fragment.");
    if (target.len > 0 && target.ptr[0] == '/') {
        split_query(target, req);
        return STATUS_OK;
    }
    if (view_eq(target, VIEW("*")) && view_eq(req->method, VIEW("OPTIONS"))) {
        req->path = target;
        return STATUS_OK;
    }
    scheme = scheme_len(target);
    if (scheme > 0)
        return take_absolute(view_from(target, scheme), req, fault);
    return http1_fail(fault, HTTP1_FAULT_BAD_TARGET,
                      "The request target begins neither with \"/\" nor with http(s)://.");
}

static enum status take_expect(const struct http1_fields *fields, struct http1_request *req,
                               struct http1_fault *fault)
{
    if (fields->strange_expect || fields->expects > 1)
        return http1_fail(fault, HTTP1_FAULT_EXPECTATION,
                          "Expect asks for something but 100-continue.");
    /* RFC 9110 10.1.1: from HTTP/1.0 it is ignored. */
    req->expect_continue = fields->expects > 0 && req->minor == 1;
    return STATUS_OK;
}

/* A body of GET or HEAD means nothing (RFC 9110 9.3.1), and a server that doesn't read it takes it
 * for the next request of a connection that others share (RFC 9112 11.2). */
static bool may_have_body(struct view method)
{
    return !view_eq(method, VIEW("GET")) && !view_eq(method, VIEW("HEAD"));
}

static enum status take_framing(const struct http1_fields *fields, struct http1_request *req,
                                struct http1_fault *fault)
{
    if (fields->codings > 0)
        req->framing = HTTP1_CHUNKED;
    else
        req->framing = fields->lengths > 0 ? HTTP1_LENGTH : HTTP1_NO_BODY;
    req->length = fields->length;
    if ((fields->codings > 0 || fields->length > 0) && !may_have_body(req->method))
        return http1_fail(fault, HTTP1_FAULT_UNEXPECTED_BODY,
                          "A GET or HEAD request can't have a body here.");
    return STATUS_OK;
}

/* What needs all fields. */
static enum status take_fields(const struct http1_fields *fields, struct http1_request *req,
                               struct http1_fault *fault)
{
    enum status s = http1_check_framing(fields, req->minor, fault);

    if (s == STATUS_OK)
        s = check_host(fields, req, fault);
    if (s != STATUS_OK)
        return s;
    req->host = fields->host;
    s = take_target(req, fault);
    if (s == STATUS_OK)
        s = take_expect(fields, req, fault);
    if (s == STATUS_OK)
        s = take_framing(fields, req, fault);
    if (s != STATUS_OK)
        return s;
    req->fields = fields->list;
    req->count = fields->count;
    req->keep_alive = http1_keeps_alive(fields, req->minor);
    req->upgrade = fields->upgrade;
    return STATUS_OK;
}

enum status http1_parse_request(struct view head, const struct http1_limits *limits,
                                struct arena *arena, struct http1_request *ret,
                                struct http1_fault *ret_fault)
{
    struct http1_request req = {0};
    struct http1_fields fields;
    struct view line;
    enum status s;

    if (!http1_line(&head, &line))
        return http1_fail(ret_fault, HTTP1_FAULT_BAD_REQUEST_LINE,
                          "The request line does not end with CRLF.");
    s = parse_line(line, limits, &req, ret_fault);
    if (s == STATUS_OK)
        s = http1_parse_fields(head, limits, arena, &fields, ret_fault);
    if (s == STATUS_OK)
        s = take_fields(&fields, &req, ret_fault);
    if (s == STATUS_OK)
        *ret = req;
    return s;
}
