/* SPDX-License-Identifier: Apache-2.0
 * From method and path to an operation. Whatever a lenient reader would land in one of the two
 * families with is served only if it is, byte for byte, a row of the table. */
#include "base/attr.h"
#include "modelarts/operation.h"
#include "modelarts/path.h"
#include "modelarts/unicode.h"

enum { SEGMENT_MAX = 64, SHOWN_MAX = 160 };

static const char action_path[] = "/v1/{project}/demanager/instances/{instance}/action";

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

static bool is_literal_of_table(struct view text, size_t index)
{
    for (size_t i = 0; i < OP_COUNT; i++) {
        struct view segment = path_segment(view_str(operations[i].path), index);

        if (is_literal(segment) && view_eq_nocase(segment, text))
            return true;
    }
    return false;
}

/* Literal segments of the table are reserved: notebooks/all is the list of all, whatever the
 * method; no reader may take it for an instance "all". */
static bool names_reserved(const char *pattern, struct view path)
{
    struct view wanted = view_str(pattern);

    for (size_t i = 0;; i++) {
        struct view want = path_next(&wanted);
        struct view got = path_next(&path);

        if (want.ptr == NULL)
            return false;
        if (!is_literal(want) && !view_eq(want, VIEW("{project}")) && is_literal_of_table(got, i))
            return true;
    }
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

static const struct operation *find_row(struct view method, struct view path)
{
    if (view_eq(method, VIEW("HEAD")))
        method = VIEW("GET");
    for (size_t i = 0; i < OP_COUNT; i++) {
        const struct operation *row = &operations[i];

        if (row->path != NULL && view_eq(view_str(row->method), method) &&
            path_fits(row->path, path, false) && !names_reserved(row->path, path))
            return operation_find(view_str(row->name));
    }
    return NULL;
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
    char text[PATH_BYTES_MAX + 1];

    for (unsigned depth = 0; depth <= decoded->levels; depth++) {
        for (int how = 0; how < READING_COUNT; how++) {
            if (lands(path_read(decoded, depth, (enum path_reading)how, text)))
                return true;
        }
    }
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

static struct view instance_of(const char *pattern, struct view path)
{
    for (size_t i = 0;; i++) {
        struct view want = path_segment(view_str(pattern), i);

        if (want.ptr == NULL)
            return VIEW_NONE;
        if (view_eq(want, VIEW("{instance}")))
            return path_segment(path, i);
    }
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
    const struct operation *row = find_row(method, path);

    if (row != NULL) {
        *ret = (struct route){
            .op = row,
            .project = project_of(path),
            .instance = instance_of(row->path, path),
        };
        return true;
    }
    if (!view_eq(method, VIEW("POST")) || !path_fits(action_path, path, false))
        return false;
    *ret = (struct route){
        .op = &operations[OP_DEMANAGER_START],
        .project = project_of(path),
        .instance = instance_of(action_path, path),
        .verb_in_body = true,
    };
    return true;
}

/* The path's own fault, or whether one of its readings lands in a family. */
static enum path_fault look_at(struct view path, bool *ret_lands)
{
    struct path_decoded decoded;
    enum path_fault fault;

    if (is_plain(path) && path.len <= PATH_BYTES_MAX) {
        *ret_lands = lands(path);
        return PATH_OK;
    }
    fault = path_decode(path, &decoded);
    *ret_lands = fault == PATH_OK && any_reading_lands(&decoded);
    return fault;
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
static bool wild_fits(struct view pattern, struct view text)
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

static bool any_reading_fits(struct view pattern, const struct path_decoded *decoded)
{
    char text[PATH_BYTES_MAX + 1];

    for (unsigned depth = 0; depth <= decoded->levels; depth++) {
        for (int how = 0; how < READING_COUNT; how++) {
            if (wild_fits_trimmed(pattern, path_read(decoded, depth, (enum path_reading)how, text)))
                return true;
        }
    }
    return false;
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

/* A HEAD is read as the GET of the same path. */
static bool method_fits(struct view want, struct view got)
{
    return view_eq(want, VIEW("*")) || view_eq(want, got) ||
           (view_eq(want, VIEW("GET")) && view_eq(got, VIEW("HEAD")));
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

bool modelarts_route_matches(struct view pattern, struct view method, struct view path)
{
    size_t method_len = view_find(pattern, ' ');
    struct path_decoded decoded;
    struct view want;

    if (method_len == pattern.len || !method_fits(view_of(pattern.ptr, method_len), method))
        return false;
    want = view_from(pattern, method_len + 1);
    while (want.len > 1 && want.ptr[want.len - 1] == '/')
        want.len--;
    if (is_plain(path) && path.len <= PATH_BYTES_MAX)
        return wild_fits(want, path);
    /* A path that nobody may send matches every pattern: an error is a refusal. */
    if (path_decode(path, &decoded) != PATH_OK)
        return true;
    return wild_fits(want, path) || any_reading_fits(want, &decoded);
}
