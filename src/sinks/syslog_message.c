/* SPDX-License-Identifier: Apache-2.0 */
#include "sinks/syslog_message.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"

enum {
    HOST_MAX = 255, /* of HOSTNAME, APP-NAME and MSGID: RFC 5424 6 */
    APP_MAX = 48,
    EVENT_MAX = 32,
    HEAD_BYTES = 640
};
enum { SEVERITY_WARNING = 4, SEVERITY_NOTICE = 5, SEVERITY_INFO = 6 };

/* What a head is built in: small and bounded. */
struct head {
    char text[HEAD_BYTES];
    size_t len;
};

static void add_byte(struct head *head, char byte)
{
    head->text[head->len++] = byte;
}

static void add(struct head *head, const char *text)
{
    const size_t len = strlen(text);

    memcpy(head->text + head->len, text, len);
    head->len += len;
}

/* A field and the blank behind it: PRINTUSASCII, or "-" for none. */
static void add_field(struct head *head, struct view text, size_t max)
{
    const size_t len = text.len < max ? text.len : max;

    for (size_t i = 0; i < len; i++) {
        const char byte = text.ptr[i];

        if (byte > ' ' && byte <= '~')
            add_byte(head, byte);
        else
            add_byte(head, '_');
    }
    if (len == 0)
        add_byte(head, '-');
    add_byte(head, ' ');
}

/* In each format the member stands like that in the line of an outcome, and nothing else does: in a
 * text its quotes would be escaped. */
static bool is_unknown(const struct transport_line *line)
{
    static const char member[] = "\"outcome\":\"unknown\"";

    return view_eq(line->event, VIEW("outcome")) && line->text.len > 0 &&
           memmem(line->text.ptr, line->text.len, member, sizeof member - 1) != NULL;
}

static unsigned severity_of(const struct transport_line *line)
{
    if (view_eq(line->event, VIEW("refusal")))
        return SEVERITY_NOTICE;
    return is_unknown(line) ? SEVERITY_WARNING : SEVERITY_INFO;
}

static void put_head(const struct syslog_origin *origin, const struct transport_line *line,
                     size_t shortened, struct head *ret)
{
    char text[128], time[CLOCK_TEXT_BYTES];

    ret->len = 0;
    (void)snprintf(text, sizeof text, "<%u>1 ", origin->facility * 8 + severity_of(line));
    add(ret, text);
    add_field(ret, clock_format(line->time_us, time), CLOCK_TEXT_BYTES);
    add_field(ret, origin->host, HOST_MAX);
    add_field(ret, view_str(origin->app_name), APP_MAX);
    (void)snprintf(text, sizeof text, "%ld ", origin->process);
    add(ret, text);
    add_field(ret, line->event, EVENT_MAX);
    (void)snprintf(text, sizeof text, "[postern@32473 seq=\"%llu\"", (unsigned long long)line->seq);
    add(ret, text);
    if (shortened > 0) {
        (void)snprintf(text, sizeof text, " shortened=\"%zu\"", shortened);
        add(ret, text);
    }
    add(ret, "] ");
}

static void put(const struct head *head, struct view text, enum syslog_framing framing,
                struct buf *out)
{
    if (framing == SYSLOG_OCTETS) {
        buf_add_i64(out, (int64_t)(head->len + text.len));
        buf_add_byte(out, ' ');
    }
    buf_add(out, view_of(head->text, head->len));
    buf_add(out, text);
    if (framing == SYSLOG_LF)
        buf_add_byte(out, '\n');
}

void syslog_put(const struct syslog_origin *origin, const struct transport_line *line,
                enum syslog_framing framing, struct buf *out)
{
    struct head head;

    put_head(origin, line, 0, &head);
    put(&head, line->text, framing, out);
}

void syslog_put_shortened(const struct syslog_origin *origin, const struct transport_line *line,
                          struct buf *out)
{
    struct head head;
    char text[128];

    put_head(origin, line, line->text.len, &head);
    (void)snprintf(text, sizeof text, "{\"v\":1,\"seq\":%llu,\"shortened\":%zu}",
                   (unsigned long long)line->seq, line->text.len);
    put(&head, view_str(text), SYSLOG_DATAGRAM, out);
}
