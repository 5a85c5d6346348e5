/* SPDX-License-Identifier: Apache-2.0
 * Nothing is kept of the key here: the journal has its copy. */
#include "server/seal.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

enum { FOLDER_BYTES = 4096 };

enum status load_seal_key(const struct conf *conf, struct ed25519_private *ret, struct err *err)
{
    if (ed25519_load_private(conf->journal.seal_key, ret, err) != STATUS_OK)
        return err_wrap(err, "journal.seal.key");
    return STATUS_OK;
}

bool check_seal_key(const struct conf *conf, struct diag *diag)
{
    struct ed25519_private key CLEANUP(ed25519_wipe) = {.seed = {0}};
    struct err err;

    if (conf->journal.seal_key == NULL ||
        ed25519_load_private(conf->journal.seal_key, &key, &err) == STATUS_OK)
        return true;
    diag_fault(diag, conf->journal.seal_key_at, "key: %s", err.text);
    return false;
}

void check_witness(const struct conf *conf, struct diag *diag)
{
    const char *path = conf->journal.witness;
    const char *end = path == NULL ? NULL : strrchr(path, '/');
    char folder[FOLDER_BYTES];
    struct stat found;
    struct err err;

    if (end == NULL || end == path || (size_t)(end - path) >= sizeof folder)
        return;
    (void)snprintf(folder, sizeof folder, "%.*s", (int)(end - path), path);
    if (stat(folder, &found) == 0)
        return;
    (void)err_set_errno(&err, errno, "%s", folder);
    diag_warn(diag, (struct loc){.file = conf->journal.seal_key_at.file},
              "journal.witness: %s; seals wait until it is there", err.text);
}
