/* SPDX-License-Identifier: Apache-2.0
 * Header field lines: name, colon, value; and what the fields that frame a message say. Whatever
 * two readers could take differently is refused. */
#include "base/number.h"
#include "http1/parse.h"

static const unsigned char name_lengths[] = {
#define FIELD(id, name) sizeof(name) - 1,
#include "http1/fields.def"
#undef FIELD
};

static const char *const names[] = {
#define FIELD(id, name) name,
#include "http1/fields.def"
#undef FIELD
};

static enum http1_field_id field_id(struct view name)
{
    const unsigned char *at = name_lengths, *end = name_lengths + sizeof name_lengths;

    if (name.len > UINT8_MAX)
        return HTTP1_OTHER;
    while ((at = memchr(at, (int)name.len, (size_t)(end - at))) != NULL) {
        size_t id = (size_t)(at - name_lengths);

        if (view_eq_nocase(name, view_of(names[id], name.len)))
            return (enum http1_field_id)id;
        at++;
    }
    return HTTP1_OTHER;
}

/* Is the word one of the list, which is separated by commas? */
static bool lists(struct view list, struct view word)
{
    while (list.len > 0) {
        size_t comma = view_find(list, ',');

        if (view_eq_nocase(view_trim(view_of(list.ptr, comma)), word))
            return true;
        list = view_from(list, comma < list.len ? comma + 1 : comma);
    }
    return false;
}

/* The fields that frame the message may have one blank in front and nothing behind: readers differ
 * about other white space there. */
static bool is_plain(struct view raw, struct view value)
{
    return raw.len == value.len || (raw.len == value.len + 1 && raw.ptr[0] == ' ');
}

static enum status take_length(struct view raw, struct view value, struct http1_fields *fields,
                               struct http1_fault *fault)
{
    uint64_t length;

    if (++fields->lengths > 1)
        return http1_fail(fault, HTTP1_FAULT_AMBIGUOUS_LENGTH,
                          "There is more than one Content-Length.");
    if (!is_plain(raw, value) || !num_parse_digits(value, &length) || length > INT64_MAX)
        return http1_fail(fault, HTTP1_FAULT_BAD_LENGTH,
                          "Content-Length is not one plain decimal number.");
    fields->length = length;
    return STATUS_OK;
}

static enum status take_coding(struct view raw, struct view value, struct http1_fields *fields,
                               struct http1_fault *fault)
{
    if (++fields->codings > 1)
        return http1_fail(fault, HTTP1_FAULT_AMBIGUOUS_LENGTH,
                          "There is more than one Transfer-Encoding.");
    if (!is_plain(raw, value) || !view_eq(value, VIEW("chunked")))
        return http1_fail(fault, HTTP1_FAULT_TRANSFER_CODING,
                          "Transfer-Encoding is not exactly \"chunked\".");
    return STATUS_OK;
}

static void take_connection(struct view value, struct http1_fields *fields)
{
    fields->close |= lists(value, VIEW("close"));
    fields->keep_alive |= lists(value, VIEW("keep-alive"));
    fields->upgrade |= lists(value, VIEW("upgrade"));
}

static enum status take_field(struct view raw, const struct http1_field *field,
                              struct http1_fields *fields, struct http1_fault *fault)
{
    if (field->id == HTTP1_CONTENT_LENGTH)
        return take_length(raw, field->value, fields, fault);
    if (field->id == HTTP1_TRANSFER_ENCODING)
        return take_coding(raw, field->value, fields, fault);
    if (field->id == HTTP1_CONNECTION) {
        take_connection(field->value, fields);
    } else if (field->id == HTTP1_UPGRADE) {
        fields->upgrade = true;
    } else if (field->id == HTTP1_HOST) {
        fields->hosts++;
        fields->host = field->value;
    } else if (field->id == HTTP1_EXPECT) {
        fields->expects++;
        fields->strange_expect |= !view_eq_nocase(field->value, VIEW("100-continue"));
    }
    return STATUS_OK;
}

static enum status split(struct view line, const struct http1_limits *limits,
                         struct http1_field *ret, struct http1_fault *fault)
{
    size_t name = http1_span(line, HTTP1_IN_NAME);
    struct view raw;

    if (line.ptr[0] == ' ' || line.ptr[0] == '\t')
        return http1_fail(fault, HTTP1_FAULT_BAD_HEADER,
                          "A header line begins with white space (line folding).");
    if (name == 0 || name == line.len || line.ptr[name] != ':')
        return http1_fail(fault, HTTP1_FAULT_BAD_HEADER,
                          "A header line is not a name of letters, digits and \"-\", a colon "
                          "right behind it, and a value.");
    raw = view_from(line, name + 1);
    if (!http1_is_value(raw))
        return http1_fail(fault, HTTP1_FAULT_BAD_HEADER,
                          "The value of a header field holds a control byte.");
    *ret = (struct http1_field){.name = view_of(line.ptr, name), .value = view_trim(raw)};
    if (ret->value.len > limits->header_value)
        return http1_fail(fault, HTTP1_FAULT_VALUE_TOO_LARGE,
                          "The value of a header field is longer than is allowed.");
    ret->id = field_id(ret->name);
    return STATUS_OK;
}

static size_t count_lines(struct view lines)
{
    size_t count = 0, at = 0;

    for (; at < lines.len; at++, count++)
        at += view_find(view_from(lines, at), '\n');
    return count;
}

enum status http1_parse_fields(struct view lines, const struct http1_limits *limits,
                               struct arena *arena, struct http1_fields *ret,
                               struct http1_fault *fault)
{
    size_t count = count_lines(lines); /* with the blank one */
    struct view line;

    *ret = (struct http1_fields){0};
    if (count > (size_t)limits->headers + 1)
        return http1_fail(fault, HTTP1_FAULT_TOO_MANY_HEADERS,
                          "There are more header fields than are allowed.");
    ret->list = arena_array(arena, count, sizeof *ret->list);
    if (ret->list == NULL)
        return STATUS_NOMEM;
    while (http1_line(&lines, &line) && line.len > 0) {
        struct http1_field *field = &ret->list[ret->count];
        enum status s = split(line, limits, field, fault);

        if (s == STATUS_OK)
            s = take_field(view_from(line, field->name.len + 1), field, ret, fault);
        if (s != STATUS_OK)
            return s;
        ret->count++;
    }
    if (lines.len > 0 || ret->count + 1 != count)
        return http1_fail(fault, HTTP1_FAULT_BAD_HEADER,
                          "The head does not end with a blank line.");
    return STATUS_OK;
}

enum status http1_check_framing(const struct http1_fields *fields, unsigned minor,
                                struct http1_fault *fault)
{
    if (fields->lengths > 0 && fields->codings > 0)
        return http1_fail(fault, HTTP1_FAULT_AMBIGUOUS_LENGTH,
                          "There are both Content-Length and Transfer-Encoding.");
    if (fields->codings > 0 && minor == 0)
        return http1_fail(fault, HTTP1_FAULT_AMBIGUOUS_LENGTH,
                          "HTTP/1.0 does not know Transfer-Encoding.");
    return STATUS_OK;
}

bool http1_keeps_alive(const struct http1_fields *fields, unsigned minor)
{
    return !fields->close && (minor == 1 || fields->keep_alive);
}
