/* SPDX-License-Identifier: Apache-2.0
 * `identity`: who says that a token is genuine, which signatures count, and who is signed for. */
#include "conf/internal.h"

/* A value that isn't one was told already. */
static bool is_wrong(const struct ytext *text)
{
    return text->at.line > 0 && !text->set;
}

static void read_tokens(struct conf_loading *l)
{
    struct conf_rows *const rows = l->rows;
    struct conf_identity *const ret = &l->conf.identity;
    struct ytext *url = &rows->identity.tokens.iam_url;
    struct ytext *certificate = &rows->identity.tokens.certificate;

    ret->verify = (enum token_verify)rows->identity.tokens.verify.value;
    ret->cache_ms = rows->identity.tokens.cache.value;
    if (!is_wrong(url) && conf_read_url(l, "iam_url", url, &ret->iam_host, &ret->iam_port))
        ret->iam_url = conf_text(l, url->value);
    if (!view_eq(rows->identity.tokens.ca_file.value, VIEW("system")))
        ret->iam_ca_file = conf_path(l, &rows->identity.tokens.ca_file);
    ret->certificate = conf_path(l, certificate);
    ret->certificate_at = certificate->at;
    if (ret->verify == VERIFY_CERTIFICATE && certificate->at.line == 0)
        diag_fault(l->diag, rows->identity.tokens.verify.at,
                   "verify: certificate needs `certificate`, a PEM file with the certificate that "
                   "IAM signs tokens with");
    else if (ret->verify != VERIFY_CERTIFICATE && certificate->set)
        diag_warn(l->diag, certificate->at,
                  "certificate: it is not used, because verify is not certificate");
}

static void read_signatures(struct conf_loading *l)
{
    const struct ynumber *signatures = &l->rows->identity.signatures;
    struct ytext *keys = &l->rows->identity.access_keys;

    l->conf.identity.signatures = (enum signature_mode)signatures->value;
    l->conf.identity.access_keys = conf_path(l, keys);
    l->conf.identity.access_keys_at = keys->at;
    if (signatures->value == SIGNATURES_VERIFY && keys->at.line == 0)
        diag_fault(l->diag, signatures->at,
                   "signatures: verify needs access_keys, the file of the keys to verify with");
    else if (signatures->value != SIGNATURES_VERIFY && keys->set)
        diag_warn(l->diag, keys->at,
                  "access_keys: they are not used, because signatures is not verify");
}

/* Who has been taken for somebody by nothing but what they say must not get the organisation's
 * signature for it, or what the key may do is open to everybody. */
static void check_sign_as(struct conf_loading *l)
{
    const struct ytext *key = &l->rows->identity.sign_as;
    const enum token_verify verify = l->conf.identity.verify;

    if (!key->set)
        return;
    if (verify == VERIFY_DECODE || verify == VERIFY_OFF)
        diag_fault(l->diag, key->at,
                   "sign_as: a key that signs for callers does not go together with verify: %s, "
                   "which believes what callers say; set iam or certificate",
                   verify == VERIFY_DECODE ? "decode" : "off");
    if (l->diag->faults == 0 && l->conf.identity.certificates.count == 0 &&
        l->conf.identity.oidc.issuer.ptr == NULL && l->conf.identity.forwarded.header.ptr == NULL &&
        l->conf.identity.access_keys == NULL)
        diag_warn(l->diag, key->at, "sign_as: nobody is signed for by these settings");
}

void conf_read_identity(struct conf_loading *l)
{
    read_tokens(l);
    read_signatures(l);
    l->conf.identity.sign_as = conf_path(l, &l->rows->identity.sign_as);
    l->conf.identity.sign_as_at = l->rows->identity.sign_as.at;
    conf_read_callers(l);
    check_sign_as(l);
}
