/* SPDX-License-Identifier: Apache-2.0
 * The instance as the cloud has it: what a start is judged by, and when a lease began. */
#include "modelarts/body.h"
#include "modelarts/reader.h"

enum { PATH_MAX_BYTES = 1024, US_PER_MS = 1000 };

bool modelarts_needs_stored(const struct operation *op)
{
    return call_of(op)->stored != PLACE_NONE;
}

/* The operation's path with its {project} and {instance}. */
struct view modelarts_stored_path(const struct raw_request *raw, struct arena *arena)
{
    CLEANUP(buf_done) struct buf path;
    struct view rest = view_str(operations[call_of(raw->op)->asks].path);

    buf_init(&path, PATH_MAX_BYTES);
    if (!modelarts_needs_stored(raw->op))
        return VIEW_NONE;
    while (rest.len > 0) {
        if (view_starts(rest, VIEW("{project}"))) {
            buf_add(&path, raw->project);
            rest = view_from(rest, VIEW("{project}").len);
        } else if (view_starts(rest, VIEW("{instance}"))) {
            buf_add(&path, raw->instance);
            rest = view_from(rest, VIEW("{instance}").len);
        } else {
            buf_add_byte(&path, rest.ptr[0]);
            rest = view_from(rest, 1);
        }
    }
    return path.failed == STATUS_OK ? arena_copy(arena, buf_view(&path)) : VIEW_NONE;
}

static void check_id(struct reader *r, const struct raw_request *raw)
{
    jref id = jdoc_member(r->doc, 0, VIEW("id"));
    struct view text;

    if (id == JREF_NONE || jdoc_kind(r->doc, id) != JKIND_STRING) {
        faults_add(&r->faults, MODELARTS_BODY_MISSING, 0, "needs \"id\", a string");
        return;
    }
    text = jdoc_text(r->doc, id, r->arena);
    if (text.ptr == NULL)
        r->no_memory = true;
    else if (!view_eq(text, raw->instance))
        faults_add(&r->faults, MODELARTS_BODY_CONFLICT, id, "isn't the one that was asked for");
}

/* Only a query can change the stops of a start of the notebooks family, and nothing those of the
 * other, which keeps them with the instance. */
static void finish_start(struct reader *r, const struct instance_request *start)
{
    struct instance_request *request = &r->request;

    reader_default_workspace(r);
    request->stored = true;
    if (request->flavor.set && view_eq(request->flavor.value, MODELARTS_CUSTOM_FLAVOR)) {
        request->flavor = (struct text_field){0};
        request->has_custom_spec = true;
    }
    if (request->op->family == FAMILY_DEMANAGER) {
        request->stops_stored = true;
        return;
    }
    request->stops = start->stops;
    request->stop_count = start->stop_count;
}

/* Of a lease: the table has put its beginning (ms) where its age belongs. */
static void finish_lease(struct reader *r, const struct instance_request *lease, int64_t now_us)
{
    struct instance_request *request = &r->request;
    int64_t age;

    if (__builtin_sub_overflow(now_us / US_PER_MS, request->lease_elapsed_ms, &age))
        age = request->lease_elapsed_ms < 0 ? INT64_MAX : 0;
    request->lease_elapsed_ms = age > 0 ? age : 0;
    request->stops = lease->stops;
    request->stop_count = lease->stop_count;
}

static enum status read_answer(struct reader *r, const struct raw_request *raw)
{
    if (!reader_read(r))
        return STATUS_INVALID;
    check_id(r, raw);
    if (!reader_finish(r))
        return STATUS_NOMEM;
    return faults_any(&r->faults) ? STATUS_INVALID : STATUS_OK;
}

enum status modelarts_read_stored(const struct raw_request *raw, const struct jdoc *answer,
                                  int64_t now_us, struct arena *arena,
                                  struct instance_request *request, struct body_faults *faults)
{
    const struct call *call = call_of(raw->op);
    struct reader reader = {
        .doc = answer,
        .arena = arena,
        .call = call,
        .root = call->stored,
        .lenient = true,
        .faults = faults_of_body(answer, arena, faults),
        .request = {.op = request->op,
                    .project = request->project,
                    .stop_type = request->stop_type},
    };
    enum status status;

    if (call->stored == PLACE_NONE)
        return STATUS_INVALID;
    reader.faults.of = "the stored instance's ";
    reader.faults.root = "the stored instance";
    status = read_answer(&reader, raw);
    if (status != STATUS_OK)
        return status;
    if (call->op->class == CLASS_START)
        finish_start(&reader, request);
    else
        finish_lease(&reader, request, now_us);
    *request = reader.request;
    return STATUS_OK;
}
