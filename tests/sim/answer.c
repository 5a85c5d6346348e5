/* SPDX-License-Identifier: Apache-2.0
 * Answers of the stand-in cloud: building them, and writing them out by hand for the faults that
 * evhttp would not send. */
#include "answer.h"

#include <stdlib.h>
#include <string.h>

void answer_init(struct answer *answer)
{
    answer->status = 200;
    answer->reason = "OK";
    TAILQ_INIT(&answer->headers);
    answer->body = evbuffer_new();
}

void answer_done(struct answer *answer)
{
    evhttp_clear_headers(&answer->headers);
    if (answer->body != NULL)
        evbuffer_free(answer->body);
    answer->body = NULL;
}

const char *answer_reason(int status)
{
    static const struct {
        int status;
        const char *reason;
    } rows[] = {{200, "OK"},
                {201, "Created"},
                {202, "Accepted"},
                {204, "No Content"},
                {302, "Found"},
                {307, "Temporary Redirect"},
                {400, "Bad Request"},
                {401, "Unauthorized"},
                {403, "Forbidden"},
                {404, "Not Found"},
                {405, "Method Not Allowed"},
                {408, "Request Timeout"},
                {409, "Conflict"},
                {413, "Content Too Large"},
                {429, "Too Many Requests"},
                {494, "Request Header Too Large"},
                {500, "Internal Server Error"},
                {502, "Bad Gateway"},
                {503, "Service Unavailable"},
                {504, "Gateway Timeout"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].status == status)
            return rows[i].reason;
    return "Whatever";
}

static void set_body(struct answer *answer, int status, json_t *body, size_t flags)
{
    char *text = body == NULL ? NULL : json_dumps(body, JSON_COMPACT | flags);
    json_decref(body);
    answer->status = status;
    answer->reason = answer_reason(status);
    evbuffer_drain(answer->body, evbuffer_get_length(answer->body));
    if (text != NULL)
        evbuffer_add(answer->body, text, strlen(text));
    free(text);
    evhttp_remove_header(&answer->headers, "Content-Type");
    if (status != 204)
        evhttp_add_header(&answer->headers, "Content-Type", "application/json");
}

void answer_json(struct answer *answer, int status, json_t *body)
{
    set_body(answer, status, body, 0);
}

void answer_instance(struct answer *answer, int status, json_t *body)
{
    set_body(answer, status, body, JSON_SORT_KEYS);
}

void answer_failure(struct answer *answer, const char *code, const char *message)
{
    answer_json(answer, 400, json_pack("{s:s,s:s}", "error_message", message, "error_code", code));
}

void answer_front_door(struct answer *answer, int status, const char *code, const char *message)
{
    answer_json(answer, status,
                json_pack("{s:s,s:s,s:s}", "error_msg", message, "error_code", code, "request_id",
                          "5c1d0a7e9b3f4826a0d1e2f3a4b5c6d7"));
}

void answer_render_head(const struct answer *answer, long long length, struct evbuffer *out)
{
    struct evkeyval *header;
    evbuffer_add_printf(out, "HTTP/1.1 %d %s\r\n", answer->status, answer->reason);
    for (header = TAILQ_FIRST(&answer->headers); header != NULL; header = TAILQ_NEXT(header, next))
        evbuffer_add_printf(out, "%s: %s\r\n", header->key, header->value);
    if (length >= 0)
        evbuffer_add_printf(out, "Content-Length: %lld\r\n", length);
    evbuffer_add_printf(out, "\r\n");
}

void answer_render(const struct answer *answer, struct evbuffer *out)
{
    size_t length = evbuffer_get_length(answer->body);
    answer_render_head(answer, answer->status == 204 ? -1 : (long long)length, out);
    evbuffer_add(out, evbuffer_pullup(answer->body, -1), length);
}
