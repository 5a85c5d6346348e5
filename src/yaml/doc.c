/* SPDX-License-Identifier: Apache-2.0
 * The tree, built from libyaml's events (its documents would keep aliases and hide duplicates).
 * Faults that leave the shape of the file clear are noted and reading goes on; syntax errors and
 * limits end it. */
#include "yaml/doc.h"

#include <stdlib.h>

#include <yaml.h>

/* A collection whose end has not come yet. */
struct frame {
    struct ynode *node;
    struct ynode *last;
    bool has_key; /* of a mapping: its next value belongs to `key` */
    struct view key;
    struct loc key_loc;
};

struct reader {
    const char *file;
    struct view bytes;
    struct ydoc_limits limits;
    struct arena *arena;
    struct diag *diag;
    yaml_parser_t parser;
    struct frame *frames; /* limits.depth of them */
    unsigned depth, nodes, documents;
    const struct ynode *root;
    size_t seen_chars, seen_bytes; /* a mark already translated to bytes */
};

static struct loc loc_of(const struct reader *r, const yaml_mark_t *mark)
{
    /* libyaml counts from 0. */
    return (struct loc){r->file, (unsigned)mark->line + 1, (unsigned)mark->column + 1};
}

static bool out_of_memory(struct reader *r, struct loc loc)
{
    diag_fault(r->diag, loc, "no memory left for this file");
    return false;
}

/* Bytes of the line break at `at`, or 0; libyaml breaks lines at these (YAML 1.1). */
static size_t break_len(struct view v, size_t at)
{
    struct view rest = view_from(v, at);

    if (view_starts(rest, VIEW("\r\n")))
        return 2;
    if (view_starts(rest, VIEW("\n")) || view_starts(rest, VIEW("\r")))
        return 1;
    if (view_starts(rest, VIEW("\xc2\x85")))
        return 2;
    if (view_starts(rest, VIEW("\xe2\x80\xa8")) || view_starts(rest, VIEW("\xe2\x80\xa9")))
        return 3;
    return 0;
}

/* libyaml's reader errors carry an offset in bytes, but no mark. */
static struct loc loc_of_offset(const struct reader *r, size_t offset)
{
    struct loc loc = {r->file, 1, 1};

    for (size_t at = 0; at < offset && at < r->bytes.len;) {
        size_t line_break = break_len(r->bytes, at);

        if (line_break > 0) {
            loc.line++;
            loc.column = 1;
            at += line_break;
            continue;
        }
        if (((unsigned char)r->bytes.ptr[at] & 0xc0) != 0x80)
            loc.column++;
        at++;
    }
    return loc;
}

/* The byte at a mark. Marks count characters; they only move forward, so that all translations
 * together read the file once. NUL behind the end. */
static char byte_at(struct reader *r, const yaml_mark_t *mark)
{
    while (r->seen_chars < mark->index && r->seen_bytes < r->bytes.len) {
        r->seen_bytes++;
        while (r->seen_bytes < r->bytes.len &&
               ((unsigned char)r->bytes.ptr[r->seen_bytes] & 0xc0) == 0x80)
            r->seen_bytes++;
        r->seen_chars++;
    }
    if (r->seen_bytes == r->bytes.len)
        return '\0';
    return r->bytes.ptr[r->seen_bytes];
}

static bool syntax_fault(struct reader *r)
{
    const yaml_parser_t *p = &r->parser;
    struct loc loc = loc_of(r, &p->problem_mark);

    if (p->error == YAML_MEMORY_ERROR)
        return out_of_memory(r, loc_of(r, &p->mark));
    if (p->error == YAML_READER_ERROR) {
        diag_fault(r->diag, loc_of_offset(r, p->problem_offset), "not readable as UTF-8 text: %s",
                   p->problem);
        return false;
    }
    if (byte_at(r, &p->problem_mark) == '\t')
        diag_fault(r->diag, loc, "a tab can't stand here; indent with blanks");
    else if (p->context != NULL && p->context_mark.line != p->problem_mark.line)
        diag_fault(r->diag, loc, "not valid YAML: %s, %s that begins at line %u", p->problem,
                   p->context, (unsigned)p->context_mark.line + 1);
    else if (p->context != NULL)
        diag_fault(r->diag, loc, "not valid YAML: %s, %s", p->problem, p->context);
    else
        diag_fault(r->diag, loc, "not valid YAML: %s", p->problem);
    return false;
}

/* Hangs the node where it belongs. */
static void attach(struct reader *r, struct ynode *node)
{
    struct frame *parent = r->depth == 0 ? NULL : &r->frames[r->depth - 1];

    if (parent == NULL) {
        r->root = node;
        return;
    }
    if (parent->node->kind == YNODE_MAPPING) {
        node->key = parent->key;
        node->key_loc = parent->key_loc;
        parent->has_key = false;
    }
    if (parent->last == NULL)
        parent->node->child = node;
    else
        parent->last->next = node;
    parent->last = node;
    parent->node->count++;
}

/* NULL: over the limit or out of memory, and said so. */
static struct ynode *new_node(struct reader *r, enum ynode_kind kind, const yaml_event_t *event)
{
    struct loc loc = loc_of(r, &event->start_mark);
    struct ynode *node;

    if (++r->nodes > r->limits.nodes) {
        diag_fault(r->diag, loc, "too many values; at most %u may stand in one file",
                   r->limits.nodes);
        return NULL;
    }
    node = ARENA_NEW(r->arena, struct ynode);
    if (node == NULL) {
        (void)out_of_memory(r, loc);
        return NULL;
    }
    node->kind = kind;
    node->loc = loc;
    attach(r, node);
    return node;
}

static bool wants_key(const struct reader *r)
{
    return r->depth > 0 && r->frames[r->depth - 1].node->kind == YNODE_MAPPING &&
           !r->frames[r->depth - 1].has_key;
}

/* Anchors and tags change what a reader sees, so that a file with them means different things to
 * different people. A lone "!" leaves no trace in the event but its byte. */
static void refuse_properties(struct reader *r, const yaml_event_t *event,
                              const yaml_char_t *anchor, const yaml_char_t *tag)
{
    struct loc loc = loc_of(r, &event->start_mark);

    if (anchor != NULL)
        diag_fault(r->diag, loc, "an anchor (&%s) can't be used here; write the value out",
                   (const char *)anchor);
    if (tag != NULL || byte_at(r, &event->start_mark) == '!')
        diag_fault(r->diag, loc, "a tag (!) can't be used here; remove it");
}

static bool on_key(struct reader *r, const yaml_event_t *event, struct view text)
{
    struct frame *frame = &r->frames[r->depth - 1];
    yaml_scalar_style_t style = event->data.scalar.style;
    struct loc loc = loc_of(r, &event->start_mark);

    if (style == YAML_LITERAL_SCALAR_STYLE || style == YAML_FOLDED_SCALAR_STYLE)
        diag_fault(r->diag, loc, "a key must be plain or quoted text, not a block of text");
    else if (style == YAML_PLAIN_SCALAR_STYLE && text.len == 0)
        diag_fault(r->diag, loc, "a key is missing here");
    else if (style == YAML_PLAIN_SCALAR_STYLE && view_eq(text, VIEW("<<")))
        diag_fault(r->diag, loc, "a merge key (<<) can't be used here; write the values out");
    frame->has_key = true;
    frame->key = text;
    frame->key_loc = loc;
    return true;
}

static bool on_scalar(struct reader *r, const yaml_event_t *event)
{
    struct loc loc = loc_of(r, &event->start_mark);
    struct view text = view_of((const char *)event->data.scalar.value, event->data.scalar.length);
    struct ynode *node;

    refuse_properties(r, event, event->data.scalar.anchor, event->data.scalar.tag);
    if (text.len > r->limits.scalar) {
        diag_fault(r->diag, loc, "this text is %zu bytes long; at most %zu may be", text.len,
                   r->limits.scalar);
        return false;
    }
    if (memchr(text.ptr, '\0', text.len) != NULL)
        diag_fault(r->diag, loc, "this text holds a NUL character");
    text = arena_copy(r->arena, text);
    if (text.ptr == NULL)
        return out_of_memory(r, loc);
    if (wants_key(r))
        return on_key(r, event, text);
    node = new_node(r, YNODE_SCALAR, event);
    if (node == NULL)
        return false;
    node->text = text;
    node->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    return true;
}

/* An alias is refused; to read on, it counts as nothing. */
static bool on_alias(struct reader *r, const yaml_event_t *event)
{
    struct loc loc = loc_of(r, &event->start_mark);
    struct ynode *node;

    diag_fault(r->diag, loc, "an alias (*%s) can't be used here; write the value out",
               (const char *)event->data.alias.anchor);
    if (wants_key(r))
        return on_key(r, event, VIEW("*"));
    node = new_node(r, YNODE_SCALAR, event);
    if (node == NULL)
        return false;
    node->plain = true;
    return true;
}

static bool on_start(struct reader *r, const yaml_event_t *event, enum ynode_kind kind)
{
    struct loc loc = loc_of(r, &event->start_mark);
    struct ynode *node;

    if (wants_key(r)) {
        diag_fault(r->diag, loc, "a key must be text, not a %s",
                   kind == YNODE_MAPPING ? "mapping" : "list");
        return false;
    }
    if (r->depth == r->limits.depth) {
        diag_fault(r->diag, loc, "nested too deep; at most %u levels may be", r->limits.depth);
        return false;
    }
    node = new_node(r, kind, event);
    if (node == NULL)
        return false;
    r->frames[r->depth++] = (struct frame){.node = node};
    return true;
}

static int by_key_then_place(const void *a, const void *b)
{
    const struct ynode *left = *(const struct ynode *const *)a;
    const struct ynode *right = *(const struct ynode *const *)b;
    int order = view_cmp(left->key, right->key);

    if (order != 0)
        return order;
    if (left->key_loc.line != right->key_loc.line)
        return left->key_loc.line < right->key_loc.line ? -1 : 1;
    return left->key_loc.column < right->key_loc.column ? -1 : 1;
}

/* The key at i is the second of exactly two, of which one is text and one a mapping. */
static bool may_stand_twice(const struct reader *r, const struct ynode **sorted, size_t i)
{
    const struct ynode *one = sorted[i - 1], *two = sorted[i];

    if (r->limits.twice == NULL || !view_eq(two->key, view_str(r->limits.twice)))
        return false;
    if (i >= 2 && view_eq(sorted[i - 2]->key, two->key))
        return false;
    return (one->kind == YNODE_SCALAR && two->kind == YNODE_MAPPING) ||
           (one->kind == YNODE_MAPPING && two->kind == YNODE_SCALAR);
}

/* Sorted, so that a mapping of 100,000 keys doesn't take 10^10 comparisons. */
static bool refuse_duplicates(struct reader *r, const struct ynode *mapping)
{
    const struct ynode **sorted;
    size_t count = 0;

    if (mapping->count < 2)
        return true;
    sorted = arena_array(r->arena, mapping->count, sizeof(const struct ynode *));
    if (sorted == NULL)
        return out_of_memory(r, mapping->loc);
    for (const struct ynode *child = mapping->child; child != NULL; child = child->next)
        sorted[count++] = child;
    qsort(sorted, count, sizeof(const struct ynode *), by_key_then_place);
    for (size_t i = 1; i < count; i++) {
        char quoted[DIAG_QUOTED_BYTES];

        if (view_eq(sorted[i]->key, sorted[i - 1]->key) && !may_stand_twice(r, sorted, i))
            diag_fault(r->diag, sorted[i]->key_loc, "duplicate key %s; it is at line %u already",
                       diag_quoted(sorted[i]->key, quoted), sorted[i - 1]->key_loc.line);
    }
    return true;
}

static bool on_end(struct reader *r)
{
    const struct ynode *node = r->frames[--r->depth].node;

    return node->kind != YNODE_MAPPING || refuse_duplicates(r, node);
}

static bool on_document(struct reader *r, const yaml_event_t *event)
{
    struct loc loc = loc_of(r, &event->start_mark);

    if (++r->documents > 1) {
        diag_fault(r->diag, loc, "a second document begins here; a file holds one");
        return false;
    }
    if (event->data.document_start.tag_directives.start !=
        event->data.document_start.tag_directives.end)
        diag_fault(r->diag, loc, "a %%TAG directive can't be used here; remove it");
    return true;
}

static bool on_event(struct reader *r, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        return on_document(r, event);
    case YAML_ALIAS_EVENT:
        return on_alias(r, event);
    case YAML_SCALAR_EVENT:
        return on_scalar(r, event);
    case YAML_SEQUENCE_START_EVENT:
        refuse_properties(r, event, event->data.sequence_start.anchor,
                          event->data.sequence_start.tag);
        return on_start(r, event, YNODE_SEQUENCE);
    case YAML_MAPPING_START_EVENT:
        refuse_properties(r, event, event->data.mapping_start.anchor,
                          event->data.mapping_start.tag);
        return on_start(r, event, YNODE_MAPPING);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        return on_end(r);
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_STREAM_END_EVENT:
    case YAML_DOCUMENT_END_EVENT:
        break;
    }
    return true;
}

static bool read_events(struct reader *r)
{
    bool more = true, good = true;

    while (good && more) {
        yaml_event_t event;

        if (yaml_parser_parse(&r->parser, &event) == 0)
            return syntax_fault(r);
        good = on_event(r, &event);
        more = event.type != YAML_STREAM_END_EVENT;
        yaml_event_delete(&event);
    }
    return good;
}

static struct ydoc_limits limits_or_defaults(const struct ydoc_limits *given)
{
    struct ydoc_limits limits = {0};

    if (given != NULL)
        limits = *given;
    if (limits.bytes == 0)
        limits.bytes = (size_t)1024 * 1024;
    if (limits.depth == 0)
        limits.depth = 32;
    if (limits.nodes == 0)
        limits.nodes = 200000;
    if (limits.scalar == 0)
        limits.scalar = 65536;
    return limits;
}

bool ydoc_read(const char *file, struct view bytes, const struct ydoc_limits *limits,
               struct arena *arena, struct diag *diag, const struct ynode **ret_root)
{
    struct reader r = {
        .file = file, .limits = limits_or_defaults(limits), .arena = arena, .diag = diag};
    size_t faults_before = diag->faults;
    bool read;

    if (bytes.len > r.limits.bytes) {
        diag_fault(diag, (struct loc){.file = file}, "the file has %zu bytes; at most %zu may be",
                   bytes.len, r.limits.bytes);
        return false;
    }
    /* A byte order mark would shift the first line's columns. */
    r.bytes = view_starts(bytes, VIEW("\xef\xbb\xbf")) ? view_from(bytes, 3) : bytes;
    r.frames = arena_array(arena, r.limits.depth, sizeof *r.frames);
    if (r.frames == NULL || yaml_parser_initialize(&r.parser) == 0)
        return out_of_memory(&r, (struct loc){.file = file});
    yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(
        &r.parser, (const unsigned char *)(r.bytes.len == 0 ? "" : r.bytes.ptr), r.bytes.len);
    read = read_events(&r);
    yaml_parser_delete(&r.parser);
    if (!read || diag->faults != faults_before)
        return false;
    *ret_root = r.root;
    return true;
}

const struct ynode *ynode_find(const struct ynode *mapping, struct view key)
{
    if (mapping == NULL || mapping->kind != YNODE_MAPPING)
        return NULL;
    for (const struct ynode *child = mapping->child; child != NULL; child = child->next) {
        if (view_eq(child->key, key))
            return child;
    }
    return NULL;
}

bool ynode_is_null(const struct ynode *node)
{
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL"};

    if (node == NULL || node->kind != YNODE_SCALAR || !node->plain)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(nulls); i++) {
        if (view_eq(node->text, view_str(nulls[i])))
            return true;
    }
    return false;
}

const char *ynode_kind_name(const struct ynode *node)
{
    if (node == NULL || ynode_is_null(node))
        return "nothing";
    switch (node->kind) {
    case YNODE_SCALAR:
        return "text";
    case YNODE_SEQUENCE:
        return "a list";
    case YNODE_MAPPING:
        return "a mapping";
    }
    return "nothing";
}
