/* SPDX-License-Identifier: Apache-2.0
 * Bytes to index. One loop, no recursion: where it stands is the innermost open array or object,
 * and the way back up is its parent link. */
#include <stdio.h>

#include "json/doc.h"
#include "json/duplicate.h"
#include "json/number.h"
#include "json/text.h"

struct reader {
    const char *bytes;
    size_t at, end;
    struct jvalue *values;
    uint32_t count, room;
    jref parent; /* the innermost open array or object */
    unsigned depth, depth_max;
    bool nul_passes; /* jlimits.nul */
    bool nul;        /* in the string that is being read */
    struct jfault *fault;
};

const struct reason_row json_reasons[JREASON_COUNT] = {
#define REASON(id, code, status, help) [JSON_##id] = {code, status, help},
#include "json/reasons.def"
#undef REASON
};

static void set_fault(struct jfault *fault, struct view bytes, enum jreason reason, size_t offset)
{
    *fault =
        (struct jfault){.row = &json_reasons[reason], .offset = offset, .line = 1, .column = 1};
    for (size_t i = 0; i < offset; i++) {
        fault->column++;
        if (bytes.ptr[i] == '\n') {
            fault->line++;
            fault->column = 1;
        }
    }
}

static bool refuse_at(struct reader *r, enum jreason reason, size_t offset, const char *text)
{
    set_fault(r->fault, view_of(r->bytes, r->end), reason, offset);
    (void)snprintf(r->fault->text, sizeof r->fault->text, "%s", text);
    return false;
}

static bool refuse(struct reader *r, enum jreason reason, const char *text)
{
    return refuse_at(r, reason, r->at, text);
}

/* The byte that is next, -1 at the end. */
static inline int peek(const struct reader *r)
{
    return r->at < r->end ? (unsigned char)r->bytes[r->at] : -1;
}

static bool refuse_next(struct reader *r, const char *expected)
{
    if (peek(r) == -1)
        return refuse(r, JSON_SYNTAX, "the document ends too early");
    return refuse(r, JSON_SYNTAX, expected);
}

static inline void skip_space(struct reader *r)
{
    while (r->at < r->end) {
        char c = r->bytes[r->at];

        if (c != ' ' && c != '\n' && c != '\t' && c != '\r')
            return;
        r->at++;
    }
}

/* At an escaped code unit: "\uXXXX", and its other half if it is a surrogate. */
static bool read_code_unit(struct reader *r)
{
    int code = r->end - r->at < 6 ? -1 : jtext_hex4(r->bytes + r->at + 2);

    if (code < 0)
        return refuse(r, JSON_SYNTAX, "\\u needs four hexadecimal digits");
    if (code == 0 && !r->nul)
        return refuse(r, JSON_SYNTAX, "\\u0000 is not allowed in a string");
    if (code >= 0xD800 && code <= 0xDFFF) {
        int low = -1;

        if (r->end - r->at >= 12 && memcmp(r->bytes + r->at + 6, "\\u", 2) == 0)
            low = jtext_hex4(r->bytes + r->at + 8);
        if (code > 0xDBFF || low < 0xDC00 || low > 0xDFFF)
            return refuse(r, JSON_ENCODING, "half a surrogate pair stands alone");
        r->at += 6;
    }
    r->at += 6;
    return true;
}

static bool read_escape(struct reader *r)
{
    int letter = r->end - r->at < 2 ? -1 : r->bytes[r->at + 1];

    switch (letter) {
    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
        r->at += 2;
        return true;
    case 'u':
        return read_code_unit(r);
    default:
        return refuse(r, JSON_SYNTAX, "an escape that JSON does not know");
    }
}

/* At an opening quote. */
static bool read_string(struct reader *r, bool nul, bool *ret_escaped)
{
    bool escaped = false;

    r->nul = nul;
    r->at++;
    for (;;) {
        int c;

        r->at += jtext_plain(r->bytes + r->at, r->end - r->at);
        c = peek(r);
        if (c == '"')
            break;
        if (c == '\\') {
            escaped = true;
            if (!read_escape(r))
                return false;
        } else if (c >= 0x80) {
            unsigned len = jtext_utf8(view_of(r->bytes + r->at, r->end - r->at), NULL);

            if (len == 0)
                return refuse(r, JSON_ENCODING, "a string holds bytes that are not UTF-8");
            r->at += len;
        } else {
            return refuse_next(r, "a control byte in a string must be escaped");
        }
    }
    r->at++;
    *ret_escaped = escaped;
    return true;
}

static bool read_literal(struct reader *r, struct jvalue *v, struct view word, enum jkind kind)
{
    if (!view_starts(view_of(r->bytes + r->at, r->end - r->at), word))
        return refuse(r, JSON_SYNTAX, "expected a value");
    r->at += word.len;
    v->kind = (uint8_t)kind;
    return true;
}

static bool read_number(struct reader *r, struct jvalue *v)
{
    struct jnumber number = jnumber_scan(view_of(r->bytes + r->at, r->end - r->at));

    if (!number.ok)
        return refuse_at(r, JSON_SYNTAX, r->at + number.len,
                         "a number is not written as JSON wants it");
    if (number.out_of_range)
        return refuse(r, JSON_NUMBER,
                      number.real ? "a number that a double cannot hold"
                                  : "an integer that 64 bits cannot hold");
    v->kind = number.real ? JKIND_REAL : JKIND_INTEGER;
    r->at += number.len;
    return true;
}

static bool open_container(struct reader *r, jref ref, enum jkind kind)
{
    if (r->depth == r->depth_max)
        return refuse(r, JSON_TOO_DEEP, "arrays and objects are nested too deep");
    r->values[ref].kind = (uint8_t)kind;
    r->parent = ref;
    r->depth++;
    r->at++;
    return true;
}

static void close_container(struct reader *r)
{
    struct jvalue *v = &r->values[r->parent];

    r->at++;
    v->end = (uint32_t)r->at;
    v->next = r->count;
    r->parent = v->parent;
    r->depth--;
}

static bool read_scalar(struct reader *r, struct jvalue *v, int first)
{
    switch (first) {
    case '"':
        v->kind = JKIND_STRING;
        return read_string(r, r->nul_passes, &v->escaped);
    case 't':
        return read_literal(r, v, VIEW("true"), JKIND_TRUE);
    case 'f':
        return read_literal(r, v, VIEW("false"), JKIND_FALSE);
    case 'n':
        return read_literal(r, v, VIEW("null"), JKIND_NULL);
    default:
        if (first == '-' || (first >= '0' && first <= '9'))
            return read_number(r, v);
        return refuse_next(r, "expected a value");
    }
}

static bool read_value(struct reader *r, jref ref)
{
    struct jvalue *v = &r->values[ref];
    int first = peek(r);

    v->start = (uint32_t)r->at;
    if (first == '{')
        return open_container(r, ref, JKIND_OBJECT);
    if (first == '[')
        return open_container(r, ref, JKIND_ARRAY);
    if (!read_scalar(r, v, first))
        return false;
    v->end = (uint32_t)r->at;
    v->next = r->count;
    return true;
}

static bool read_name(struct reader *r, struct jvalue *v)
{
    if (peek(r) != '"')
        return refuse_next(r, "expected the name of a member in double quotes");
    v->key_start = (uint32_t)r->at;
    if (!read_string(r, false, &v->key_escaped))
        return false;
    v->key_end = (uint32_t)r->at;
    skip_space(r);
    if (peek(r) != ':')
        return refuse_next(r, "expected ':' behind the name of a member");
    r->at++;
    skip_space(r);
    return true;
}

/* One member or element of the innermost open container. */
static bool read_item(struct reader *r)
{
    struct jvalue *parent = &r->values[r->parent];
    jref ref = r->count;

    if (r->count == r->room)
        return refuse(r, JSON_TOO_MANY, "the document holds too many members and elements");
    r->values[ref].parent = r->parent;
    r->count++;
    parent->count++;
    if (parent->kind == JKIND_OBJECT && !read_name(r, &r->values[ref]))
        return false;
    return read_value(r, ref);
}

/* What follows an opening bracket or an item. */
static bool read_step(struct reader *r)
{
    const struct jvalue *parent = &r->values[r->parent];
    bool object = parent->kind == JKIND_OBJECT;

    skip_space(r);
    if (peek(r) == (object ? '}' : ']')) {
        close_container(r);
        return true;
    }
    if (parent->count > 0) {
        if (peek(r) != ',')
            return refuse_next(r, object ? "expected ',' or '}'" : "expected ',' or ']'");
        r->at++;
        skip_space(r);
    }
    return read_item(r);
}

static bool read_document(struct reader *r)
{
    skip_space(r);
    if (peek(r) != '{' && peek(r) != '[')
        return refuse_next(r, "expected an object or an array");
    r->values[0].parent = JREF_NONE;
    r->count = 1;
    if (!read_value(r, 0))
        return false;
    while (r->parent != JREF_NONE) {
        if (!read_step(r))
            return false;
    }
    skip_space(r);
    if (r->at < r->end)
        return refuse(r, JSON_SYNTAX, "something stands behind the end of the document");
    return true;
}

/* How many of sixteen bytes are ',', '{' or '['. */
static size_t count_block(const char *at)
{
    const uint64_t ones = UINT64_MAX / 255;
    jtext_block bytes, hits;
    uint64_t halves[2];

    memcpy(&bytes, at, sizeof bytes);
    hits = (bytes == ',') | ((bytes | 0x20) == '{'); /* '[' is '{' without that bit */
    memcpy(halves, &hits, sizeof halves);
    return (((halves[0] & ones) + (halves[1] & ones)) * ones) >> 56;
}

/* How many values the bytes can hold at most: each but the root stands behind a ',', '{' or '['. */
static size_t count_values(struct view bytes)
{
    size_t count = 1, i = 0;

    for (; bytes.len - i >= sizeof(jtext_block); i += sizeof(jtext_block))
        count += count_block(bytes.ptr + i);
    for (; i < bytes.len; i++)
        count += bytes.ptr[i] == ',' || bytes.ptr[i] == '{' || bytes.ptr[i] == '[' ? 1 : 0;
    return count;
}

static void printable_name(struct view name, char out[48])
{
    size_t len = name.len;

    if (len > 47)
        len = 47;
    for (size_t i = 0; i < len; i++) {
        out[i] = name.ptr[i];
        if (out[i] < ' ' || out[i] > '~')
            out[i] = '?';
    }
    if (len < name.len)
        memcpy(out + len - 3, "...", 3);
    out[len] = '\0';
}

static enum status check_duplicates(const struct jdoc *doc, struct arena *arena,
                                    struct jfault *ret_fault)
{
    char name[48];
    jref twin;
    enum status status = jduplicate_find(doc, arena, &twin);

    if (status != STATUS_OK || twin == JREF_NONE)
        return status;
    set_fault(ret_fault, doc->bytes, JSON_DUPLICATE, doc->values[twin].key_start);
    printable_name(jkey_raw(doc, twin), name);
    (void)snprintf(ret_fault->text, sizeof ret_fault->text,
                   "the member \"%s\" stands twice in one object", name);
    return STATUS_SYNTAX;
}

enum status jdoc_read(struct view bytes, const struct jlimits *limits, struct arena *arena,
                      struct jdoc *ret, struct jfault *ret_fault)
{
    struct reader r = {.bytes = bytes.ptr, .end = bytes.len, .parent = JREF_NONE};
    size_t room = (size_t)limits->members + 1, most;
    struct jdoc doc = {.bytes = bytes};
    enum status status;

    r.fault = ret_fault;
    r.nul_passes = limits->nul;
    r.depth_max = limits->depth < JDEPTH_MAX ? limits->depth : JDEPTH_MAX;
    if (bytes.len > limits->bytes || bytes.len >= JREF_NONE) {
        (void)refuse(&r, JSON_TOO_LARGE, "the document is too long");
        return STATUS_SYNTAX;
    }
    most = count_values(bytes);
    r.room = (uint32_t)(most < room ? most : room);
    r.values = arena_array(arena, r.room, sizeof *r.values);
    if (r.values == NULL)
        return STATUS_NOMEM;
    if (!read_document(&r))
        return STATUS_SYNTAX;
    doc.values = r.values;
    doc.count = r.count;
    status = check_duplicates(&doc, arena, ret_fault);
    if (status == STATUS_OK)
        *ret = doc;
    return status;
}
