/* SPDX-License-Identifier: Apache-2.0
 * Printing by the rows that read: what is printed loads again to the same values. */
#include "base/number.h"
#include "yaml/schema.h"

static bool is_word_byte(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool is_one_of(char c, struct view these)
{
    return view_find(these, c) < these.len;
}

/* Words that some reader of YAML takes for a boolean or for nothing. */
static bool is_reserved(struct view text)
{
    static const char *const words[] = {"null", "true", "false", "yes",  "no",  "on",
                                        "off",  "y",    "n",     ".inf", ".nan"};

    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (view_eq_nocase(text, view_str(words[i])))
            return true;
    }
    return false;
}

/* Digits, signs and what else may stand in a number of some reader of YAML; addresses, which have
 * more than one dot, don't count. */
static bool looks_like_number(struct view text)
{
    size_t dots = 0;

    if (is_word_byte(text.ptr[0]) && (text.ptr[0] < '0' || text.ptr[0] > '9'))
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (!is_one_of(text.ptr[i], VIEW("0123456789abcdefABCDEFxXoO_+-.:")))
            return false;
        dots += text.ptr[i] == '.' ? 1 : 0;
    }
    return dots < 2;
}

/* Blanks and colons only before something else, so that neither a comment nor a key begins. */
static bool may_stand_plain(struct view text, size_t i)
{
    char c = text.ptr[i];

    if (is_word_byte(c) || is_one_of(c, VIEW("_./@+-*")))
        return true;
    return (c == ' ' || c == ':') && i + 1 < text.len && text.ptr[i + 1] != ' ';
}

static bool plain_is_safe(struct view text)
{
    if (text.len == 0 || is_reserved(text) || looks_like_number(text))
        return false;
    if (!is_word_byte(text.ptr[0]) && text.ptr[0] != '/' && text.ptr[0] != '.')
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (!may_stand_plain(text, i))
            return false;
    }
    return true;
}

void yschema_print_text(struct view text, struct buf *out)
{
    if (plain_is_safe(text)) {
        buf_add(out, text);
        return;
    }
    buf_add_byte(out, '"');
    for (size_t i = 0; i < text.len; i++) {
        unsigned char byte = (unsigned char)text.ptr[i];
        unsigned char next = i + 1 < text.len ? (unsigned char)text.ptr[i + 1] : 0;

        if (byte == '"' || byte == '\\') {
            buf_add_byte(out, '\\');
            buf_add_byte(out, (char)byte);
        } else if (byte < 0x20 || byte == 0x7f) {
            buf_printf(out, "\\x%02x", byte);
        } else if (byte == 0xc2 && next >= 0x80 && next < 0xa0) {
            /* C1 controls can't stand in a file, and U+0085 would break the line. */
            buf_printf(out, "\\x%02x", next);
            i++;
        } else if (byte == 0xe2 && next == 0x80 && i + 2 < text.len &&
                   ((unsigned char)text.ptr[i + 2] & 0xfe) == 0xa8) {
            buf_printf(out, "\\u20%02x", (unsigned char)text.ptr[i + 2] - 0x80);
            i += 2;
        } else {
            buf_add_byte(out, (char)byte);
        }
    }
    buf_add_byte(out, '"');
}

static void print_indent(unsigned indent, struct buf *out)
{
    for (unsigned i = 0; i < indent; i++)
        buf_add_byte(out, ' ');
}

static void print_key(const char *key, unsigned indent, struct buf *out)
{
    print_indent(indent, out);
    buf_add_str(out, key);
    buf_add_byte(out, ':');
}

static void print_number(const struct yfield *field, int64_t value, struct buf *out)
{
    char text[NUM_TEXT_BYTES];

    if (field->kind == YFIELD_BOOL)
        buf_add_str(out, value != 0 ? "true" : "false");
    else if (field->kind == YFIELD_ENUM || (field->names != NULL && value == 0))
        buf_add_str(out, field->names[value]);
    else if (field->kind == YFIELD_DURATION)
        buf_add(out, num_format_duration(value, text));
    else if (field->kind == YFIELD_SIZE)
        buf_add(out, num_format_size(value, text));
    else
        buf_add(out, num_format_i64(value, text));
}

static void print_texts(const struct ytexts *texts, unsigned indent, struct buf *out)
{
    if (texts->count == 0)
        buf_add_str(out, " []");
    buf_add_byte(out, '\n');
    for (size_t i = 0; i < texts->count; i++) {
        print_indent(indent + 2, out);
        buf_add_str(out, "- ");
        yschema_print_text(texts->items[i].value, out);
        buf_add_byte(out, '\n');
    }
}

static void print_pairs(const struct ypairs *pairs, unsigned indent, struct buf *out)
{
    if (pairs->count == 0)
        buf_add_str(out, " {}");
    buf_add_byte(out, '\n');
    for (size_t i = 0; i < pairs->count; i++) {
        print_indent(indent + 2, out);
        yschema_print_text(pairs->items[i].key.value, out);
        buf_add_str(out, ": ");
        yschema_print_text(pairs->items[i].value.value, out);
        buf_add_byte(out, '\n');
    }
}

/* An object in which nothing has a value is not printed. */
static void print_object(const struct yfield *field, const void *at, unsigned indent,
                         struct buf *out)
{
    size_t start = out->len, filled;

    print_key(field->key, indent, out);
    buf_add_byte(out, '\n');
    filled = out->len;
    yschema_print(field->fields, at, indent + 2, out);
    if (out->len == filled)
        out->len = start;
}

static void print_field(const struct yfield *field, const void *at, unsigned indent,
                        struct buf *out)
{
    switch (field->kind) {
    case YFIELD_TEXT:
        if (((const struct ytext *)at)->value.ptr == NULL)
            break;
        print_key(field->key, indent, out);
        buf_add_byte(out, ' ');
        yschema_print_text(((const struct ytext *)at)->value, out);
        buf_add_byte(out, '\n');
        break;
    case YFIELD_BOOL:
    case YFIELD_INT:
    case YFIELD_DURATION:
    case YFIELD_SIZE:
    case YFIELD_ENUM:
        if (((const struct ynumber *)at)->value == YNUMBER_NONE)
            break;
        print_key(field->key, indent, out);
        buf_add_byte(out, ' ');
        print_number(field, ((const struct ynumber *)at)->value, out);
        buf_add_byte(out, '\n');
        break;
    case YFIELD_TEXTS:
        if (((const struct ytexts *)at)->items == NULL)
            break;
        print_key(field->key, indent, out);
        print_texts(at, indent, out);
        break;
    case YFIELD_PAIRS:
        if (((const struct ypairs *)at)->items == NULL)
            break;
        print_key(field->key, indent, out);
        print_pairs(at, indent, out);
        break;
    case YFIELD_NODE:
        break;
    case YFIELD_OBJECT:
        print_object(field, at, indent, out);
        break;
    }
}

void yschema_print(const struct yfield *fields, const void *values, unsigned indent,
                   struct buf *out)
{
    for (; fields->key != NULL; fields++)
        print_field(fields, (const char *)values + fields->offset, indent, out);
}
