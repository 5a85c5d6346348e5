/* SPDX-License-Identifier: Apache-2.0
 * The stand-in cloud as a whole. One thread, one event loop; all state hangs here. */
#pragma once

#include <stdint.h>

#include <event2/event.h>
#include <jansson.h>

#include "caller.h"
#include "exchange.h"
#include "fault.h"
#include "iam.h"
#include "ledger.h"
#include "machine.h"
#include "reading.h"
#include "wire.h"

struct sim {
    struct event_base *base;
    struct wire wire;
    struct port good, bad, tokens;
    struct iam iam; /* behind the port `tokens` */
    struct evhttp *control;
    struct faults faults;
    struct exchanges held; /* answers that wait for their time or for a release */
    struct conn *stalled;  /* its body is not read for now; only compared, may be gone */
    json_t *requests;      /* what arrived, as the control API shows it */
    unsigned long sequence;
    bool recording; /* requests are kept */
    struct machines machines;
    struct machine_index *index;
    struct ledger ledger;
    struct reading reading;
    unsigned max_instances; /* in a project; 0: no limit */
    bool frozen;            /* time passes only by the control API */
    int64_t clock_ms;
    struct access_key access_key;
    int64_t list_lag_ms; /* younger instances are not in lists */
    json_t *workspaces;  /* ids, of all projects */
};

/* Milliseconds since the epoch, as the cloud sees them. */
int64_t sim_now_ms(const struct sim *sim);
