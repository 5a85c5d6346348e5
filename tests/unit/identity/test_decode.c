/* SPDX-License-Identifier: Apache-2.0
 * From the token to its content: sizes, every cut and every changed byte, forms that aren't tokens.
 */
#include "support/test.h"

#include <stdlib.h>

#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/objects.h>

#include "identity/identity.h"
#include "identity/token.h"

#include "token_support.h"

static struct arena arena;

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, 1 << 16, 1 << 26);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

/* len bytes that are no JSON and use all letters of the Base64. */
static struct view content_of_size(size_t len)
{
    char *bytes = arena_alloc(&arena, len);

    assert_non_null(bytes);
    for (size_t i = 0; i < len; i++)
        bytes[i] = (char)(i * 167 + i / 256);
    return view_of(bytes, len);
}

static void test_content_of_any_size(void **state)
{
    static const size_t sizes[] = {1, 2, 3, 4, 126, 127, 128, 129, 255, 256, 257, 900, 7000, 16000};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        struct view want = content_of_size(sizes[i]), got = VIEW_NONE;
        struct view token = token_make(want, &arena);

        assert_view(view_of(token.ptr, 2), "MI");
        assert_int_equal(identity_decode_token(token, &arena, &got), STATUS_OK);
        assert_true(view_eq(got, want));
    }
}

static void check_refused(struct view token, const char *name)
{
    struct view json = VIEW("untouched");

    assert_row(identity_decode_token(token, &arena, &json) == STATUS_SYNTAX, name);
    assert_row(view_eq(json, VIEW("untouched")), name);
    assert_row(ERR_peek_error() == 0, name);
}

static void test_forms_that_are_no_tokens(void **state)
{
    struct view content = VIEW("{}");
    struct view der = token_der(content, &(struct token_form){.detached = false}, &arena);
    struct view good = token_text(der, &arena);
    char *other;

    (void)state;
    check_refused(VIEW(""), "empty");
    check_refused(VIEW_NONE, "absent");
    check_refused(VIEW("===="), "padding only");
    check_refused(VIEW("gAAAAABk"), "opaque");
    check_refused(VIEW("PKIZ_eJx"), "compressed");
    check_refused(VIEW("0123456789abcdef0123456789abcdef"), "hexadecimal");
    check_refused(VIEW("-----BEGIN CMS-----"), "armour");
    check_refused(token_text(VIEW("{\"token\":{}}"), &arena), "bare JSON");
    check_refused(
        token_text(token_der(content, &(struct token_form){.detached = true}, &arena), &arena),
        "detached");
    check_refused(
        token_text(
            token_der(content, &(struct token_form){.content_type = NID_pkcs7_encrypted}, &arena),
            &arena),
        "content that isn't plain data");
    check_refused(
        token_text(token_der(VIEW(""), &(struct token_form){.detached = false}, &arena), &arena),
        "no content");
    other = arena_strdup(&arena, der);
    check_refused(token_text(view_of(other, der.len + 1), &arena), "a byte behind the DER");
    other = arena_strdup(&arena, good);
    other[8] = '/';
    check_refused(view_of(other, good.len), "a slash");
    other[8] = '_';
    check_refused(view_of(other, good.len), "an underscore");
    other[8] = '\n';
    check_refused(view_of(other, good.len), "a line break");
    other[8] = '=';
    check_refused(view_of(other, good.len), "padding inside");
    other[8] = '\0';
    check_refused(view_of(other, good.len), "a NUL");
}

static void test_certificates_do_no_harm(void **state)
{
    struct view got,
        der = token_der(VIEW("{}"), &(struct token_form){.certificates = true}, &arena);

    (void)state;
    assert_int_equal(identity_decode_token(token_text(der, &arena), &arena, &got), STATUS_OK);
    assert_view(got, "{}");
}

static void test_plain_data_without_signature(void **state)
{
    BIO *in = BIO_new_mem_buf("{}", 2);
    CMS_ContentInfo *cms = CMS_data_create(in, CMS_BINARY);
    unsigned char *der = NULL;
    int len = i2d_CMS_ContentInfo(cms, &der);

    (void)state;
    assert_true(len > 0);
    check_refused(token_text(view_of((const char *)der, (size_t)len), &arena), "not signed");
    OPENSSL_free(der);
    CMS_ContentInfo_free(cms);
    BIO_free(in);
}

/* Lost bits would let two texts be one token. */
static void test_bits_behind_the_last_byte(void **state)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-";
    unsigned seen = 0;

    (void)state;
    for (size_t size = 1; size <= 3; size++) {
        struct view got, good = token_make(content_of_size(size), &arena);
        unsigned pads = (good.ptr[good.len - 1] == '=') + (good.ptr[good.len - 2] == '=');
        char *other = arena_strdup(&arena, good);
        char *last = &other[good.len - 1 - pads];
        const char *at = strchr(letters, *last);

        seen |= 1U << pads;
        assert_int_equal(identity_decode_token(good, &arena, &got), STATUS_OK);
        if (pads == 0)
            continue;
        *last = at[1];
        check_refused(view_of(other, good.len), "bits that are lost");
        *last = at[0];
        check_refused(view_of(other, good.len - 1), "missing padding");
    }
    assert_int_equal(seen, 7);
}

static void test_every_cut(void **state)
{
    struct view token = token_make(content_of_size(700), &arena);
    struct view der = token_der(content_of_size(700), &(struct token_form){0}, &arena);

    (void)state;
    for (size_t len = 0; len < token.len; len++) {
        /* In its exact size, so that the sanitizer sees a read past the end. */
        char *exact = malloc(len == 0 ? 1 : len);

        assert_non_null(exact);
        memcpy(exact, token.ptr, len);
        check_refused(view_of(exact, len), "cut token");
        free(exact);
    }
    for (size_t len = 0; len < der.len; len++)
        check_refused(token_text(view_of(der.ptr, len), &arena), "cut DER");
}

/* Bytes of the frame and the signature may change; then something is read or not, but in bounds. */
static void test_every_changed_byte(void **state)
{
    static const unsigned char flips[] = {0x01, 0x80, 0xFF, 0x20};
    struct view der = token_der(VIEW("{\"token\":{}}"), &(struct token_form){0}, &arena);
    size_t refused = 0;

    (void)state;
    for (size_t at = 0; at < der.len; at++) {
        for (size_t i = 0; i < sizeof flips; i++) {
            struct arena scratch;
            struct view json = VIEW_NONE;
            char *other;

            arena_init(&scratch, 1 << 12, 1 << 20);
            other = arena_strdup(&scratch, der);
            other[at] = (char)(other[at] ^ flips[i]);
            if (identity_decode_token(token_text(view_of(other, der.len), &scratch), &scratch,
                                      &json) != STATUS_OK)
                refused++;
            else
                assert_true(json.len > 0 && json.len < der.len);
            assert_int_equal(ERR_peek_error(), 0);
            arena_done(&scratch);
        }
    }
    assert_true(refused > 100);
}

static void test_size_limit(void **state)
{
    struct view got = VIEW_NONE;
    size_t size = 24000;
    struct view token = token_make(content_of_size(size), &arena);

    (void)state;
    while (token.len < TOKEN_BYTES_MAX)
        token = token_make(content_of_size(++size), &arena);
    assert_int_equal(token.len, TOKEN_BYTES_MAX);
    assert_int_equal(identity_decode_token(token, &arena, &got), STATUS_OK);
    assert_int_equal(got.len, size);
    check_refused(token_make(content_of_size(size + 3), &arena), "four letters more");
}

static void test_out_of_memory(void **state)
{
    struct view json = VIEW_NONE, token = token_make(content_of_size(5000), &arena);
    struct arena small;

    (void)state;
    arena_init(&small, 64, 1000);
    assert_int_equal(identity_decode_token(token, &small, &json), STATUS_NOMEM);
    arena_done(&small);
    arena_init(&small, 64, 8000); /* enough for the DER only */
    assert_int_equal(identity_decode_token(token, &small, &json), STATUS_NOMEM);
    assert_null(json.ptr);
    arena_done(&small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_content_of_any_size, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_forms_that_are_no_tokens, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_certificates_do_no_harm, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_plain_data_without_signature, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_bits_behind_the_last_byte, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_every_cut, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_every_changed_byte, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_size_limit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_out_of_memory, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, token_signer_setup, token_signer_teardown);
}
