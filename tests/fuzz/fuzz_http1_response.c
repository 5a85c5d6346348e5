/* SPDX-License-Identifier: Apache-2.0
 * An answer's head, as the answer to a GET, a HEAD and a CONNECT. What parses says the same when it
 * is written anew from its parse and parsed again. */
#include <stdlib.h>

#include "http1/write.h"

#include "fuzz.h"
#include "heads.h"

static const struct http1_limits wide = {65536, 8192, 32768, 128};
static const struct http1_limits wider = {131072, 8192, 32768, 128};

static void check_same(const struct http1_response *a, const struct http1_response *b)
{
    REQUIRE(a->status == b->status && a->minor == b->minor);
    REQUIRE(a->framing == b->framing && a->length == b->length);
    REQUIRE(a->keep_alive == b->keep_alive);
    check_fields_same(a->fields, a->count, b->fields, b->count);
}

/* RFC 9112 6.3. */
static enum http1_framing framing_of(struct view method, unsigned status,
                                     const struct head_facts *facts)
{
    if (view_eq(method, VIEW("HEAD")) || status < 200 || status == 204 || status == 304 ||
        (view_eq(method, VIEW("CONNECT")) && status < 300))
        return HTTP1_NO_BODY;
    if (facts->codings == 1)
        return HTTP1_CHUNKED;
    return facts->lengths == 1 ? HTTP1_LENGTH : HTTP1_UNTIL_CLOSE;
}

static void check_accepted(struct view head, struct view method, const struct http1_response *r)
{
    struct head_facts facts = head_look(head);

    REQUIRE(facts.clean && facts.fields == r->count && facts.lengths + facts.codings <= 1);
    REQUIRE(r->status >= 100 && r->status <= 599 && r->minor <= 1);
    REQUIRE(facts.lengths == 1 || r->length == UINT64_MAX);
    REQUIRE(r->framing == framing_of(method, r->status, &facts));
    REQUIRE(r->framing != HTTP1_UNTIL_CLOSE || !r->keep_alive);
}

static void check_rewritten(const struct http1_response *r, struct view method, struct arena *arena)
{
    struct http1_response again;
    struct http1_fault fault;
    struct buf out;

    buf_init(&out, wider.head);
    http1_put_status_line(&out, r->status);
    REQUIRE(out.failed == STATUS_OK);
    out.ptr[sizeof "HTTP/1." - 1] = (char)('0' + r->minor); /* ours is always 1.1 */
    head_write_fields(r->fields, r->count, &out);
    REQUIRE(out.failed == STATUS_OK);
    REQUIRE(http1_parse_response(buf_view(&out), method, &wider, arena, &again, &fault) ==
            STATUS_OK);
    check_same(r, &again);
    buf_done(&out);
}

static void check_method(struct view head, struct view method)
{
    struct http1_fault fault = {NULL, NULL};
    struct http1_response response;
    struct arena arena;
    enum status status;

    fuzz_arena(&arena);
    status = http1_parse_response(head, method, &wide, &arena, &response, &fault);
    if (status == STATUS_OK) {
        check_accepted(head, method, &response);
        check_rewritten(&response, method, &arena);
    } else {
        REQUIRE(status == STATUS_SYNTAX && fault.row != NULL && fault.text[0] != '\0');
    }
    arena_done(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct view input = fuzz_input(data, size);
    size_t end = head_check_find(input, &wide);
    char *exact;

    if (end == 0 || end == SIZE_MAX)
        return 0;
    exact = malloc(end);
    REQUIRE(exact != NULL);
    memcpy(exact, input.ptr, end);
    check_method(view_of(exact, end), VIEW("GET"));
    check_method(view_of(exact, end), VIEW("HEAD"));
    check_method(view_of(exact, end), VIEW("CONNECT"));
    free(exact);
    return 0;
}
