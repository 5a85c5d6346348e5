/* SPDX-License-Identifier: Apache-2.0
 * Reads the command line; every option that takes a value is one row. */
#include "options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void usage(void)
{
    (void)fputs("usage: modelarts-sim --cert PEM --key PEM [--listen ADDRESS:PORT]\n"
                "           [--control ADDRESS:PORT] [--bad-cert PEM --bad-key PEM]\n"
                "           [--iam ADDRESS:PORT] [--iam-cert PEM --iam-key PEM]\n"
                "           [--max-instances N] [--frozen] [--plain] [--no-record]\n"
                "           [--access-key KEY:SECRET[:SECURITY_TOKEN]]\n"
                "  --listen   where the API is served; port 0: any (127.0.0.1:0)\n"
                "  --control  where tests look and steer (127.0.0.1:0)\n"
                "  --bad-cert a second API port with this certificate\n"
                "  --iam      where tokens are issued and validated\n"
                "  --iam-cert with its key: signs the tokens that are issued\n"
                "  --frozen   time passes only by the control API\n"
                "  --plain    no TLS\n"
                "  --max-instances  in a project; 0: no limit (10)\n"
                "  --no-record      requests are counted and not kept\n"
                "  --access-key     requests without a token must be signed with it\n",
                stderr);
}

/* KEY:SECRET[:SECURITY_TOKEN], cut in place. */
static bool take_key(char *value, struct access_key *ret)
{
    char *rest = value;
    ret->key = strsep(&rest, ":");
    ret->secret = strsep(&rest, ":");
    ret->security_token = rest;
    return ret->secret != NULL;
}

static bool take(int letter, char *value, struct options *ret)
{
    switch (letter) {
    case 'l':
        ret->listen = value;
        return true;
    case 'c':
        ret->control = value;
        return true;
    case 'C':
        ret->certificate = value;
        return true;
    case 'K':
        ret->key = value;
        return true;
    case 'b':
        ret->bad_certificate = value;
        return true;
    case 'k':
        ret->bad_key = value;
        return true;
    case 'i':
        ret->iam = value;
        return true;
    case 'I':
        ret->iam_certificate = value;
        return true;
    case 'J':
        ret->iam_key = value;
        return true;
    case 'm':
        ret->max_instances = (unsigned)strtoul(value, NULL, 10);
        return true;
    case 'a':
        return take_key(value, &ret->access_key);
    case 'f':
        ret->frozen = true;
        return true;
    case 'p':
        ret->plain = true;
        return true;
    case 'n':
        ret->no_record = true;
        return true;
    default:
        return false;
    }
}

bool options_read(int argc, char **argv, struct options *ret)
{
    static const struct option rows[] = {{"listen", required_argument, NULL, 'l'},
                                         {"control", required_argument, NULL, 'c'},
                                         {"cert", required_argument, NULL, 'C'},
                                         {"key", required_argument, NULL, 'K'},
                                         {"bad-cert", required_argument, NULL, 'b'},
                                         {"bad-key", required_argument, NULL, 'k'},
                                         {"iam", required_argument, NULL, 'i'},
                                         {"iam-cert", required_argument, NULL, 'I'},
                                         {"iam-key", required_argument, NULL, 'J'},
                                         {"max-instances", required_argument, NULL, 'm'},
                                         {"access-key", required_argument, NULL, 'a'},
                                         {"frozen", no_argument, NULL, 'f'},
                                         {"plain", no_argument, NULL, 'p'},
                                         {"no-record", no_argument, NULL, 'n'},
                                         {NULL, 0, NULL, 0}};
    bool well = true;
    int letter;
    *ret = (struct options){.listen = "127.0.0.1:0", .control = "127.0.0.1:0", .max_instances = 10};
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): no thread but this one */
    while (well && (letter = getopt_long(argc, argv, "", rows, NULL)) != -1)
        well = take(letter, optarg, ret);
    if (optind != argc || (!ret->plain && (ret->certificate == NULL || ret->key == NULL)) ||
        (ret->bad_certificate == NULL) != (ret->bad_key == NULL) ||
        (ret->iam_certificate == NULL) != (ret->iam_key == NULL))
        well = false;
    if (!well)
        usage();
    return well;
}
