/* SPDX-License-Identifier: Apache-2.0
 * In a text a name is looked for backwards from what gives it its value, so that each byte is
 * looked at a fixed number of times. */
#include "journal/secret.h"

#include "base/attr.h"

/* Without case, '_' and '-': a name that holds one of these holds a secret. */
static const char *const secret_words[] = {
    "password",  "passwd",     "passphrase", "secret",        "token",  "credential", "accesskey",
    "secretkey", "privatekey", "apikey",     "authorization", "cookie", "sessionid",  "signature",
    "sshkey",    "userdata",   "pwd",        "adminpass",     "bearer",
};
/* The cloud's own short names of an access key and its secret: too short to be looked for within
 * others. */
static const char *const secret_names[] = {"ak", "sk"};

/* ---- names ---- */

/* Between the words of a name. */
static bool joins(char c)
{
    return c == '_' || c == '-' || c == '.' || c == ' ' || c == '\t';
}

/* Letters in lower case and digits; the rest is left out. */
static void fold(struct view name, char *out)
{
    size_t len = 0;

    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];

        if (c >= 'A' && c <= 'Z')
            out[len++] = (char)(c - 'A' + 'a');
        else if (!joins(c) && c != '\0')
            out[len++] = c;
    }
    out[len] = '\0';
}

/* "DB_PASS", "smtpPass", but not "bypass". */
static bool ends_in_pass(struct view name)
{
    const struct view pass = VIEW("pass");
    const char *tail;

    if (name.len < pass.len)
        return false;
    tail = name.ptr + name.len - pass.len;
    if (!view_eq_nocase(view_of(tail, pass.len), pass))
        return false;
    return name.len == pass.len || joins(tail[-1]) ||
           (tail[0] == 'P' && tail[-1] >= 'a' && tail[-1] <= 'z');
}

bool secret_is_name(struct view name, char *scratch)
{
    bool found = ends_in_pass(name);

    fold(name, scratch);
    for (size_t i = 0; i < ARRAY_LEN(secret_words) && !found; i++)
        found = strstr(scratch, secret_words[i]) != NULL;
    for (size_t i = 0; i < ARRAY_LEN(secret_names) && !found; i++)
        found = strcmp(scratch, secret_names[i]) == 0;
    return found;
}

/* ---- texts ---- */

/* What may stand in a name; between a name and its sign; around a value; behind a name; what gives
 * the value. */
enum { NAME = 1, BLANK = 2, QUOTE = 4, BREAK = 8, BEHIND = 16, SIGN = 32 };

#define FIVE(c) [c] = NAME, [(c) + 1] = NAME, [(c) + 2] = NAME, [(c) + 3] = NAME, [(c) + 4] = NAME
static const unsigned char kinds[256] = {
    FIVE('0'),      FIVE('5'),      FIVE('A'),      FIVE('F'),      FIVE('K'),      FIVE('P'),
    FIVE('U'),      ['Z'] = NAME,   FIVE('a'),      FIVE('f'),      FIVE('k'),      FIVE('p'),
    FIVE('u'),      ['z'] = NAME,   ['_'] = NAME,   ['-'] = NAME,   ['.'] = NAME,   [' '] = BLANK,
    ['\t'] = BLANK, ['"'] = QUOTE,  ['\''] = QUOTE, ['`'] = QUOTE,  ['\\'] = QUOTE, [']'] = QUOTE,
    ['\n'] = BREAK, ['\r'] = BREAK, ['='] = SIGN,   [':'] = SIGN,   [','] = BEHIND, [')'] = BEHIND,
    ['}'] = BEHIND, ['*'] = BEHIND, ['+'] = BEHIND, ['?'] = BEHIND, ['!'] = BEHIND, ['%'] = BEHIND,
};
#undef FIVE

static unsigned kind_of(char c)
{
    return kinds[(unsigned char)c];
}

/* Where the run of these kinds begins that ends before `end`. */
static size_t run_start(struct view text, size_t end, unsigned these)
{
    while (end > 0 && (kind_of(text.ptr[end - 1]) & these) != 0)
        end--;
    return end;
}

/* Where something stands from `at` on that isn't blank or a quote; text.len: nowhere. */
static size_t value_from(struct view text, size_t at)
{
    while (at < text.len && (kind_of(text.ptr[at]) & (BLANK | QUOTE | BREAK)) != 0)
        at++;
    return at;
}

static bool is_secret(struct view text, size_t from, size_t to, char *scratch)
{
    return from < to && secret_is_name(view_of(text.ptr + from, to - from), scratch);
}

/* "the api key: x": the word in front of the sign, or the last two. */
static bool is_assigned_at(struct view text, size_t sign, char *scratch)
{
    const size_t end = run_start(text, sign, BLANK | QUOTE | BREAK | BEHIND);
    const size_t word = run_start(text, end, NAME), before = run_start(text, word, BLANK);
    const size_t first = before < word && word < end ? run_start(text, before, NAME) : word;

    return (is_secret(text, word, end, scratch) || is_secret(text, first, end, scratch)) &&
           value_from(text, sign + 1) < text.len;
}

/* "--token x", "- --token\n- x", but not "--no-token --x". */
static bool is_option_before(struct view text, size_t blank, char *scratch)
{
    const size_t end = run_start(text, blank, QUOTE | BEHIND), word = run_start(text, end, NAME);
    size_t value;

    if (word == end || text.ptr[word] != '-' || !is_secret(text, word, end, scratch))
        return false;
    value = value_from(text, blank);
    return value < text.len && !view_starts(view_from(text, value), VIEW("--"));
}

bool secret_is_assigned(struct view text, char *scratch)
{
    bool found = false;

    for (size_t i = 0; i < text.len && !found; i++) {
        const unsigned kind = kind_of(text.ptr[i]);

        if (kind == SIGN)
            found = is_assigned_at(text, i, scratch);
        else if (kind == BLANK || kind == BREAK)
            found = is_option_before(text, i, scratch);
    }
    return found;
}

bool secret_is_option(struct view text, char *scratch)
{
    return text.len > 0 && text.ptr[0] == '-' && run_start(text, text.len, NAME) == 0 &&
           secret_is_name(text, scratch);
}
