/* SPDX-License-Identifier: Apache-2.0
 * The list of faults. */
#include "modelarts/faults.h"

#include <stdarg.h>
#include <stdio.h>

#include "modelarts/unicode.h"

enum { TEXT_BYTES = 256, POINTER_SHOWN = 256 };

struct faults faults_of_body(const struct jdoc *doc, struct arena *arena, struct body_faults *ret)
{
    ret->count = 0;
    return (struct faults){.doc = doc, .of = "", .root = "the body", .arena = arena, .body = ret};
}

bool faults_any(const struct faults *faults)
{
    return faults->body->count > 0;
}

bool faults_full(const struct faults *faults)
{
    return faults->body->count == BODY_REASONS_MAX;
}

/* message ptr NULL: memory was out. */
static void add(struct faults *faults, enum modelarts_reason why, struct view message)
{
    const struct reason_row *row = &modelarts_reasons[why];

    if (faults_full(faults))
        return;
    faults->body->items[faults->body->count++] =
        (struct reason){.row = row, .message = message.ptr == NULL ? view_str(row->help) : message};
}

/* The root's pointer is empty: it has a name instead. */
static struct view with_place(const struct faults *faults, jref v, const char *text)
{
    struct view pointer = faults->doc == NULL ? VIEW("") : VIEW_NONE;

    if (faults->doc != NULL)
        pointer = jdoc_pointer(faults->doc, v, faults->arena);
    if (pointer.ptr == NULL)
        return VIEW_NONE;
    if (pointer.len == 0)
        return arena_printf(faults->arena, "%s %s", faults->root, text);
    pointer = utf8_cut(pointer, POINTER_SHOWN);
    return arena_printf(faults->arena, "%s%.*s %s", faults->of, VIEW_ARGS(pointer), text);
}

void faults_add(struct faults *faults, enum modelarts_reason why, jref v, const char *fmt, ...)
{
    char text[TEXT_BYTES];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    add(faults, why, with_place(faults, v, text));
}

void faults_say(struct faults *faults, enum modelarts_reason why, const char *fmt, ...)
{
    char text[TEXT_BYTES];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    add(faults, why, arena_printf(faults->arena, "%s", text));
}
