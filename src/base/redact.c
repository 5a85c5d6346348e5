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

static bool is_opaque(char c)
{
    return kinds[(unsigned char)c] >= SIGN;
}

/* Whether a word of OPAQUE_MIN or more goes over this place. */
static bool is_within_long(const char *text, size_t len, size_t at)
{
    size_t from = at, to = at;

    while (from > 0 && at - from < OPAQUE_MIN && is_opaque(text[from - 1]))
        from--;
    while (to < len && to - from < OPAQUE_MIN && is_opaque(text[to]))
        to++;
    return to - from >= OPAQUE_MIN;
}

/* False for nearly all texts, and soon: a long word goes over a multiple of its least length. */
static bool may_hold_secret(const char *text, size_t len)
{
    if (len < TOKEN_MIN)
        return false;
    if (memmem(text, len, "MII", 3) != NULL || memmem(text, len, "eyJ", 3) != NULL)
        return true;
    for (size_t at = 0; at < len; at += OPAQUE_MIN) {
        if (is_within_long(text, len, at))
            return true;
    }
    return false;
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

/* How far to go on from a byte that is in no word: over the whole of an escape in a JSON string.
 * Half of one would make the text around it no JSON any more, so its letters and digits are in no
 * word.
 */
static size_t step(const char *text, size_t len)
{
    if (len < 2 || text[0] != '\\' || text[1] == '\0')
        return 1;
    if (text[1] == 'u')
        return len < 6 ? 1 : 6;
    return strchr("\"\\/bfnrt", text[1]) == NULL ? 1 : 2;
}

/* The next secret from *at on, which moves there; 0: none is left. */
static size_t next_secret(const char *text, size_t len, size_t *at)
{
    size_t i = *at;

    while (i < len) {
        size_t word = run(text + i, len - i, SIGN), within = 0, n;

        n = word < 3 ? 0 : secret_in(text + i, word, len - i, &within);
        if (n > 0) {
            *at = i + within;
            return n;
        }
        i += word;
        i += i < len ? step(text + i, len - i) : 0;
    }
    return 0;
}

size_t redact(char *text, size_t len)
{
    size_t from = 0, to = 0, at = 0, secret;

    if (!may_hold_secret(text, len))
        return len;
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

bool redact_finds(const char *text, size_t len)
{
    size_t at = 0;

    return may_hold_secret(text, len) && next_secret(text, len, &at) > 0;
}

void redact_str(char *text)
{
    text[redact(text, strlen(text))] = '\0';
}
