/* SPDX-License-Identifier: Apache-2.0
 * From the document to keys: the strict reader reads it, and cjose gets the public numbers alone.
 */
#include "identity/jwks.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "identity/base64url.h"
#include "identity/jwk.h"
#include "json/doc.h"

enum {
    BLOCK_BYTES = 4096,
    SET_BYTES = JWKS_KEYS_MAX * (JWKS_KID_MAX + 128) + 2 * BLOCK_BYTES,
    SCRATCH_BYTES = 4 << 20,
    EXPONENT_BYTES = 8,
    P256_BYTES = 32,
};

struct jwks {
    atomic_size_t references;
    struct arena arena;
    struct jwk keys[JWKS_KEYS_MAX];
    size_t count;
};

struct reading {
    struct jwks *set;
    struct jdoc doc;
    struct arena *scratch;
    enum status status; /* of the first failure */
    const char *what;
};

static bool fail(struct reading *r, enum status status, const char *what)
{
    if (r->status == STATUS_OK) {
        r->status = status;
        r->what = what;
    }
    return false;
}

/* ---- members of a key ---- */

/* False: it isn't text, or memory is out, which is a failure. *ret: ptr NULL if it isn't there. */
static bool text_of(struct reading *r, jref key, struct view name, struct view *ret)
{
    jref member = jdoc_member(&r->doc, key, name);

    *ret = VIEW_NONE;
    if (member == JREF_NONE)
        return true;
    if (jdoc_kind(&r->doc, member) != JKIND_STRING)
        return fail(r, STATUS_SYNTAX, "a member of a key that should be text is something else");
    *ret = jdoc_text(&r->doc, member, r->scratch);
    return ret->ptr != NULL || fail(r, STATUS_NOMEM, "no memory left");
}

/* Absent, or that word. */
static bool is_for(struct reading *r, jref key, struct view name, struct view word)
{
    struct view text;

    return text_of(r, key, name, &text) && (text.ptr == NULL || view_eq(text, word));
}

static bool may_verify(struct reading *r, jref key)
{
    jref operations = jdoc_member(&r->doc, key, VIEW("key_ops"));

    if (operations == JREF_NONE)
        return true;
    if (jdoc_kind(&r->doc, operations) != JKIND_ARRAY)
        return fail(r, STATUS_SYNTAX, "key_ops of a key is no list");
    JDOC_EACH(&r->doc, operations, item)
    {
        if (view_eq(jdoc_raw(&r->doc, item), VIEW("\"verify\"")))
            return true;
    }
    return false;
}

/* A number's bytes, the most significant first. */
static struct view number_of(struct reading *r, jref key, struct view name)
{
    struct view text, bytes = VIEW_NONE;
    enum status status;

    if (!text_of(r, key, name, &text))
        return VIEW_NONE;
    status = base64url_read(text, r->scratch, &bytes);
    if (status == STATUS_NOMEM) {
        (void)fail(r, STATUS_NOMEM, "no memory left");
        return VIEW_NONE;
    }
    if (text.ptr == NULL || status != STATUS_OK || bytes.len == 0) {
        (void)fail(r, STATUS_SYNTAX, "a number of a key is missing, or no Base64url");
        return VIEW_NONE;
    }
    return bytes;
}

/* ---- keys ---- */

static size_t bits_of(struct view number)
{
    size_t bits;

    while (number.len > 0 && number.ptr[0] == 0)
        number = view_from(number, 1);
    bits = number.len * 8;
    for (unsigned mask = 0x80; number.len > 0 && ((unsigned char)number.ptr[0] & mask) == 0;
         mask >>= 1)
        bits--;
    return bits;
}

static bool is_odd(struct view number)
{
    return ((unsigned char)number.ptr[number.len - 1] & 1) != 0;
}

/* cjose reads them only, but its type says otherwise. */
static uint8_t *bytes_of(struct view number)
{
    uint8_t *bytes;

    memcpy(&bytes, &number.ptr, sizeof bytes);
    return bytes;
}

static bool read_rsa(struct reading *r, jref key, struct jwk *ret)
{
    struct view n = number_of(r, key, VIEW("n")), e = number_of(r, key, VIEW("e"));
    cjose_jwk_rsa_keyspec spec = {.e = NULL};
    size_t bits;

    if (r->status != STATUS_OK)
        return false;
    bits = bits_of(n);
    if (bits < JWKS_RSA_BITS_MIN)
        return false;
    if (bits > JWKS_RSA_BITS_MAX || !is_odd(n) || !is_odd(e) || bits_of(e) < 2 ||
        bits_of(e) > (size_t)EXPONENT_BYTES * 8)
        return fail(r, STATUS_SYNTAX, "a key of RSA is broken or too large");
    spec.n = bytes_of(n);
    spec.nlen = n.len;
    spec.e = bytes_of(e);
    spec.elen = e.len;
    ret->key = cjose_jwk_create_RSA_spec(&spec, NULL);
    ret->kind = JWK_RSA;
    ret->signature_bytes = (bits + 7) / 8;
    return ret->key != NULL || fail(r, STATUS_SYNTAX, "a key of RSA can't be made");
}

static bool read_p256(struct reading *r, jref key, struct jwk *ret)
{
    struct view curve, x, y;
    cjose_jwk_ec_keyspec spec = {.crv = CJOSE_JWK_EC_P_256};

    if (!text_of(r, key, VIEW("crv"), &curve) || !view_eq(curve, VIEW("P-256")))
        return false;
    x = number_of(r, key, VIEW("x"));
    y = number_of(r, key, VIEW("y"));
    if (r->status != STATUS_OK)
        return false;
    if (x.len != P256_BYTES || y.len != P256_BYTES)
        return fail(r, STATUS_SYNTAX, "a key of P-256 has numbers of another size");
    spec.x = bytes_of(x);
    spec.xlen = x.len;
    spec.y = bytes_of(y);
    spec.ylen = y.len;
    ret->key = cjose_jwk_create_EC_spec(&spec, NULL);
    ret->kind = JWK_P256;
    ret->signature_bytes = (size_t)2 * P256_BYTES;
    return ret->key != NULL || fail(r, STATUS_SYNTAX, "a key of P-256 is no point of the curve");
}

static bool read_numbers(struct reading *r, jref key, struct jwk *ret)
{
    struct view kind;

    if (!text_of(r, key, VIEW("kty"), &kind))
        return false;
    if (kind.ptr == NULL)
        return fail(r, STATUS_SYNTAX, "a key doesn't say of which kind it is (kty)");
    if (!is_for(r, key, VIEW("use"), VIEW("sig")) || !may_verify(r, key))
        return false;
    if (view_eq(kind, VIEW("RSA")))
        return is_for(r, key, VIEW("alg"), VIEW("RS256")) && read_rsa(r, key, ret);
    if (view_eq(kind, VIEW("EC")))
        return is_for(r, key, VIEW("alg"), VIEW("ES256")) && read_p256(r, key, ret);
    return false;
}

static bool has_twin(const struct jwks *set, const struct jwk *key)
{
    for (size_t i = 0; i < set->count; i++) {
        if (set->keys[i].kind == key->kind && key->kid.ptr != NULL &&
            set->keys[i].kid.ptr != NULL && view_eq(set->keys[i].kid, key->kid))
            return true;
    }
    return false;
}

/* Whether the key is of use; what isn't is left out. */
static void read_key(struct reading *r, jref key)
{
    struct jwks *const set = r->set;
    struct jwk made = {.key = NULL};
    struct view kid;

    if (jdoc_kind(&r->doc, key) != JKIND_OBJECT) {
        (void)fail(r, STATUS_SYNTAX, "a key is no object");
        return;
    }
    if (!text_of(r, key, VIEW("kid"), &kid) || !read_numbers(r, key, &made))
        return;
    if (kid.len > JWKS_KID_MAX)
        (void)fail(r, STATUS_LIMIT, "the kid of a key is too long");
    else if (kid.ptr != NULL && (made.kid = arena_copy(&set->arena, kid)).ptr == NULL)
        (void)fail(r, STATUS_NOMEM, "no memory left");
    else if (has_twin(set, &made))
        (void)fail(r, STATUS_INVALID, "two keys have the same kid");
    set->keys[set->count++] = made; /* also a bad one: it is freed with the set */
}

static void read_keys(struct reading *r)
{
    jref keys = jdoc_member(&r->doc, 0, VIEW("keys"));

    if (keys == JREF_NONE || jdoc_kind(&r->doc, keys) != JKIND_ARRAY) {
        (void)fail(r, STATUS_SYNTAX, "it has no list `keys`");
        return;
    }
    if (r->doc.values[keys].count > JWKS_KEYS_MAX) {
        (void)fail(r, STATUS_LIMIT, "it has too many keys");
        return;
    }
    JDOC_EACH(&r->doc, keys, key)
    read_key(r, key);
    if (r->set->count == 0)
        (void)fail(r, STATUS_INVALID,
                   "it has no key for RS256 (RSA of 2048 bits or more) or ES256 (P-256)");
}

static void free_set(struct jwks *set)
{
    for (size_t i = 0; i < set->count; i++)
        (void)cjose_jwk_release(set->keys[i].key);
    arena_done(&set->arena);
    free(set);
}

static enum status read_document(struct reading *r, struct view json)
{
    const struct jlimits limits = {.bytes = JWKS_BYTES_MAX, .depth = 16, .members = 8192};
    struct jfault fault;
    enum status status = jdoc_read(json, &limits, r->scratch, &r->doc, &fault);

    if (status == STATUS_OK)
        read_keys(r);
    else
        (void)fail(r, status, status == STATUS_NOMEM ? "no memory left" : "it is no strict JSON");
    return r->status;
}

enum status jwks_read(struct view json, struct jwks **ret, struct err *err)
{
    struct jwks *set = calloc(1, sizeof *set);
    struct arena scratch;
    struct reading r = {.set = set, .scratch = &scratch, .status = STATUS_OK};

    if (set == NULL)
        return err_set(err, STATUS_NOMEM, "no memory left");
    atomic_init(&set->references, 1);
    arena_init(&set->arena, BLOCK_BYTES, SET_BYTES);
    arena_init(&scratch, BLOCK_BYTES, SCRATCH_BYTES);
    if (read_document(&r, json) == STATUS_OK) {
        *ret = set;
    } else {
        free_set(set);
        (void)err_set(err, r.status, "no JSON Web Key Set to go by: %s", r.what);
    }
    arena_done(&scratch);
    return r.status;
}

/* ---- files ---- */

enum status jwks_load(const char *path, struct jwks **ret, struct err *err)
{
    /* O_NONBLOCK: opening a named pipe must not wait for its other end. */
    int fd CLEANUP(fd_close) = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    struct stat facts;
    struct err inner;
    char *bytes;
    ssize_t got;
    enum status status;

    if (fd < 0 || fstat(fd, &facts) != 0)
        return err_set_errno(err, errno, "%s", path);
    if (!S_ISREG(facts.st_mode))
        return err_set(err, STATUS_INVALID, "%s: not a regular file", path);
    bytes = malloc((size_t)JWKS_BYTES_MAX + 1);
    if (bytes == NULL)
        return err_set(err, STATUS_NOMEM, "%s: no memory left for this file", path);
    got = fd_read(fd, bytes, (size_t)JWKS_BYTES_MAX + 1);
    if (got < 0)
        status = err_set_errno(err, errno, "%s", path);
    else if (got > JWKS_BYTES_MAX)
        status = err_set(err, STATUS_LIMIT, "%s: at most %d bytes may be", path, JWKS_BYTES_MAX);
    else if ((status = jwks_read(view_of(bytes, (size_t)got), ret, &inner)) != STATUS_OK)
        (void)err_set(err, status, "%s: %s", path, inner.text);
    free(bytes);
    return status;
}

/* ---- use ---- */

struct jwks *jwks_ref(struct jwks *jwks)
{
    (void)atomic_fetch_add_explicit(&jwks->references, 1, memory_order_relaxed);
    return jwks;
}

void jwks_unref(struct jwks **jwks)
{
    struct jwks *set = *jwks;

    *jwks = NULL;
    if (set != NULL && atomic_fetch_sub_explicit(&set->references, 1, memory_order_acq_rel) == 1)
        free_set(set);
}

size_t jwks_count(const struct jwks *jwks)
{
    return jwks->count;
}

const struct jwk *jwks_find(const struct jwks *jwks, enum jwk_kind kind, struct view kid,
                            bool *ret_many)
{
    const struct jwk *found = NULL;

    *ret_many = false;
    for (size_t i = 0; i < jwks->count; i++) {
        const struct jwk *key = &jwks->keys[i];

        if (key->kind != kind)
            continue;
        if (kid.ptr != NULL && (key->kid.ptr == NULL || !view_eq(key->kid, kid)))
            continue;
        *ret_many = *ret_many || found != NULL;
        found = key;
    }
    return *ret_many ? NULL : found;
}
