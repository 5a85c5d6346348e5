/* SPDX-License-Identifier: Apache-2.0 */
#include "proof/sets.h"

#include <string.h>

static void look_at(struct sets *sets, const char *digest, struct fault_place at)
{
    struct sets_report *report = &sets->report;
    struct err err = {.text = ""};

    report->named++;
    switch (sets->look(sets->folder, digest, &err)) {
    case SETS_KEPT:
        report->kept++;
        return;
    case SETS_MISSING:
        if (report->missing++ == 0)
            memcpy(report->first_missing, digest, sizeof report->first_missing);
        return;
    case SETS_OTHER:
        report->other++;
        (void)verify_fault(sets->faults, FAULT_SET, at,
                           "the copy of the policy set that it names isn't that set: %s", err.text);
        return;
    }
}

enum status sets_add(struct sets *sets, struct view text, struct fault_place at)
{
    char digest[DIGEST_HEX_BYTES + 1];
    bool twice;
    enum status status;

    if (sets->look == NULL || view_eq(text, view_of(sets->last, sizeof sets->last)) ||
        !digest_read_hex(text, digest))
        return STATUS_OK;
    memcpy(sets->last, digest, sizeof sets->last);
    status = pairs_add(&sets->seen, text, at, &twice);
    if (status == STATUS_OK && !twice)
        look_at(sets, digest, at);
    return status;
}

void sets_done(struct sets *sets)
{
    pairs_done(&sets->seen);
}
