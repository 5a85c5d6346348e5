/* SPDX-License-Identifier: Apache-2.0
 * The walk of a ledger beside a cloud (tests/unit/quota/walk.h), each choice a byte of the input.
 */
#include "../unit/quota/walk.h"
#include "fuzz.h"

enum { INPUT_MAX = 20000 }; /* the model counts everything anew at each step */

static unsigned below(void *user, unsigned limit)
{
    struct view *rest = user;
    unsigned choice = fuzz_byte(rest);

    if (limit > 256)
        choice = choice << 8 | fuzz_byte(rest);
    return choice % limit;
}

static bool more(void *user)
{
    const struct view *rest = user;

    return rest->len > 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct view rest = fuzz_input(data, size < INPUT_MAX ? size : INPUT_MAX);
    struct walk_sights sights = {0};
    const struct walk_source source = {below, more, &rest, &sights};

    quota_walk(&source);
    return 0;
}
