/* SPDX-License-Identifier: Apache-2.0
 * What the service checks of a body, with the codes that it answers with. Both families use it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

/* What a body lacks; code NULL: nothing. */
struct verdict {
    const char *code;
    char message[160];
};

enum kind { TEXT, INTEGER, NUMBER, BOOLEAN, OBJECT, ARRAY, ENUM };

/* One member of an object. Members without a rule are ignored. */
struct rule {
    const char *name;
    enum kind kind;
    bool required;
    size_t most;                           /* bytes of a text, elements of an array; 0: any */
    const char *const *values;             /* of an enum, in upper case, NULL at the end */
    struct verdict (*also)(json_t *value); /* of the value, or of each element of an array */
};

extern const struct verdict check_fine;

/* "'what' message", or the message alone where what is NULL. */
struct verdict check_say(const char *code, const char *message, const char *what);
struct verdict check_missing(const char *what);
struct verdict check_wrong_type(const char *what);
/* Judges an object by `count` rules and settles its spelling: enums become upper case, and an
 * optional null is taken out, since it counts as missing. */
struct verdict check_members(json_t *object, const struct rule *rules, size_t count);
/* Required; letters, digits, - and _; at most so many bytes. */
struct verdict check_name(json_t *name, size_t most);
/* NULL is fine. */
struct verdict check_description(json_t *description);
/* A flavor that is on sale; required. */
struct verdict check_flavor(json_t *flavor);
/* The flavors on sale, NULL at the end. */
extern const char *const check_flavors[];
