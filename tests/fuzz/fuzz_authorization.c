/* SPDX-License-Identifier: Apache-2.0
 * Signed requests. Input: a head and the body behind it. What the head says is signed anew, with
 * the right secret and a wrong one; what holds then must be what was signed. */
#include <stdlib.h>

#include "identity/identity.h"
#include "identity/signature.h"

#include "fuzz.h"

static const struct view secret = {"EXAMPLESK", 9};

struct input {
    struct arena *arena;
    struct http1_request request;
    struct signature signature;
    struct view body;
};

static void check_refusal(const struct reason *why, const struct signature *signature)
{
    REQUIRE(why->row >= identity_reasons && why->row < identity_reasons + IDENTITY_REASON_COUNT);
    REQUIRE(why->message.len > 0 && why->message.len < 512);
    if (signature != NULL)
        REQUIRE(memmem(why->message.ptr, why->message.len, signature->hex.ptr,
                       signature->hex.len) == NULL);
}

static void check_read(const struct input *in)
{
    const struct signature *s = &in->signature;
    bool dated = false;

    REQUIRE(s->access_key.len > 0 && s->access_key.len <= SIGNATURE_ACCESS_MAX);
    REQUIRE(s->hex.len == DIGEST_HEX_BYTES && s->count > 0 && s->count <= SIGNATURE_HEADERS_MAX);
    REQUIRE(s->form == CANONICAL_ACCESS || view_starts(s->date, s->scope.date));
    for (size_t i = 0; i < s->count; i++) {
        unsigned found = 0;

        REQUIRE(i == 0 || view_cmp(s->fields[i - 1].name, s->fields[i].name) < 0);
        for (unsigned k = 0; k < in->request.count; k++)
            found += view_eq_nocase(in->request.fields[k].name, s->fields[i].name);
        REQUIRE(found == 1);
        dated = dated || view_eq(s->fields[i].name, VIEW("x-sdk-date"));
    }
    REQUIRE(dated);
}

/* The signature that a client would make. False: the text is too long. */
static bool sign(const struct input *in, enum canonical_path reading, struct view key,
                 char hex[DIGEST_HEX_BYTES])
{
    const struct signature *s = &in->signature;
    struct canonical_request request = {.form = s->form,
                                        .reading = reading,
                                        .method = in->request.method,
                                        .path = in->request.path,
                                        .query = in->request.query,
                                        .fields = s->fields,
                                        .count = s->count,
                                        .payload = s->declared};
    char body[DIGEST_HEX_BYTES];

    if (s->declared.ptr == NULL) {
        digest_sha256_hex(in->body, body);
        request.payload = view_of(body, sizeof body);
    }
    return canonical_sign(&request, s->date, s->form == CANONICAL_ACCESS ? NULL : &s->scope, key,
                          in->arena, hex);
}

static bool holds(const struct input *in, const char hex[DIGEST_HEX_BYTES], struct view body,
                  bool judged)
{
    struct signature signature = in->signature;
    struct reason why = {.row = NULL};

    signature.hex = view_of(hex, DIGEST_HEX_BYTES);
    if (signature_check(&signature,
                        &(struct signed_facts){&in->request, body, body.ptr == NULL, secret, judged,
                                               signature.date_us},
                        in->arena, &why))
        return true;
    check_refusal(&why, &signature);
    return false;
}

static bool is_payload_well(const struct input *in)
{
    char hex[DIGEST_HEX_BYTES];

    if (in->signature.declared.ptr == NULL)
        return true;
    digest_sha256_hex(in->body, hex);
    return view_eq(in->signature.declared, view_of(hex, sizeof hex));
}

static bool is_spelling_well(const struct input *in)
{
    if (!canonical_is_encoded(in->request.path) || !canonical_is_encoded(in->request.query))
        return false;
    return in->signature.form == CANONICAL_ACCESS ||
           (canonical_check_names(in->request.query, in->arena) == STATUS_OK &&
            view_find(in->body, '=') == in->body.len);
}

static void check_signed(const struct input *in)
{
    char decoded[DIGEST_HEX_BYTES], as_sent[DIGEST_HEX_BYTES], wrong[DIGEST_HEX_BYTES];
    bool twice = canonical_is_encoded_twice(in->request.path);
    bool escapes = view_find(in->request.path, '%') < in->request.path.len;
    struct view unsigned_payload = VIEW("UNSIGNED-PAYLOAD");
    bool open = view_eq(in->signature.declared, unsigned_payload);

    if (!sign(in, CANONICAL_DECODED, secret, decoded) ||
        !sign(in, CANONICAL_AS_SENT, secret, as_sent) ||
        !sign(in, CANONICAL_DECODED, VIEW("EXAMPLESJ"), wrong))
        return;
    REQUIRE(!holds(in, wrong, in->body, false));
    REQUIRE(!open || !holds(in, decoded, in->body, true));
    if (!is_spelling_well(in) || (!open && !is_payload_well(in)))
        return;
    REQUIRE(holds(in, decoded, in->body, false) == !twice);
    REQUIRE(holds(in, as_sent, in->body, false) == (escapes || !twice));
    REQUIRE(!open || holds(in, as_sent, VIEW_NONE, false));
    if (open || in->body.len == 0)
        return;
    REQUIRE(!holds(in, decoded, view_from(in->body, 1), true));
    REQUIRE(!holds(in, decoded, VIEW_NONE, false));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct http1_limits limits = {
        .head = 65536, .uri = 8192, .header_value = 32768, .headers = 128};
    struct view bytes = fuzz_input(data, size);
    struct http1_fault fault;
    struct arena arena;
    struct input in = {.arena = &arena};
    struct reason why = {.row = NULL};
    size_t scanned = 0, len = http1_find_head(bytes, &limits, &scanned, &fault);

    if (len == 0 || len == SIZE_MAX)
        return 0;
    fuzz_arena(&arena);
    in.body = view_from(bytes, len);
    if (http1_parse_request(view_of(bytes.ptr, len), &limits, &arena, &in.request, &fault) ==
        STATUS_OK) {
        if (signature_read(&in.request, &arena, &in.signature, &why)) {
            check_read(&in);
            check_signed(&in);
        } else {
            check_refusal(&why, NULL);
        }
    }
    arena_done(&arena);
    return 0;
}
