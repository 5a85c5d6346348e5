/* SPDX-License-Identifier: Apache-2.0
 * Replies: their heads, whole ones, streamed ones. */
#include <time.h>

#include "base/clock.h"
#include "base/require.h"
#include "front/inner.h"
#include "http1/write.h"

/* iovec knows no const; nobody writes to a part. */
static struct iovec part_of(struct view v)
{
    struct iovec part = {.iov_len = v.len};

    memcpy(&part.iov_base, &v.ptr, sizeof v.ptr);
    return part;
}

/* ---- heads ---- */

/* RFC 9110 5.6.7, made once a second; never looks at the locale. */
static struct view date_of(struct front *front)
{
    static const char days[] = "SunMonTueWedThuFriSat";
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    const time_t now_s = clock_now_us() / 1000000;
    struct tm tm;

    if (now_s != front->date_s && gmtime_r(&now_s, &tm) != NULL) {
        (void)snprintf(front->date, sizeof front->date, "%.3s, %02d %.3s %04d %02d:%02d:%02d GMT",
                       &days[(size_t)tm.tm_wday * 3], tm.tm_mday, &months[(size_t)tm.tm_mon * 3],
                       (tm.tm_year + 1900) % 10000, tm.tm_hour, tm.tm_min, tm.tm_sec);
        front->date_s = now_s;
    }
    return view_str(front->date);
}

static bool is_ours(enum http1_field_id id)
{
    return id == HTTP1_CONTENT_LENGTH || id == HTTP1_DATE || http1_is_hop_by_hop(id);
}

static void put_connection(const struct front_exchange *x, struct buf *out)
{
    if (x->close)
        http1_put_field(out, VIEW("Connection"), VIEW("close"));
    else if (x->request.minor == 0)
        http1_put_field(out, VIEW("Connection"), VIEW("keep-alive"));
}

/* The head in the front's buffer; length UINT64_MAX: none is told. ptr NULL if it can't be made. */
static struct view make_head(const struct front_exchange *x, const struct front_reply *reply,
                             uint64_t length)
{
    struct front *front = x->front;
    struct buf *out = &front->head;

    buf_clear(out);
    http1_put_status_line(out, reply->status);
    for (unsigned i = 0; i < reply->count; i++)
        if (!is_ours(reply->fields[i].id))
            http1_put_field(out, reply->fields[i].name, reply->fields[i].value);
    http1_put_field(out, VIEW("Date"), date_of(front));
    if (length != UINT64_MAX)
        http1_put_length(out, length);
    if (x->chunked)
        http1_put_field(out, VIEW("Transfer-Encoding"), VIEW("chunked"));
    put_connection(x, out);
    http1_put_end(out);
    return out->failed == STATUS_OK ? buf_view(out) : VIEW_NONE;
}

/* RFC 9110 8.6, 15.3.5, 15.4.5: no body, and for us no length either. */
static bool is_bare_status(unsigned status)
{
    return status == 204 || status == 304;
}

/* Whether the connection can't go on behind this reply. */
static bool must_close(struct front_exchange *x, const struct front_reply *reply, bool whole)
{
    struct conn *c = x->conn;

    if (!x->has_request || x->faulted || reply->close || !x->request.keep_alive ||
        x->front->draining)
        return true;
    if (!http1_body_complete(&x->framing) && (whole || !x->body_asked))
        input_skip_body(x);
    return !http1_body_complete(&x->framing) || (c->eof && c->rest.len == 0);
}

/* What all replies begin with. False: nobody is there to read it. */
static bool open_reply(struct front_exchange *x, const struct front_reply *reply, bool whole)
{
    REQUIRE(!x->begun && reply->status >= 200);
    x->begun = true;
    if (x->conn == NULL || x->conn->dead)
        return false;
    x->bare = x->to_head || is_bare_status(reply->status);
    x->close = must_close(x, reply, whole);
    return !x->conn->dead;
}

/* ---- whole ---- */

void front_reply(struct front_exchange *x, const struct front_reply *reply)
{
    struct iovec parts[2];
    struct view head;

    if (!open_reply(x, reply, true))
        return;
    head = make_head(x, reply, is_bare_status(reply->status) ? UINT64_MAX : reply->body.len);
    if (head.ptr == NULL) {
        conn_fail(x->conn, true);
        return;
    }
    parts[0] = part_of(head);
    parts[1] = part_of(reply->body);
    output_put(x->conn, parts, x->bare ? 1 : 2, false);
    x->ended = true;
}

/* ---- streamed ---- */

void front_reply_begin(struct front_exchange *x, const struct front_reply *reply, uint64_t length)
{
    struct view head;
    struct iovec part;

    REQUIRE(reply->body.len == 0);
    if (!open_reply(x, reply, false))
        return;
    x->left = x->bare ? 0 : length;
    if (is_bare_status(reply->status))
        length = UINT64_MAX;
    x->chunked = x->left == UINT64_MAX && x->has_request && x->request.minor == 1;
    /* An old client takes the connection's end for the body's. */
    if (x->left == UINT64_MAX && !x->chunked)
        x->close = true;
    head = make_head(x, reply, length);
    if (head.ptr == NULL) {
        conn_fail(x->conn, true);
        return;
    }
    part = part_of(head);
    output_put(x->conn, &part, 1, true);
}

static void put_data(struct front_exchange *x, struct view data)
{
    struct buf *line = &x->front->head;
    struct iovec parts[3] = {part_of(data)};

    if (!x->chunked) {
        output_put(x->conn, parts, 1, true);
        return;
    }
    buf_clear(line);
    http1_put_chunk_size(line, data.len);
    if (line->failed != STATUS_OK) {
        conn_fail(x->conn, true);
        return;
    }
    parts[1] = parts[0];
    parts[0] = part_of(buf_view(line));
    parts[2] = part_of(VIEW("\r\n"));
    output_put(x->conn, parts, 3, true);
}

bool front_reply_data(struct front_exchange *x, struct view data)
{
    if (x->conn == NULL || x->conn->dead || x->bare || data.len == 0)
        return true;
    REQUIRE(x->begun && !x->ended);
    if (x->left != UINT64_MAX) {
        if (data.len > x->left) {
            conn_fail(x->conn, true); /* more than was announced */
            return true;
        }
        x->left -= data.len;
    }
    put_data(x, data);
    if (output_left(x->conn) > FRONT_QUEUE_BYTES)
        conn_fail(x->conn, true);
    x->waits_drained |= output_left(x->conn) > FRONT_HIGH_BYTES;
    return !x->waits_drained;
}

void front_reply_end(struct front_exchange *x)
{
    const struct iovec last = part_of(VIEW("0\r\n\r\n"));

    if (x->conn == NULL || x->conn->dead)
        return;
    REQUIRE(x->begun && !x->ended);
    if (x->left != UINT64_MAX && x->left > 0) {
        conn_fail(x->conn, true); /* less than was announced */
        return;
    }
    if (x->chunked)
        output_put(x->conn, &last, 1, true);
    x->ended = true;
    x->waits_drained = false;
    conn_schedule(x->conn);
}

void front_reply_abort(struct front_exchange *x)
{
    if (x->conn != NULL)
        conn_fail(x->conn, true);
}
