/* SPDX-License-Identifier: Apache-2.0
 * JUnit's XML (1.0): what no XML may hold is replaced, what has a meaning in it is escaped. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/redact.h"
#include "commands/test.h"
#include "json/text.h"

enum { REPORT_BYTES = 64 << 20, TEXT_BYTES = 1 << 20 };

void junit_init(struct junit *junit)
{
    *junit = (struct junit){.cases = 0};
    buf_init(&junit->suites, REPORT_BYTES);
    buf_init(&junit->suite, REPORT_BYTES);
}

void junit_done(struct junit *junit)
{
    buf_done(&junit->suites);
    buf_done(&junit->suite);
}

/* Char of XML 1.0. */
static bool is_char(uint32_t code)
{
    return code == '\t' || code == '\n' || code == '\r' || (code >= 0x20 && code < 0x7f) ||
           (code >= 0xa0 && code < 0xd800) || (code >= 0xe000 && code < 0xfffe) || code >= 0x10000;
}

static void add_char(struct buf *out, struct view sequence)
{
    switch (sequence.ptr[0]) {
    case '&':
        buf_add_str(out, "&amp;");
        break;
    case '<':
        buf_add_str(out, "&lt;");
        break;
    case '>':
        buf_add_str(out, "&gt;");
        break;
    case '"':
        buf_add_str(out, "&quot;");
        break;
    case '\t':
    case '\n':
    case '\r': /* attributes would lose them */
        buf_printf(out, "&#%d;", sequence.ptr[0]);
        break;
    default:
        buf_add(out, sequence);
        break;
    }
}

/* Fits attributes as well as what stands between tags. */
static void add_xml(struct buf *out, struct view text)
{
    struct buf safe;

    buf_init(&safe, TEXT_BYTES);
    buf_add(&safe, text.len <= TEXT_BYTES ? text : view_of(text.ptr, TEXT_BYTES));
    if (safe.failed != STATUS_OK)
        out->failed = safe.failed;
    if (safe.len > 0)
        safe.len = redact(safe.ptr, safe.len);
    for (size_t i = 0; i < safe.len;) {
        uint32_t code = 0;
        unsigned len = jtext_utf8(view_of(safe.ptr + i, safe.len - i), &code);

        if (len == 0 || !is_char(code))
            buf_add_str(out, "\xef\xbf\xbd");
        else
            add_char(out, view_of(safe.ptr + i, len));
        i += len == 0 ? 1 : len;
    }
    buf_done(&safe);
}

static void add_attribute(struct buf *out, const char *name, struct view value)
{
    buf_printf(out, " %s=\"", name);
    add_xml(out, value);
    buf_add_byte(out, '"');
}

static void add_time(struct buf *out, int64_t us)
{
    buf_printf(out, " time=\"%lld.%06d\"", (long long)(us / 1000000), (int)(us % 1000000));
}

/* The first line, without the blanks in front of it. */
static struct view first_line(struct view text)
{
    return view_trim(view_of(text.ptr, view_find(text, '\n')));
}

void junit_add(struct junit *junit, const char *file, const struct policy_case *one,
               struct view why, int64_t us)
{
    struct buf *out = &junit->suite;

    junit->suite_cases++;
    junit->suite_us += us;
    buf_add_str(out, "    <testcase");
    add_attribute(out, "classname", view_str(file));
    add_attribute(out, "name", one->name);
    add_attribute(out, "file", view_str(file));
    buf_printf(out, " line=\"%u\"", one->at.line);
    add_time(out, us);
    if (why.len == 0) {
        buf_add_str(out, "/>\n");
        return;
    }
    junit->suite_failures++;
    buf_add_str(out, ">\n      <failure type=\"expectation\"");
    add_attribute(out, "message", first_line(why));
    buf_add_byte(out, '>');
    add_xml(out, why);
    buf_add_str(out, "</failure>\n    </testcase>\n");
}

static void add_counts(struct buf *out, size_t cases, size_t failures, int64_t us)
{
    buf_printf(out, " tests=\"%zu\" failures=\"%zu\" errors=\"0\" skipped=\"0\"", cases, failures);
    add_time(out, us);
    buf_add_str(out, ">\n");
}

void junit_close_file(struct junit *junit, const char *file)
{
    struct buf *out = &junit->suites;

    buf_add_str(out, "  <testsuite");
    add_attribute(out, "name", view_str(file));
    add_counts(out, junit->suite_cases, junit->suite_failures, junit->suite_us);
    buf_add(out, buf_view(&junit->suite));
    buf_add_str(out, "  </testsuite>\n");
    if (junit->suite.failed != STATUS_OK)
        out->failed = junit->suite.failed;
    junit->cases += junit->suite_cases;
    junit->failures += junit->suite_failures;
    junit->us += junit->suite_us;
    junit->suite_cases = junit->suite_failures = 0;
    junit->suite_us = 0;
    buf_clear(&junit->suite);
}

/* Beside the file, so that it can take its place. 0, or an errno. */
static int write_beside(const char *beside, const char *path, struct view text)
{
    int fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    int failed;

    if (fd < 0)
        return errno;
    failed = fd_write(fd, text);
    if (failed == 0 && fsync(fd) != 0)
        failed = errno;
    if (close(fd) != 0 && failed == 0)
        failed = errno;
    if (failed == 0 && rename(beside, path) != 0)
        failed = errno;
    if (failed != 0)
        (void)unlink(beside);
    return failed;
}

/* Whether that is what the file descriptor writes to. */
static bool is_same(const char *path, int fd)
{
    struct stat named, opened;

    return stat(path, &named) == 0 && fstat(fd, &opened) == 0 && named.st_dev == opened.st_dev &&
           named.st_ino == opened.st_ino;
}

/* Into what is there: a link, a pipe, a device such as /dev/null. Behind what was said already
 * where it is standard output or error, which may be a file. 0, or an errno. */
static int write_into(const char *path, struct view text)
{
    int fd, failed;

    (void)fflush(stdout);
    for (fd = STDOUT_FILENO; fd <= STDERR_FILENO; fd++) {
        if (is_same(path, fd))
            return fd_write(fd, text);
    }
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0644);
    if (fd < 0)
        return errno;
    failed = fd_write(fd, text);
    if (close(fd) != 0 && failed == 0)
        failed = errno;
    return failed;
}

/* Only a file may be replaced by a file. */
static bool is_something_else(const char *path)
{
    struct stat found;

    return lstat(path, &found) == 0 && !S_ISREG(found.st_mode);
}

enum status junit_write(struct junit *junit, const char *path, struct err *err)
{
    char beside[4096];
    struct buf text;
    int failed;
    int len = snprintf(beside, sizeof beside, "%s.%ld.part", path, (long)getpid());

    if (len < 0 || (size_t)len >= sizeof beside)
        return err_set(err, STATUS_LIMIT, "%s: the name is too long", path);
    buf_init(&text, 2 * (size_t)REPORT_BYTES);
    buf_add_str(&text,
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"postern test\"");
    add_counts(&text, junit->cases, junit->failures, junit->us);
    buf_add(&text, buf_view(&junit->suites));
    buf_add_str(&text, "</testsuites>\n");
    if (junit->suites.failed != STATUS_OK || text.failed != STATUS_OK) {
        buf_done(&text);
        return err_set(err, STATUS_LIMIT, "%s: the report is over %d bytes", path, REPORT_BYTES);
    }
    failed = is_something_else(path) ? write_into(path, buf_view(&text))
                                     : write_beside(beside, path, buf_view(&text));
    buf_done(&text);
    return failed == 0 ? STATUS_OK : err_set_errno(err, failed, "%s", path);
}
