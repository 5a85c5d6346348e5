/* SPDX-License-Identifier: Apache-2.0
 * Questions to the journal by way of its index. What is handed out are exchanges: all lines of one
 * id together, as the journal has them, byte for byte.
 *
 * An exchange is what its first line says, and what later ones add where that was silent. Its
 * outcome is the first one that isn't `unknown`, if there is one: mostly that of its outcome line,
 * else what the cloud's list settled. Its time is that of its first line; it is newer than another
 * when its first line has the larger seq. Where the first line was retired with its segment, it is
 * what is left. */
#pragma once

#include "audit/index.h"
#include "base/buffer.h"
#include "trail/period.h"
#include "trail/trail.h"

/* Whose exchanges a story tells: those of these ids, and those that have no id but this name. */
struct audit_subject {
    const struct view *ids;
    size_t count;
    struct view name; /* as in a filter; "": none */
};

/* All that are given have to hold; ptr NULL: any. `*` stands for any run of characters in user,
 * project, flavor, operation, reason, policy and in an instance's name. */
struct audit_filter {
    struct view id;       /* of the exchange */
    struct view user;     /* id or name */
    struct view project;  /* id */
    struct view flavor;   /* as asked for; where the request names none, as listed later */
    struct view instance; /* id or name; with `*` the name only */
    const struct audit_subject *subject; /* NULL: any; in place of `instance` */
    struct view operation, class, decision, outcome;
    struct view reason; /* a code: one of them matches */
    struct view policy; /* one of those that matched */
    struct period period;
};
/* Nothing is filtered. */
struct audit_filter audit_filter_all(void);
/* By more than the instance. */
bool audit_is_filtered(const struct audit_filter *filter);

/* One line of the journal as it stands, without its LF; text.ptr NULL: there is none. */
struct audit_line {
    struct view text;
    struct trail_place at;
    uint64_t seq;
};
struct audit_exchange {
    uint64_t seq;              /* of its first line: the cursor that continues behind it */
    struct audit_line request; /* intent, refusal or orphan line */
    struct audit_line outcome;
    const struct audit_line *settled; /* in their order, AUDIT_SETTLED_MAX at most */
    size_t settled_count;
};
enum { AUDIT_SETTLED_MAX = 1024 };

struct audit_page {
    uint64_t before;   /* exchanges with a smaller seq only; 0: from the newest on */
    size_t limit;      /* at most so many exchanges; 0: AUDIT_LIMIT_DEFAULT */
    bool oldest_first; /* then `before` is `behind`: a larger seq only */
    bool newest_each;  /* of each instance the newest only, and nothing that has no instance's id */
};
enum { AUDIT_LIMIT_DEFAULT = 100, AUDIT_LIMIT_MAX = 1000000 };

/* Called for each exchange; what it is given lives as long as the call. False
 * ends the page before it: the next one begins with it. */
typedef bool audit_each(void *user, const struct audit_exchange *exchange);
struct audit_taker {
    audit_each *each;
    void *user;
};

/* Newest first. *ret_next: the cursor of the next page, 0 when there is none. Lines whose segment
 * is retired meanwhile are left out. STATUS_TIMEOUT: patience was over; STATUS_SYNTAX: the index is
 * corrupt, or says what no line says: open it with `anew`; STATUS_IO; STATUS_NOMEM;
 * STATUS_INVALID: the filter, err says it. */
MUST_CHECK enum status audit_query(struct audit_index *index, const struct audit_filter *filter,
                                   const struct audit_page *page, const struct audit_taker *taker,
                                   uint64_t *ret_next, struct err *err);

/* The exchange as one JSON object without LF: {"request":LINE,"outcome":LINE,"settled":[LINE...]}
 * with the journal's own lines, byte for byte; what is absent is left out. */
void audit_exchange_json(const struct audit_exchange *exchange, struct buf *out);

/* How `--json` of the command and the admin API answer a page: out gets such objects, one a line,
 * until out is full: then the page ends before the exchange that had no room (that is no failure,
 * *ret_next goes on with it; STATUS_LIMIT if not even one had room). */
MUST_CHECK enum status audit_query_json(struct audit_index *index,
                                        const struct audit_filter *filter,
                                        const struct audit_page *page, struct buf *out,
                                        uint64_t *ret_next, struct err *err);
