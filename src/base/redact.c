/* SPDX-License-Identifier: Apache-2.0
 * Words are found by their form, in one pass. Every line of the journal and of the log goes through
 * it, and hardly any holds a secret: nothing is copied until one is found. */
#include "base/redact.h"

#include <string.h>

enum { TOKEN_MIN = 32, OPAQUE_MIN = 160 };

/* Words are runs of Base64 in both alphabets; a token has more. */
enum kind { OTHER, STOP /* of tokens only */, SIGN, ALNUM };

#define FIVE(c) \
    [c] = ALNUM, [(c) + 1] = ALNUM, [(c) + 2] = ALNUM, [(c) + 3] = ALNUM, [(c) + 4] = ALNUM
static const unsigned char kinds[256] = {
    ['/'] = STOP, ['.'] = STOP, ['+'] = SIGN, ['='] = SIGN,  ['_'] = SIGN,
    ['-'] = SIGN, FIVE('0'),    FIVE('5'),    FIVE('A'),     FIVE('F'),
    FIVE('K'),    FIVE('P'),    FIVE('U'),    ['Z'] = ALNUM, FIVE('a'),
    FIVE('f'),    FIVE('k'),    FIVE('p'),    FIVE('u'),     ['z'] = ALNUM,
};
#undef FIVE

static size_t run(const char *text, size_t len, enum kind least)
{
    size_t n = 0;

    while (n < len && kinds[(unsigned char)text[n]] >= least)
        n++;
    return n;
}

/* Length of the token that begins here; 0: none does. */
static size_t token_len(const char *text, size_t len)
{
    size_t n;

    if (len < TOKEN_MIN || (memcmp(text, "MII", 3) != 0 && memcmp(text, "eyJ", 3) != 0))
        return 0;
    n = run(text, len, STOP);
    return n >= TOKEN_MIN ? n : 0;
}

/* The first secret in a word of that length: *ret_at, or 0. What begins behind a letter or digit
 * was looked at where that word began. */
static size_t secret_in(const char *text, size_t word, size_t len, size_t *ret_at)
{
    size_t n = token_len(text, len);

    *ret_at = 0;
    if (n > 0 || word >= OPAQUE_MIN)
        return n > 0 ? n : word;
    for (size_t i = 1; n == 0 && i + TOKEN_MIN <= len && i < word; i++) {
        if (kinds[(unsigned char)text[i - 1]] != SIGN)
            continue;
        n = token_len(text + i, len - i);
        *ret_at = i;
    }
    return n;
}

/* The next secret from *at on, which moves there; 0: none is left. */
static size_t next_secret(const char *text, size_t len, size_t *at)
{
    size_t i = *at;

    while (i < len) {
        size_t word = run(text + i, len - i, SIGN), within, n;

        n = word < 3 ? 0 : secret_in(text + i, word, len - i, &within);
        if (n > 0) {
            *at = i + within;
            return n;
        }
        i += word + 1;
    }
    return 0;
}

size_t redact(char *text, size_t len)
{
    size_t from = 0, to = 0, at = 0, secret;

    while ((secret = next_secret(text, len, &at)) > 0) {
        memmove(text + to, text + from, at - from);
        to += at - from;
        memcpy(text + to, REDACTED, sizeof REDACTED - 1);
        to += sizeof REDACTED - 1;
        at += secret;
        from = at;
    }
    if (to < from)
        memmove(text + to, text + from, len - from);
    return to + len - from;
}

void redact_str(char *text)
{
    text[redact(text, strlen(text))] = '\0';
}
