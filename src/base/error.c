/* SPDX-License-Identifier: Apache-2.0
 * Filling and climbing of error objects; texts that don't fit are cut, never refused. */
#include "base/error.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/redact.h"

static void format_text(struct err *err, const char *fmt, va_list args) PRINTF_LIKE(2, 0);

static void format_text(struct err *err, const char *fmt, va_list args)
{
    (void)vsnprintf(err->text, sizeof err->text, fmt, args);
    redact_str(err->text);
}

enum status err_set(struct err *err, enum status s, const char *fmt, ...)
{
    va_list args;

    if (err == NULL)
        return s;
    *err = (struct err){.status = s};
    va_start(args, fmt);
    format_text(err, fmt, args);
    va_end(args);
    return s;
}

enum status err_set_at(struct err *err, struct loc loc, enum status s, const char *fmt, ...)
{
    va_list args;

    if (err == NULL)
        return s;
    *err = (struct err){.status = s, .loc = loc};
    va_start(args, fmt);
    format_text(err, fmt, args);
    va_end(args);
    return s;
}

enum status err_wrap(struct err *err, const char *fmt, ...)
{
    char inner[sizeof err->text];
    size_t used;
    va_list args;

    if (err == NULL)
        return STATUS_IO;
    memcpy(inner, err->text, sizeof inner);
    va_start(args, fmt);
    format_text(err, fmt, args);
    va_end(args);
    used = strlen(err->text);
    (void)snprintf(err->text + used, sizeof err->text - used, ": %s", inner);
    return err->status;
}

bool err_is_no_space(int errno_value)
{
    return errno_value == ENOSPC || errno_value == EDQUOT;
}

enum status err_set_errno(struct err *err, int errno_value, const char *fmt, ...)
{
    char reason[128];
    size_t used;
    va_list args;

    if (err == NULL)
        return STATUS_IO;
    *err = (struct err){.status = STATUS_IO};
    va_start(args, fmt);
    format_text(err, fmt, args);
    va_end(args);
    used = strlen(err->text);
    (void)snprintf(err->text + used, sizeof err->text - used, ": %s",
                   strerror_r(errno_value, reason, sizeof reason));
    return STATUS_IO;
}
