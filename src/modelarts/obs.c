/* SPDX-License-Identifier: Apache-2.0
 * OBS locations, read strictly. Bucket names: OBS "Naming a bucket and an object" (3 to 63 of
 * [a-z0-9.-], a letter or digit at both ends, no "..", ".-" or "-.", not like an IPv4 address).
 * Codes of the cloud: its error table (6317 path missing, 6318 ends with '/', 6358 root of a
 * bucket). */
#include "modelarts/obs.h"

#include "base/attr.h"
#include "modelarts/unicode.h"

enum { BUCKET_MIN = 3, BUCKET_MAX = 63 };

/* What the three spellings differ in. */
struct shape {
    struct view lead;   /* what stands before the bucket */
    enum obs_fault bad; /* the fault when it doesn't */
    bool slash;         /* the location must end with '/' */
    bool root;          /* the bucket's root may be named */
    bool uri;           /* readers of URIs end its path at '?' and '#' */
};

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* The fault of the ASCII byte that text begins with. */
static enum obs_fault check_ascii(struct view text)
{
    unsigned char byte = (unsigned char)text.ptr[0];

    if (byte < ' ' || byte == 0x7f)
        return OBS_CONTROL;
    if (byte == '\\')
        return OBS_BACKSLASH;
    if (byte == '%' && text.len > 2 && is_hex(text.ptr[1]) && is_hex(text.ptr[2]))
        return OBS_ESCAPE;
    return OBS_OK;
}

/* The same of the character beyond ASCII that text begins with; OBS_OK: *ret_len is its length. */
static enum obs_fault check_point(struct view text, size_t *ret_len)
{
    uint32_t point;

    *ret_len = utf8_decode(text, &point);
    if (*ret_len == 0)
        return OBS_ENCODING;
    if (unicode_is_hidden(point))
        return OBS_CONTROL;
    return unicode_folds_to_separator(point) ? OBS_LOOKALIKE : OBS_OK;
}

/* The fault of the characters, whatever they spell. */
static enum obs_fault check_text(struct view text)
{
    while (text.len > 0) {
        size_t len = 1;
        enum obs_fault fault =
            (unsigned char)text.ptr[0] < 0x80 ? check_ascii(text) : check_point(text, &len);

        if (fault != OBS_OK)
            return fault;
        text = view_from(text, len);
    }
    return OBS_OK;
}

static bool is_bucket_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* Four numbers and three dots: read by some as an address, whatever the numbers are. */
static bool looks_like_ipv4(struct view name)
{
    unsigned dots = 0;

    for (size_t i = 0; i < name.len; i++) {
        if (name.ptr[i] == '.')
            dots++;
        else if (name.ptr[i] < '0' || name.ptr[i] > '9')
            return false;
    }
    return dots == 3;
}

/* Whether c may follow before: no "..", ".-" or "-.". */
static bool bucket_pair_ok(char before, char c)
{
    if (c != '-' && c != '.')
        return is_bucket_letter(c);
    return is_bucket_letter(before) || (c == '-' && before == '-');
}

static bool bucket_ok(struct view name)
{
    if (name.len < BUCKET_MIN || name.len > BUCKET_MAX || looks_like_ipv4(name))
        return false;
    if (!is_bucket_letter(name.ptr[0]) || !is_bucket_letter(name.ptr[name.len - 1]))
        return false;
    for (size_t i = 1; i < name.len; i++) {
        if (!bucket_pair_ok(name.ptr[i - 1], name.ptr[i]))
            return false;
    }
    return true;
}

/* key: what stands behind "bucket/". */
static enum obs_fault check_key(struct view key)
{
    while (key.len > 0) {
        struct view segment = view_of(key.ptr, view_find(key, '/'));

        if (segment.len == 0)
            return OBS_EMPTY_SEGMENT;
        if (view_eq(segment, VIEW(".")) || view_eq(segment, VIEW("..")))
            return OBS_DOT_SEGMENT;
        key = view_from(key, segment.len < key.len ? segment.len + 1 : key.len);
    }
    return OBS_OK;
}

static enum obs_fault check_parts(const struct obs_path *parts, const struct shape *shape)
{
    enum obs_fault fault;

    if (parts->bucket.len == 0)
        return OBS_EMPTY_SEGMENT;
    if (!bucket_ok(parts->bucket))
        return OBS_BUCKET_NAME;
    fault = check_key(parts->key);
    if (fault != OBS_OK)
        return fault;
    if (parts->key.len == 0 && !shape->root)
        return OBS_BUCKET_ROOT;
    return OBS_OK;
}

static enum obs_fault parse(struct view text, const struct shape *shape, struct obs_path *ret)
{
    struct obs_path parts;
    struct view rest;
    enum obs_fault fault;

    if (text.len == 0)
        return OBS_EMPTY;
    if (text.len > OBS_PATH_MAX)
        return OBS_TOO_LONG;
    fault = check_text(text);
    if (fault != OBS_OK)
        return fault;
    if (!view_starts(text, shape->lead))
        return shape->bad;
    if (shape->uri && (view_find(text, '?') < text.len || view_find(text, '#') < text.len))
        return OBS_URI_END;
    rest = view_from(text, shape->lead.len);
    if (shape->slash && text.ptr[text.len - 1] != '/')
        return OBS_NO_TRAILING_SLASH;
    parts.bucket = view_of(rest.ptr, view_find(rest, '/'));
    parts.key = view_from(rest, parts.bucket.len < rest.len ? parts.bucket.len + 1 : rest.len);
    fault = check_parts(&parts, shape);
    if (fault == OBS_OK)
        *ret = parts;
    return fault;
}

enum obs_fault obs_parse_path(struct view text, struct obs_path *ret)
{
    const struct shape shape = {VIEW("/"), OBS_NO_LEADING_SLASH, .slash = true, .root = false};

    return parse(text, &shape, ret);
}

enum obs_fault obs_parse_uri(struct view text, struct obs_path *ret)
{
    const struct shape shape = {VIEW("obs://"), OBS_NO_SCHEME, .root = true, .uri = true};

    return parse(text, &shape, ret);
}

enum obs_fault obs_parse_prefix(struct view text, struct obs_path *ret)
{
    const struct shape shape = {VIEW("/"), OBS_NO_LEADING_SLASH, .slash = false, .root = true};

    return parse(text, &shape, ret);
}

enum obs_fault obs_parse_bucket(struct view text, struct obs_path *ret)
{
    const struct shape shape = {VIEW(""), OBS_OK, .slash = false, .root = true};

    if (view_find(text, '/') < text.len)
        return text.len > OBS_PATH_MAX ? OBS_TOO_LONG : OBS_BUCKET_NAME;
    return parse(text, &shape, ret);
}

const char *obs_fault_text(enum obs_fault fault)
{
    static const char *const texts[] = {
        [OBS_OK] = "is well-formed",
        [OBS_EMPTY] = "needs to name a directory of a bucket (ModelArts.6317)",
        [OBS_NO_LEADING_SLASH] = "needs to begin with '/' and the bucket's name",
        [OBS_NO_SCHEME] = "needs to begin with \"obs://\" and the bucket's name",
        [OBS_NO_TRAILING_SLASH] = "needs to end with '/' (ModelArts.6318)",
        [OBS_BUCKET_ROOT] = "needs to name a directory below the bucket's root (ModelArts.6358)",
        [OBS_BUCKET_NAME] = "needs a bucket's name as OBS allows it: 3 to 63 of a-z, 0-9, '-', '.'",
        [OBS_EMPTY_SEGMENT] = "may not hold an empty segment (\"//\")",
        [OBS_DOT_SEGMENT] = "may not hold a segment \".\" or \"..\"",
        [OBS_ESCAPE] = "may not hold a percent escape; write the character itself",
        [OBS_BACKSLASH] = "may not hold '\\'",
        [OBS_CONTROL] = "may not hold control or invisible characters",
        [OBS_LOOKALIKE] = "may not hold a character that some readers fold to '/', '.' or '\\'",
        [OBS_URI_END] = "may not hold '?' or '#', where some readers end a URI's path",
        [OBS_ENCODING] = "needs to be valid UTF-8",
        [OBS_TOO_LONG] = "may have at most 1023 bytes",
    };

    return texts[fault];
}

bool obs_below(const struct obs_path *path, const struct obs_path *prefix)
{
    struct view above = prefix->key;

    if (!view_eq(path->bucket, prefix->bucket))
        return false;
    if (above.len > 0 && above.ptr[above.len - 1] == '/')
        above.len--;
    if (above.len == 0)
        return true;
    return view_starts(path->key, above) &&
           (path->key.len == above.len || path->key.ptr[above.len] == '/');
}
