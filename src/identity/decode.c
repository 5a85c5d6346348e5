/* SPDX-License-Identifier: Apache-2.0
 * From a token to the JSON in it. The Base64 is read strictly, so that one content has one token,
 * and the DER must fill it. */
#include <openssl/err.h>
#include <openssl/objects.h>

#include "identity/envelope.h"
#include "identity/identity.h"
#include "identity/token.h"

/* The value of each ASCII byte, 64 for those that have none. '-' stands for '/' in a token; all
 * else is standard Base64, not the URL alphabet. */
static const unsigned char values[128] = {
    64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64,
    64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 62,
    64, 63, 64, 64, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 64, 64, 64, 64, 64, 64, 64, 0,
    1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22,
    23, 24, 25, 64, 64, 64, 64, 64, 64, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38,
    39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 64, 64, 64, 64, 64,
};

/* Four letters to three bytes, the last `pads` of them '='. Bits that would be lost must be zero.
 */
static bool decode_group(const char *in, unsigned pads, unsigned char out[3])
{
    uint32_t bits = 0;

    for (unsigned i = 0; i < 4 - pads; i++) {
        unsigned char letter = (unsigned char)in[i];
        uint32_t value = letter < sizeof values ? values[letter] : 64;

        if (value == 64)
            return false;
        bits |= value << (18 - 6 * i);
    }
    out[0] = (unsigned char)(bits >> 16);
    out[1] = (unsigned char)(bits >> 8);
    out[2] = (unsigned char)bits;
    return (bits & ((1U << (8 * pads)) - 1)) == 0;
}

/* out has room for three bytes for each four letters. */
static bool decode_base64(struct view text, unsigned char *out, size_t *ret_len)
{
    unsigned pads = 0;

    if (text.len == 0 || text.len % 4 != 0)
        return false;
    while (pads < 2 && text.ptr[text.len - 1 - pads] == '=')
        pads++;
    for (size_t at = 0; at < text.len; at += 4) {
        bool last = at + 4 == text.len;

        if (!decode_group(text.ptr + at, last ? pads : 0, out + at / 4 * 3))
            return false;
    }
    *ret_len = text.len / 4 * 3 - pads;
    return true;
}

const ASN1_OCTET_STRING *envelope_content(CMS_ContentInfo *cms)
{
    ASN1_OCTET_STRING **content;

    if (OBJ_obj2nid(CMS_get0_type(cms)) != NID_pkcs7_signed ||
        OBJ_obj2nid(CMS_get0_eContentType(cms)) != NID_pkcs7_data)
        return NULL;
    content = CMS_get0_content(cms);
    return content == NULL || *content == NULL || ASN1_STRING_length(*content) <= 0 ? NULL
                                                                                    : *content;
}

enum status envelope_open(struct view token, struct arena *arena, CMS_ContentInfo **ret)
{
    unsigned char *der;
    const unsigned char *at;
    CMS_ContentInfo *cms;
    size_t len;

    if (token.len > TOKEN_BYTES_MAX)
        return STATUS_SYNTAX;
    der = arena_alloc(arena, token.len / 4 * 3 + 3);
    if (der == NULL)
        return STATUS_NOMEM;
    if (!decode_base64(token, der, &len))
        return STATUS_SYNTAX;
    at = der;
    cms = d2i_CMS_ContentInfo(NULL, &at, (long)len);
    if (cms == NULL || at != der + len || envelope_content(cms) == NULL) {
        CMS_ContentInfo_free(cms);
        return STATUS_SYNTAX;
    }
    *ret = cms;
    return STATUS_OK;
}

enum status envelope_copy(CMS_ContentInfo *cms, struct arena *arena, struct view *ret)
{
    const ASN1_OCTET_STRING *content = envelope_content(cms);
    struct view copy = arena_copy(arena, view_of((const char *)ASN1_STRING_get0_data(content),
                                                 (size_t)ASN1_STRING_length(content)));

    if (copy.ptr == NULL)
        return STATUS_NOMEM;
    *ret = copy;
    return STATUS_OK;
}

enum status identity_decode_token(struct view token, struct arena *arena, struct view *ret_json)
{
    CMS_ContentInfo *cms = NULL;
    enum status status;

    /* What OpenSSL says about a bad token must not be found by TLS code of this thread later. */
    (void)ERR_set_mark();
    status = envelope_open(token, arena, &cms);
    if (status == STATUS_OK)
        status = envelope_copy(cms, arena, ret_json);
    CMS_ContentInfo_free(cms);
    (void)ERR_pop_to_mark();
    return status;
}
