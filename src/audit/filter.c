/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/filter.h"

#include "modelarts/operation.h"

static const struct {
    const char *name, *values;
} closed[] = {
    {"class", "create change start mount release read other"},
    {"decision", "allow rewrite refuse"},
    {"outcome", "created done failed unknown refused"},
};

const char *filter_values(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(closed); i++) {
        if (strcmp(closed[i].name, name) == 0)
            return closed[i].values;
    }
    return NULL;
}

/* One of the words of a list, which blanks separate. */
static bool is_among(const char *values, struct view word)
{
    struct view rest = view_str(values);

    while (rest.len > 0) {
        size_t end = view_find(rest, ' ');

        if (view_eq(view_of(rest.ptr, end), word))
            return true;
        rest = end < rest.len ? view_from(rest, end + 1) : VIEW_NONE;
    }
    return false;
}

bool filter_takes(const char *name, struct view value)
{
    const char *values = filter_values(name);

    if (values != NULL)
        return is_among(values, value);
    if (strcmp(name, "operation") == 0 && view_find(value, '*') == value.len)
        return operation_find(value) != NULL;
    return value.len > 0;
}
