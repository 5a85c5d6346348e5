/* SPDX-License-Identifier: Apache-2.0
 * A connection to PostgreSQL: runs several statements in one round trip, with a time limit. One
 * thread. No text that it hands out can hold a password. */
#pragma once

#include <libpq-fe.h>
#include <stdint.h>

#include "base/buffer.h"

struct pg;

/* STATUS_INVALID: libpq can't read the URL. Connects to nothing yet. */
MUST_CHECK enum status pg_new(const char *url, struct pg **ret, struct err *err);
void pg_free(struct pg **pg);
/* "host:port/database", as far as the URL names them. */
const char *pg_where(const struct pg *pg);

/* Closes what was, connects anew. Name lookups take as long as the system's resolver takes. */
MUST_CHECK bool pg_connect(struct pg *pg, int64_t timeout_ms);
void pg_disconnect(struct pg *pg);
bool pg_connected(const struct pg *pg);
/* Whether it still is one, seen without a statement. */
bool pg_alive(struct pg *pg);
/* To wait for the server closing the connection; -1: there is none. */
int pg_socket(const struct pg *pg);

struct pg_step {
    const char *sql;
    const char *const *params; /* texts; NULL is NULL */
    size_t param_count;
    PGresult **ret;    /* of PG_DONE: the caller clears it; may be NULL */
    int64_t *ret_rows; /* of PG_DONE: rows inserted, updated, deleted; may be NULL */
};

enum pg_outcome {
    PG_DONE,
    PG_RETRY,  /* lost a race (serialization, deadlock): nothing was done */
    PG_FAILED, /* the server said no: nothing was done */
    PG_LOST,   /* no answer in time, or the connection broke: what was asked for may be done */
};

/* All steps in one pipeline. An open transaction is rolled back after a failure. timeout_ms: of
 * silence. */
MUST_CHECK enum pg_outcome pg_run(struct pg *pg, const struct pg_step *steps, size_t count,
                                  int64_t timeout_ms);
/* Why the last call did not work, and the SQLSTATE ("" where there is none). */
const char *pg_why(const struct pg *pg);
const char *pg_sqlstate(const struct pg *pg);
/* A cell as a whole number; 0 where there is none (NULL). */
int64_t pg_number(const PGresult *result, int row, int column);
/* Makes a static text the reason why. */
void pg_complain(struct pg *pg, const char *why);
