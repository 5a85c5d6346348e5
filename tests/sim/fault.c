/* SPDX-License-Identifier: Apache-2.0
 * The list of faults that wait for a request to strike. Each strikes `count` times, oldest first.
 */
#include "fault.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "record.h"
#include "sim.h"

void fault_free(struct fault *fault)
{
    if (fault == NULL)
        return;
    json_decref(fault->options);
    free(fault->match);
    free(fault);
}

void fault_clear(struct sim *sim)
{
    while (!TAILQ_EMPTY(&sim->faults)) {
        struct fault *fault = TAILQ_FIRST(&sim->faults);
        TAILQ_REMOVE(&sim->faults, fault, next);
        fault_free(fault);
    }
}

static const struct fault_kind *find_kind(const char *name)
{
    for (const struct fault_kind *kind = fault_kinds; kind->name != NULL; kind++)
        if (name != NULL && strcmp(kind->name, name) == 0)
            return kind;
    return NULL;
}

static struct fault *fault_new(const struct fault_kind *kind, json_t *options)
{
    struct fault *fault = calloc(1, sizeof *fault);
    const char *match = json_string_value(json_object_get(options, "match"));
    json_t *count = json_object_get(options, "count");
    json_t *execute = json_object_get(options, "execute");
    if (fault == NULL)
        return NULL;
    fault->kind = kind;
    fault->match = strdup(match == NULL ? "*" : match);
    fault->count = json_is_integer(count) ? (long)json_integer_value(count) : 1;
    fault->execute = execute == NULL ? kind->execute : json_is_true(execute);
    fault->options = json_incref(options);
    return fault;
}

bool fault_add(struct sim *sim, json_t *wanted, const char **ret_why)
{
    const struct fault_kind *kind = find_kind(json_string_value(json_object_get(wanted, "kind")));
    struct fault *fault = kind == NULL ? NULL : fault_new(kind, wanted);
    if (fault == NULL) {
        *ret_why = "unknown kind";
        return false;
    }
    TAILQ_INSERT_TAIL(&sim->faults, fault, next);
    return true;
}

long fault_number(const struct fault *fault, const char *name, long missing)
{
    json_t *value = json_object_get(fault->options, name);
    return json_is_integer(value) ? (long)json_integer_value(value) : missing;
}

const char *fault_text(const struct fault *fault, const char *name, const char *missing)
{
    json_t *value = json_object_get(fault->options, name);
    return json_is_string(value) ? json_string_value(value) : missing;
}

/* A copy of the oldest fault of this stage that matches; counted. */
static struct fault *strike(struct sim *sim, enum stage stage, const char *line)
{
    struct fault *fault, *copy;
    for (fault = TAILQ_FIRST(&sim->faults); fault != NULL; fault = TAILQ_NEXT(fault, next))
        if (fault->kind->stage == stage && fnmatch(fault->match, line, 0) == 0)
            break;
    if (fault == NULL)
        return NULL;
    copy = fault_new(fault->kind, fault->options);
    if (--fault->count == 0) {
        TAILQ_REMOVE(&sim->faults, fault, next);
        fault_free(fault);
    }
    return copy;
}

struct fault *fault_on_accept(struct sim *sim)
{
    return strike(sim, STAGE_ACCEPT, "");
}

bool fault_on_head(struct conn *conn)
{
    char line[16384];
    struct fault *fault;
    bool taken;
    record_first_line(conn->pending, line, sizeof line);
    fault = strike(conn->sim, STAGE_HEAD, line);
    if (fault == NULL)
        return false;
    taken = !fault->execute;
    wire_later(conn, fault->kind->act_early);
    fault_free(fault);
    return taken;
}

struct fault *fault_on_request(struct sim *sim, struct evhttp_request *request)
{
    static const struct {
        enum evhttp_cmd_type type;
        const char *name;
    } methods[] = {{EVHTTP_REQ_GET, "GET"},        {EVHTTP_REQ_POST, "POST"},
                   {EVHTTP_REQ_HEAD, "HEAD"},      {EVHTTP_REQ_PUT, "PUT"},
                   {EVHTTP_REQ_DELETE, "DELETE"},  {EVHTTP_REQ_PATCH, "PATCH"},
                   {EVHTTP_REQ_OPTIONS, "OPTIONS"}};
    char line[16384];
    const char *method = "?";
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++)
        if (methods[i].type == evhttp_request_get_command(request))
            method = methods[i].name;
    evutil_snprintf(line, sizeof line, "%s %s", method, evhttp_request_get_uri(request));
    return strike(sim, STAGE_REQUEST, line);
}
