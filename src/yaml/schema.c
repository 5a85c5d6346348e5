/* SPDX-License-Identifier: Apache-2.0
 * Reading by rows: one small reader per kind of field. Each says what was expected and what was
 * found, and leaves its field unset after a fault. */
#include "yaml/schema.h"

#include <stdio.h>

#include "base/nearest.h"
#include "base/number.h"

enum { NAMES_MAX = 64, LIST_BYTES = 640 };

/* What a field reader needs to know. */
struct reading {
    const struct yfield *field;
    const struct ynode *node;
    void *at; /* of the field in the caller's struct */
    struct arena *arena;
    struct diag *diag;
};

/* The value as a person would point at it: its text in quotes, or its kind. */
static const char *found(const struct ynode *node, char out[DIAG_QUOTED_BYTES])
{
    if (node->kind != YNODE_SCALAR || ynode_is_null(node))
        return ynode_kind_name(node);
    return diag_quoted(node->text, out);
}

static void expected(const struct reading *r, const char *what)
{
    char quoted[DIAG_QUOTED_BYTES];

    diag_fault(r->diag, r->node->loc, "%s: expected %s, found %s", r->field->key, what,
               found(r->node, quoted));
}

static void no_memory(const struct reading *r)
{
    diag_fault(r->diag, r->node->loc, "%s: no memory left for this value", r->field->key);
}

static bool is_text(const struct ynode *node)
{
    return node->kind == YNODE_SCALAR && !ynode_is_null(node);
}

static bool length_fits(const struct yfield *field, struct view text)
{
    return field->max <= 0 || ((int64_t)text.len >= field->min && (int64_t)text.len <= field->max);
}

static void read_text(const struct reading *r)
{
    struct ytext *out = r->at;

    out->at = r->node->loc;
    if (!is_text(r->node)) {
        expected(r, "text");
        return;
    }
    if (!length_fits(r->field, r->node->text)) {
        diag_fault(r->diag, r->node->loc,
                   "%s: expected text of %lld to %lld bytes, found one of %zu", r->field->key,
                   (long long)r->field->min, (long long)r->field->max, r->node->text.len);
        return;
    }
    out->value = r->node->text;
    out->set = true;
}

static void read_bool(const struct reading *r)
{
    struct ynumber *out = r->at;
    bool yes = r->node->plain && view_eq(r->node->text, VIEW("true"));
    bool no = r->node->plain && view_eq(r->node->text, VIEW("false"));

    out->at = r->node->loc;
    if (!yes && !no) {
        expected(r, "true or false (without quotes)");
        return;
    }
    out->value = yes ? 1 : 0;
    out->set = true;
}

/* The three kinds of number differ in how they are written. */
static const struct {
    enum yfield_kind kind;
    const char *what, *units;
    bool (*parse)(struct view v, int64_t *ret);
    struct view (*format)(int64_t value, char out[NUM_TEXT_BYTES]);
} number_kinds[] = {
    {YFIELD_DURATION, "a duration", " (a whole number and one of ms s m h d)", num_parse_duration,
     num_format_duration},
    {YFIELD_SIZE, "a size", " (a whole number and one of B KB MB GB)", num_parse_size,
     num_format_size},
};

static void read_unit(const struct reading *r)
{
    struct ynumber *out = r->at;
    size_t kind = r->field->kind == YFIELD_DURATION ? 0 : 1;
    char low[NUM_TEXT_BYTES], high[NUM_TEXT_BYTES], what[160];
    bool ranged = r->field->min != 0 || r->field->max != 0;
    int64_t value;

    out->at = r->node->loc;
    if (is_text(r->node) && number_kinds[kind].parse(r->node->text, &value) &&
        (!ranged || (value >= r->field->min && value <= r->field->max))) {
        out->value = value;
        out->set = true;
        return;
    }
    if (ranged)
        (void)snprintf(what, sizeof what, "%s from %.*s to %.*s%s", number_kinds[kind].what,
                       VIEW_ARGS(number_kinds[kind].format(r->field->min, low)),
                       VIEW_ARGS(number_kinds[kind].format(r->field->max, high)),
                       number_kinds[kind].units);
    else
        (void)snprintf(what, sizeof what, "%s%s", number_kinds[kind].what,
                       number_kinds[kind].units);
    expected(r, what);
}

/* The word that stands for 0, or NULL. */
static const char *zero_word(const struct yfield *field)
{
    return field->names == NULL ? NULL : field->names[0];
}

static void expected_int(const struct reading *r)
{
    const char *word = zero_word(r->field);
    const char *before = word == NULL ? "" : word, *link = word == NULL ? "" : " or ";
    char what[96];

    if (r->field->min != 0 || r->field->max != 0)
        (void)snprintf(what, sizeof what, "%s%sa whole number from %lld to %lld", before, link,
                       (long long)r->field->min, (long long)r->field->max);
    else
        (void)snprintf(what, sizeof what, "%s%sa whole number", before, link);
    expected(r, what);
}

static void read_int(const struct reading *r)
{
    struct ynumber *out = r->at;
    const char *word = zero_word(r->field);
    bool ranged = r->field->min != 0 || r->field->max != 0;
    int64_t min = ranged ? r->field->min : INT64_MIN;
    int64_t max = ranged ? r->field->max : INT64_MAX;

    out->at = r->node->loc;
    if (word != NULL && is_text(r->node) && view_eq(r->node->text, view_str(word))) {
        out->value = 0;
        out->set = true;
        return;
    }
    if (r->node->kind == YNODE_SCALAR && r->node->plain &&
        num_parse_i64(r->node->text, min, max, &out->value)) {
        out->set = true;
        return;
    }
    expected_int(r);
}

/* "a, b, c" or, with `last`, "a, b or c"; what doesn't fit is left out. */
static void join(const char *const *names, const char *last, char out[LIST_BYTES])
{
    size_t used = 0;

    out[0] = '\0';
    for (size_t i = 0; names[i] != NULL; i++) {
        const char *before = i == 0 ? "" : names[i + 1] == NULL ? last : ", ";

        if (used + strlen(before) + strlen(names[i]) + 6 > LIST_BYTES) {
            (void)snprintf(out + used, LIST_BYTES - used, ", ...");
            return;
        }
        used += (size_t)snprintf(out + used, LIST_BYTES - used, "%s%s", before, names[i]);
    }
}

static void read_enum(const struct reading *r)
{
    struct ynumber *out = r->at;
    char what[LIST_BYTES];

    out->at = r->node->loc;
    for (int64_t i = 0; is_text(r->node) && r->field->names[i] != NULL; i++) {
        if (!view_eq(r->node->text, view_str(r->field->names[i])))
            continue;
        out->value = i;
        out->set = true;
        return;
    }
    join(r->field->names, " or ", what);
    expected(r, what);
}

static void read_texts(const struct reading *r)
{
    struct ytexts *out = r->at;
    size_t count = 0;
    bool good = true;

    out->at = r->node->loc;
    if (r->node->kind != YNODE_SEQUENCE) {
        expected(r, "a list of texts, [like, this]");
        return;
    }
    out->items = arena_array(r->arena, r->node->count, sizeof *out->items);
    if (out->items == NULL) {
        no_memory(r);
        return;
    }
    for (const struct ynode *item = r->node->child; item != NULL; item = item->next) {
        struct reading one = {r->field, item, &out->items[count++], r->arena, r->diag};

        read_text(&one);
        good = good && out->items[count - 1].set;
    }
    out->count = count;
    out->set = good;
}

static void read_pairs(const struct reading *r)
{
    struct ypairs *out = r->at;
    size_t count = 0;
    bool good = true;

    out->at = r->node->loc;
    if (r->node->kind != YNODE_MAPPING) {
        expected(r, "a mapping of text to text, {like: this}");
        return;
    }
    out->items = arena_array(r->arena, r->node->count, sizeof *out->items);
    if (out->items == NULL) {
        no_memory(r);
        return;
    }
    for (const struct ynode *item = r->node->child; item != NULL; item = item->next) {
        struct ypair *pair = &out->items[count++];
        struct reading one = {r->field, item, &pair->value, r->arena, r->diag};

        pair->key = (struct ytext){true, item->key, item->key_loc};
        read_text(&one);
        good = good && pair->value.set;
    }
    out->count = count;
    out->set = good;
}

static const struct yfield *field_of(const struct yfield *fields, struct view key)
{
    for (; fields->key != NULL; fields++) {
        if (view_eq(key, view_str(fields->key)))
            return fields;
    }
    return NULL;
}

static void read_field(const struct reading *r);

/* A scalar where a mapping may stand, too: one of its fields, under the name of the whole. */
static void read_lone(const struct reading *r)
{
    struct yfield field = *field_of(r->field->fields, view_str(r->field->lone));
    struct reading lone = *r;

    lone.at = (char *)r->at + field.offset;
    field.key = r->field->key;
    lone.field = &field;
    read_field(&lone);
}

static void read_object(const struct reading *r)
{
    struct yobject *out = r->at;

    out->at = r->node->loc;
    out->set = r->node->kind == YNODE_MAPPING;
    if (out->set)
        yschema_read(r->node, r->node->loc, r->field->fields, r->at, r->arena, r->diag);
    else if (r->node->kind == YNODE_SCALAR && r->field->lone != NULL)
        read_lone(r);
    else
        expected(r, r->field->lone == NULL ? "a mapping" : "a mapping, or one value");
}

static void read_field(const struct reading *r)
{
    switch (r->field->kind) {
    case YFIELD_TEXT:
        read_text(r);
        break;
    case YFIELD_BOOL:
        read_bool(r);
        break;
    case YFIELD_INT:
        read_int(r);
        break;
    case YFIELD_DURATION:
    case YFIELD_SIZE:
        read_unit(r);
        break;
    case YFIELD_ENUM:
        read_enum(r);
        break;
    case YFIELD_TEXTS:
        read_texts(r);
        break;
    case YFIELD_PAIRS:
        read_pairs(r);
        break;
    case YFIELD_NODE:
        *(const struct ynode **)r->at = r->node;
        break;
    case YFIELD_OBJECT:
        read_object(r);
        break;
    }
}

static void unknown_key(const struct ynode *node, const struct yfield *fields, struct diag *diag)
{
    const char *names[NAMES_MAX + 1] = {NULL};
    char quoted[DIAG_QUOTED_BYTES], list[LIST_BYTES];
    const char *nearest;

    for (size_t i = 0; i < NAMES_MAX && fields[i].key != NULL; i++)
        names[i] = fields[i].key;
    nearest = nearest_name(node->key, names);
    if (nearest != NULL) {
        diag_fault(diag, node->key_loc, "unknown key %s; did you mean \"%s\"?",
                   diag_quoted(node->key, quoted), nearest);
        return;
    }
    join(names, ", ", list);
    diag_fault(diag, node->key_loc, "unknown key %s; known here: %s",
               diag_quoted(node->key, quoted), list);
}

static void require_fields(const struct ynode *mapping, struct loc at, const struct yfield *fields,
                           struct diag *diag)
{
    for (; fields->key != NULL; fields++) {
        const struct ynode *node = ynode_find(mapping, view_str(fields->key));

        if (fields->required && (node == NULL || ynode_is_null(node)))
            diag_fault(diag, node == NULL ? at : node->loc, "%s is missing", fields->key);
    }
}

void yschema_read(const struct ynode *node, struct loc at, const struct yfield *fields, void *out,
                  struct arena *arena, struct diag *diag)
{
    if (node != NULL && ynode_is_null(node))
        node = NULL;
    if (node != NULL && node->kind != YNODE_MAPPING) {
        char quoted[DIAG_QUOTED_BYTES];

        diag_fault(diag, node->loc, "expected a mapping, found %s", found(node, quoted));
        return;
    }
    for (const struct ynode *child = node == NULL ? NULL : node->child; child != NULL;
         child = child->next) {
        const struct yfield *field = field_of(fields, child->key);
        struct reading r = {field, child, NULL, arena, diag};

        if (field == NULL) {
            unknown_key(child, fields, diag);
        } else if (!ynode_is_null(child)) {
            r.at = (char *)out + field->offset;
            read_field(&r);
        }
    }
    require_fields(node, node == NULL ? at : node->loc, fields, diag);
}
