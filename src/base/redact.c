/* SPDX-License-Identifier: Apache-2.0
 * Words are found by their form, in one pass. */
#include "base/redact.h"

#include <stdbool.h>
#include <string.h>

enum { TOKEN_MIN = 32, OPAQUE_MIN = 160 };

static bool is_letter_or_digit(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* Of Base64 in both alphabets. */
static bool is_opaque(char c)
{
    return is_letter_or_digit(c) || c == '+' || c == '=' || c == '_' || c == '-';
}

static bool is_of_token(char c)
{
    return is_opaque(c) || c == '/' || c == '.';
}

static size_t run(const char *text, size_t len, bool (*is_part)(char c))
{
    size_t n = 0;

    while (n < len && is_part(text[n]))
        n++;
    return n;
}

static bool begins_token(const char *text, size_t len)
{
    return len >= TOKEN_MIN && ((text[0] == 'M' && memcmp(text, "MII", 3) == 0) ||
                                (text[0] == 'e' && memcmp(text, "eyJ", 3) == 0));
}

/* Length of the secret that begins here; 0: none does. */
static size_t secret_len(const char *text, size_t len)
{
    size_t n;

    if (begins_token(text, len)) {
        n = run(text, len, is_of_token);
        if (n >= TOKEN_MIN)
            return n;
    }
    if (len < OPAQUE_MIN || !is_opaque(text[OPAQUE_MIN - 1]))
        return 0;
    n = run(text, len, is_opaque);
    return n >= OPAQUE_MIN ? n : 0;
}

size_t redact(char *text, size_t len)
{
    size_t from = 0, to = 0;
    char before = ' ';

    while (from < len) {
        /* What goes on has been looked at where it began. */
        size_t secret = is_letter_or_digit(before) ? 0 : secret_len(text + from, len - from);

        if (secret > 0) {
            memcpy(text + to, REDACTED, sizeof REDACTED - 1);
            to += sizeof REDACTED - 1;
            from += secret;
            before = ' ';
            continue;
        }
        before = text[from];
        text[to++] = text[from++];
    }
    return to;
}

void redact_str(char *text)
{
    text[redact(text, strlen(text))] = '\0';
}
