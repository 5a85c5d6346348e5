/* SPDX-License-Identifier: Apache-2.0
 * SHA-256 against its published test vectors (FIPS 180-4), in one and in many pieces; ids. */
#include "support/test.h"

#include <errno.h>
#include <pthread.h>
#include <sys/random.h>

#include "base/digest.h"

static const struct {
    const char *text, *want;
} vectors[] = {
    {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
};

static void one_shot(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
        char hex[DIGEST_HEX_BYTES];

        digest_sha256_hex(view_str(vectors[i].text), hex);
        assert_row(view_eq(view_of(hex, sizeof hex), view_str(vectors[i].want)), vectors[i].text);
    }
}

static void nothing_is_the_empty_text(void **state)
{
    char hex[DIGEST_HEX_BYTES];

    (void)state;
    digest_sha256_hex(VIEW_NONE, hex);
    assert_view_eq(view_of(hex, sizeof hex), view_str(vectors[0].want));
}

static void one_object_serves_many_digests(void **state)
{
    struct digest *digest = digest_new();

    (void)state;
    assert_non_null(digest);
    for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
        unsigned char raw[DIGEST_BYTES];
        char hex[DIGEST_HEX_BYTES];

        digest_start(digest);
        digest_add(digest, VIEW_NONE);
        for (const char *c = vectors[i].text; *c != '\0'; c++)
            digest_add(digest, view_of(c, 1));
        digest_finish(digest, raw);
        digest_hex(raw, hex);
        assert_row(view_eq(view_of(hex, sizeof hex), view_str(vectors[i].want)), vectors[i].text);
    }
    /* A digest that was begun and left is forgotten by the next. */
    digest_start(digest);
    digest_add(digest, VIEW("left"));
    digest_start(digest);
    digest_free(&digest);
    assert_null(digest);
    digest_free(&digest);
}

static void hex_is_lower_case_and_in_order(void **state)
{
    unsigned char raw[DIGEST_BYTES];
    char hex[DIGEST_HEX_BYTES];

    (void)state;
    for (unsigned i = 0; i < DIGEST_BYTES; i++)
        raw[i] = (unsigned char)(i * 8 + 7);
    digest_hex(raw, hex);
    assert_view_eq(view_of(hex, sizeof hex),
                   VIEW("070f171f272f373f474f575f676f777f878f979fa7afb7bfc7cfd7dfe7eff7ff"));
}

enum { BLOCK_IDS = 32 };

/* What the system gives at most at once, and how often it is interrupted before it gives any. */
static size_t most = SIZE_MAX;
static unsigned interruptions, calls;

ssize_t __real_getrandom(void *bytes, size_t len, unsigned flags);
ssize_t __wrap_getrandom(void *bytes, size_t len, unsigned flags);

ssize_t __wrap_getrandom(void *bytes, size_t len, unsigned flags)
{
    calls++;
    if (interruptions > 0) {
        interruptions--;
        errno = EINTR;
        return -1;
    }
    return __real_getrandom(bytes, len < most ? len : most, flags);
}

static void ids_differ(void **state)
{
    enum { COUNT = 1000 };
    static char ids[COUNT][RANDOM_ID_BYTES];

    (void)state;
    for (size_t i = 0; i < COUNT; i++) {
        random_id(ids[i]);
        for (size_t k = 0; k < RANDOM_ID_BYTES; k++)
            assert_non_null(memchr("0123456789abcdef", ids[i][k], 16));
        for (size_t j = 0; j < i; j++)
            assert_memory_not_equal(ids[i], ids[j], RANDOM_ID_BYTES);
    }
}

struct batch {
    char ids[3 * BLOCK_IDS][RANDOM_ID_BYTES];
};

static void *take_batch(void *user)
{
    struct batch *batch = user;

    for (size_t i = 0; i < ARRAY_LEN(batch->ids); i++)
        random_id(batch->ids[i]);
    return NULL;
}

static bool share_an_id(const struct batch *a, const struct batch *b)
{
    for (size_t i = 0; i < ARRAY_LEN(a->ids); i++) {
        for (size_t j = 0; j < ARRAY_LEN(b->ids); j++) {
            if ((a != b || i != j) && memcmp(a->ids[i], b->ids[j], RANDOM_ID_BYTES) == 0)
                return true;
        }
    }
    return false;
}

static void threads_share_no_ids(void **state)
{
    static struct batch here, there;
    pthread_t thread;

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, take_batch, &there), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    (void)take_batch(&here);
    assert_false(share_an_id(&here, &there));
    assert_false(share_an_id(&there, &there));
}

/* A block comes in pieces, and late: no part of it may be missing. */
static void a_slow_source_gives_whole_ids(void **state)
{
    static const size_t pieces[] = {1, 15, 16, 17, 256, 511, 512, 4096};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(pieces); i++) {
        static struct batch batch;

        most = pieces[i];
        interruptions = 3;
        (void)take_batch(&batch);
        assert_int_equal(interruptions, 0);
        assert_false(share_an_id(&batch, &batch));
    }
    most = SIZE_MAX;
}

static void a_block_serves_many_ids(void **state)
{
    static struct batch batch;

    (void)state;
    calls = 0;
    (void)take_batch(&batch);
    assert_int_equal(calls, 3);
}

static void only_a_digest_is_read_as_one(void **state)
{
    static const char *const wrong[] = {
        "",
        "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde",
        "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0",
        "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdeF",
        "../3456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
    };
    char digest[DIGEST_HEX_BYTES] = {0}, out[DIGEST_HEX_BYTES + 1];

    (void)state;
    digest_sha256_hex(VIEW("abc"), digest);
    assert_true(digest_read_hex(view_of(digest, sizeof digest), out));
    assert_memory_equal(out, digest, sizeof digest);
    assert_int_equal(strlen(out), DIGEST_HEX_BYTES);
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        assert_false(digest_read_hex(view_str(wrong[i]), out));
    digest[5] = '\0'; /* 64 bytes, but no name */
    assert_false(digest_read_hex(view_of(digest, sizeof digest), out));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_shot),
        cmocka_unit_test(nothing_is_the_empty_text),
        cmocka_unit_test(one_object_serves_many_digests),
        cmocka_unit_test(hex_is_lower_case_and_in_order),
        cmocka_unit_test(only_a_digest_is_read_as_one),
        cmocka_unit_test(ids_differ),
        cmocka_unit_test(threads_share_no_ids),
        cmocka_unit_test(a_slow_source_gives_whole_ids),
        cmocka_unit_test(a_block_serves_many_ids),
    };

    return cmocka_run_group_tests_name("base/digest", tests, NULL, NULL);
}
