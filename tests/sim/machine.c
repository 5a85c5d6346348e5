/* SPDX-License-Identifier: Apache-2.0
 * The life of an instance: CREATING, RUNNING, STOPPED and what lies between, by the cloud's clock.
 */
#include "machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/util.h>

#include "sim.h"

enum { CREATE_MS = 5000, START_MS = 3000, STOP_MS = 2000 };

struct machine_id machine_make_id(enum family family)
{
    struct machine_id id;
    unsigned char b[16];
    evutil_secure_rng_get_bytes(b, sizeof b);
    (void)snprintf(id.text, sizeof id.text,
                   "%s%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
                   family == DEMANAGER ? "DE-" : "", b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7],
                   b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
    return id;
}

const char *machine_status(const struct machine *machine)
{
    const char *status = json_string_value(json_object_get(machine->object, "status"));
    return status == NULL ? "" : status;
}

/* How long it may run, in ms; 0: for ever. */
static int64_t run_time_ms(const struct machine *machine)
{
    json_t *rule;
    if (machine->family == NOTEBOOKS) {
        rule = json_object_get(machine->object, "lease");
        return json_is_true(json_object_get(rule, "enable"))
                   ? json_integer_value(json_object_get(rule, "duration"))
                   : 0;
    }
    rule = json_object_get(json_object_get(machine->object, "spec"), "auto_stop");
    return json_is_true(json_object_get(rule, "enable"))
               ? json_integer_value(json_object_get(rule, "duration")) * 1000
               : 0;
}

static void note_stop(struct machine *machine, int64_t stop_ms, int64_t now_ms)
{
    json_t *rule = json_object_get(json_object_get(machine->object, "spec"), "auto_stop");
    if (stop_ms == 0) {
        json_object_del(rule, "stop_timestamp");
        json_object_del(rule, "remain_time");
        return;
    }
    json_object_set_new(rule, "stop_timestamp", json_integer(stop_ms));
    json_object_set_new(rule, "remain_time", json_integer((stop_ms - now_ms) / 1000));
}

static void enter_at(struct machine *machine, const char *status, int64_t at_ms)
{
    static const struct {
        const char *state, *next;
        int64_t after_ms;
    } rows[] = {{"CREATING", "RUNNING", CREATE_MS},
                {"STARTING", "RUNNING", START_MS},
                {"RESTARTING", "RUNNING", START_MS},
                {"START_QUEUING", "STARTING", START_MS},
                {"STOPPING", "STOPPED", STOP_MS}};
    char stamp[24];
    machine->turns_to = NULL;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (strcmp(rows[i].state, status) == 0) {
            machine->turns_to = rows[i].next;
            machine->turns_at_ms = at_ms + rows[i].after_ms;
        }
    if (strcmp(status, "RUNNING") == 0 && run_time_ms(machine) > 0) {
        machine->turns_to = "STOPPED";
        machine->turns_at_ms = at_ms + run_time_ms(machine);
    }
    json_object_set_new(machine->object, "status", json_string(status));
    if (machine->family == DEMANAGER) {
        (void)snprintf(stamp, sizeof stamp, "%lld", (long long)at_ms);
        json_object_set_new(machine->object, "latest_update_timestamp", json_string(stamp));
    }
}

static void settle(struct machine *machine, int64_t now_ms)
{
    bool running;
    while (machine->turns_to != NULL && machine->turns_at_ms <= now_ms)
        enter_at(machine, machine->turns_to, machine->turns_at_ms);
    running = strcmp(machine_status(machine), "RUNNING") == 0 && machine->turns_to != NULL;
    if (machine->family == DEMANAGER)
        note_stop(machine, running ? machine->turns_at_ms : 0, now_ms);
}

void machine_settle_all(struct sim *sim)
{
    struct machine *machine;
    for (machine = TAILQ_FIRST(&sim->machines); machine != NULL;
         machine = TAILQ_NEXT(machine, next))
        settle(machine, sim_now_ms(sim));
}

void machine_enter(struct sim *sim, struct machine *machine, const char *status)
{
    enter_at(machine, status, sim_now_ms(sim));
    settle(machine, sim_now_ms(sim));
}

struct machine *machine_new(struct sim *sim, enum family family, const char *project,
                            json_t *object)
{
    struct machine *machine = calloc(1, sizeof *machine);
    if (machine == NULL) {
        json_decref(object);
        return NULL;
    }
    machine->family = family;
    machine->project = strdup(project);
    machine->object = object;
    TAILQ_INSERT_TAIL(&sim->machines, machine, next);
    machine_enter(sim, machine, machine_status(machine));
    return machine;
}

void machine_remove(struct sim *sim, struct machine *machine)
{
    TAILQ_REMOVE(&sim->machines, machine, next);
    json_decref(machine->object);
    free(machine->project);
    free(machine);
}

void machine_remove_all(struct sim *sim)
{
    struct machine *machine = TAILQ_FIRST(&sim->machines), *next;
    for (; machine != NULL; machine = next) {
        next = TAILQ_NEXT(machine, next);
        machine_remove(sim, machine);
    }
}

struct machine *machine_find(struct sim *sim, enum family family, const char *project,
                             const char *id, const char *name)
{
    const char *key = id != NULL ? "id" : "name", *want = id != NULL ? id : name;
    struct machine *machine;
    machine_settle_all(sim);
    for (machine = TAILQ_FIRST(&sim->machines); machine != NULL;
         machine = TAILQ_NEXT(machine, next)) {
        const char *have = json_string_value(json_object_get(machine->object, key));
        if (machine->family == family && strcmp(machine->project, project) == 0 && have != NULL &&
            strcmp(have, want) == 0)
            return machine;
    }
    return NULL;
}

unsigned machine_count(struct sim *sim, const char *project)
{
    struct machine *machine;
    unsigned count = 0;
    for (machine = TAILQ_FIRST(&sim->machines); machine != NULL;
         machine = TAILQ_NEXT(machine, next))
        if (strcmp(machine->project, project) == 0)
            count++;
    return count;
}
