/* SPDX-License-Identifier: Apache-2.0
 * CloudEvents 1.0.2, JSON event format, structured mode; with the extension `sequence`. */
#include <stdio.h>

#include "base/clock.h"
#include "base/digest.h"
#include "formats/inner.h"
#include "json/text.h"
#include "json/write.h"

enum { ID_HASH_DIGITS = 16, NUMBER_BYTES = 48 };

/* The id: the place in the chain, and enough of the line's hash that a journal that was begun anew
 * on the same host repeats none. */
static void member_id(struct jwriter *w, const struct format_input *in)
{
    char hash[DIGEST_HEX_BYTES], text[NUMBER_BYTES];

    digest_sha256_hex(in->line, hash);
    (void)snprintf(text, sizeof text, "%llu-%.*s", (unsigned long long)in->row->seq, ID_HASH_DIGITS,
                   hash);
    jwriter_member_text(w, "id", view_str(text));
}

static bool is_unreserved(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

/* "/postern/HOST", a relative reference (RFC 3986): other bytes of the name in percent-encoding. */
static void member_source(struct jwriter *w, struct view source)
{
    jwriter_key(w, "source");
    buf_add_str(w->out, "\"/postern/");
    for (size_t i = 0; i < source.len; i++) {
        if (is_unreserved(source.ptr[i]))
            buf_add_byte(w->out, source.ptr[i]);
        else
            buf_printf(w->out, "%%%02X", (unsigned char)source.ptr[i]);
    }
    buf_add_byte(w->out, '"');
    w->comma = true;
}

/* The journal's word for it; a later version's, if it is such a word. */
static void member_type(struct jwriter *w, struct view event)
{
    bool plain = event.len > 0 && event.len <= 64;
    struct view word;

    for (size_t i = 0; plain && i < event.len; i++)
        plain = is_unreserved(event.ptr[i]);
    word = plain ? event : VIEW("other");
    jwriter_key(w, "type");
    buf_add_str(w->out, "\"io.postern.journal.");
    buf_add(w->out, word);
    buf_add_byte(w->out, '"');
    w->comma = true;
}

/* What CloudEvents' String may not hold: control characters and noncharacters. */
static bool is_barred(uint32_t code)
{
    return code < 0x20 || (code >= 0x7f && code < 0xa0) || (code >= 0xfdd0 && code <= 0xfdef) ||
           (code & 0xfffe) == 0xfffe;
}

static bool is_string(struct view text)
{
    const size_t len = text.len;

    while (text.len > 0) {
        uint32_t code;
        const unsigned size = jtext_utf8(text, &code);

        if (size == 0 || is_barred(code))
            return false;
        text = view_from(text, size);
    }
    return len > 0;
}

static void member_subject(struct jwriter *w, struct row *row)
{
    struct view subject = row_text(row, ROW_INSTANCE_ID);

    if (!is_string(subject))
        subject = row_text(row, ROW_PROJECT);
    if (is_string(subject))
        jwriter_member_text(w, "subject", subject);
}

void format_cloudevents(const struct format_input *in, struct buf *out)
{
    char time[CLOCK_TEXT_BYTES], sequence[NUMBER_BYTES];
    int64_t time_us;
    struct jwriter w;

    jwriter_init(&w, out);
    jwriter_open_object(&w);
    jwriter_member_text(&w, "specversion", VIEW("1.0"));
    member_id(&w, in);
    member_source(&w, in->source);
    member_type(&w, row_text(in->row, ROW_EVENT));
    member_subject(&w, in->row);
    if (clock_parse(row_text(in->row, ROW_TIME), &time_us))
        jwriter_member_text(&w, "time", clock_format(time_us, time));
    (void)snprintf(sequence, sizeof sequence, "%020llu", (unsigned long long)in->row->seq);
    jwriter_member_text(&w, "sequence", view_str(sequence));
    jwriter_member_text(&w, "datacontenttype", VIEW("application/json"));
    jwriter_key(&w, "data");
    format_postern(in, out);
    w.comma = true;
    jwriter_close_object(&w);
}
