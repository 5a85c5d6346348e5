/* SPDX-License-Identifier: Apache-2.0
 * The command line of the stand-in cloud. */
#pragma once

#include <stdbool.h>

#include "caller.h"

struct options {
    const char *listen, *control;  /* ADDRESS:PORT */
    const char *certificate, *key; /* PEM files */
    const char *bad_certificate, *bad_key;
    const char *iam; /* ADDRESS:PORT, or NULL: there is none */
    const char *iam_certificate, *iam_key;
    struct access_key access_key;
    unsigned max_instances;
    bool plain, frozen, no_record;
};

/* False, and usage on stderr, when it is wrong. */
bool options_read(int argc, char **argv, struct options *ret);
