/* SPDX-License-Identifier: Apache-2.0
 * A policy set as a flat list of what is written: "auto_stop.max of team-a is 4h". Made by walking
 * the rows of the schema, so that a new key is a fact without a word here. Values are brought into
 * the one form in which equal meanings are equal. Only `policy_diff` reads it. */
#pragma once

#include "policy/diff.h"
#include "policy/doc.h"

enum fact_about { ABOUT_SET, ABOUT_POLICY, ABOUT_QUOTA, ABOUT_WEIGHTS, ABOUT_EXCEPTION };

/* What a fact that isn't written stands for. */
enum fact_left_out {
    LEFT_UNTOLD,
    LEFT_ALL, /* every value, or no limit */
    LEFT_NONE /* no value: an empty list */
};

enum fact_entries {
    ENTRIES_WORD, /* compared byte for byte */
    ENTRIES_GLOB,
    ENTRIES_PREFIX,
    ENTRIES_NETWORK,
    ENTRIES_OPERATION, /* the three are spelled out: `create` is two operations */
    ENTRIES_FAMILY,
    ENTRIES_LIFTED,
    ENTRIES_DATE /* not a list: a day */
};

/* What is known of a rule beside its name. */
struct fact_row {
    enum fact_about about;
    enum diff_sense more; /* what it is if the number grows or an entry is added */
    enum fact_left_out left_out;
    enum fact_entries entries;
    const char *rule;
    bool reach;             /* whom a policy concerns: under `default: refuse` it cuts both ways */
    const char *implied;    /* the value in force where the mapping around it stands without it */
    const char *blurred_by; /* where this rule is not at its first value, nothing can be told */
};

struct entry {
    struct view text, key; /* as written; equal keys mean the same */
};

struct fact {
    const struct fact_row *row;
    const char *rule;
    struct view part; /* an annotation's name, a flavor of a table; ptr NULL: none */
    bool is_list, is_text, implied;
    struct loc at;
    struct view value;    /* not a list: as text ... */
    int64_t number;       /* ... and to compare, if it is no text */
    struct entry *values; /* a list: sorted by key, each once */
    size_t count;
};

struct topic {
    enum fact_about about;
    struct view name, policy;
    struct loc at;
    bool is_match;      /* of a policy: satisfies `default: refuse` */
    struct fact *facts; /* sorted by rule and part, bytes */
    size_t count, room;
};

struct facts {
    bool allow_unmatched;
    struct topic *topics; /* sorted by about and name */
    size_t count, room;
};

/* Files that loaded. STATUS_INVALID: they can't be read; STATUS_NOMEM. */
MUST_CHECK enum status facts_read(const struct policy_file *files, size_t count,
                                  struct arena *arena, struct facts *ret);
/* "policy", ... */
const char *fact_about_name(enum fact_about about);
/* By rule and part, by about and name. */
int fact_order(const struct fact *one, const struct fact *two);
int topic_order(const struct topic *one, const struct topic *two);
/* The fact of that rule, or NULL. */
const struct fact *fact_find(const struct topic *topic, const char *rule);
