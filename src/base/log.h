/* SPDX-License-Identifier: Apache-2.0
 * The operator's log on stderr: one line a call, written with one write(2). Pure rooms never log.
 * Texts of callers or the cloud must go through log_quoted. Words that look like secrets are left
 * out (base/redact.h). */
#pragma once

#include "base/attr.h"
#include "base/view.h"

enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG };
enum log_format { LOG_TEXT, LOG_JSON };

enum { LOG_QUOTED_BYTES = 128 };

/* Before threads start, or on a reload. */
void log_configure(enum log_level level, enum log_format format);
bool log_enabled(enum log_level level);
/* error: an operator must act; warning: may have to; info: start, stop, reload; debug: anything.
 * The text is one sentence without a full stop; facts follow as key=value. */
void log_line(enum log_level level, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* v in double quotes with every byte that isn't printable ASCII as \xNN, cut to fit;
 * NUL-terminated. */
const char *log_quoted(struct view v, char out[LOG_QUOTED_BYTES]);
