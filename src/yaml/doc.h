/* SPDX-License-Identifier: Apache-2.0
 * YAML bytes to a tree in which every node knows its place. Built from libyaml's events.
 *
 * Refused, each with its place: anchors, aliases, explicit tags, more than one document, merge keys
 * (<<), duplicate keys, keys that aren't plain or quoted scalars, and whatever is over a limit. An
 * empty file gives a NULL root. Scalars stay text: typing is the schema's job (YAML 1.2 core schema
 * only: true/false, null/~/empty, decimal integers). */
#pragma once

#include <stdint.h>

#include "yaml/diag.h"

enum ynode_kind { YNODE_SCALAR, YNODE_SEQUENCE, YNODE_MAPPING };

struct ynode {
    enum ynode_kind kind;
    bool plain;       /* a scalar without quotes: may be null, a bool, a number */
    struct view text; /* of a scalar; UTF-8 */
    struct loc loc;   /* of the value */
    struct view key;  /* in a mapping; VIEW_NONE elsewhere */
    struct loc key_loc;
    const struct ynode *child; /* first child of a sequence or mapping */
    const struct ynode *next;  /* next sibling */
    size_t count;              /* children */
};

/* 0 means the default. */
struct ydoc_limits {
    size_t bytes;      /* 1 MiB */
    unsigned depth;    /* 32 */
    unsigned nodes;    /* 200,000 */
    size_t scalar;     /* 64 KiB */
    const char *twice; /* a key that may stand twice in a mapping: once as text, once as a mapping
                          (the policy language's `name`); NULL: none */
};

/* file: the name for messages, kept by reference. False when anything was refused (diag says what);
 * ret_root is set only on true. */
MUST_CHECK bool ydoc_read(const char *file, struct view bytes, const struct ydoc_limits *limits,
                          struct arena *arena, struct diag *diag, const struct ynode **ret_root);

/* The member with that key, or NULL. */
const struct ynode *ynode_find(const struct ynode *mapping, struct view key);
/* A plain null, ~ or nothing. */
bool ynode_is_null(const struct ynode *node);
/* "a mapping", "a list", "text", ... for messages. */
const char *ynode_kind_name(const struct ynode *node);
