/* SPDX-License-Identifier: Apache-2.0
 * Opening them one by one, so that one run tells the faults of all. */
#include "server/callers.h"

static void load_certificate(const struct conf *conf, struct diag *diag, struct caller_files *ret)
{
    struct err err;

    if (conf->identity.verify == VERIFY_CERTIFICATE &&
        cms_keys_open(conf->identity.certificate, &ret->certificate, &err) != STATUS_OK)
        diag_fault(diag, conf->identity.certificate_at, "certificate: %s", err.text);
}

static void load_sign_as(const struct conf *conf, struct diag *diag, struct caller_files *ret)
{
    const struct service_settings settings = {.access_key_file = conf->identity.sign_as};
    struct err err;

    if (conf->identity.sign_as == NULL)
        return;
    if (service_open(&settings, &ret->sign_as, &err) != STATUS_OK)
        diag_fault(diag, conf->identity.sign_as_at, "sign_as: %s", err.text);
    /* By its user instances are found in the cloud's lists that it made for callers. */
    else if (service_user(ret->sign_as).len == 0)
        diag_fault(diag, conf->identity.sign_as_at,
                   "sign_as: %s needs user_id, the cloud's id of the key's user",
                   conf->identity.sign_as);
}

static void check_key(const struct conf *conf, const struct access_key *key, struct diag *diag)
{
    const struct loc at = {conf->identity.access_keys, key->at.line, key->at.column};

    if (key->sign_as && conf->identity.sign_as == NULL)
        diag_fault(diag, at,
                   "sign_as: true needs the setting identity.sign_as, the key to sign with");
}

static void load_keys(const struct conf *conf, struct diag *diag, struct caller_files *ret)
{
    const size_t faults = diag->faults;
    enum status status;

    if (conf->identity.signatures != SIGNATURES_VERIFY)
        return;
    status = access_keys_load(conf->identity.access_keys, diag, &ret->access_keys);
    if (status != STATUS_OK && diag->faults == faults)
        diag_fault(diag, conf->identity.access_keys_at, "access_keys: no memory left");
    for (size_t i = 0; status == STATUS_OK && i < access_keys_count(ret->access_keys); i++)
        check_key(conf, access_keys_at(ret->access_keys, i), diag);
}

static void load_jwks(const struct conf *conf, struct diag *diag, struct caller_files *ret)
{
    struct err err;

    if (conf->identity.oidc.jwks_file != NULL &&
        jwks_load(conf->identity.oidc.jwks_file, &ret->jwks, &err) != STATUS_OK)
        diag_fault(diag, conf->identity.jwks_at, "jwks: %s", err.text);
}

bool load_callers(const struct conf *conf, struct diag *diag, struct caller_files *ret)
{
    const size_t faults = diag->faults;
    struct caller_files files = {.certificate = NULL};

    load_certificate(conf, diag, &files);
    load_keys(conf, diag, &files);
    load_sign_as(conf, diag, &files);
    load_jwks(conf, diag, &files);
    if (diag->faults != faults) {
        caller_files_free(&files);
        return false;
    }
    *ret = files;
    return true;
}

void caller_files_free(struct caller_files *files)
{
    cms_keys_free(&files->certificate);
    access_keys_unref(&files->access_keys);
    service_free(&files->sign_as);
    jwks_unref(&files->jwks);
}
