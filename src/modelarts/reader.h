/* SPDX-License-Identifier: Apache-2.0
 * One walk along the table of fields, which checks types, names and what must be there, and puts
 * each value into the record of its place. */
#pragma once

#include "modelarts/call.h"
#include "modelarts/faults.h"

/* In the order in which the cloud obeys them; of a demanager body the second is the stray copy. */
enum { STOP_OF_QUERY, STOP_FIRST, STOP_SECOND, STOP_COUNT };

struct reader {
    const struct jdoc *doc; /* NULL: empty */
    struct arena *arena;
    const struct call *call;
    enum place root;
    enum unknown_fields unknown;
    bool lenient; /* an answer: other members pass, and so does what no rule judges */
    bool no_memory;
    struct faults faults;
    struct instance_request request;
    struct storage_request *storages;
    struct endpoint_request *endpoints;
    struct stop_request stops[STOP_COUNT];
};

/* Reads the whole document, which is there; then finish. False: it isn't even an object. With
 * no_memory nothing is of any use. */
MUST_CHECK bool reader_read(struct reader *r);
/* The lists and what follows from them, into the request. False: memory is out. */
MUST_CHECK bool reader_finish(struct reader *r);
/* The workspace that both families document for what names none. */
void reader_default_workspace(struct reader *r);
