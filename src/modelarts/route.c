/* SPDX-License-Identifier: Apache-2.0
 * From method and path to an operation. Whatever a lenient reader would land in one of the two
 * families with is served only if it is, byte for byte, a row of the table. */
#include <pthread.h>

#include "base/attr.h"
#include "base/require.h"
#include "modelarts/operation.h"
#include "modelarts/path.h"
#include "modelarts/unicode.h"

enum { SEGMENT_MAX = 64, SHOWN_MAX = 160, ROW_SEGMENTS_MAX = 6 };

static const char action_path[] = "/v1/{project}/demanager/instances/{instance}/action";

/* A path of the table, or one that may be such, cut at its slashes. */
struct split {
    size_t count; /* 0: too many to be of the table */
    struct view segments[ROW_SEGMENTS_MAX];
};

/* The table of operations with its paths cut once: nothing of it changes afterwards. */
static struct {
    struct view method;
    struct split path;
} rows[OP_COUNT];
static struct split action_row;
static pthread_once_t rows_cut = PTHREAD_ONCE_INIT;

/* The patterns of `routes.refuse`, and whose of them count. */
struct patterns {
    const struct view *all;
    size_t count;
    struct view method;
};

static char lower(char c)
{
    if (c >= 'A' && c <= 'Z')
        return (char)(c + ('a' - 'A'));
    return c;
}

static bool is_ident_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
}

/* What {project}, {instance} and {item} may be. */
static bool is_ident(struct view text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (!is_ident_byte(text.ptr[i]))
            return false;
    }
    return text.len > 0 && text.len <= SEGMENT_MAX;
}

/* Nothing that any reader would decode, strip or trim, so that there is one reading but for the
 * case. */
static bool is_plain(struct view path)
{
    for (size_t i = 0; i < path.len; i++) {
        char c = path.ptr[i];

        if (!is_ident_byte(c) && (c != '/' || (i > 0 && path.ptr[i - 1] == '/')))
            return false;
    }
    return path.len > 1 && path.ptr[0] == '/' && path.ptr[path.len - 1] != '/';
}

static bool is_literal(struct view segment)
{
    return segment.len > 0 && segment.ptr[0] != '{';
}

static bool segment_fits(struct view want, struct view got, bool fold_case)
{
    if (!is_literal(want))
        return is_ident(got);
    return fold_case ? view_eq_nocase(want, got) : view_eq(want, got);
}

static bool path_fits(const char *pattern, struct view path, bool fold_case)
{
    struct view wanted = view_str(pattern);

    for (;;) {
        struct view want = path_next(&wanted);
        struct view got = path_next(&path);

        if (want.ptr == NULL || got.ptr == NULL)
            return want.ptr == NULL && got.ptr == NULL;
        if (!segment_fits(want, got, fold_case))
            return false;
    }
}

static struct split split_path(struct view path)
{
    struct split split = {0};

    for (;;) {
        struct view segment = path_next(&path);

        if (segment.ptr == NULL)
            return split;
        if (split.count == ROW_SEGMENTS_MAX)
            return (struct split){0};
        split.segments[split.count++] = segment;
    }
}

static void cut_rows(void)
{
    for (size_t i = 0; i < OP_COUNT; i++) {
        rows[i].method = view_str(operations[i].method);
        rows[i].path = split_path(view_str(operations[i].path));
        REQUIRE((operations[i].path == NULL) == (rows[i].path.count == 0));
    }
    action_row = split_path(view_str(action_path));
}

static bool split_fits(const struct split *want, const struct split *got)
{
    if (want->count != got->count || got->count == 0)
        return false;
    for (size_t i = 0; i < got->count; i++) {
        if (!segment_fits(want->segments[i], got->segments[i], false))
            return false;
    }
    return true;
}

static bool is_literal_of_table(struct view text, size_t index)
{
    for (size_t i = 0; i < OP_COUNT; i++) {
        struct view segment = rows[i].path.segments[index];

        if (segment.len == text.len && is_literal(segment) && view_eq_nocase(segment, text))
            return true;
    }
    return false;
}

/* Literal segments of the table are reserved: notebooks/all is the list of all, whatever the
 * method; no reader may take it for an instance "all". */
static bool names_reserved(const struct split *want, const struct split *got)
{
    for (size_t i = 0; i < want->count; i++) {
        if (!is_literal(want->segments[i]) && !view_eq(want->segments[i], VIEW("{project}")) &&
            is_literal_of_table(got->segments[i], i))
            return true;
    }
    return false;
}

/* Whether any row has that path, whatever its method. */
static bool any_row_fits(struct view path, bool fold_case)
{
    if (path_fits(action_path, path, fold_case))
        return true;
    for (size_t i = 0; i < OP_COUNT; i++) {
        if (operations[i].path != NULL && path_fits(operations[i].path, path, fold_case))
            return true;
    }
    return false;
}

/* A HEAD is read as the GET of the same path, but not as one that changes something. */
static bool method_fits(size_t row, struct view method)
{
    if (view_eq(method, VIEW("HEAD")))
        return view_eq(rows[row].method, VIEW("GET")) && operations[row].class == CLASS_READ;
    return view_eq(rows[row].method, method);
}

/* The number of the row of that call, or OP_COUNT. */
static size_t find_row(struct view method, const struct split *path)
{
    for (size_t i = 0; i < OP_COUNT; i++) {
        if (rows[i].path.count == path->count && method_fits(i, method) &&
            split_fits(&rows[i].path, path) && !names_reserved(&rows[i].path, path))
            return i;
    }
    return OP_COUNT;
}

/* The name of a family, alone or with something behind it that a reader may trim: "notebooks.json".
 */
static bool reads_as_family(struct view segment)
{
    static const enum family families[] = {FAMILY_DEMANAGER, FAMILY_NOTEBOOKS};

    for (size_t i = 0; i < ARRAY_LEN(families); i++) {
        struct view name = view_str(family_name(families[i]));

        if (segment.len >= name.len && view_eq_nocase(view_of(segment.ptr, name.len), name) &&
            (segment.len == name.len || !is_ident_byte(segment.ptr[name.len])))
            return true;
    }
    return false;
}

static bool lands(struct view path)
{
    return reads_as_family(path_segment(path, 1)) || reads_as_family(path_segment(path, 2));
}

static bool any_reading_lands(const struct path_decoded *decoded)
{
    struct path_reader reader = {.depth = 0};
    char text[PATH_BYTES_MAX + 1];

    do {
        if (lands(path_read(decoded, &reader, text)))
            return true;
    } while (path_reader_next(decoded, &reader));
    return false;
}

/* The project of "/v1/{project}/...", in the families and elsewhere. */
static struct view project_of(struct view path)
{
    struct view version = path_segment(path, 0);
    struct view project = path_segment(path, 1);

    if (version.len < 2 || version.ptr[0] != 'v' || !is_ident(project))
        return VIEW_NONE;
    for (size_t i = 1; i < version.len; i++) {
        if ((version.ptr[i] < '0' || version.ptr[i] > '9') && version.ptr[i] != '.')
            return VIEW_NONE;
    }
    return project;
}

static struct view instance_of(const struct split *want, const struct split *got)
{
    for (size_t i = 0; i < want->count; i++) {
        if (view_eq(want->segments[i], VIEW("{instance}")))
            return got->segments[i];
    }
    return VIEW_NONE;
}

static bool refuse(enum modelarts_reason why, struct view message, struct reason *ret_why)
{
    *ret_why = (struct reason){.row = &modelarts_reasons[why], .message = message};
    return false;
}

/* A path that lands in a family, but is no row. */
static bool refuse_unknown(struct view method, struct view path, struct arena *arena,
                           struct reason *ret_why)
{
    struct view message;
    struct view shown_method = utf8_cut(method, SHOWN_MAX);
    struct view shown_path = utf8_cut(path, SHOWN_MAX);

    if (!is_plain(path) || (any_row_fits(path, true) && !any_row_fits(path, false)))
        return refuse(
            MODELARTS_PATH_AMBIGUOUS,
            VIEW("some readers take this path for a call of the development environments; "
                 "write such a call's path exactly as the API documents it"),
            ret_why);
    message = arena_printf(arena, "%.*s %.*s is no call of the development environments",
                           VIEW_ARGS(shown_method), VIEW_ARGS(shown_path));
    if (message.ptr == NULL)
        message = VIEW("this is no call of the development environments");
    return refuse(MODELARTS_ROUTE_UNKNOWN, message, ret_why);
}

static bool find_operation(struct view method, struct view path, struct route *ret)
{
    const struct split split = split_path(path);
    size_t row;

    (void)pthread_once(&rows_cut, cut_rows);
    row = find_row(method, &split);
    if (row < OP_COUNT) {
        *ret = (struct route){
            .op = &operations[row],
            .project = project_of(path),
            .instance = instance_of(&rows[row].path, &split),
        };
        return true;
    }
    if (!view_eq(method, VIEW("POST")) || !split_fits(&action_row, &split))
        return false;
    *ret = (struct route){
        .op = &operations[OP_DEMANAGER_START],
        .project = project_of(path),
        .instance = instance_of(&action_row, &split),
        .verb_in_body = true,
    };
    return true;
}

/* By itself, because its large variable is cleared whenever it is entered. */
NOINLINE static enum path_fault look_at_readings(struct view path, bool *ret_lands)
{
    struct path_decoded decoded;
    enum path_fault fault = path_decode(path, &decoded);

    *ret_lands = fault == PATH_OK && any_reading_lands(&decoded);
    return fault;
}

/* The path's own fault, or whether one of its readings lands in a family. */
static enum path_fault look_at(struct view path, bool *ret_lands)
{
    if (!is_plain(path) || path.len > PATH_BYTES_MAX)
        return look_at_readings(path, ret_lands);
    *ret_lands = lands(path);
    return PATH_OK;
}

bool modelarts_route(struct view method, struct view path, struct arena *arena, struct route *ret,
                     struct reason *ret_why)
{
    bool in_family = false;
    enum path_fault fault = look_at(path, &in_family);

    if (fault != PATH_OK)
        return refuse(fault == PATH_LONG ? MODELARTS_PATH_TOO_LONG : MODELARTS_PATH_AMBIGUOUS,
                      view_str(path_fault_text(fault)), ret_why);
    if (!in_family) {
        *ret = (struct route){.op = &operations[OP_OTHER], .project = project_of(path)};
        return true;
    }
    if (find_operation(method, path, ret))
        return true;
    return refuse_unknown(method, path, arena, ret_why);
}

/* '*' stands for any run of bytes. Case is folded on both sides. */
static bool stars_fit(struct view pattern, struct view text)
{
    size_t p = 0;
    size_t star = SIZE_MAX;
    size_t resume = 0;

    for (size_t t = 0; t < text.len;) {
        if (p < pattern.len && pattern.ptr[p] == '*') {
            star = p++;
            resume = t;
        } else if (p < pattern.len && lower(pattern.ptr[p]) == lower(text.ptr[t])) {
            p++;
            t++;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            t = ++resume;
        } else {
            return false;
        }
    }
    while (p < pattern.len && pattern.ptr[p] == '*')
        p++;
    return p == pattern.len;
}

/* What stands behind the last '*' settles most of it: the text must end with that. */
static bool wild_fits(struct view pattern, struct view text)
{
    const char *star = memrchr(pattern.ptr, '*', pattern.len);
    size_t tail = star == NULL ? pattern.len : pattern.len - (size_t)(star + 1 - pattern.ptr);

    if (tail > text.len || (star == NULL && tail != text.len))
        return false;
    return view_eq_nocase(view_from(pattern, pattern.len - tail),
                          view_from(text, text.len - tail)) &&
           (star == NULL || stars_fit(view_of(pattern.ptr, pattern.len - tail),
                                      view_of(text.ptr, text.len - tail)));
}

/* With the last segment's suffixes trimmed: all of them, or the last one. */
static bool wild_fits_trimmed(struct view pattern, struct view text)
{
    size_t first = text.len;

    if (wild_fits(pattern, text))
        return true;
    for (size_t i = text.len; i > 0 && text.ptr[i - 1] != '/'; i--) {
        if (text.ptr[i - 1] != '.')
            continue;
        if (first == text.len && wild_fits(pattern, view_of(text.ptr, i - 1)))
            return true;
        first = i - 1;
    }
    return first < text.len && wild_fits(pattern, view_of(text.ptr, first));
}

static bool pattern_byte_ok(char c)
{
    return c > ' ' && c < 0x7f && strchr("%\\#?;", c) == NULL;
}

static bool pattern_segments_ok(struct view path)
{
    for (size_t i = 0;; i++) {
        struct view segment = path_segment(path, i);

        if (segment.ptr == NULL)
            return true;
        if (view_eq(segment, VIEW(".")) || view_eq(segment, VIEW("..")))
            return false;
        if (segment.len == 0 && segment.ptr != path.ptr + path.len)
            return false;
    }
}

bool modelarts_route_pattern_ok(struct view pattern)
{
    struct view method = view_of(pattern.ptr, view_find(pattern, ' '));
    struct view path;

    if (method.len == 0 || method.len == pattern.len)
        return false;
    for (size_t i = 0; i < method.len && !view_eq(method, VIEW("*")); i++) {
        if (method.ptr[i] < 'A' || method.ptr[i] > 'Z')
            return false;
    }
    path = view_from(pattern, method.len + 1);
    if (path.len == 0 || path.ptr[0] != '/')
        return false;
    for (size_t i = 0; i < path.len; i++) {
        if (!pattern_byte_ok(path.ptr[i]))
            return false;
    }
    return pattern_segments_ok(path);
}

static bool begins_with_word(struct view pattern, struct view word)
{
    return pattern.len > word.len && pattern.ptr[word.len] == ' ' && view_starts(pattern, word);
}

/* The path of a pattern that counts for the method; ptr NULL if it doesn't. A HEAD is read as the
 * GET of the same path. */
static struct view path_of_pattern(struct view pattern, struct view method)
{
    struct view path;

    if (begins_with_word(pattern, method))
        path = view_from(pattern, method.len + 1);
    else if (begins_with_word(pattern, VIEW("*")))
        path = view_from(pattern, 2);
    else if (view_eq(method, VIEW("HEAD")) && begins_with_word(pattern, VIEW("GET")))
        path = view_from(pattern, 4);
    else
        return VIEW_NONE;
    while (path.len > 1 && path.ptr[path.len - 1] == '/')
        path.len--;
    return path;
}

static bool any_counts(const struct patterns *patterns)
{
    for (size_t i = 0; i < patterns->count; i++) {
        if (path_of_pattern(patterns->all[i], patterns->method).ptr != NULL)
            return true;
    }
    return false;
}

static bool any_fits(const struct patterns *patterns, struct view text)
{
    for (size_t i = 0; i < patterns->count; i++) {
        struct view want = path_of_pattern(patterns->all[i], patterns->method);

        if (want.ptr != NULL && wild_fits(want, text))
            return true;
    }
    return false;
}

static bool any_fits_trimmed(const struct patterns *patterns, struct view text)
{
    for (size_t i = 0; i < patterns->count; i++) {
        struct view want = path_of_pattern(patterns->all[i], patterns->method);

        if (want.ptr != NULL && wild_fits_trimmed(want, text))
            return true;
    }
    return false;
}

/* Each reading is made once, for all patterns. By itself for the same reason as look_at_readings.
 */
NOINLINE static bool any_fits_a_reading(const struct patterns *patterns, struct view path)
{
    struct path_decoded decoded;
    struct path_reader reader = {.depth = 0};
    char text[PATH_BYTES_MAX + 1];

    /* A path that nobody may send matches every pattern: an error is a refusal. */
    if (path_decode(path, &decoded) != PATH_OK || any_fits(patterns, path))
        return true;
    do {
        if (any_fits_trimmed(patterns, path_read(&decoded, &reader, text)))
            return true;
    } while (path_reader_next(&decoded, &reader));
    return false;
}

bool modelarts_routes_refuse(const struct view *patterns, size_t count, struct view method,
                             struct view path)
{
    const struct patterns wanted = {patterns, count, method};

    if (is_plain(path) && path.len <= PATH_BYTES_MAX)
        return any_fits(&wanted, path);
    return any_counts(&wanted) && any_fits_a_reading(&wanted, path);
}

bool modelarts_route_matches(struct view pattern, struct view method, struct view path)
{
    return modelarts_routes_refuse(&pattern, 1, method, path);
}
