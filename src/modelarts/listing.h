/* SPDX-License-Identifier: Apache-2.0
 * The cloud's lists of instances, both families, and of workspaces: how to ask for them page by
 * page, and what they say. Sources: API reference, querying instances (old and new version),
 * querying workspaces. */
#pragma once

#include "base/buffer.h"
#include "json/doc.h"
#include "modelarts/operation.h"

/* An instance as a list (or a get) has it; texts that it doesn't have are ptr NULL. */
struct listed_instance {
    enum family family;
    struct view id, name, flavor, workspace, pool; /* pool of no bytes: no dedicated one */
    struct view user_id, user_name, domain;        /* domain: its name, or else its id */
    struct view status;
    bool exists;        /* by status: all but deleted and create-failed */
    bool runs;          /* by status: all but stopped, deleted and failed */
    int64_t created_us; /* 0: it doesn't say */
};

struct listing_page {
    struct listed_instance *items;
    size_t count;
    int64_t total; /* of all pages; -1: it doesn't say */
};

enum listing { LISTING_DEMANAGER, LISTING_NOTEBOOKS, LISTING_WORKSPACES };

/* One page. own: only the caller's own instances (otherwise everybody's). */
struct listing_ask {
    enum listing list;
    struct view project;
    struct view workspace; /* of LISTING_DEMANAGER and _NOTEBOOKS; ptr NULL: all it gives */
    bool own;
    int64_t offset; /* records */
    int64_t limit;
};
/* Path and query (without '?') of the request. Look at their failed. */
void modelarts_listing_request(const struct listing_ask *ask, struct buf *path, struct buf *query);
/* Of the answer. STATUS_INVALID: it isn't such a list (why says where); STATUS_NOMEM. Texts live in
 * the arena or in the document. */
MUST_CHECK enum status modelarts_read_listing(enum listing list, const struct jdoc *doc,
                                              struct arena *arena, struct listing_page *ret,
                                              struct err *why);
/* The object that a get answers. */
MUST_CHECK enum status modelarts_read_listed(enum family family, const struct jdoc *doc,
                                             struct arena *arena, struct listed_instance *ret,
                                             struct err *why);
/* Ids of the workspaces of a page of LISTING_WORKSPACES. */
MUST_CHECK enum status modelarts_read_workspaces(const struct jdoc *doc, struct arena *arena,
                                                 struct view **ret, size_t *ret_count,
                                                 int64_t *ret_total, struct err *why);
