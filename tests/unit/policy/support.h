/* SPDX-License-Identifier: Apache-2.0
 * What the tests of the policy room share: a set from one text, a request to change, and a decision
 * as one line of text. */
#pragma once

#include "support/test.h"

#include "policy/policy.h"

/* A request like the API manual's sample, with storage for what a test changes. */
struct sample {
    struct instance_request request;
    struct stop_request stops[3];
    struct storage_request storages[3];
    struct pair annotations[130], strays[4];
    struct endpoint_request endpoints[2];
    struct view ips[2][3]; /* of each endpoint */
    struct subject subject;
    struct view roles[2], groups[2];
};

void sample_init(struct sample *s);
/* The same as another operation would bring it: an update, a lease and a mount name nothing yet, a
 * start brings what is stored. */
void sample_as(struct sample *s, enum operation_id op);
/* A request that says everything points into its own sample: so does a copy after this. */
void sample_settle(struct sample *s);
/* One more endpoint with one address, or none (NULL). */
void sample_endpoint(struct sample *s, bool ssh, const char *ip);
/* auto_stop as the only thing that is named. */
void sample_stop(struct sample *s, int64_t duration_ms);
/* Whatever is wrong fails the test and is printed. */
struct policy_set *set_of(const char *text);
/* The diag's text for a set of one file "p.yaml"; NULL when it loaded without a word. Static. */
const char *faults_of(const char *text, const struct policy_options *options);
/* "allow", "rewrite default 3600 auto_stop by a", "refuse flavor.denied by a at p.yaml:1:2: ..."
 * and so on; what would be stands behind " | would " and "(warn)", and
 * behind all of it the quotas (" asks q, r (warn)") and exceptions (" except x"). Static. */
const char *decision_text(const struct policy_set *set, const struct sample *s, bool messages);
/* The edits on the typed request, as the API's room makes them on the body. */
void apply_edits(struct sample *s, const struct edit *edits, size_t count);
const struct operation *create_operation(void);

/* A policy file and what loading it says; faults NULL: it loads. */
struct fault_row {
    const char *name, *text, *faults;
};
void check_loads(const struct fault_row *rows, size_t count, const struct policy_options *options);
