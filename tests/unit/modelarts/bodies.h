/* SPDX-License-Identifier: Apache-2.0
 * Reading bodies in tests. */
#pragma once

#include "support/test.h"

#include "modelarts/body.h"

/* The bytes of text without its NUL, into what is there. */
static inline void put(char *at, const char *text)
{
    for (; *text != '\0'; text++)
        *at++ = *text;
}

/* Reads a document that must be well-formed. */
static inline struct jdoc doc_of(struct view text, struct arena *arena)
{
    const struct jlimits limits = {.bytes = (size_t)1 << 20, .depth = 64, .members = 65536};
    struct jdoc doc = {0};
    struct jfault fault;

    if (jdoc_read(text, &limits, arena, &doc, &fault) != STATUS_OK) {
        print_error("not JSON: %.*s: %s\n", VIEW_ARGS(text), fault.text);
        fail();
    }
    return doc;
}

/* The instance of the path in every request of the tests. */
#define INSTANCE "i-1"

/* A request as it came; doc NULL: no body, query NULL: none. */
static inline struct raw_request raw_of(enum operation_id op, const struct jdoc *doc,
                                        const char *query)
{
    return (struct raw_request){
        .op = &operations[op],
        .project = VIEW("p"),
        .instance = VIEW(INSTANCE),
        .doc = doc,
        .query = view_str(query),
    };
}

static inline enum status read_create(const struct jdoc *doc, enum unknown_fields unknown,
                                      struct arena *arena, struct instance_request *ret,
                                      struct body_faults *faults)
{
    const struct raw_request raw = raw_of(OP_DEMANAGER_CREATE, doc, NULL);

    return modelarts_read(&raw, unknown, arena, ret, faults);
}

/* A body that is right but for the one place that a test changes. */
#define NAMES                                              \
    "\"name\":\"nb-1\",\"profile_id\":\"Multi-Engine 1.0 " \
    "(python3)-cpu\",\"flavor\":\"modelarts.vm.cpu.2u\""
#define STORAGE         "\"storage\":{\"type\":\"obs\",\"location\":{\"path\":\"/team-bucket/nb-1/\"}}"
#define BODY(more)      "{" NAMES ",\"spec\":{" STORAGE "}" more "}"
#define BODY_SPEC(more) "{" NAMES ",\"spec\":{" STORAGE more "}}"
