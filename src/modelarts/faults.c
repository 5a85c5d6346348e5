/* SPDX-License-Identifier: Apache-2.0
 * The list of a body's faults. */
#include "modelarts/faults.h"

#include <stdarg.h>
#include <stdio.h>

#include "modelarts/unicode.h"

enum { TEXT_BYTES = 256, POINTER_SHOWN = 256 };

bool faults_any(const struct faults *faults)
{
    return faults->body->count > 0;
}

bool faults_full(const struct faults *faults)
{
    return faults->body->count == BODY_REASONS_MAX;
}

/* "the body" for the root, whose pointer is empty. */
static struct view shown_pointer(const struct faults *faults, jref v)
{
    struct view pointer = jdoc_pointer(faults->doc, v, faults->arena);

    if (pointer.ptr == NULL)
        return VIEW_NONE;
    return pointer.len == 0 ? VIEW("the body") : utf8_cut(pointer, POINTER_SHOWN);
}

void faults_add(struct faults *faults, enum modelarts_reason why, jref v, const char *fmt, ...)
{
    struct reason *reason;
    char text[TEXT_BYTES];
    struct view pointer;
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (faults_full(faults))
        return;
    reason = &faults->body->items[faults->body->count++];
    *reason = (struct reason){.row = &modelarts_reasons[why]};
    pointer = shown_pointer(faults, v);
    if (pointer.ptr != NULL)
        reason->message = arena_printf(faults->arena, "%.*s %s", VIEW_ARGS(pointer), text);
    if (reason->message.ptr == NULL)
        reason->message = view_str(reason->row->help);
}
