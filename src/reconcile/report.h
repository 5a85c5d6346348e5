/* SPDX-License-Identifier: Apache-2.0
 * What scans find: counted, logged, and written to the journal. Private to the room. */
#pragma once

#include "journal/journal.h"
#include "quota/scan.h"

struct report {
    struct journal *journal;
    uint64_t settled, gone, corrected, orphans; /* of one scan */
    uint64_t lost;                              /* lines that the journal didn't take */
};

/* Takes up a finding (a scan_report; user is a struct report). */
void report_finding(void *user, enum scan_finding finding, const struct ledger_item *item);
