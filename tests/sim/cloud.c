/* SPDX-License-Identifier: Apache-2.0
 * The front of the service: authentication, the two families, and for every other path something
 * simple that shows what arrived. */
#include "cloud.h"

#include <stdlib.h>
#include <string.h>

#include "lists.h"
#include "record.h"
#include "sim.h"
#include "stream.h"

enum { SEGMENTS_MAX = 8, HEADER_VALUE_MAX = 32768 };

const char *call_query(const struct call *call, const char *name, const char *missing)
{
    const char *found = missing;
    struct evkeyval *row;
    for (row = TAILQ_FIRST(&call->query); row != NULL; row = TAILQ_NEXT(row, next)) {
        if (evutil_ascii_strcasecmp(row->key, name) != 0)
            continue;
        found = row->value;
        if (call->sim->reading.query == FIRST_PARAMETER)
            break;
    }
    return found;
}

bool call_fails(struct call *call, struct verdict verdict)
{
    if (verdict.code != NULL)
        answer_failure(call->answer, verdict.code, verdict.message);
    return verdict.code != NULL;
}

void call_no_such_api(struct call *call)
{
    answer_front_door(call->answer, 404, "APIG.0101",
                      "The API does not exist or has not been published.");
}

const char *text_in(json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text == NULL ? "" : text;
}

/* Every parameter that can be read; evhttp's own reader gives up at the first that is odd. */
static void read_query(char *query, struct evkeyvalq *ret)
{
    char *next = query, *value;
    while (next != NULL) {
        char *part = next, *key, *text;
        next = strchr(part, '&');
        if (next != NULL)
            *next++ = '\0';
        value = strchr(part, '=');
        if (value != NULL)
            *value++ = '\0';
        key = evhttp_uridecode(part, 1, NULL);
        text = evhttp_uridecode(value == NULL ? "" : value, 1, NULL);
        if (key != NULL && text != NULL && key[0] != '\0')
            evhttp_add_header(ret, key, text);
        free(key);
        free(text);
    }
}

static void read_body(struct call *call, struct evbuffer *body)
{
    size_t size = evbuffer_get_length(body);
    if (size == 0)
        return;
    call->body = reading_parse(&call->sim->reading, (const char *)evbuffer_pullup(body, -1), size);
    call->unreadable = call->body == NULL;
}

/* GET .../big?bytes=N[&chunked=1]: N bytes, their digest in a header. */
static void serve_big(const struct call *call, struct exchange *exchange)
{
    stream_start(exchange, (size_t)strtoull(call_query(call, "bytes", "1000"), NULL, 10),
                 call_query(call, "chunked", NULL) != NULL);
}

/* Other paths show what arrived. */
static void serve_echo(const struct call *call, struct evhttp_request *request)
{
    struct evbuffer *body = evhttp_request_get_input_buffer(request);
    answer_json(call->answer, 200,
                json_pack("{s:s,s:I,s:s}", "target", evhttp_request_get_uri(request), "bytes",
                          (json_int_t)evbuffer_get_length(body), "sha256",
                          record_digest(body).hex));
}

/* What the API gateway in front of the service refuses. */
static bool refused_at_the_door(struct evhttp_request *request, struct answer *answer)
{
    struct evkeyvalq *headers = evhttp_request_get_input_headers(request);
    const char *token = evhttp_find_header(headers, "X-Auth-Token");
    const char *authorization = evhttp_find_header(headers, "Authorization");
    struct evkeyval *header;
    for (header = TAILQ_FIRST(headers); header != NULL; header = TAILQ_NEXT(header, next))
        if (strlen(header->value) > HEADER_VALUE_MAX) {
            answer_front_door(answer, 494, "APIG.0201", "Request header too large.");
            return true;
        }
    if ((token != NULL && token[0] != '\0') || (authorization != NULL && authorization[0] != '\0'))
        return false;
    answer_front_door(answer, 401, "APIG.0301", "Incorrect IAM authentication information.");
    return true;
}

static size_t split(char *path, const char **segments)
{
    size_t count = 0;
    char *at = path;
    while (*at == '/' && count < SEGMENTS_MAX) {
        *at++ = '\0';
        segments[count++] = at;
        at += strcspn(at, "/");
    }
    return count;
}

static void dispatch(struct call *call, struct evhttp_request *request, const char **segments,
                     size_t count)
{
    call->project = count > 1 ? segments[1] : "";
    for (size_t i = 3; i < count && call->rest_count < 4; i++)
        call->rest[call->rest_count++] = segments[i];
    if (count > 3 && count < 7 && strcmp(segments[2], "demanager") == 0 &&
        strcmp(segments[3], "instances") == 0)
        devenv_serve(call);
    else if (count > 2 && strcmp(segments[2], "notebooks") == 0)
        notebooks_serve(call);
    else if (count == 3 && strcmp(segments[2], "workspaces") == 0 && call->method == EVHTTP_REQ_GET)
        lists_workspaces(call);
    else
        serve_echo(call, request);
}

bool cloud_serve(struct exchange *exchange)
{
    struct evhttp_request *request = exchange->request;
    struct answer *answer = &exchange->answer;
    struct call call = {.sim = exchange->sim, .answer = answer};
    const char *segments[SEGMENTS_MAX], *uri = evhttp_request_get_uri(request);
    char *path = strdup(uri), *query;
    size_t count;
    bool streamed = false;
    if (path == NULL || refused_at_the_door(request, answer)) {
        free(path);
        return false;
    }
    query = strchr(path, '?');
    if (query != NULL)
        *query++ = '\0';
    TAILQ_INIT(&call.query);
    if (query != NULL)
        read_query(query, &call.query);
    call.method = evhttp_request_get_command(request);
    read_body(&call, evhttp_request_get_input_buffer(request));
    count = split(path, segments);
    streamed = count == 3 && strcmp(segments[2], "big") == 0 && call.method == EVHTTP_REQ_GET;
    if (!caller_find(&call, request)) {
        answer_front_door(answer, 401, "APIG.0301", "Verify aksk signature fail.");
        streamed = false;
    } else if (streamed)
        serve_big(&call, exchange);
    else
        dispatch(&call, request, segments, count);
    json_decref(call.body);
    evhttp_clear_headers(&call.query);
    free(path);
    return streamed;
}
