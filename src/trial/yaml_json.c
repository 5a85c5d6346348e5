/* SPDX-License-Identifier: Apache-2.0
 * The core schema (YAML 1.2.2, 10.3.2), written by JSON's rules. */
#include "trial/yaml_json.h"

#include "json/write.h"

/* One conversion. */
struct turning {
    struct diag *diag;
    struct jwriter writer;
};

static bool is_one_of(struct view text, const char *const *words)
{
    for (; *words != NULL; words++) {
        if (view_eq(text, view_str(*words)))
            return true;
    }
    return false;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static size_t digits(struct view text)
{
    size_t count = 0;

    while (count < text.len && is_digit(text.ptr[count]))
        count++;
    return count;
}

/* A decimal number in its parts; each may be empty. */
struct decimal {
    bool negative, has_point;
    struct view whole, fraction, exponent; /* exponent: with its letter and sign */
};

/* "e-3", or nothing. False: neither. */
static bool read_exponent(struct view rest, struct view *ret)
{
    size_t sign;

    *ret = rest;
    if (rest.len == 0)
        return true;
    if (rest.ptr[0] != 'e' && rest.ptr[0] != 'E')
        return false;
    sign = rest.len > 1 && (rest.ptr[1] == '-' || rest.ptr[1] == '+') ? 2 : 1;
    return rest.len > sign && digits(view_from(rest, sign)) == rest.len - sign;
}

/* [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )? */
static bool read_decimal(struct view text, struct decimal *ret)
{
    struct decimal d = {.negative = text.len > 0 && text.ptr[0] == '-'};
    struct view rest = text;

    if (rest.len > 0 && (rest.ptr[0] == '-' || rest.ptr[0] == '+'))
        rest = view_from(rest, 1);
    d.whole = view_of(rest.ptr, digits(rest));
    rest = view_from(rest, d.whole.len);
    d.has_point = rest.len > 0 && rest.ptr[0] == '.';
    if (d.has_point) {
        rest = view_from(rest, 1);
        d.fraction = view_of(rest.ptr, digits(rest));
        rest = view_from(rest, d.fraction.len);
    }
    if (d.whole.len + d.fraction.len == 0 || !read_exponent(rest, &d.exponent))
        return false;
    *ret = d;
    return true;
}

/* JSON wants a digit on each side of the point and no zeros in front. */
static bool write_decimal(struct turning *t, const struct decimal *d)
{
    struct view whole = d->whole;
    struct buf number;
    bool fits;

    while (whole.len > 1 && whole.ptr[0] == '0')
        whole = view_from(whole, 1);
    buf_init(&number, t->writer.out->max);
    if (d->negative)
        buf_add_byte(&number, '-');
    buf_add(&number, whole.len == 0 ? VIEW("0") : whole);
    if (d->has_point) {
        buf_add_byte(&number, '.');
        buf_add(&number, d->fraction.len == 0 ? VIEW("0") : d->fraction);
    }
    buf_add(&number, d->exponent);
    fits = number.failed == STATUS_OK;
    if (fits)
        jwriter_raw(&t->writer, buf_view(&number));
    else
        t->writer.out->failed = number.failed;
    buf_done(&number);
    return fits;
}

/* The value of a hexadecimal or octal digit, 99 for what is none. */
static unsigned digit_of(char c)
{
    if (is_digit(c))
        return (unsigned)(c - '0');
    if (c >= 'a' && c <= 'f')
        return (unsigned)(c - 'a') + 10;
    return c >= 'A' && c <= 'F' ? (unsigned)(c - 'A') + 10 : 99;
}

static bool is_in_base(struct view text, unsigned base)
{
    for (size_t i = 0; i < text.len; i++) {
        if (digit_of(text.ptr[i]) >= base)
            return false;
    }
    return text.len > 0;
}

/* 0o17, 0xF; whatever is too long for JSON readers is a fault. */
static bool write_in_base(struct turning *t, const struct ynode *node, unsigned base)
{
    int64_t value = 0;

    for (size_t i = 2; i < node->text.len; i++) {
        if (__builtin_mul_overflow(value, (int64_t)base, &value) ||
            __builtin_add_overflow(value, (int64_t)digit_of(node->text.ptr[i]), &value)) {
            diag_fault(t->diag, node->loc, "this number is over 63 bits");
            return false;
        }
    }
    jwriter_int(&t->writer, value);
    return true;
}

static bool refuse_infinite(struct turning *t, const struct ynode *node)
{
    char quoted[DIAG_QUOTED_BYTES];

    diag_fault(t->diag, node->loc,
               "%s is a number that JSON does not have; quote it if text is meant",
               diag_quoted(node->text, quoted));
    return false;
}

/* A number, if it is one, else text. */
static bool write_number_or_text(struct turning *t, const struct ynode *node)
{
    static const char *const infinite[] = {".inf",  ".Inf",  ".INF",  "+.inf", "+.Inf",
                                           "+.INF", "-.inf", "-.Inf", "-.INF", ".nan",
                                           ".NaN",  ".NAN",  NULL};
    struct view text = node->text;
    struct decimal decimal;

    if (is_one_of(text, infinite))
        return refuse_infinite(t, node);
    if (view_starts(text, VIEW("0o")) && is_in_base(view_from(text, 2), 8))
        return write_in_base(t, node, 8);
    if (view_starts(text, VIEW("0x")) && is_in_base(view_from(text, 2), 16))
        return write_in_base(t, node, 16);
    if (read_decimal(text, &decimal))
        return write_decimal(t, &decimal);
    jwriter_text(&t->writer, text);
    return true;
}

static bool write_scalar(struct turning *t, const struct ynode *node)
{
    static const char *const yes[] = {"true", "True", "TRUE", NULL};
    static const char *const no[] = {"false", "False", "FALSE", NULL};

    if (ynode_is_null(node))
        jwriter_null(&t->writer);
    else if (node->plain && (is_one_of(node->text, yes) || is_one_of(node->text, no)))
        jwriter_bool(&t->writer, is_one_of(node->text, yes));
    else if (node->plain)
        return write_number_or_text(t, node);
    else
        jwriter_text(&t->writer, node->text);
    return true;
}

static bool write_node(struct turning *t, const struct ynode *node)
{
    bool mapping = node->kind == YNODE_MAPPING, good = true;

    if (node->kind == YNODE_SCALAR)
        return write_scalar(t, node);
    if (mapping)
        jwriter_open_object(&t->writer);
    else
        jwriter_open_array(&t->writer);
    for (const struct ynode *child = node->child; child != NULL; child = child->next) {
        if (mapping)
            jwriter_key_view(&t->writer, child->key);
        good = write_node(t, child) && good;
    }
    if (mapping)
        jwriter_close_object(&t->writer);
    else
        jwriter_close_array(&t->writer);
    return good;
}

bool yaml_json(const struct ynode *node, struct diag *diag, struct buf *out)
{
    struct turning t = {.diag = diag};

    jwriter_init(&t.writer, out);
    return write_node(&t, node) && out->failed == STATUS_OK;
}
