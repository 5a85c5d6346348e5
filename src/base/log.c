/* SPDX-License-Identifier: Apache-2.0
 * Log lines. The level and the format are the only globals of the program. */
#include "base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/redact.h"

enum { LINE_BYTES = 2048 };

static const char *const level_names[] = {"error", "warning", "info", "debug"};
static _Atomic int chosen_level = LOG_INFO;
static _Atomic int chosen_format = LOG_TEXT;

void log_configure(enum log_level level, enum log_format format)
{
    atomic_store(&chosen_level, (int)level);
    atomic_store(&chosen_format, (int)format);
}

bool log_enabled(enum log_level level)
{
    return (int)level <= atomic_load_explicit(&chosen_level, memory_order_relaxed);
}

/* Appends the text as the inside of a JSON string; control bytes and non-ASCII as \u00XX. */
static size_t add_json(char *out, size_t size, const char *text)
{
    size_t used = 0;

    for (const char *c = text; *c != '\0' && used + 7 < size; c++) {
        unsigned char byte = (unsigned char)*c;

        if (byte == '"' || byte == '\\') {
            out[used++] = '\\';
            out[used++] = (char)byte;
        } else if (byte < 0x20 || byte >= 0x7f) {
            used += (size_t)snprintf(out + used, size - used, "\\u%04x", byte);
        } else {
            out[used++] = (char)byte;
        }
    }
    out[used] = '\0';
    return used;
}

static void write_all(const char *bytes, size_t len)
{
    /* A log that can't be written can't be reported anywhere either. */
    ssize_t written = write(STDERR_FILENO, bytes, len);

    (void)written;
}

void log_line(enum log_level level, const char *fmt, ...)
{
    char text[LINE_BYTES - 128], line[LINE_BYTES], stamp[CLOCK_TEXT_BYTES];
    va_list args;
    int len;

    if (!log_enabled(level))
        return;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    redact_str(text);
    (void)clock_format(clock_now_us(), stamp);
    if (atomic_load(&chosen_format) == LOG_JSON) {
        char inner[LINE_BYTES - 128];

        (void)add_json(inner, sizeof inner, text);
        len = snprintf(line, sizeof line, "{\"time\":\"%s\",\"level\":\"%s\",\"message\":\"%s\"}\n",
                       stamp, level_names[level], inner);
    } else {
        len = snprintf(line, sizeof line, "%s %s: %s\n", stamp, level_names[level], text);
    }
    if (len > 0)
        write_all(line, (size_t)len < sizeof line ? (size_t)len : sizeof line - 1);
}

const char *log_quoted(struct view v, char out[LOG_QUOTED_BYTES])
{
    size_t used = 0;

    out[used++] = '"';
    for (size_t i = 0; i < v.len; i++) {
        unsigned char byte = (unsigned char)v.ptr[i];

        if (used + 9 > LOG_QUOTED_BYTES) {
            used += (size_t)snprintf(out + used, LOG_QUOTED_BYTES - used, "...");
            break;
        }
        if (byte < 0x20 || byte >= 0x7f || byte == '"' || byte == '\\')
            used += (size_t)snprintf(out + used, LOG_QUOTED_BYTES - used, "\\x%02x", byte);
        else
            out[used++] = (char)byte;
    }
    out[used++] = '"';
    out[used] = '\0';
    return out;
}
