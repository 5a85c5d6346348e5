/* SPDX-License-Identifier: Apache-2.0
 * Failures: a status that a caller may act on, and a text with its place for a person.
 *
 * A function returns its failure or logs it, never both. `ret_*` parameters are untouched on
 * failure, `err` is untouched on success. */
#pragma once

#include <stdarg.h>
#include <stdbool.h>

#include "base/attr.h"

enum status {
    STATUS_OK = 0,
    STATUS_NOMEM = -1,   /* memory or an arena's cap */
    STATUS_SYNTAX = -2,  /* bytes that are not what they should be */
    STATUS_INVALID = -3, /* well-formed, but not allowed here */
    STATUS_LIMIT = -4,   /* larger than a limit */
    STATUS_IO = -5,      /* the system said no */
    STATUS_PEER = -6,    /* the other side broke the protocol or went away */
    STATUS_TIMEOUT = -7, /* a deadline passed */
};

/* A place in a document; line and column count from 1, 0 is not known. file may be NULL. */
struct loc {
    const char *file;
    unsigned line, column;
};

/* No allocation, so that it works when memory is out. The text has no word that looks like a secret
 * (base/redact.h). */
struct err {
    enum status status;
    struct loc loc;
    char text[512];
};

/* Both fill err (which may be NULL) and return s, so that `return err_set(...)` is one line. */
enum status err_set(struct err *err, enum status s, const char *fmt, ...) PRINTF_LIKE(3, 4);
enum status err_set_at(struct err *err, struct loc loc, enum status s, const char *fmt, ...)
    PRINTF_LIKE(4, 5);
/* Puts "what: " in front of the text that is there, as the failure climbs; returns err->status. */
enum status err_wrap(struct err *err, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Whether the errno says that there is no room: the same may go well once there is. */
bool err_is_no_space(int errno_value);
/* As err_set, with ": " and the text of errno_value behind it; the status is STATUS_IO. */
enum status err_set_errno(struct err *err, int errno_value, const char *fmt, ...) PRINTF_LIKE(3, 4);
