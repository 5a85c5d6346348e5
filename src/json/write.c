/* SPDX-License-Identifier: Apache-2.0
 * The writer. Whatever bytes it is given, what comes out is valid JSON (RFC 8259). */
#include "json/write.h"

#include "base/require.h"
#include "json/text.h"

static const char hex_digits[] = "0123456789abcdef";

void jwriter_init(struct jwriter *w, struct buf *out)
{
    *w = (struct jwriter){.out = out};
}

/* A line has hundreds of single bytes: most of them find room without a call. */
static void put_byte(struct buf *out, char byte)
{
    if (out->failed == STATUS_OK && out->len < out->cap)
        out->ptr[out->len++] = byte;
    else
        buf_add_byte(out, byte);
}

/* Before a value, or a key: the comma that separates it from the one before. */
static void separate(struct jwriter *w)
{
    if (w->comma)
        put_byte(w->out, ',');
    w->comma = true;
}

/* The same, and where `len` bytes of the value are to be written, which count as written: all that
 * with one look at the room that is left. NULL when there is none. */
static char *separate_and_take(struct jwriter *w, size_t len)
{
    struct buf *out = w->out;
    size_t comma = w->comma ? 1 : 0;
    char *at;

    w->comma = true;
    if (!buf_reserve(out, comma + len))
        return NULL;
    at = out->ptr + out->len;
    out->len += comma + len;
    if (comma > 0)
        *at = ',';
    return at + comma;
}

static void open_with(struct jwriter *w, char bracket)
{
    separate(w);
    put_byte(w->out, bracket);
    w->comma = false;
    w->depth++;
}

static void close_with(struct jwriter *w, char bracket)
{
    REQUIRE(w->depth > 0);
    put_byte(w->out, bracket);
    w->comma = true;
    w->depth--;
}

void jwriter_open_object(struct jwriter *w)
{
    open_with(w, '{');
}

void jwriter_close_object(struct jwriter *w)
{
    close_with(w, '}');
}

void jwriter_open_array(struct jwriter *w)
{
    open_with(w, '[');
}

void jwriter_close_array(struct jwriter *w)
{
    close_with(w, ']');
}

static void put_code_unit(struct buf *out, uint32_t unit)
{
    char text[6] = {'\\', 'u'};

    for (int i = 0; i < 4; i++)
        text[2 + i] = hex_digits[unit >> (12 - 4 * i) & 15];
    buf_add(out, view_of(text, sizeof text));
}

/* The escape of an ASCII byte that can't stand for itself. */
static void put_ascii(struct buf *out, unsigned char byte)
{
    static const char letters[] = "b\bf\fn\nr\rt\t\"\"\\\\";

    for (size_t i = 0; i + 1 < sizeof letters; i += 2) {
        if ((unsigned char)letters[i + 1] == byte) {
            buf_add(out, view_of((const char[]){'\\', letters[i]}, 2));
            return;
        }
    }
    put_code_unit(out, byte);
}

static void put_escaped_code(struct buf *out, uint32_t code)
{
    if (code < 0x10000) {
        put_code_unit(out, code);
        return;
    }
    put_code_unit(out, 0xD800 + ((code - 0x10000) >> 10));
    put_code_unit(out, 0xDC00 + ((code - 0x10000) & 0x3FF));
}

/* Writes the character that v starts with, which isn't a plain one; gives its length. */
static size_t put_character(struct jwriter *w, struct view v)
{
    uint32_t code = 0xFFFD;
    unsigned len = jtext_utf8(v, &code);

    if (len == 1) {
        put_ascii(w->out, (unsigned char)v.ptr[0]);
        return 1;
    }
    if (w->ascii)
        put_escaped_code(w->out, code);
    else if (len == 0)
        buf_add(w->out, VIEW("\xEF\xBF\xBD"));
    else
        buf_add(w->out, view_of(v.ptr, len));
    return len == 0 ? 1 : len;
}

/* In ASCII mode a DEL, plain in JSON, is no byte for a header value. */
static size_t plain_run(const struct jwriter *w, struct view v)
{
    size_t run = jtext_plain(v.ptr, v.len);

    return w->ascii ? view_find(view_of(v.ptr, run), 0x7F) : run;
}

/* Writes a text that needs no escape, quoted; gives where it ends. */
static char *copy_plain(char *at, struct view text)
{
    *at++ = '"';
    if (text.len > 0)
        memcpy(at, text.ptr, text.len);
    at[text.len] = '"';
    return at + text.len + 1;
}

/* Such a text, and a byte behind its closing quote, if not NUL. */
static void put_plain(struct jwriter *w, struct view text, char after)
{
    char *at = separate_and_take(w, text.len + 2 + (after != '\0'));

    if (at == NULL)
        return;
    at = copy_plain(at, text);
    if (after != '\0')
        *at = after;
}

static void put_quoted(struct jwriter *w, struct view text, char after)
{
    size_t at = plain_run(w, text);

    if (at == text.len) {
        put_plain(w, text, after);
        return;
    }
    separate(w);
    put_byte(w->out, '"');
    buf_add(w->out, view_of(text.ptr, at));
    while (at < text.len) {
        struct view rest;
        size_t run;

        at += put_character(w, view_from(text, at));
        rest = view_from(text, at);
        run = plain_run(w, rest);
        buf_add(w->out, view_of(rest.ptr, run));
        at += run;
    }
    put_byte(w->out, '"');
    if (after != '\0')
        put_byte(w->out, after);
}

void jwriter_key(struct jwriter *w, const char *key)
{
    put_plain(w, view_str(key), ':');
    w->comma = false;
}

void jwriter_key_view(struct jwriter *w, struct view key)
{
    put_quoted(w, key, ':');
    w->comma = false;
}

void jwriter_text(struct jwriter *w, struct view text)
{
    put_quoted(w, text, '\0');
}

void jwriter_int(struct jwriter *w, int64_t value)
{
    separate(w);
    buf_add_i64(w->out, value);
}

void jwriter_bool(struct jwriter *w, bool value)
{
    separate(w);
    buf_add_str(w->out, value ? "true" : "false");
}

void jwriter_null(struct jwriter *w)
{
    separate(w);
    buf_add(w->out, VIEW("null"));
}

/* How much of the text goes as it is: up to white space between its tokens, or to what this writer
 * escapes. *quoted: whether the text stands inside a string, before and behind. */
static size_t raw_run(const struct jwriter *w, struct view v, bool *quoted)
{
    size_t run = 0;

    while (run < v.len) {
        unsigned char c = (unsigned char)v.ptr[run];

        if (c < 0x20 || (c == ' ' && !*quoted) || (w->ascii && c >= 0x7F))
            return run;
        if (c == '\\' && run + 1 < v.len && (v.ptr[run + 1] == '"' || v.ptr[run + 1] == '\\'))
            run++; /* no end of the string, and no start of an escape */
        else if (c == '"')
            *quoted = !*quoted;
        run++;
    }
    return run;
}

void jwriter_raw(struct jwriter *w, struct view json)
{
    bool quoted = false;

    separate(w);
    while (json.len > 0) {
        size_t run = raw_run(w, json, &quoted);

        buf_add(w->out, view_of(json.ptr, run));
        json = view_from(json, run);
        if (json.len > 0 && (unsigned char)json.ptr[0] <= 0x20)
            json = view_from(json, 1);
        else if (json.len > 0)
            json = view_from(json, put_character(w, json));
    }
}

/* Nearly all members are a plain text: one look at the room for all of it. */
void jwriter_member_text(struct jwriter *w, const char *key, struct view text)
{
    struct view name = view_str(key);
    char *at;

    if (plain_run(w, text) < text.len) {
        jwriter_key(w, key);
        jwriter_text(w, text);
        return;
    }
    at = separate_and_take(w, name.len + 2 + 1 + text.len + 2);
    if (at == NULL)
        return;
    at = copy_plain(at, name);
    *at++ = ':';
    (void)copy_plain(at, text);
}

void jwriter_member_opt(struct jwriter *w, const char *key, struct view text)
{
    if (text.ptr != NULL)
        jwriter_member_text(w, key, text);
}

void jwriter_member_raw_opt(struct jwriter *w, const char *key, struct view json)
{
    if (json.ptr == NULL)
        return;
    jwriter_key(w, key);
    jwriter_raw(w, json);
}

void jwriter_member_int(struct jwriter *w, const char *key, int64_t value)
{
    jwriter_key(w, key);
    jwriter_int(w, value);
}
