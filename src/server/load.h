/* SPDX-License-Identifier: Apache-2.0
 * From files to settings and a policy set, with every fault printed: what `serve`, `check`,
 * `explain` and a reload have in common. */
#pragma once

#include "conf/conf.h"
#include "conf/file.h"

enum { CONF_FILE_MAX = 1 << 20, LOAD_ARENA_BLOCK = 64 << 10, LOAD_ARENA_MAX = 256 << 20 };

struct loaded_policies {
    struct policy_set *set; /* the caller's reference */
    struct policy_file *files;
    size_t count;
};

/* Reads the file and fills *ret; faults go to diag. False if there is one. */
MUST_CHECK bool load_conf(const char *path, struct arena *arena, struct diag *diag,
                          struct conf *ret);
/* Reads and loads conf->policies; faults go to diag with file names that start with the folder's as
 * it is in the settings. The files' bytes live in the arena. */
MUST_CHECK bool load_policies(const struct conf *conf, struct arena *arena, struct diag *diag,
                              struct loaded_policies *ret);
/* The same of any folder: a candidate, a kept copy. place: for faults that have no place in a file.
 */
MUST_CHECK bool load_policy_folder(const char *folder, struct loc place,
                                   const struct policy_options *options, struct arena *arena,
                                   struct diag *diag, struct loaded_policies *ret);
/* The faults as one failure, for who starts or reloads; gives its status. */
MUST_CHECK enum status load_refuse(const struct diag *diag, struct err *err);
