/* SPDX-License-Identifier: Apache-2.0
 * Paths. Input: "METHOD path", a line feed, and a pattern of `routes.refuse`. Whatever a reader
 * that decodes, folds and strips would land in a family with is served only if it is a row of the
 * table, byte for byte; a refused route stays refused in other spellings. */
#include <stdlib.h>

#include "modelarts/operation.h"

#include "fuzz.h"

enum { TEXT_MAX = 1024, SEGMENTS_MAX = 3, LEVELS = 6 };

struct text {
    char bytes[3 * TEXT_MAX];
    size_t len;
};

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void decode(struct text *t)
{
    size_t out = 0;

    for (size_t i = 0; i < t->len; i++) {
        char c = t->bytes[i];

        if (c == '%' && i + 2 < t->len && hex(t->bytes[i + 1]) >= 0 && hex(t->bytes[i + 2]) >= 0) {
            c = (char)(hex(t->bytes[i + 1]) * 16 + hex(t->bytes[i + 2]));
            i += 2;
        }
        t->bytes[out++] = c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
    }
    t->len = out;
}

/* Whether something is left of it when escapes and parameters are gone. */
static bool is_something(struct view segment)
{
    struct text t = {.len = segment.len};

    memcpy(t.bytes, segment.ptr, segment.len);
    for (unsigned i = 0; i < LEVELS; i++)
        decode(&t);
    return t.len > 0 && t.bytes[0] != ';';
}

/* "demanager", "DeManager;v=1", "demanager.json", each escaped how often ever. */
static bool is_family(struct view segment)
{
    struct text t = {.len = segment.len};

    memcpy(t.bytes, segment.ptr, segment.len);
    for (unsigned i = 0; i < LEVELS; i++) {
        struct view now;

        decode(&t);
        now = view_of(t.bytes, t.len);
        now.len = view_find(now, ';');
        if (view_eq(now, VIEW("demanager")) || view_eq(now, VIEW("notebooks")) ||
            view_starts(now, VIEW("demanager.")) || view_starts(now, VIEW("notebooks.")))
            return true;
    }
    return false;
}

/* The segments as they stand, or with "", "." and ".." resolved. */
static bool lands(const struct text *t, bool resolve)
{
    struct view rest = view_of(t->bytes, t->len), part;
    struct view kept[TEXT_MAX * 3];
    size_t count = 0;

    (void)fuzz_part(&rest, '/', &part); /* in front of the first slash */
    while (fuzz_part(&rest, '/', &part)) {
        struct view name = view_of(part.ptr, view_find(part, ';'));

        if (resolve && (name.len == 0 || view_eq(name, VIEW("."))))
            continue;
        if (resolve && view_eq(name, VIEW("..")))
            count -= count > 0 ? 1 : 0;
        else
            kept[count++] = part;
    }
    /* No reader serves a project called ";". */
    return count > 1 && is_something(kept[0]) &&
           (is_family(kept[1]) || (count > 2 && is_something(kept[1]) && is_family(kept[2])));
}

static bool any_reading_lands(struct view path)
{
    struct text t = {.len = path.len};

    memcpy(t.bytes, path.ptr, path.len);
    for (unsigned i = 0; i < LEVELS; i++) {
        if (lands(&t, false) || lands(&t, true))
            return true;
        decode(&t);
    }
    return false;
}

/* What nobody may send. */
static void check_path(struct view path)
{
    REQUIRE(path.len > 0 && path.ptr[0] == '/');
    for (size_t i = 0; i < path.len; i++) {
        unsigned char c = (unsigned char)path.ptr[i];
        bool escape = i + 2 < path.len && hex(path.ptr[i + 1]) >= 0 && hex(path.ptr[i + 2]) >= 0;

        REQUIRE(c > ' ' && c != 0x7F && c != '\\' && c != '#');
        REQUIRE(c != '%' || escape);
        REQUIRE(c != '/' || i + 1 >= path.len || path.ptr[i + 1] != '/');
    }
}

static void check_row(struct view method, struct view path, const struct route *route)
{
    const struct operation *op = route->op;
    struct view want = view_str(op->path), got = path, wanted_part, got_part;

    REQUIRE(op->family != FAMILY_NONE);
    for (size_t i = 0; i < path.len; i++)
        REQUIRE(view_find(VIEW("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-/"),
                          path.ptr[i]) < 65);
    REQUIRE(route->project.len > 0 && view_starts(view_from(path, 4), route->project));
    if (route->verb_in_body) {
        REQUIRE(view_eq(method, VIEW("POST")) && view_ends(path, VIEW("/action")));
        return;
    }
    REQUIRE(view_eq(view_str(op->method), method) ||
            (view_eq(method, VIEW("HEAD")) && op->class == CLASS_READ));
    while (fuzz_part(&want, '/', &wanted_part)) {
        REQUIRE(fuzz_part(&got, '/', &got_part));
        REQUIRE(view_starts(wanted_part, VIEW("{")) || view_eq(wanted_part, got_part));
    }
    REQUIRE(got.ptr == NULL);
}

static void check_route(struct view method, struct view path)
{
    struct reason why = {.row = NULL};
    struct route route;
    struct arena arena;

    fuzz_arena(&arena);
    if (modelarts_route(method, path, &arena, &route, &why)) {
        check_path(path);
        if (route.op->id == OP_OTHER)
            REQUIRE(!any_reading_lands(path));
        else
            check_row(method, path, &route);
    } else {
        REQUIRE(why.row != NULL && why.message.len > 0);
    }
    arena_done(&arena);
}

/* Every `step`th byte that isn't a slash as an escape, which is what decoding readers undo. */
static void spell(struct view path, size_t step, struct text *ret)
{
    static const char digits[] = "0123456789abcdef";

    ret->len = 0;
    for (size_t i = 0; i < path.len; i++) {
        unsigned char c = (unsigned char)path.ptr[i];

        if (i % step != 0 || c == '/' || c == '%' || (i > 0 && path.ptr[i - 1] == '%') ||
            (i > 1 && path.ptr[i - 2] == '%')) {
            ret->bytes[ret->len++] = (char)c;
            continue;
        }
        ret->bytes[ret->len++] = '%';
        ret->bytes[ret->len++] = digits[c >> 4];
        ret->bytes[ret->len++] = digits[c & 15];
    }
}

static bool is_sent(struct view method, struct view path)
{
    struct reason why;
    struct route route;
    struct arena arena;
    bool sent;

    fuzz_arena(&arena);
    sent = modelarts_route(method, path, &arena, &route, &why);
    arena_done(&arena);
    return sent;
}

static void check_pattern(struct view pattern, struct view method, struct view path)
{
    struct text spelled;

    if (!modelarts_route_pattern_ok(pattern) || !modelarts_route_matches(pattern, method, path) ||
        !is_sent(method, path))
        return;
    for (size_t step = 1; step <= 3; step++) {
        spell(path, step, &spelled);
        REQUIRE(modelarts_route_matches(pattern, method, view_of(spelled.bytes, spelled.len)) ||
                !is_sent(method, view_of(spelled.bytes, spelled.len)));
    }
    for (size_t i = 0; i < path.len; i++) {
        char c = path.ptr[i];

        spelled.bytes[i] = c >= 'a' && c <= 'z' ? (char)(c & ~0x20) : c;
    }
    REQUIRE(modelarts_route_matches(pattern, method, view_of(spelled.bytes, path.len)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct view pattern = fuzz_input(data, size), path, method;
    char *exact;

    if (!fuzz_part(&pattern, '\n', &path) || !fuzz_part(&path, ' ', &method) || path.len == 0 ||
        path.len > TEXT_MAX || view_find(path, '?') < path.len)
        return 0;
    exact = malloc(path.len);
    REQUIRE(exact != NULL);
    memcpy(exact, path.ptr, path.len);
    path.ptr = exact;
    check_route(method, path);
    check_pattern(pattern, method, path);
    free(exact);
    return 0;
}
