/* SPDX-License-Identifier: Apache-2.0
 * Checks that several calls share. A member is described by one row; what a row cannot say is in
 * its `also`. */
#include "check.h"

#include <stdio.h>
#include <string.h>

#include <event2/util.h>

const struct verdict check_fine = {.code = NULL};

const char *const check_flavors[] = {
    "modelarts.vm.cpu.2u",   "modelarts.vm.cpu.8u",       "modelarts.vm.cpu.free",
    "modelarts.vm.gpu.free", "modelarts.vm.gpu.p100",     "modelarts.vm.gpu.v100",
    "modelarts.kat1.xlarge", "modelarts.bm.gpu.v100NV32", NULL};

struct verdict check_say(const char *code, const char *message, const char *what)
{
    struct verdict verdict = {.code = code};
    if (what == NULL)
        (void)snprintf(verdict.message, sizeof verdict.message, "%s", message);
    else
        (void)snprintf(verdict.message, sizeof verdict.message, "'%.60s' %s", what, message);
    return verdict;
}

struct verdict check_missing(const char *what)
{
    return check_say("ModelArts.6335", "is a required property.", what);
}

struct verdict check_wrong_type(const char *what)
{
    return check_say("ModelArts.6332", "has the wrong type.", what);
}

static bool has_kind(const json_t *value, enum kind kind)
{
    switch (kind) {
    case TEXT:
    case ENUM:
        return json_is_string(value);
    case INTEGER:
        return json_is_integer(value);
    case NUMBER:
        return json_is_number(value);
    case BOOLEAN:
        return json_is_boolean(value);
    case OBJECT:
        return json_is_object(value);
    default:
        return json_is_array(value);
    }
}

static struct verdict settle_enum(json_t *value, const struct rule *rule)
{
    for (size_t i = 0; rule->values[i] != NULL; i++)
        if (evutil_ascii_strcasecmp(rule->values[i], json_string_value(value)) == 0) {
            json_string_set(value, rule->values[i]);
            return check_fine;
        }
    return check_say("ModelArts.6336", "has a wrong value.", rule->name);
}

static struct verdict check_each(json_t *array, const struct rule *rule)
{
    struct verdict verdict = check_fine;
    for (size_t i = 0; i < json_array_size(array) && verdict.code == NULL; i++)
        verdict = rule->also(json_array_get(array, i));
    return verdict;
}

static struct verdict check_value(json_t *value, const struct rule *rule)
{
    size_t size = json_is_array(value) ? json_array_size(value) : json_string_length(value);
    if (!has_kind(value, rule->kind))
        return check_wrong_type(rule->name);
    if (rule->most > 0 && size > rule->most)
        return check_say("ModelArts.6336", "is too long.", rule->name);
    if (rule->kind == ENUM)
        return settle_enum(value, rule);
    if (rule->also == NULL)
        return check_fine;
    return rule->kind == ARRAY ? check_each(value, rule) : rule->also(value);
}

struct verdict check_members(json_t *object, const struct rule *rules, size_t count)
{
    struct verdict verdict = check_fine;
    for (size_t i = 0; i < count && verdict.code == NULL; i++) {
        json_t *value = json_object_get(object, rules[i].name);
        if (value != NULL && !json_is_null(value))
            verdict = check_value(value, &rules[i]);
        else if (rules[i].required)
            verdict = check_missing(rules[i].name);
        else if (value != NULL)
            json_object_del(object, rules[i].name);
    }
    return verdict;
}

static bool only_word_characters(const char *text)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
    return text[0] != '\0' && text[strspn(text, allowed)] == '\0';
}

struct verdict check_name(json_t *name, size_t most)
{
    const char *text = json_string_value(name);
    if (name == NULL)
        return check_missing("name");
    if (text == NULL)
        return check_wrong_type("name");
    if (!only_word_characters(text))
        return check_say("ModelArts.6334", "The name contains forbidden characters.", NULL);
    if (strlen(text) > most)
        return check_say("ModelArts.6336", "is too long.", "name");
    return check_fine;
}

struct verdict check_description(json_t *description)
{
    const char *text = json_string_value(description);
    if (description == NULL)
        return check_fine;
    if (text == NULL)
        return check_wrong_type("description");
    if (text[strcspn(text, "&<>\"'/")] != '\0')
        return check_say("ModelArts.6334", "The description contains forbidden characters.", NULL);
    if (strlen(text) > 512)
        return check_say("ModelArts.6336", "is too long.", "description");
    return check_fine;
}

struct verdict check_flavor(json_t *flavor)
{
    const char *text = json_string_value(flavor);
    if (flavor == NULL)
        return check_missing("flavor");
    if (text == NULL)
        return check_wrong_type("flavor");
    for (size_t i = 0; check_flavors[i] != NULL; i++)
        if (strcmp(check_flavors[i], text) == 0)
            return check_fine;
    return check_say("ModelArts.6323", "The flavor is not supported.", NULL);
}
