/* SPDX-License-Identifier: Apache-2.0
 * Loading settings and policies. */
#include "server/load.h"

#include "base/clock.h"

/* A failure that isn't a fault of the text: a file that can't be read. */
static void add_failure(struct diag *diag, const char *file, const struct err *err)
{
    const struct loc loc = {.file = file};

    diag_fault(diag, loc, "%s", err->text);
}

bool load_conf(const char *path, struct arena *arena, struct diag *diag, struct conf *ret)
{
    struct view bytes;
    struct err err = {0};

    if (file_read(path, CONF_FILE_MAX, arena, &bytes, &err) != STATUS_OK) {
        add_failure(diag, path, &err);
        return false;
    }
    return conf_load(path, bytes, arena, diag, ret);
}

bool load_policies(const struct conf *conf, struct arena *arena, struct diag *diag,
                   struct loaded_policies *ret)
{
    const struct policy_options options = {
        .no_identity = conf->verify == VERIFY_OFF,
        .now_us = clock_now_us(),
    };
    struct loaded_policies loaded = {0};
    struct err err = {0};
    enum status status;

    if (file_read_policies(conf->policies, arena, &loaded.files, &loaded.count, &err) !=
        STATUS_OK) {
        add_failure(diag, conf->policies, &err);
        return false;
    }
    status = policy_set_load(loaded.files, loaded.count, &options, diag, &loaded.set);
    if (status == STATUS_NOMEM) {
        const struct loc loc = {.file = conf->policies};

        diag_fault(diag, loc, "the policies do not fit into memory");
    }
    if (status != STATUS_OK)
        return false;
    *ret = loaded;
    return true;
}
