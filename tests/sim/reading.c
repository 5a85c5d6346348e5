/* SPDX-License-Identifier: Apache-2.0
 * Reads JSON as one of several clouds would. jansson judges every text and reads every scalar; only
 * objects and arrays are taken apart here, and only where jansson cannot be told how. */
#include "reading.h"

#include <stdlib.h>
#include <string.h>

/* A text that jansson has accepted, so every search below ends within it. */
struct scan {
    const struct reading *reading;
    const char *at, *end;
};

static json_t *scan_value(struct scan *scan);

static void skip_blanks(struct scan *scan)
{
    while (scan->at < scan->end && strchr(" \t\r\n", *scan->at) != NULL)
        scan->at++;
}

/* True, and past it, if this character comes next. */
static bool take(struct scan *scan, char wanted)
{
    skip_blanks(scan);
    if (scan->at >= scan->end || *scan->at != wanted)
        return false;
    scan->at++;
    return true;
}

static size_t scalar_size(const struct scan *scan)
{
    size_t left = (size_t)(scan->end - scan->at), size = 1;
    if (*scan->at != '"') {
        while (size < left && strchr(",]} \t\r\n", scan->at[size]) == NULL)
            size++;
        return size;
    }
    while (size < left && scan->at[size] != '"')
        size += scan->at[size] == '\\' ? 2 : 1;
    return size + 1;
}

static json_t *scan_scalar(struct scan *scan)
{
    size_t size = scalar_size(scan);
    json_t *value = json_loadb(scan->at, size, JSON_DECODE_ANY, NULL);
    scan->at += size;
    return value;
}

/* The same name in lower case; takes the reference. */
static json_t *fold(json_t *name)
{
    char *text = strdup(json_string_value(name));
    json_decref(name);
    for (char *at = text; at != NULL && *at != '\0'; at++)
        if (*at >= 'A' && *at <= 'Z')
            *at = (char)(*at - 'A' + 'a');
    name = json_string(text);
    free(text);
    return name;
}

/* A member name, unescaped, in the spelling that counts. */
static json_t *scan_name(struct scan *scan)
{
    json_t *name;
    skip_blanks(scan);
    name = scan_scalar(scan);
    return name != NULL && scan->reading->names == FOLDED_NAMES ? fold(name) : name;
}

/* False: refused. Takes the references. */
static bool add_member(const struct scan *scan, json_t *object, json_t *name, json_t *value)
{
    const char *key = json_string_value(name);
    bool again = key != NULL && json_object_get(object, key) != NULL;
    bool well =
        key != NULL && value != NULL && !(again && scan->reading->duplicates == NO_DUPLICATES);
    if (well && !(again && scan->reading->duplicates == FIRST_MEMBER))
        json_object_set(object, key, value);
    json_decref(name);
    json_decref(value);
    return well;
}

static json_t *scan_object(struct scan *scan)
{
    json_t *object = json_object();
    bool well = true;
    if (take(scan, '}'))
        return object;
    do {
        json_t *name = scan_name(scan);
        (void)take(scan, ':');
        well = add_member(scan, object, name, scan_value(scan));
    } while (well && take(scan, ','));
    if (well && take(scan, '}'))
        return object;
    json_decref(object);
    return NULL;
}

static json_t *scan_array(struct scan *scan)
{
    json_t *array = json_array();
    bool well = true;
    if (take(scan, ']'))
        return array;
    do
        well = json_array_append_new(array, scan_value(scan)) == 0;
    while (well && take(scan, ','));
    if (well && take(scan, ']'))
        return array;
    json_decref(array);
    return NULL;
}

static json_t *scan_value(struct scan *scan)
{
    if (take(scan, '{'))
        return scan_object(scan);
    if (take(scan, '['))
        return scan_array(scan);
    return scan_scalar(scan);
}

json_t *reading_parse(const struct reading *reading, const char *text, size_t size)
{
    struct scan scan = {.reading = reading, .at = text, .end = text + size};
    json_t *value = json_loadb(text, size, 0, NULL);
    if (value == NULL || (reading->duplicates == LAST_MEMBER && reading->names == EXACT_NAMES))
        return value;
    json_decref(value);
    return scan_value(&scan);
}

/* The place of the value of wanted[name] among the words; `current` without one, -1: unknown. */
static int choose(json_t *wanted, const char *name, const char *const words[3], int current)
{
    json_t *value = json_object_get(wanted, name);
    if (value == NULL)
        return current;
    for (int i = 0; i < 3 && json_is_string(value) && words[i] != NULL; i++)
        if (strcmp(words[i], json_string_value(value)) == 0)
            return i;
    return -1;
}

bool reading_set(struct reading *reading, json_t *wanted)
{
    static const struct {
        const char *name, *words[3];
    } rows[] = {{"duplicates", {"last", "first", "reject"}},
                {"case", {"exact", "fold"}},
                {"query", {"first", "last"}},
                {"auto_stop", {"spec", "top"}}};
    int chosen[] = {(int)reading->duplicates, (int)reading->names, (int)reading->query,
                    (int)reading->auto_stop};
    size_t known = 0;
    for (size_t i = 0; i < 4; i++) {
        known += json_object_get(wanted, rows[i].name) != NULL;
        chosen[i] = choose(wanted, rows[i].name, rows[i].words, chosen[i]);
        if (chosen[i] < 0)
            return false;
    }
    if (known != json_object_size(wanted))
        return false;
    reading->duplicates = chosen[0];
    reading->names = chosen[1];
    reading->query = chosen[2];
    reading->auto_stop = chosen[3];
    return true;
}
