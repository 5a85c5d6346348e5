/* SPDX-License-Identifier: Apache-2.0
 * What looks like a secret goes, what the gateway writes of itself stays. */
#include "support/test.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
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
    assert_int_equal(redact_finds(copy, len), strcmp(text, expected) != 0);
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

/* Half an escape is no JSON: a line of the journal with one would count as damage. */
static void escapes_stay_whole(void **state)
{
    static const char *const escapes[] = {"\\n", "\\\"", "\\\\", "\\u0001", "\\u00e9", "\\/"};
    char text[300], expected[64], word[171] = "";

    (void)state;
    memset(word, 'A', sizeof word - 1);
    for (size_t i = 0; i < ARRAY_LEN(escapes); i++) {
        (void)snprintf(text, sizeof text, "\"x%s%s\"", escapes[i], word);
        (void)snprintf(expected, sizeof expected, "\"x%s[secret]\"", escapes[i]);
        check(text, expected);
        (void)snprintf(text, sizeof text, "%s" TOKEN "%s", escapes[i], escapes[i]);
        (void)snprintf(expected, sizeof expected, "%s[secret]%s", escapes[i], escapes[i]);
        check(text, expected);
    }
    /* A path of another system is no escape. */
    check("C:\\" TOKEN, "C:\\[secret]");
    check("\\u12", "\\u12");
}

/* ---- the same, byte by byte ---- */

static bool slow_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static size_t slow_run(const char *text, const char *more)
{
    size_t n = 0;

    while (text[n] != '\0' && (slow_alnum(text[n]) || strchr(more, text[n]) != NULL))
        n++;
    return n;
}

static size_t slow_secret(const char *text)
{
    size_t n = slow_run(text, "+=_-/.");

    if (n >= 32 && (strncmp(text, "MII", 3) == 0 || strncmp(text, "eyJ", 3) == 0))
        return n;
    n = slow_run(text, "+=_-");
    return n >= 160 ? n : 0;
}

static void slow_redact(const char *text, char *out)
{
    char before = ' ';

    while (*text != '\0') {
        size_t n = slow_alnum(before) ? 0 : slow_secret(text);

        before = n > 0 ? ' ' : *text;
        if (n > 0) {
            out = stpcpy(out, "[secret]");
            text += n;
            continue;
        }
        if (*text == '\\') {
            *out++ = *text++;
            before = ' ';
        }
        *out++ = *text++;
    }
    *out = '\0';
}

static uint32_t next(uint32_t *seed)
{
    *seed = *seed * 1664525U + 1013904223U;
    return *seed >> 16;
}

/* Words of every kind behind each other, many of them just as long as the limits. */
static void random_text(uint32_t *seed, char *text, size_t size)
{
    static const char *const parts[] = {"MII", "eyJ", "-", "_",        "/", ".",  " ",
                                        "\"",  "+",   "=", "\xc3\xa4", "x", "\\n"};
    static const size_t lengths[] = {0, 1, 2, 28, 29, 30, 31, 156, 157, 159, 160, 161};
    size_t used = 0;

    for (;;) {
        const char *part = parts[next(seed) % ARRAY_LEN(parts)];
        size_t more = lengths[next(seed) % ARRAY_LEN(lengths)];

        if (used + strlen(part) + more >= size)
            break;
        memcpy(text + used, part, strlen(part));
        used += strlen(part);
        memset(text + used, 'a', more);
        used += more;
    }
    text[used] = '\0';
}

static void it_is_what_a_look_at_every_byte_would_find(void **state)
{
    uint32_t seed = 1;

    (void)state;
    for (int i = 0; i < 20000; i++) {
        char text[700], expected[700];

        random_text(&seed, text, sizeof text);
        slow_redact(text, expected);
        check(text, expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(secrets_go),
        cmocka_unit_test(other_texts_stay),
        cmocka_unit_test(long_words_go),
        cmocka_unit_test(escapes_stay_whole),
        cmocka_unit_test(it_is_what_a_look_at_every_byte_would_find),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
