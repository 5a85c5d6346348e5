/* SPDX-License-Identifier: Apache-2.0
 * What the files that load a policy set share. Faults go to the diag and loading goes on, so that
 * one run shows all of them. */
#pragma once

#include "policy/doc.h"

struct loader {
    struct policy_set *set;
    struct arena *scratch; /* trees; gone after loading */
    struct diag *diag;
    const struct policy_options *options;
    const struct policy_file *files; /* in name order */
    size_t file_count;
    const char **kept_names; /* the set's copies of the file names */
    bool no_memory;
};

/* A copy that lives as long as the set. */
struct view load_keep(struct loader *ld, struct view text);
/* Places: as the set keeps them, and as the caller of the load knows them. */
struct loc load_place(const struct loader *ld, struct loc given);
struct loc load_given(const struct loader *ld, struct loc kept);
void *load_array(struct loader *ld, size_t count, size_t size);
/* The NULL-terminated names' nearest as " (did you mean \"x\"?)", or "". */
const char *load_hint(struct loader *ld, struct view word, const char *const *names);

/* One entry as a set in that arena; a faulty one gives NULL (and a fault). */
const struct globset *load_glob(struct loader *ld, const struct ytext *entry, struct arena *arena);
/* Whether it matches the name. glob may be NULL. */
bool load_glob_matches(struct loader *ld, const struct globset *glob, const char *name);

/* Faults for placeholders where none is filled. */
void load_check_fixed(struct loader *ld, const struct ytexts *doc, const char *what);
/* A list in which '*' is a glob. what: its name for messages. */
void load_values(struct loader *ld, const struct ytexts *doc, const char *what, struct values *ret);
void load_prefixes(struct loader *ld, const struct ytexts *doc, struct prefixes *ret);
/* Addresses and networks, for `allowed_access_ips`. */
void load_networks(struct loader *ld, const struct ytexts *doc, struct networks *ret);
void load_match(struct loader *ld, const struct doc_match *doc, struct match *ret);
void load_exceptions(struct loader *ld, const struct doc_exception *docs, size_t count);
/* Contradictions that hold whenever one of two policies matches (load-time half of
 * policy.conflict).
 */
void load_conflicts(struct loader *ld);

/* Operations and classes with '*' as a glob into the OP_COUNT operations that they are. */
void load_operations(struct loader *ld, const struct ytexts *doc, bool *ret);
/* Families with '*' as a glob into their bits. */
void load_families(struct loader *ld, const struct ytexts *doc, bool *ret);
/* The words of `lift` into bits of enum group. */
unsigned load_lifted(struct loader *ld, const struct ytexts *doc);
/* The number of a row of weights, a decimal without sign and exponent, in thousandths. */
MUST_CHECK bool load_weight_number(struct view text, int64_t *ret);
/* load_quotas.c: the file's `weights`, before its quotas are loaded ... */
void load_weights(struct loader *ld, const struct ynode *node);
/* ... and what is to be said when all quotas are. */
void load_quota_names(struct loader *ld);
/* Faults for keys without a value and groups without a key, at any depth of the mapping. */
void load_check_filled(struct loader *ld, const struct ynode *mapping);

/* A name that goes into answers and journal lines. */
void load_check_text(struct loader *ld, const struct ytext *text, const char *what);
