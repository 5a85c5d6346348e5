/* SPDX-License-Identifier: Apache-2.0
 * One walk over the pairs. */
#include "audit/params.h"

#include <stdio.h>

enum { KEY_SHOWN_MAX = 64 };

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Source: RFC 3986, 2.1. A NUL could cut a text short for another reader. */
static enum status unescape(struct view text, struct arena *arena, struct view *ret)
{
    char *out = arena_alloc(arena, text.len + 1);
    size_t len = 0;

    if (out == NULL)
        return STATUS_NOMEM;
    for (size_t i = 0; i < text.len; i++) {
        int high, low;

        if (text.ptr[i] != '%') {
            out[len++] = text.ptr[i];
            continue;
        }
        high = i + 2 < text.len ? hex_digit(text.ptr[i + 1]) : -1;
        low = i + 2 < text.len ? hex_digit(text.ptr[i + 2]) : -1;
        if (high < 0 || low < 0 || high + low == 0)
            return STATUS_SYNTAX;
        out[len++] = (char)(high * 16 + low);
        i += 2;
    }
    *ret = view_of(out, len);
    return STATUS_OK;
}

static const struct param_key *find_key(const struct param_key *keys, struct view name)
{
    for (const struct param_key *key = keys; key->name != NULL; key++) {
        if (view_eq(name, view_str(key->name)))
            return key;
    }
    return NULL;
}

/* What stands before the '=', as far as it is fit to be shown. */
static struct view shown(struct view name)
{
    size_t len = 0;

    while (len < name.len && len < KEY_SHOWN_MAX && name.ptr[len] > ' ' && name.ptr[len] < 0x7f &&
           name.ptr[len] != '"' && name.ptr[len] != '\\')
        len++;
    return view_of(name.ptr, len);
}

static enum status unknown_key(struct view name, const struct param_key *keys, struct err *err)
{
    char known[384] = "";
    size_t len = 0;

    for (const struct param_key *key = keys; key->name != NULL && len < sizeof known; key++)
        len += (size_t)snprintf(known + len, sizeof known - len, "%s%s", len == 0 ? "" : ", ",
                                key->name);
    if (len == 0)
        return err_set(err, STATUS_SYNTAX, "\"%.*s\" is not known here, nor is any other key",
                       VIEW_ARGS(shown(name)));
    return err_set(err, STATUS_SYNTAX, "\"%.*s\" is not known here; known are: %s",
                   VIEW_ARGS(shown(name)), known);
}

static enum status read_pair(struct view pair, const struct param_key *keys, struct arena *arena,
                             struct params *params, struct err *err)
{
    struct view name = view_of(pair.ptr, view_find(pair, '='));
    const struct param_key *key = find_key(keys, name);
    struct view value;
    enum status status;

    if (key == NULL)
        return unknown_key(name, keys, err);
    if (name.len == pair.len)
        return err_set(err, STATUS_SYNTAX, "\"%s\" needs a value, as in %s=...", key->name,
                       key->name);
    if (!key->many && params_find(params, key->name).ptr != NULL)
        return err_set(err, STATUS_SYNTAX, "\"%s\" stands twice", key->name);
    if (params->count == PARAMS_MAX)
        return err_set(err, STATUS_SYNTAX, "at most %d keys may stand here", PARAMS_MAX);
    status = unescape(view_from(pair, name.len + 1), arena, &value);
    if (status == STATUS_SYNTAX)
        return err_set(err, status, "\"%s\": a '%%' needs two hex digits behind it, not 00",
                       key->name);
    if (status != STATUS_OK)
        return err_set(err, status, "out of memory");
    if (value.len == 0 || value.len > PARAM_VALUE_MAX)
        return err_set(err, STATUS_SYNTAX, "\"%s\": expected 1 to %d bytes, found %zu", key->name,
                       PARAM_VALUE_MAX, value.len);
    params->items[params->count++] = (struct param){key, value};
    return STATUS_OK;
}

enum status params_read(struct view text, const struct param_key *keys, struct arena *arena,
                        struct params *ret, struct err *err)
{
    struct params params = {.count = 0};
    bool more = text.len > 0;

    while (more) {
        struct view pair = view_of(text.ptr, view_find(text, '&'));
        enum status status = read_pair(pair, keys, arena, &params, err);

        if (status != STATUS_OK)
            return status;
        more = pair.len < text.len;
        text = view_from(text, more ? pair.len + 1 : pair.len);
    }
    *ret = params;
    return STATUS_OK;
}

struct view params_find(const struct params *params, const char *name)
{
    for (size_t i = 0; i < params->count; i++) {
        if (strcmp(params->items[i].key->name, name) == 0)
            return params->items[i].value;
    }
    return VIEW_NONE;
}
