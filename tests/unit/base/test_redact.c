/* SPDX-License-Identifier: Apache-2.0
 * What looks like a secret goes, what the gateway writes of itself stays. */
#include "support/test.h"

#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/redact.h"

#define TOKEN "MIIDkgYJKoZIhvcNAQcCoIIDgzCCA38CAQEx-+/=Az"
#define JWT   "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl_-"

static void check(const char *text, const char *expected)
{
    /* Exactly as large, so that a sanitizer sees a byte too many. */
    size_t len = strlen(text);
    char *copy = malloc(len + 1);

    assert_non_null(copy);
    memcpy(copy, text, len + 1);
    redact_str(copy);
    assert_string_equal(copy, expected);
    free(copy);
}

static void secrets_go(void **state)
{
    (void)state;
    check(TOKEN, "[secret]");
    check("a " TOKEN " b", "a [secret] b");
    check("token=" TOKEN ", " JWT ";", "token=[secret], [secret];");
    check("{\"" TOKEN "\":\"" JWT "\"}", "{\"[secret]\":\"[secret]\"}");
    check("/" TOKEN " isn't a member", "/[secret] isn't a member");
    check("\xc3\xa4" TOKEN "\xc3\xa4", "\xc3\xa4[secret]\xc3\xa4");
    check("\"" TOKEN "...", "\"[secret]");
}

static void other_texts_stay(void **state)
{
    static const char *const texts[] = {
        "",
        "MII",
        "MIIshort",
        "xMIIDkgYJKoZIhvcNAQcCoIIDgzCCA38CAQExAz",
        "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        ("/v1/0123456789abcdef0123456789abcdef/demanager/instances/"
         "e1a07296-22a8-4f05-8bc8-e936c8e54090/a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q/r/s/t/u/v/w/x/y/"
         "z"),
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        check(texts[i], texts[i]);
}

static void long_words_go(void **state)
{
    char text[200];

    (void)state;
    memset(text, 'a', sizeof text);
    assert_int_equal(redact(text, 159), 159);
    assert_int_equal(redact(text, 160), sizeof REDACTED - 1);
    assert_memory_equal(text, REDACTED, sizeof REDACTED - 1);
    memset(text, 'a', sizeof text);
    text[100] = ' ';
    assert_int_equal(redact(text, sizeof text), sizeof text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(secrets_go),
        cmocka_unit_test(other_texts_stay),
        cmocka_unit_test(long_words_go),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
