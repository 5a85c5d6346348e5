/* SPDX-License-Identifier: Apache-2.0
 * The access keys that the gateway knows, and whose they are: the file `identity.access_keys`, a
 * YAML list. A set never changes; a reload makes another one. Its memory is wiped when it goes
 * (what the YAML library copied while it read is not). */
#pragma once

#include "identity/identity.h"
#include "yaml/diag.h"

enum { ACCESS_KEYS_MAX = 10000, ACCESS_KEY_PROJECTS_MAX = 1000 };

struct access_key {
    struct view access_key, secret_key;
    struct view security_token; /* of a temporary key; ptr NULL otherwise */
    struct view user, user_id;
    struct view domain; /* its name; ptr NULL: not known */
    const struct view *projects;
    size_t project_count;
    bool sign_as; /* upstream is signed with the service key (identity.sign_as) */
    struct loc at;
};

struct access_keys;

/* All or nothing. STATUS_INVALID: diag has the faults, each with its place in the file; STATUS_IO,
 * STATUS_INVALID, STATUS_LIMIT: err, which diag got too (without a line): the file can't be read,
 * is no regular file, isn't ours or root's, or others may read it; STATUS_NOMEM. path is kept by
 * reference in diag. The set has one reference, the caller's. No message quotes a value. */
MUST_CHECK enum status access_keys_load(const char *path, struct diag *diag,
                                        struct access_keys **ret);
/* The same from bytes, which the caller wipes. */
MUST_CHECK enum status access_keys_read(const char *file, struct view bytes, struct diag *diag,
                                        struct access_keys **ret);
struct access_keys *access_keys_ref(struct access_keys *keys); /* thread-safe */
void access_keys_unref(struct access_keys **keys);             /* thread-safe, NULL-safe */

size_t access_keys_count(const struct access_keys *keys);
/* One of them, in the order of access_key. */
const struct access_key *access_keys_at(const struct access_keys *keys, size_t index);
/* NULL: not known. Lives as long as the set. */
const struct access_key *access_keys_find(const struct access_keys *keys, struct view access_key);

/* Who holds the key: user known, domain if the file has it, the project if it is the key's own;
 * roles and groups unknown. Texts borrow from the key and from project. project: the path's, ptr
 * NULL if the path names none. False: the key isn't for that project. */
MUST_CHECK bool access_key_subject(const struct access_key *key, struct view project,
                                   struct subject *ret);
