/* SPDX-License-Identifier: Apache-2.0
 * The lease of a notebook: in milliseconds from create_at, which every start sets anew. -1 is
 * never. A lease of type IDLE ends here never by itself, as it doesn't on a busy instance. */
#include <errno.h>
#include <stdlib.h>

#include "notebooks.h"

enum { DEFAULT_MS = 3600000 };
static const json_int_t never = -1;
/* So long that it is for ever; more could not be added to the clock. */
static const json_int_t most_ms = INT64_MAX / 4;

static struct verdict check_duration(json_t *duration)
{
    json_int_t value = json_integer_value(duration);
    if (value == never || (value > 0 && value <= most_ms))
        return check_fine;
    return check_say("ModelArts.6349", "The param duration is out of range.", NULL);
}

struct verdict lease_check(json_t *wish)
{
    static const char *const types[] = {"TIMING", "IDLE", NULL};
    static const struct rule rules[] = {
        {.name = "duration", .kind = INTEGER, .also = check_duration},
        {.name = "type", .kind = ENUM, .values = types}};
    return check_members(wish, rules, sizeof rules / sizeof rules[0]);
}

/* A number where it is one, or else the text, which no check lets through. */
static json_t *number_or_text(const char *text)
{
    char *end;
    long long value;
    errno = 0;
    value = strtoll(text, &end, 10);
    return errno != 0 || end == text || *end != '\0' ? json_string(text) : json_integer(value);
}

json_t *lease_wish(const struct call *call, json_t *asked)
{
    json_t *wish = json_is_object(asked) ? json_deep_copy(asked) : json_object();
    const char *duration = call_query(call, "duration", NULL);
    const char *type = call_query(call, "type", NULL);
    if (duration != NULL)
        json_object_set_new(wish, "duration", number_or_text(duration));
    if (type != NULL)
        json_object_set_new(wish, "type", json_string(type));
    return wish;
}

json_t *lease_new(const struct sim *sim, json_t *wish)
{
    json_t *duration = json_object_get(wish, "duration"), *type = json_object_get(wish, "type");
    json_int_t now = sim_now_ms(sim);
    json_int_t ms = duration == NULL ? DEFAULT_MS : json_integer_value(duration);
    return json_pack("{s:I,s:I,s:b,s:s,s:I}", "create_at", now, "duration", ms, "enable",
                     ms != never, "type", type == NULL ? "TIMING" : json_string_value(type),
                     "update_at", now);
}

void lease_get(struct call *call, struct machine *machine)
{
    answer_json(call->answer, 200, json_incref(json_object_get(machine->object, "lease")));
}

/* The new end is so long from now, so the duration, which counts from the start, grows by the time
 * that has passed. */
static void prolong(const struct call *call, json_t *lease, json_t *wish)
{
    json_t *wanted = json_object_get(wish, "duration"), *type = json_object_get(wish, "type");
    json_int_t now = sim_now_ms(call->sim);
    json_int_t passed = now - json_integer_value(json_object_get(lease, "create_at"));
    json_int_t ms = wanted == NULL ? DEFAULT_MS : json_integer_value(wanted);
    json_object_set_new(lease, "duration", json_integer(ms == never ? never : passed + ms));
    json_object_set_new(lease, "enable", json_boolean(ms != never));
    json_object_set_new(lease, "update_at", json_integer(now));
    if (type != NULL)
        json_object_set(lease, "type", type);
}

void lease_patch(struct call *call, struct machine *machine)
{
    json_t *lease = json_object_get(machine->object, "lease");
    json_t *wish = lease_wish(call, call->body);
    struct verdict verdict = lease_check(wish);
    if (call->body != NULL && !json_is_object(call->body))
        verdict = check_say("ModelArts.6400", "The request body is not a JSON object.", NULL);
    else if (verdict.code == NULL && machine_refuses(machine, "restart") != NULL)
        verdict = check_say(machine_refuses(machine, "restart"),
                            "The status of the instance does not allow this.", NULL);
    if (!call_fails(call, verdict)) {
        prolong(call, lease, wish);
        machine_replan(call->sim, machine);
        ledger_note(call, machine, "lease");
        answer_json(call->answer, 204, NULL);
    }
    json_decref(wish);
}
