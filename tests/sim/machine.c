/* SPDX-License-Identifier: Apache-2.0
 * The life of an instance: CREATING, RUNNING, STOPPED and what lies between, by the cloud's clock.
 */
#include "machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/util.h>

#include "sim.h"

enum { CREATE_MS = 5000, START_MS = 3000, STOP_MS = 2000, SNAPSHOT_MS = 4000 };

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

const char *machine_family(const struct machine *machine)
{
    return machine->family == DEMANAGER ? "demanager" : "notebooks";
}

/* When it stops by itself if it runs since at_ms; -1: never. A notebook's lease counts from its
 * start, not from the first moment of RUNNING. */
static int64_t stops_at_ms(const struct machine *machine, int64_t at_ms)
{
    json_t *rule = machine->family == NOTEBOOKS
                       ? json_object_get(machine->object, "lease")
                       : json_object_get(json_object_get(machine->object, "spec"), "auto_stop");
    json_int_t duration = json_integer_value(json_object_get(rule, "duration"));
    json_t *began = json_object_get(rule, "create_at"), *type = json_object_get(rule, "type");
    if (!json_is_true(json_object_get(rule, "enable")))
        return -1;
    if (machine->family == DEMANAGER)
        return at_ms + duration * 1000;
    if (json_is_string(type) && strcmp(json_string_value(type), "IDLE") == 0)
        return -1;
    return (began == NULL ? at_ms : json_integer_value(began)) + duration;
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
    } rows[] = {{"CREATING", "RUNNING", CREATE_MS},       {"STARTING", "RUNNING", START_MS},
                {"RESTARTING", "RUNNING", START_MS},      {"START_QUEUING", "STARTING", START_MS},
                {"SNAPSHOTTING", "RUNNING", SNAPSHOT_MS}, {"STOPPING", "STOPPED", STOP_MS}};
    char stamp[24];
    machine->turns_to = NULL;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (strcmp(rows[i].state, status) == 0) {
            machine->turns_to = rows[i].next;
            machine->turns_at_ms = at_ms + rows[i].after_ms;
        }
    if (strcmp(status, "RUNNING") == 0 && stops_at_ms(machine, at_ms) >= 0) {
        machine->turns_to = "STOPPED";
        machine->turns_at_ms = stops_at_ms(machine, at_ms);
    }
    json_object_set_new(machine->object, "status", json_string(status));
    if (machine->family == DEMANAGER) {
        (void)snprintf(stamp, sizeof stamp, "%lld", (long long)at_ms);
        json_object_set_new(machine->object, "latest_update_timestamp", json_string(stamp));
    } else
        json_object_set_new(machine->object, "update_at", json_integer(at_ms));
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

void machine_replan(struct sim *sim, struct machine *machine)
{
    if (strcmp(machine_status(machine), "RUNNING") == 0)
        machine_enter(sim, machine, "RUNNING");
}

static bool is_one_of(const char *text, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(list[i], text) == 0)
            return true;
    return false;
}

const char *machine_refuses(const struct machine *machine, const char *verb)
{
    static const char *const going_up[] = {"CREATING", "STARTING", "RESTARTING", "START_QUEUING",
                                           "SNAPSHOTTING"};
    const char *status = machine_status(machine);
    bool start = strcmp(verb, "start") == 0 || strcmp(verb, "queue") == 0;
    if (strcmp(verb, "dequeue") == 0)
        return strcmp(status, "START_QUEUING") == 0 ? NULL : "ModelArts.6357";
    if (strcmp(status, "STOPPING") == 0)
        return "ModelArts.6308";
    if (is_one_of(status, going_up, 5))
        return "ModelArts.6306";
    if (start && strcmp(status, "RUNNING") == 0)
        return "ModelArts.6305";
    if (strcmp(verb, "stop") == 0 && strcmp(status, "STOPPED") == 0)
        return "ModelArts.6307";
    if (strcmp(verb, "restart") == 0 && strcmp(status, "RUNNING") != 0)
        return "ModelArts.6327";
    return NULL;
}

/* Where an id or name belongs (FNV-1a). */
static struct machine_bucket *bucket_of(struct machine_bucket *buckets, const char *text)
{
    uint32_t hash = 2166136261U;
    for (; *text != '\0'; text++)
        hash = (hash ^ (unsigned char)*text) * 16777619U;
    return &buckets[(hash ^ hash >> 16) & 0xffff];
}

static const char *text_at(const struct machine *machine, const char *name)
{
    const char *text = json_string_value(json_object_get(machine->object, name));
    return text == NULL ? "" : text;
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
    LIST_INSERT_HEAD(bucket_of(sim->index->by_id, text_at(machine, "id")), machine, same_id);
    LIST_INSERT_HEAD(bucket_of(sim->index->by_name, text_at(machine, "name")), machine, same_name);
    machine_enter(sim, machine, machine_status(machine));
    return machine;
}

void machine_remove(struct sim *sim, struct machine *machine)
{
    TAILQ_REMOVE(&sim->machines, machine, next);
    LIST_REMOVE(machine, same_id);
    LIST_REMOVE(machine, same_name);
    json_decref(machine->mounts);
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

static struct machine *find_in_bucket(struct sim *sim, enum family family, const char *project,
                                      const char *id, const char *name)
{
    struct machine *machine = LIST_FIRST(id != NULL ? bucket_of(sim->index->by_id, id)
                                                    : bucket_of(sim->index->by_name, name));
    while (machine != NULL) {
        const char *have = text_at(machine, id != NULL ? "id" : "name");
        if (machine->family == family && strcmp(machine->project, project) == 0 &&
            strcmp(have, id != NULL ? id : name) == 0)
            return machine;
        machine = id != NULL ? LIST_NEXT(machine, same_id) : LIST_NEXT(machine, same_name);
    }
    return NULL;
}

struct machine *machine_find(struct sim *sim, enum family family, const char *project,
                             const char *id, const char *name)
{
    struct machine *machine = find_in_bucket(sim, family, project, id, name);
    if (machine != NULL)
        settle(machine, sim_now_ms(sim));
    return machine;
}

bool machine_is_full(const struct sim *sim, const char *project)
{
    struct machine *machine;
    unsigned count = 0;
    if (sim->max_instances == 0)
        return false;
    for (machine = TAILQ_FIRST(&sim->machines); machine != NULL;
         machine = TAILQ_NEXT(machine, next))
        if (strcmp(machine->project, project) == 0)
            count++;
    return count >= sim->max_instances;
}
