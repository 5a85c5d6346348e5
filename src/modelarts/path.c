/* SPDX-License-Identifier: Apache-2.0
 * One strict look at a path as received, and the readings of it. Decoding is done once: a stack of
 * bytes, where a finished escape is replaced and may finish another; each byte remembers how many
 * decodings it took, so that the view of a reader that decodes fewer times can be told from it. */
#include "modelarts/path.h"

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* Two hex digits stand at the start. */
static bool is_hex_pair(struct view text)
{
    return text.len >= 2 && hex_digit(text.ptr[0]) >= 0 && hex_digit(text.ptr[1]) >= 0;
}

static enum path_fault check_byte(struct view path, size_t at)
{
    unsigned char c = (unsigned char)path.ptr[at];

    if (c <= ' ' || c == 0x7f)
        return PATH_CONTROL;
    if (c == '\\')
        return PATH_BACKSLASH;
    if (c == '#' || c == '?')
        return PATH_HASH;
    if (c == '/' && at > 0 && path.ptr[at - 1] == '/')
        return PATH_EMPTY_SEGMENT;
    if (c == '%' && !is_hex_pair(view_from(path, at + 1)))
        return PATH_BROKEN_ESCAPE;
    return PATH_OK;
}

static enum path_fault check_bytes(struct view path)
{
    enum path_fault fault = PATH_OK;

    if (path.len > PATH_BYTES_MAX)
        return PATH_LONG;
    if (path.len == 0 || path.ptr[0] != '/')
        return PATH_NO_SLASH;
    for (size_t i = 0; i < path.len && fault == PATH_OK; i++)
        fault = check_byte(path, i);
    return fault;
}

static unsigned char highest(const unsigned char level[3])
{
    unsigned char high = level[0] > level[1] ? level[0] : level[1];

    return level[2] > high ? level[2] : high;
}

/* Replaces the escape that ends the text, if there is one. */
static bool reduce(struct path_decoded *d)
{
    size_t at;
    int high;
    int low;
    unsigned char level;

    if (d->len < 3 || d->text[d->len - 3] != '%')
        return false;
    at = d->len - 3;
    high = hex_digit(d->text[at + 1]);
    low = hex_digit(d->text[at + 2]);
    level = highest(d->level + at);
    if (high < 0 || low < 0 || level > PATH_LEVELS_MAX)
        return false;
    d->text[at] = (char)(unsigned char)(high * 16 + low);
    d->level[at] = (unsigned char)(level + 1);
    d->len = at + 1;
    return true;
}

static void note_level(struct path_decoded *d)
{
    for (size_t i = 0; i < d->len; i++) {
        if (d->level[i] > d->levels)
            d->levels = d->level[i];
    }
}

/* Unicode has two letters beside ASCII's own that fold to ASCII: KELVIN SIGN and LONG S. */
static void fold_case(struct path_decoded *d)
{
    size_t to = 0;

    for (size_t i = 0; i < d->len; i++, to++) {
        struct view rest = view_of(d->text + i, d->len - i);
        char c = d->text[i];

        d->level[to] = d->level[i];
        if (view_starts(rest, VIEW("\xe2\x84\xaa"))) {
            c = 'k';
            i += 2;
        } else if (view_starts(rest, VIEW("\xc5\xbf"))) {
            c = 's';
            i += 1;
        } else if (c >= 'A' && c <= 'Z') {
            c = (char)(c + ('a' - 'A'));
        }
        d->text[to] = c;
    }
    d->len = to;
}

static bool is_slash(char c)
{
    return c == '/' || c == '\\';
}

static bool ends_segment(char c, enum path_reading how)
{
    unsigned char byte = (unsigned char)c;

    if (c == ';')
        return true;
    return (how == READING_ENDED || how == READING_ENDED_COLLAPSED) &&
           (c == '?' || c == '#' || byte < ' ' || byte == 0x7f);
}

/* A segment as a reader sees it that strips parameters, and maybe what a C string or a URL ends at.
 */
static struct view cut_segment(struct view segment, enum path_reading how)
{
    size_t len = 0;

    if (how == READING_WHOLE)
        return segment;
    while (len < segment.len && !ends_segment(segment.ptr[len], how))
        len++;
    return view_trim(view_of(segment.ptr, len));
}

static bool is_dots(struct view segment)
{
    return view_eq(segment, VIEW(".")) || view_eq(segment, VIEW(".."));
}

/* "." and "..", also escaped (RFC 3986 6.2.2.2 calls the spellings equal), and wherever any reader
 * could begin and end a segment: "..;x", "a%2f..%5cb". Which segments such a one takes away is not
 * for us to guess: readers differ on what stands before it. */
static bool has_dot_segment(const struct path_decoded *d)
{
    size_t start = 1;

    for (size_t i = 1; i <= d->len; i++) {
        struct view segment = view_of(d->text + start, i - start);

        if (i < d->len && !is_slash(d->text[i]))
            continue;
        if (is_dots(cut_segment(segment, READING_ENDED)))
            return true;
        start = i + 1;
    }
    return false;
}

enum path_fault path_decode(struct view path, struct path_decoded *ret)
{
    enum path_fault fault = check_bytes(path);

    if (fault != PATH_OK)
        return fault;
    ret->len = 0;
    ret->levels = 0;
    for (size_t i = 0; i < path.len; i++) {
        ret->text[ret->len] = path.ptr[i];
        ret->level[ret->len++] = 0;
        while (reduce(ret))
            ;
    }
    note_level(ret);
    if (ret->levels > PATH_LEVELS_MAX)
        return PATH_DEEP;
    fold_case(ret);
    return has_dot_segment(ret) ? PATH_DOT_SEGMENT : PATH_OK;
}

const char *path_fault_text(enum path_fault fault)
{
    static const char *const texts[] = {
        [PATH_OK] = "the path is well-formed",
        [PATH_LONG] = "the path is longer than 16384 bytes",
        [PATH_NO_SLASH] = "the path needs to begin with '/'",
        [PATH_CONTROL] = "the path may not hold blanks or control bytes",
        [PATH_BACKSLASH] = "the path may not hold '\\', which some readers take for '/'",
        [PATH_HASH] = "the path may not hold '#'",
        [PATH_BROKEN_ESCAPE] = "the path holds a '%' that isn't followed by two hex digits",
        [PATH_EMPTY_SEGMENT] = "the path may not hold \"//\", which some readers take for '/'",
        [PATH_DOT_SEGMENT] = "the path may not hold a segment \".\" or \"..\", in no spelling",
        [PATH_DEEP] = "the path holds something that is escaped more than 8 times",
    };

    return texts[fault];
}

static size_t add_segment(char *out, size_t len, struct view segment)
{
    out[len++] = '/';
    for (size_t i = 0; i < segment.len; i++, len++) {
        out[len] = segment.ptr[i];
        if (is_slash(out[len]))
            out[len] = '\1';
    }
    return len;
}

static size_t read_segment(char *out, size_t len, struct view segment, enum path_reading how)
{
    segment = cut_segment(segment, how);
    if (segment.len == 0 && (how == READING_COLLAPSED || how == READING_ENDED_COLLAPSED))
        return len;
    return add_segment(out, len, segment);
}

bool path_reader_next(const struct path_decoded *path, struct path_reader *reader)
{
    reader->at_backslash = !reader->at_backslash;
    if (reader->at_backslash)
        return true;
    reader->how = (enum path_reading)((int)reader->how + 1);
    if (reader->how < READING_COUNT)
        return true;
    reader->how = READING_WHOLE;
    return ++reader->depth <= path->levels;
}

static bool cuts(const struct path_decoded *path, size_t at, const struct path_reader *reader)
{
    char c = path->text[at];

    return path->level[at] <= reader->depth && (c == '/' || (c == '\\' && reader->at_backslash));
}

struct view path_read(const struct path_decoded *path, const struct path_reader *reader,
                      char out[PATH_BYTES_MAX + 1])
{
    size_t len = 0;
    size_t start = 1;

    for (size_t i = 1; i <= path->len; i++) {
        if (i < path->len && !cuts(path, i, reader))
            continue;
        len = read_segment(out, len, view_of(path->text + start, i - start), reader->how);
        start = i + 1;
    }
    while (reader->how != READING_WHOLE && len > 0 && out[len - 1] == '/')
        len--;
    return view_of(out, len);
}

struct view path_next(struct view *path)
{
    struct view rest;
    struct view segment;

    if (path->len == 0)
        return VIEW_NONE;
    rest = view_from(*path, 1);
    segment = view_of(rest.ptr, view_find(rest, '/'));
    *path = view_from(rest, segment.len);
    return segment;
}

struct view path_segment(struct view path, size_t index)
{
    struct view segment = path_next(&path);

    while (segment.ptr != NULL && index-- > 0)
        segment = path_next(&path);
    return segment;
}
