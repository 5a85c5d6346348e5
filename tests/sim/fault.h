/* SPDX-License-Identifier: Apache-2.0
 * Faults that tests switch on: which, for which requests, and how often. */
#pragma once

#include <stdbool.h>
#include <sys/queue.h>

#include <event2/http.h>
#include <jansson.h>

struct conn;
struct sim;
struct exchange;

/* When a fault strikes. */
enum stage { STAGE_ACCEPT, STAGE_HEAD, STAGE_REQUEST };

struct fault_kind {
    const char *name;
    enum stage stage;
    bool execute; /* the service does what was asked, unless told not to */
    void (*act)(struct exchange *exchange); /* STAGE_REQUEST */
    void (*act_early)(struct conn *conn);   /* earlier stages, run from the event loop */
};
extern const struct fault_kind fault_kinds[];

struct fault {
    TAILQ_ENTRY(fault) next;
    const struct fault_kind *kind;
    char *match; /* fnmatch pattern over "METHOD target" */
    long count;  /* how many more requests it strikes */
    bool execute;
    json_t *options; /* the rest of what the test asked for */
};
TAILQ_HEAD(faults, fault);

/* From {"kind":..,"match":..,"count":..,"execute":..,...}; *ret_why on a bad one. */
bool fault_add(struct sim *sim, json_t *wanted, const char **ret_why);
void fault_clear(struct sim *sim);
void fault_free(struct fault *fault);
/* Options with a default. */
long fault_number(const struct fault *fault, const char *name, long missing);
const char *fault_text(const struct fault *fault, const char *name, const char *missing);

/* The caller's copy of a fault that strikes the next connection, or NULL. */
struct fault *fault_on_accept(struct sim *sim);
/* True when the request is taken: nobody else answers it. */
bool fault_on_head(struct conn *conn);
/* The caller's copy of a fault that strikes this request, or NULL. */
struct fault *fault_on_request(struct sim *sim, struct evhttp_request *request);
