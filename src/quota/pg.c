/* SPDX-License-Identifier: Apache-2.0
 * libpq, asynchronous. libpq's own messages may hold parts of the URL, and the server's parts of
 * the data: they are only searched for what is known, and never handed on. */
#include "quota/pg.h"

#include <poll.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/number.h"

struct pg {
    char *url;
    char where[256];
    PGconn *conn;
    const char *why;
    char sqlstate[6];
};

enum { US_PER_MS = 1000 };

struct known {
    const char *key, *text;
};

/* What libpq or the server says when a connection fails. */
static const struct known connect_faults[] = {
    {"password authentication failed", "the server does not accept user and password"},
    {"no password supplied", "the server wants a password, and there is none"},
    {"authentication failed", "the server does not accept the user"},
    {"pg_hba.conf", "the server's pg_hba.conf does not let this host, user and database in"},
    {"certificate verify failed", "the server's certificate can't be verified"},
    {"does not match host name", "the server's certificate is for another host name"},
    {"certificate", "the certificates do not fit"},
    {"SSL", "TLS failed"},
    {"role \"", "there is no such user, or it may not log in"},
    {"database \"", "there is no such database, or the user may not connect to it"},
    {"could not translate host name", "the host name can't be resolved"},
    {"Connection refused", "connection refused"},
    {"No such file", "nobody listens on the socket"},
    {"starting up", "the server is starting up"},
    {"shutting down", "the server is shutting down"},
    {"recovery mode", "the server is recovering"},
    {"too many", "the server has no connection left"},
    {"remaining connection slots", "the server has no connection left"},
    {"read-only", "the server is read-only"},
    {"hot standby", "the server is a standby"},
};

static const struct known sql_faults[] = {
    {"42501", "the user has not the rights that it needs"},
    {"42P01", "the tables are missing: run `postern quota init`"},
    {"42703", "the tables have other columns: run `postern quota init`"},
    {"3F000", "the user may create no tables here"},
    {"25006", "the server is read-only (a standby?)"},
    {"53100", "the server's disk is full"},
    {"53200", "the server is out of memory"},
    {"55P03", "a lock was not free in time"},
    {"57014", "a statement took too long"},
    {"57P01", "the server is shutting down"},
    {"25P03", "a transaction was left idle for too long"},
};

static const char *known_text(const struct known *rows, size_t count, const char *message,
                              const char *otherwise)
{
    for (size_t i = 0; i < count; i++) {
        if (strstr(message, rows[i].key) != NULL)
            return rows[i].text;
    }
    return otherwise;
}

/* The values that libpq would take for each keyword, without connecting. */
static bool describe(struct pg *pg)
{
    PQconninfoOption *options = PQconninfoParse(pg->url, NULL);
    const char *host = "", *port = "", *database = "";

    if (options == NULL)
        return false;
    for (const PQconninfoOption *o = options; o->keyword != NULL; o++) {
        if (o->val == NULL)
            continue;
        if (strcmp(o->keyword, "host") == 0)
            host = o->val;
        else if (strcmp(o->keyword, "port") == 0)
            port = o->val;
        else if (strcmp(o->keyword, "dbname") == 0)
            database = o->val;
    }
    (void)snprintf(pg->where, sizeof pg->where, "%s%s%s/%s", host, *port == '\0' ? "" : ":", port,
                   database);
    PQconninfoFree(options);
    return true;
}

enum status pg_new(const char *url, struct pg **ret, struct err *err)
{
    struct pg *pg;

    if (!view_starts(view_str(url), VIEW("postgresql://")) &&
        !view_starts(view_str(url), VIEW("postgres://")))
        return err_set(err, STATUS_INVALID,
                       "the quota store must be `local` or postgresql://HOST:PORT/DATABASE");
    pg = calloc(1, sizeof *pg);
    if (pg == NULL || (pg->url = malloc(strlen(url) + 1)) == NULL) {
        free(pg);
        return err_set(err, STATUS_NOMEM, "no memory for the quota store");
    }
    memcpy(pg->url, url, strlen(url) + 1);
    pg->why = "";
    if (!describe(pg)) {
        pg_free(&pg);
        return err_set(err, STATUS_INVALID,
                       "libpq can't read the URL of the quota store; expected "
                       "postgresql://USER@HOST:PORT/DATABASE?sslmode=verify-full");
    }
    *ret = pg;
    return STATUS_OK;
}

void pg_free(struct pg **pg)
{
    struct pg *gone = *pg;

    if (gone == NULL)
        return;
    pg_disconnect(gone);
    explicit_bzero(gone->url, strlen(gone->url));
    free(gone->url);
    free(gone);
    *pg = NULL;
}

const char *pg_where(const struct pg *pg)
{
    return pg->where;
}

const char *pg_why(const struct pg *pg)
{
    return pg->why;
}

const char *pg_sqlstate(const struct pg *pg)
{
    return pg->sqlstate;
}

void pg_disconnect(struct pg *pg)
{
    PQfinish(pg->conn);
    pg->conn = NULL;
}

bool pg_connected(const struct pg *pg)
{
    return pg->conn != NULL && PQstatus(pg->conn) == CONNECTION_OK;
}

bool pg_alive(struct pg *pg)
{
    if (pg_connected(pg) && PQconsumeInput(pg->conn) != 0)
        return true;
    pg->why = "the connection broke";
    return false;
}

void pg_complain(struct pg *pg, const char *why)
{
    pg->why = why;
}

int pg_socket(const struct pg *pg)
{
    return pg->conn == NULL ? -1 : PQsocket(pg->conn);
}

static bool lost(struct pg *pg, const char *why)
{
    pg->why = why;
    return false;
}

/* False at the deadline. */
static bool wait_for(struct pg *pg, short events, int64_t deadline_us)
{
    struct pollfd fd = {.fd = PQsocket(pg->conn), .events = events};
    int64_t left;
    int ready;

    if (fd.fd < 0)
        return lost(pg, "the connection broke");
    do {
        left = deadline_us - clock_monotonic_us();
        if (left <= 0)
            return lost(pg, "no answer in time");
        ready = poll(&fd, 1, (int)(left / US_PER_MS) + 1);
    } while (ready <= 0);
    return true;
}

static void ignore_notice(void *user, const PGresult *result)
{
    (void)user;
    (void)result;
}

static bool negotiate(struct pg *pg, int64_t deadline_us)
{
    PostgresPollingStatusType next = PGRES_POLLING_WRITING;

    while (next != PGRES_POLLING_OK) {
        if (next == PGRES_POLLING_FAILED)
            return lost(pg, known_text(connect_faults, ARRAY_LEN(connect_faults),
                                       PQerrorMessage(pg->conn), "the connection failed"));
        if (!wait_for(pg, next == PGRES_POLLING_READING ? POLLIN : POLLOUT, deadline_us))
            return false;
        next = PQconnectPoll(pg->conn);
    }
    return true;
}

/* Limits on the server's side, so that a gateway that hangs holds no lock for long. An engine that
 * knows one of them not does without. */
static bool limit(struct pg *pg, int64_t timeout_ms)
{
    static const char *const names[] = {"statement_timeout", "lock_timeout",
                                        "idle_in_transaction_session_timeout"};

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        char sql[96];

        (void)snprintf(sql, sizeof sql, "SET %s = %lld", names[i], (long long)timeout_ms);
        if (pg_run(pg, &(struct pg_step){.sql = sql}, 1, timeout_ms) == PG_LOST)
            return false;
    }
    return true;
}

bool pg_connect(struct pg *pg, int64_t timeout_ms)
{
    char limit_text[24];
    /* What stands before dbname is what the URL may overrule. */
    const char *const keywords[] = {"tcp_user_timeout", "fallback_application_name", "dbname",
                                    "client_encoding", NULL};
    const char *const values[] = {limit_text, "postern", pg->url, "UTF8", NULL};
    int64_t deadline_us = clock_monotonic_us() + timeout_ms * US_PER_MS;

    (void)snprintf(limit_text, sizeof limit_text, "%lld", (long long)timeout_ms);
    pg_disconnect(pg);
    pg->why = "";
    pg->sqlstate[0] = '\0';
    pg->conn = PQconnectStartParams(keywords, values, 1);
    if (pg->conn == NULL)
        return lost(pg, "memory is out");
    (void)PQsetNoticeReceiver(pg->conn, ignore_notice, NULL);
    if (PQstatus(pg->conn) == CONNECTION_BAD)
        return lost(pg, known_text(connect_faults, ARRAY_LEN(connect_faults),
                                   PQerrorMessage(pg->conn), "the connection failed"));
    if (!negotiate(pg, deadline_us))
        return false;
    if (PQsetnonblocking(pg->conn, 1) != 0 || PQenterPipelineMode(pg->conn) != 1)
        return lost(pg, "memory is out");
    return limit(pg, timeout_ms);
}

/* Reads until the next result is whole, writes what is still to be written. */
static bool next_result(struct pg *pg, int64_t timeout_ms, PGresult **ret)
{
    int64_t deadline_us = clock_monotonic_us() + timeout_ms * US_PER_MS;

    for (;;) {
        int more = PQflush(pg->conn);
        struct pollfd readable = {.fd = PQsocket(pg->conn), .events = POLLIN};

        if (more < 0)
            return lost(pg, "the connection broke");
        if (PQisBusy(pg->conn) == 0)
            break;
        if (!wait_for(pg, more == 0 ? POLLIN : POLLIN | POLLOUT, deadline_us))
            return false;
        if (poll(&readable, 1, 0) > 0) {
            if (PQconsumeInput(pg->conn) == 0)
                return lost(pg, "the connection broke");
            deadline_us = clock_monotonic_us() + timeout_ms * US_PER_MS;
        }
    }
    *ret = PQgetResult(pg->conn);
    return true;
}

static void note_error(struct pg *pg, const PGresult *result)
{
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);

    if (pg->sqlstate[0] != '\0')
        return;
    (void)snprintf(pg->sqlstate, sizeof pg->sqlstate, "%s", state == NULL ? "?" : state);
    pg->why = known_text(sql_faults, ARRAY_LEN(sql_faults), pg->sqlstate,
                         "the server refused a statement");
}

/* One result of a step. */
static void take(struct pg *pg, const struct pg_step *step, PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);

    if (status == PGRES_FATAL_ERROR || status == PGRES_BAD_RESPONSE)
        note_error(pg, result);
    /* COMMIT of a transaction that failed says so only here. */
    else if (status == PGRES_COMMAND_OK && strcmp(step->sql, "COMMIT") == 0 &&
             strcmp(PQcmdStatus(result), "COMMIT") != 0 && pg->sqlstate[0] == '\0')
        (void)snprintf(pg->sqlstate, sizeof pg->sqlstate, "40000");
    if (step->ret_rows != NULL && status == PGRES_COMMAND_OK &&
        !num_parse_i64(view_str(PQcmdTuples(result)), 0, INT64_MAX, step->ret_rows))
        *step->ret_rows = 0;
    if (step->ret != NULL && *step->ret == NULL && status == PGRES_TUPLES_OK)
        *step->ret = result;
    else
        PQclear(result);
}

int64_t pg_number(const PGresult *result, int row, int column)
{
    int64_t number = 0;

    if (!num_parse_i64(view_str(PQgetvalue(result, row, column)), INT64_MIN, INT64_MAX, &number))
        return 0;
    return number;
}

static bool send_steps(struct pg *pg, const struct pg_step *steps, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (PQsendQueryParams(pg->conn, steps[i].sql, (int)steps[i].param_count, NULL,
                              steps[i].params, NULL, NULL, 0) != 1)
            return lost(pg, "the connection broke");
    }
    return PQpipelineSync(pg->conn) == 1 || lost(pg, "the connection broke");
}

static bool receive_steps(struct pg *pg, const struct pg_step *steps, size_t count,
                          int64_t timeout_ms)
{
    static const struct pg_step synced = {.sql = ""};
    PGresult *result;

    for (size_t i = 0; i < count; i++) {
        do {
            if (!next_result(pg, timeout_ms, &result))
                return false;
            if (result != NULL)
                take(pg, &steps[i], result);
            if (PQstatus(pg->conn) != CONNECTION_OK)
                return lost(pg, "the connection broke");
        } while (result != NULL);
    }
    if (!next_result(pg, timeout_ms, &result))
        return false;
    if (PQresultStatus(result) != PGRES_PIPELINE_SYNC) {
        PQclear(result);
        return lost(pg, "the connection broke");
    }
    take(pg, &synced, result);
    return true;
}

static void clear_results(const struct pg_step *steps, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (steps[i].ret == NULL)
            continue;
        PQclear(*steps[i].ret);
        *steps[i].ret = NULL;
    }
}

static enum pg_outcome after_error(struct pg *pg, int64_t timeout_ms)
{
    static const struct pg_step rollback = {.sql = "ROLLBACK"};
    const char *s = pg->sqlstate;
    /* 40003: the statement's completion is not known. */
    bool unknown = strcmp(s, "40003") == 0 || strcmp(s, "?") == 0;
    bool retry = strcmp(s, "40001") == 0 || strcmp(s, "40P01") == 0;

    if (unknown) {
        pg_disconnect(pg);
        return PG_LOST;
    }
    if (PQtransactionStatus(pg->conn) != PQTRANS_IDLE &&
        (!send_steps(pg, &rollback, 1) || !receive_steps(pg, &rollback, 1, timeout_ms)))
        pg_disconnect(pg);
    return retry ? PG_RETRY : PG_FAILED;
}

enum pg_outcome pg_run(struct pg *pg, const struct pg_step *steps, size_t count, int64_t timeout_ms)
{
    pg->sqlstate[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        if (steps[i].ret != NULL)
            *steps[i].ret = NULL;
    }
    if (!pg_connected(pg)) {
        pg->why = "the connection broke";
        return PG_LOST;
    }
    if (!send_steps(pg, steps, count) || !receive_steps(pg, steps, count, timeout_ms)) {
        clear_results(steps, count);
        pg_disconnect(pg);
        return PG_LOST;
    }
    if (pg->sqlstate[0] == '\0')
        return PG_DONE;
    clear_results(steps, count);
    return after_error(pg, timeout_ms);
}
