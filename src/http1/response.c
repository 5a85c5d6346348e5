/* SPDX-License-Identifier: Apache-2.0
 * An answer's head: the status line, and how the body is framed (RFC 9112 6.3). */
#include "http1/parse.h"

enum { VERSION_LEN = 8, STATUS_END = VERSION_LEN + 1 + 3 };

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Three digits behind the version's blank, and then a blank or nothing. */
static bool has_status(struct view line)
{
    for (size_t i = VERSION_LEN + 1; i < STATUS_END; i++)
        if (i >= line.len || !is_digit(line.ptr[i]))
            return false;
    return line.len == STATUS_END || line.ptr[STATUS_END] == ' ';
}

/* "HTTP/1.1 200 OK"; the phrase may be empty, and so may be the blank before it. */
static enum status parse_line(struct view line, struct http1_response *res,
                              struct http1_fault *fault)
{
    size_t version = view_find(line, ' ');
    const char *digits;
    enum status s =
        http1_version(view_of(line.ptr, version), HTTP1_FAULT_BAD_STATUS_LINE, &res->minor, fault);

    if (s != STATUS_OK)
        return s;
    if (!has_status(line))
        return http1_fail(fault, HTTP1_FAULT_BAD_STATUS_LINE,
                          "The version is not followed by one blank and three digits.");
    digits = line.ptr + VERSION_LEN + 1;
    res->status = (unsigned)(digits[0] - '0') * 100 + (unsigned)(digits[1] - '0') * 10 +
                  (unsigned)(digits[2] - '0');
    if (res->status < 100 || res->status > 599)
        return http1_fail(fault, HTTP1_FAULT_BAD_STATUS_LINE, "The status is not 100 to 599.");
    if (line.len > STATUS_END)
        res->reason = view_from(line, STATUS_END + 1);
    if (!http1_is_value(res->reason))
        return http1_fail(fault, HTTP1_FAULT_BAD_STATUS_LINE,
                          "The reason phrase holds a control byte.");
    return STATUS_OK;
}

/* Answers that never have a body, and those that haven't because of what was asked. */
static bool is_bare_status(unsigned status)
{
    return status < 200 || status == 204;
}

static bool has_no_body(unsigned status, struct view method)
{
    return is_bare_status(status) || status == 304 || view_eq(method, VIEW("HEAD")) ||
           (view_eq(method, VIEW("CONNECT")) && status < 300);
}

static enum status take_framing(const struct http1_fields *fields, struct view method,
                                struct http1_response *res, struct http1_fault *fault)
{
    res->length = fields->lengths > 0 ? fields->length : UINT64_MAX;
    /* Readers that believe the field instead of the status would wait for a body. */
    if (is_bare_status(res->status) &&
        (fields->codings > 0 || (fields->lengths > 0 && fields->length > 0)))
        return http1_fail(fault, HTTP1_FAULT_AMBIGUOUS_LENGTH,
                          "An answer that can't have a body announces one.");
    if (has_no_body(res->status, method))
        res->framing = HTTP1_NO_BODY;
    else if (fields->codings > 0)
        res->framing = HTTP1_CHUNKED;
    else
        res->framing = fields->lengths > 0 ? HTTP1_LENGTH : HTTP1_UNTIL_CLOSE;
    return STATUS_OK;
}

enum status http1_parse_response(struct view head, struct view method,
                                 const struct http1_limits *limits, struct arena *arena,
                                 struct http1_response *ret, struct http1_fault *ret_fault)
{
    struct http1_response res = {.reason = VIEW("")};
    struct http1_fields fields;
    struct view line;
    enum status s;

    if (!http1_line(&head, &line))
        return http1_fail(ret_fault, HTTP1_FAULT_BAD_STATUS_LINE,
                          "The status line does not end with CRLF.");
    s = parse_line(line, &res, ret_fault);
    if (s == STATUS_OK)
        s = http1_parse_fields(head, limits, arena, &fields, ret_fault);
    if (s == STATUS_OK)
        s = http1_check_framing(&fields, res.minor, ret_fault);
    if (s == STATUS_OK)
        s = take_framing(&fields, method, &res, ret_fault);
    if (s != STATUS_OK)
        return s;
    res.fields = fields.list;
    res.count = fields.count;
    res.keep_alive = http1_keeps_alive(&fields, res.minor) && res.framing != HTTP1_UNTIL_CLOSE;
    *ret = res;
    return STATUS_OK;
}
