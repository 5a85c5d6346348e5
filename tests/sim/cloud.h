/* SPDX-License-Identifier: Apache-2.0
 * The service: what it answers to which path. */
#pragma once

#include <stdbool.h>

#include <event2/http.h>
#include <jansson.h>

#include "caller.h"
#include "check.h"
#include "exchange.h"

struct sim;

/* A request, taken apart for the service. */
struct call {
    struct sim *sim;
    enum evhttp_cmd_type method;
    const char *project;
    struct caller caller;
    const char *rest[4]; /* path segments behind the family: "instances", id, "action" */
    size_t rest_count;
    struct evkeyvalq query;
    json_t *body;    /* NULL: none, or not JSON */
    bool unreadable; /* there is a body, and it could not be read */
    struct answer *answer;
};

/* Fills exchange->answer. True: the answer is streamed and already on its way. */
bool cloud_serve(struct exchange *exchange);
const char *call_query(const struct call *call, const char *name, const char *missing);
/* Answers with the failure, if the verdict is one. */
bool call_fails(struct call *call, struct verdict verdict);
void call_no_such_api(struct call *call);
/* A text in an object, or "". */
const char *text_in(json_t *object, const char *name);

void devenv_serve(struct call *call);
void notebooks_serve(struct call *call);

struct verdict create_check(struct sim *sim, const char *project, json_t *body);
struct verdict create_check_auto_stop(json_t *auto_stop);
