/* SPDX-License-Identifier: Apache-2.0
 * The list of requests that arrived. Heads and bodies are kept as received; bodies over the limit
 * are kept as length and digest only, so that streaming tests don't fill the memory. */
#include "record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include <openssl/evp.h>

#include "sim.h"

enum { BODY_KEPT_MAX = 1024 * 1024 };

struct digest_text record_digest(struct evbuffer *bytes)
{
    struct digest_text text = {""};
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    size_t length = evbuffer_get_length(bytes);
    const unsigned char *data = length > 0 ? evbuffer_pullup(bytes, -1) : (const unsigned char *)"";
    EVP_Digest(data, length, digest, &size, EVP_sha256(), NULL);
    for (unsigned i = 0; i < size && i < 32; i++)
        (void)snprintf(text.hex + 2 * (size_t)i, 3, "%02x", digest[i]);
    return text;
}

static json_t *base64(struct evbuffer *bytes)
{
    size_t length = evbuffer_get_length(bytes);
    unsigned char *text;
    json_t *value;
    if (length == 0)
        return json_string("");
    if (length > BODY_KEPT_MAX)
        return json_null();
    text = malloc(length / 3 * 4 + 8);
    if (text == NULL)
        return json_null();
    EVP_EncodeBlock(text, evbuffer_pullup(bytes, -1), (int)length);
    value = json_string((const char *)text);
    free(text);
    return value;
}

void record_first_line(struct evbuffer *raw, char *text, size_t size)
{
    struct evbuffer_ptr end = evbuffer_search_eol(raw, NULL, NULL, EVBUFFER_EOL_CRLF);
    size_t length = end.pos < 0 ? evbuffer_get_length(raw) : (size_t)end.pos;
    char *blank;
    if (length > size - 1)
        length = size - 1;
    length = (size_t)evbuffer_copyout(raw, text, length);
    text[length] = '\0';
    blank = strchr(text, ' ');
    if (blank != NULL && (blank = strchr(blank + 1, ' ')) != NULL)
        *blank = '\0';
}

static void keep(struct conn *conn, struct evbuffer *raw, struct evbuffer *body, bool complete)
{
    struct sim *sim = conn->sim;
    struct evbuffer *head = evbuffer_new();
    struct evbuffer_ptr end = evbuffer_search(raw, "\r\n\r\n", 4, NULL);
    size_t head_length = end.pos < 0 ? evbuffer_get_length(raw) : (size_t)end.pos + 4;
    char line[16384], *target;
    struct timeval now;
    evutil_gettimeofday(&now, NULL);
    record_first_line(raw, line, sizeof line);
    target = strchr(line, ' ');
    if (target != NULL)
        *target++ = '\0';
    evbuffer_remove_buffer(raw, head, head_length);
    json_array_append_new(
        sim->requests,
        json_pack("{s:I,s:I,s:b,s:I,s:s,s:s,s:o,s:o,s:o,s:s,s:I,s:b}", "seq",
                  (json_int_t)sim->sequence, "connection", (json_int_t)conn->number, "resumed",
                  wire_resumed(conn->bev), "time_us",
                  (json_int_t)now.tv_sec * 1000000 + (json_int_t)now.tv_usec, "method", line,
                  "target", target == NULL ? "" : target, "head", base64(head), "raw_body",
                  base64(raw), "body", base64(body), "body_sha256", record_digest(body).hex,
                  "body_length", (json_int_t)evbuffer_get_length(body), "complete", complete));
    evbuffer_free(head);
}

void record_request(struct conn *conn, struct evhttp_request *request)
{
    struct evbuffer *raw = evbuffer_new();
    size_t unread = evbuffer_get_length(bufferevent_get_input(conn->bev));
    size_t all = evbuffer_get_length(conn->pending);
    conn->sim->sequence++;
    evbuffer_remove_buffer(conn->pending, raw, all > unread ? all - unread : 0);
    if (conn->sim->recording)
        keep(conn, raw, evhttp_request_get_input_buffer(request), true);
    evbuffer_free(raw);
    conn->looked = false;
}

void record_partial(struct conn *conn)
{
    struct evbuffer *body = evbuffer_new();
    struct evbuffer_ptr end = evbuffer_search(conn->pending, "\r\n\r\n", 4, NULL);
    conn->sim->sequence++;
    if (end.pos >= 0) {
        evbuffer_add(body, evbuffer_pullup(conn->pending, -1), evbuffer_get_length(conn->pending));
        evbuffer_drain(body, (size_t)end.pos + 4);
    }
    if (conn->sim->recording)
        keep(conn, conn->pending, body, false);
    evbuffer_drain(conn->pending, evbuffer_get_length(conn->pending));
    evbuffer_free(body);
}
