/* SPDX-License-Identifier: Apache-2.0
 * Instances of both families, and how they change with time. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include <jansson.h>

struct sim;

enum family { DEMANAGER, NOTEBOOKS };

struct machine {
    TAILQ_ENTRY(machine) next;
    LIST_ENTRY(machine) same_id, same_name; /* others in its bucket */
    enum family family;
    char *project;
    json_t *object;       /* as the API shows it; "status" is the state */
    json_t *mounts;       /* what was mounted into it while it ran; NULL: nothing yet */
    const char *turns_to; /* the state that comes next by itself, or NULL */
    int64_t turns_at_ms;
};
TAILQ_HEAD(machines, machine);
LIST_HEAD(machine_bucket, machine);

/* Finds instances among hundreds of thousands. A name is the one that the instance began with:
 * only demanager wants names to be unique, and cannot change them. */
struct machine_index {
    struct machine_bucket by_id[1 << 16], by_name[1 << 16];
};

/* A new one in this state; takes the reference to object. */
struct machine *machine_new(struct sim *sim, enum family family, const char *project,
                            json_t *object);
void machine_remove(struct sim *sim, struct machine *machine);
void machine_remove_all(struct sim *sim);
/* By id, or by name where id is NULL; NULL if there is none. What time did to it is done first. */
struct machine *machine_find(struct sim *sim, enum family family, const char *project,
                             const char *id, const char *name);
/* Whether the project has as many instances as it may, of both families. */
bool machine_is_full(const struct sim *sim, const char *project);
/* Lets all instances be what they are by now. */
void machine_settle_all(struct sim *sim);
const char *machine_status(const struct machine *machine);
const char *machine_family(const struct machine *machine);
/* Goes into a state now; the one that follows comes by the clock. */
void machine_enter(struct sim *sim, struct machine *machine, const char *status);
/* The code for a verb (start, stop, restart, queue, dequeue) that the state doesn't allow; NULL: it
 * does. */
const char *machine_refuses(const struct machine *machine, const char *verb);
/* A running notebook stops when its lease, which was changed, says so now. */
void machine_replan(struct sim *sim, struct machine *machine);
/* "DE-" and a random UUID, or the UUID alone. */
struct machine_id {
    char text[48];
};
struct machine_id machine_make_id(enum family family);
