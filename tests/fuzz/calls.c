/* SPDX-License-Identifier: Apache-2.0
 * See calls.h. */
#include "calls.h"

#include "base/attr.h"

static const struct jlimits limits = {.bytes = 1 << 20, .depth = 64, .members = 8192};

static const enum operation_id judged[] = {
    OP_DEMANAGER_CREATE, OP_DEMANAGER_UPDATE, OP_DEMANAGER_START,
    OP_NOTEBOOKS_CREATE, OP_NOTEBOOKS_UPDATE, OP_NOTEBOOKS_START,
    OP_NOTEBOOKS_LEASE,  OP_NOTEBOOKS_MOUNT,  OP_NOTEBOOKS_START_GET,
};

struct call_text call_split(struct view input)
{
    struct call_text text = {.op = &operations[judged[fuzz_byte(&input) % ARRAY_LEN(judged)]]};

    if (!fuzz_part(&input, '\0', &text.query) || !fuzz_part(&input, '\0', &text.body))
        return text;
    text.answer = input;
    return text;
}

static void check_faults(enum status status, const struct body_faults *faults)
{
    REQUIRE(status == STATUS_INVALID && faults->count > 0 && faults->count <= BODY_REASONS_MAX);
    for (size_t i = 0; i < faults->count; i++)
        REQUIRE(faults->items[i].row != NULL && faults->items[i].message.len > 0);
}

bool call_read(const struct call_text *text, enum unknown_fields unknown, struct arena *arena,
               struct call *ret)
{
    struct body_faults faults = {.count = 0};
    struct jfault fault;
    enum status status;

    ret->raw = (struct raw_request){
        .op = text->op, .project = FUZZ_PROJECT, .instance = FUZZ_INSTANCE, .query = text->query};
    if (text->body.len > 0) {
        if (jdoc_read(text->body, &limits, arena, &ret->doc, &fault) != STATUS_OK)
            return false;
        ret->raw.doc = &ret->doc;
    }
    status = modelarts_read(&ret->raw, unknown, arena, &ret->request, &faults);
    if (status != STATUS_OK) {
        check_faults(status, &faults);
        return false;
    }
    REQUIRE(faults.count == 0 && strcmp(ret->request.op->name, text->op->name) == 0);
    REQUIRE(view_eq(ret->request.project, FUZZ_PROJECT) && !ret->request.stored);
    return true;
}

bool call_complete(const struct call_text *text, struct arena *arena, struct call *call)
{
    struct body_faults faults = {.count = 0};
    struct jfault fault;
    enum status status;

    if (!modelarts_needs_stored(text->op))
        return true;
    REQUIRE(modelarts_stored_path(&call->raw, arena).len > 0);
    if (jdoc_read(text->answer, &limits, arena, &call->answer, &fault) != STATUS_OK)
        return false;
    status = modelarts_read_stored(&call->raw, &call->answer, (int64_t)CALL_NOW_S * 1000000, arena,
                                   &call->request, &faults);
    if (status != STATUS_OK) {
        check_faults(status, &faults);
        return false;
    }
    REQUIRE(call->request.stored == (text->op->class == CLASS_START));
    REQUIRE(call->request.lease_elapsed_ms >= 0);
    return true;
}
