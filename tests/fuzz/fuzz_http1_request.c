/* SPDX-License-Identifier: Apache-2.0
 * A request's head. What parses says the same when it is written anew from its parse and parsed
 * again; it doesn't matter in which pieces it came; tighter limits only refuse more. */
#include <stdlib.h>

#include "http1/write.h"

#include "fuzz.h"
#include "heads.h"

static const struct http1_limits wide = {65536, 8192, 32768, 128};
static const struct http1_limits wider = {131072, 8192, 32768, 128};
static const struct http1_limits tight = {256, 24, 24, 4};

static void check_same(const struct http1_request *a, const struct http1_request *b)
{
    REQUIRE(view_eq(a->method, b->method) && view_eq(a->target, b->target));
    REQUIRE(view_eq(a->path, b->path) && view_eq(a->query, b->query));
    REQUIRE((a->query.ptr == NULL) == (b->query.ptr == NULL));
    REQUIRE((a->host.ptr == NULL) == (b->host.ptr == NULL) && view_eq(a->host, b->host));
    REQUIRE(a->minor == b->minor && a->framing == b->framing && a->length == b->length);
    REQUIRE(a->keep_alive == b->keep_alive && a->upgrade == b->upgrade);
    REQUIRE(a->expect_continue == b->expect_continue);
    check_fields_same(a->fields, a->count, b->fields, b->count);
}

/* An absolute-form names the same host as Host, and goes on where it ends. */
static void check_target(const struct http1_request *r)
{
    struct view rest = r->target;
    size_t colon = view_find(rest, ':');

    if (rest.ptr[0] == '/' || view_eq(rest, VIEW("*"))) {
        REQUIRE(view_starts(r->target, r->path));
        return;
    }
    REQUIRE(view_starts(view_from(rest, colon), VIEW("://")));
    rest = view_from(rest, colon + 3);
    REQUIRE(r->host.len > 0 && rest.len >= r->host.len);
    REQUIRE(view_eq_nocase(view_of(rest.ptr, r->host.len), r->host));
    rest = view_from(rest, r->host.len);
    REQUIRE(rest.len == 0 || rest.ptr[0] == '/' || rest.ptr[0] == '?');
    REQUIRE(rest.len == 0 || rest.ptr[0] == '?' || view_starts(rest, r->path));
}

/* What must hold of the bytes, told without the parser. */
static void check_accepted(struct view head, const struct http1_request *r)
{
    struct head_facts facts = head_look(head);

    REQUIRE(facts.clean && facts.fields == r->count);
    REQUIRE(facts.lengths + facts.codings <= 1);
    REQUIRE(facts.hosts == 1 || (facts.hosts == 0 && r->minor == 0));
    REQUIRE((r->framing == HTTP1_CHUNKED) == (facts.codings == 1));
    REQUIRE((r->framing == HTTP1_LENGTH) == (facts.lengths == 1));
    REQUIRE(r->framing != HTTP1_UNTIL_CLOSE && r->minor <= 1);
    if (view_eq(r->method, VIEW("GET")) || view_eq(r->method, VIEW("HEAD")))
        REQUIRE(r->framing != HTTP1_CHUNKED && r->length == 0);
    check_target(r);
    REQUIRE(r->path.len > 0 && view_find(r->target, '#') == r->target.len);
    REQUIRE(view_find(r->path, '?') == r->path.len);
}

static void check_rewritten(const struct http1_request *r, struct arena *arena)
{
    struct http1_request again;
    struct http1_fault fault;
    struct buf out;

    buf_init(&out, wider.head);
    http1_put_request_line(&out, r->method, r->target);
    REQUIRE(out.failed == STATUS_OK);
    out.ptr[out.len - 3] = (char)('0' + r->minor); /* ours is always 1.1 */
    head_write_fields(r->fields, r->count, &out);
    REQUIRE(out.failed == STATUS_OK);
    REQUIRE(head_find_in_pieces(buf_view(&out), &wider, out.len) == out.len);
    REQUIRE(http1_parse_request(buf_view(&out), &wider, arena, &again, &fault) == STATUS_OK);
    check_same(r, &again);
    buf_done(&out);
}

static bool parse(struct view head, const struct http1_limits *limits, struct arena *arena,
                  struct http1_request *ret)
{
    struct http1_fault fault = {NULL, NULL};
    enum status status = http1_parse_request(head, limits, arena, ret, &fault);

    REQUIRE(status == STATUS_OK || status == STATUS_SYNTAX);
    if (status == STATUS_SYNTAX)
        REQUIRE(fault.row != NULL && fault.row->status >= 400 && fault.text[0] != '\0');
    return status == STATUS_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct view input = fuzz_input(data, size);
    size_t end = head_check_find(input, &wide);
    struct http1_request request, tightly;
    struct arena arena;
    struct view head;
    char *exact;

    if (end == 0 || end == SIZE_MAX)
        return 0;
    exact = malloc(end);
    REQUIRE(exact != NULL);
    memcpy(exact, input.ptr, end);
    head = view_of(exact, end);
    fuzz_arena(&arena);
    if (parse(head, &wide, &arena, &request)) {
        check_accepted(head, &request);
        check_rewritten(&request, &arena);
    }
    if (end <= tight.head && parse(head, &tight, &arena, &tightly)) {
        REQUIRE(parse(head, &wide, &arena, &request));
        check_same(&request, &tightly);
        REQUIRE(tightly.target.len <= tight.uri && tightly.count <= tight.headers);
    }
    arena_done(&arena);
    free(exact);
    return 0;
}
