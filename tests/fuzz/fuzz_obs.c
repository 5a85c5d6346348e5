/* SPDX-License-Identifier: Apache-2.0
 * OBS paths. Input: a path and a prefix, with a line feed between. What is accepted holds nothing
 * that is refused; "below" is reflexive, goes along with every shorter prefix, and is what a
 * comparison of lists of segments says. */
#include <stdlib.h>

#include "modelarts/obs.h"
#include "modelarts/unicode.h"

#include "fuzz.h"

enum { SEGMENTS_MAX = OBS_PATH_MAX + 1 };

struct segments {
    struct view items[SEGMENTS_MAX];
    size_t count;
};

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static void check_segment(struct view segment)
{
    REQUIRE(segment.len > 0);
    REQUIRE(!view_eq(segment, VIEW(".")) && !view_eq(segment, VIEW("..")));
    for (size_t i = 0; i < segment.len; i++) {
        unsigned char c = (unsigned char)segment.ptr[i];

        REQUIRE(c >= 0x20 && c != 0x7F && c != '\\');
        REQUIRE(c != '%' || i + 2 >= segment.len || !is_hex(segment.ptr[i + 1]) ||
                !is_hex(segment.ptr[i + 2]));
    }
}

static void split(struct view key, struct segments *ret)
{
    struct view part;

    ret->count = 0;
    if (key.len > 0 && key.ptr[key.len - 1] == '/')
        key.len--;
    while (key.len > 0 && fuzz_part(&key, '/', &part)) {
        REQUIRE(ret->count < SEGMENTS_MAX);
        ret->items[ret->count++] = part;
        if (key.ptr != NULL && key.len == 0)
            ret->items[ret->count++] = VIEW("");
    }
}

static void check_utf8(struct view text)
{
    uint32_t point;

    for (size_t i = 0, len; i < text.len; i += len) {
        len = utf8_decode(view_from(text, i), &point);
        REQUIRE(len > 0 && !unicode_is_hidden(point) && !unicode_folds_to_separator(point));
    }
}

/* Whatever was accepted, in whichever form. */
static void check_accepted(struct view text, const struct obs_path *path)
{
    struct segments *all = malloc(sizeof *all);

    REQUIRE(all != NULL && text.len <= OBS_PATH_MAX);
    REQUIRE(path->bucket.len >= 3 && path->bucket.len <= 63);
    for (size_t i = 0; i < path->bucket.len; i++)
        REQUIRE(view_find(VIEW("abcdefghijklmnopqrstuvwxyz0123456789.-"), path->bucket.ptr[i]) <
                38);
    split(path->key, all);
    for (size_t i = 0; i < all->count; i++)
        check_segment(all->items[i]);
    check_utf8(text);
    free(all);
}

/* Below itself, its bucket, and everything on the way; not below anything deeper. */
static void check_ancestors(const struct obs_path *path)
{
    struct view key = path->key;
    size_t whole = key.len;

    REQUIRE(obs_below(path, path));
    if (whole > 0 && key.ptr[whole - 1] == '/')
        whole--;
    for (size_t i = 0; i <= key.len; i++) {
        const struct obs_path above = {path->bucket, view_of(key.ptr, i)};
        bool ends = i == 0 || i >= whole || key.ptr[i - 1] == '/' || key.ptr[i] == '/';

        REQUIRE(obs_below(path, &above) == ends);
        if (ends && i < whole && i > 0)
            REQUIRE(!obs_below(&above, path));
    }
}

static bool is_below(const struct obs_path *path, const struct obs_path *prefix)
{
    struct segments *a = malloc(sizeof *a), *b = malloc(sizeof *b);
    bool below;

    REQUIRE(a != NULL && b != NULL);
    split(path->key, a);
    split(prefix->key, b);
    below = view_eq(path->bucket, prefix->bucket) && a->count >= b->count;
    for (size_t i = 0; below && i < b->count; i++)
        below = view_eq(a->items[i], b->items[i]);
    free(a);
    free(b);
    return below;
}

typedef enum obs_fault parse_fn(struct view text, struct obs_path *ret);

static bool parse(parse_fn *fn, struct view text, struct obs_path *ret)
{
    struct obs_path path = {VIEW("!"), VIEW("!")};
    enum obs_fault fault = fn(text, &path);

    REQUIRE(fault < OBS_FAULT_COUNT && obs_fault_text(fault)[0] != '\0');
    if (fault != OBS_OK) {
        REQUIRE(view_eq(path.bucket, VIEW("!"))); /* untouched */
        return false;
    }
    check_accepted(text, &path);
    check_ancestors(&path);
    *ret = path;
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static parse_fn *const forms[] = {obs_parse_path, obs_parse_uri, obs_parse_bucket,
                                      obs_parse_prefix};
    struct view rest = fuzz_input(data, size), text, prefix_text;
    struct obs_path path, prefix;
    bool has_prefix;

    if (!fuzz_part(&rest, '\n', &text))
        return 0;
    has_prefix = fuzz_part(&rest, '\n', &prefix_text);
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        if (!parse(forms[i], text, &path))
            continue;
        if (forms[i] == obs_parse_path) { /* a path is a prefix too, with and without its end */
            REQUIRE(parse(obs_parse_prefix, text, &prefix) && obs_below(&path, &prefix));
            REQUIRE(parse(obs_parse_prefix, view_of(text.ptr, text.len - 1), &prefix));
            REQUIRE(obs_below(&path, &prefix) && path.key.len > 0);
        }
        if (has_prefix && parse(obs_parse_prefix, prefix_text, &prefix))
            REQUIRE(obs_below(&path, &prefix) == is_below(&path, &prefix));
    }
    return 0;
}
