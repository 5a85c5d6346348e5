/* SPDX-License-Identifier: Apache-2.0
 * The list of faults. It never fails: what has no memory left for its text is still counted and
 * shown with its place. */
#include "yaml/diag.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/printable.h"
#include "base/redact.h"

void diag_init(struct diag *diag, struct arena *arena)
{
    *diag = (struct diag){.arena = arena};
}

static struct view format(struct arena *arena, const char *fmt, va_list args) PRINTF_LIKE(2, 0);

static struct view format(struct arena *arena, const char *fmt, va_list args)
{
    char text[1024];
    struct view copy;
    int len = vsnprintf(text, sizeof text, fmt, args);

    if (len < 0)
        return VIEW("this message could not be made");
    redact_str(text);
    copy = arena_copy(arena, view_str(text));
    return copy.ptr == NULL ? VIEW("a fault whose message had no memory left") : copy;
}

/* Faults matter more than warnings: a full list gives up its last warning for a fault. */
static bool drop_last_warning(struct diag *diag)
{
    for (size_t i = diag->count; i-- > 0;) {
        if (!diag->items[i].warning)
            continue;
        memmove(&diag->items[i], &diag->items[i + 1],
                (diag->count - i - 1) * sizeof diag->items[0]);
        diag->count--;
        return true;
    }
    return false;
}

/* The next free item, or NULL when the list is full. */
static struct diag_item *next_item(struct diag *diag, struct loc loc, bool warning)
{
    struct diag_item *item;

    if (!warning)
        diag->faults++;
    if (diag->count == DIAG_MAX) {
        diag->dropped++;
        if (warning || !drop_last_warning(diag))
            return NULL;
    }
    item = &diag->items[diag->count++];
    *item = (struct diag_item){.loc = loc, .warning = warning};
    if (item->loc.file == NULL)
        item->loc.file = "";
    return item;
}

void diag_fault(struct diag *diag, struct loc loc, const char *fmt, ...)
{
    struct diag_item *item = next_item(diag, loc, false);
    va_list args;

    if (item == NULL)
        return;
    va_start(args, fmt);
    item->message = format(diag->arena, fmt, args);
    va_end(args);
}

void diag_warn(struct diag *diag, struct loc loc, const char *fmt, ...)
{
    struct diag_item *item = next_item(diag, loc, true);
    va_list args;

    if (item == NULL)
        return;
    va_start(args, fmt);
    item->message = format(diag->arena, fmt, args);
    va_end(args);
}

void diag_print(const struct diag *diag, struct buf *out)
{
    for (size_t i = 0; i < diag->count; i++) {
        const struct diag_item *item = &diag->items[i];

        printable_add(out, view_str(item->loc.file));
        if (item->loc.line > 0)
            buf_printf(out, ":%u:%u", item->loc.line, item->loc.column);
        buf_add_str(out, item->warning ? ": warning: " : ": ");
        buf_add(out, item->message);
        buf_add_byte(out, '\n');
    }
    if (diag->dropped > 0)
        buf_printf(out, "and %zu more\n", diag->dropped);
}

const char *diag_quoted(struct view v, char out[DIAG_QUOTED_BYTES])
{
    size_t used = 0, at = 0;

    out[used++] = '"';
    while (at < v.len) {
        size_t len, need;
        bool escaped = !printable_first(view_from(v, at), &len);
        struct view character = view_of(v.ptr + at, len);

        need = escaped ? 4 * len : len + 1;
        /* What must fit behind it: "...", the closing quote and the NUL. */
        if (used + need + 5 > DIAG_QUOTED_BYTES) {
            memcpy(out + used, "...", 3);
            used += 3;
            break;
        }
        for (size_t i = 0; escaped && i < character.len; i++)
            used += (size_t)snprintf(out + used, DIAG_QUOTED_BYTES - used, "\\x%02x",
                                     (unsigned char)character.ptr[i]);
        if (!escaped) {
            if (character.ptr[0] == '"' || character.ptr[0] == '\\')
                out[used++] = '\\';
            memcpy(out + used, character.ptr, character.len);
            used += character.len;
        }
        at += character.len;
    }
    out[used++] = '"';
    out[used] = '\0';
    return out;
}
