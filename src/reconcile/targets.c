/* SPDX-License-Identifier: Apache-2.0
 * The table of targets. It is short: it is looked through from one end to the other. */
#include "reconcile/targets.h"

#include <stdint.h>
#include <stdlib.h>

#include "reconcile/secret.h"

enum { PAUSES_KEPT = 10 /* a hint begins the pauses anew after so many first ones */ };

void targets_init(struct targets *targets, int64_t first_pause_us, int64_t last_pause_us,
                  int64_t warm_us)
{
    *targets = (struct targets){
        .first_pause_us = first_pause_us, .last_pause_us = last_pause_us, .warm_us = warm_us};
    TAILQ_INIT(&targets->all);
}

static void free_target(struct target *target)
{
    secret_wipe(&target->project);
    secret_wipe(&target->user_id);
    secret_wipe(&target->token);
    free(target);
}

void targets_drop(struct targets *targets, struct target *target)
{
    TAILQ_REMOVE(&targets->all, target, link);
    if (target->token.ptr != NULL)
        targets->callers--;
    else
        targets->projects--;
    free_target(target);
}

void targets_done(struct targets *targets)
{
    struct target *target, *next;

    for (target = TAILQ_FIRST(&targets->all); target != NULL; target = next) {
        next = TAILQ_NEXT(target, link);
        free_target(target);
    }
    TAILQ_INIT(&targets->all);
    targets->projects = targets->callers = 0;
}

static struct target *new_target(struct view project, struct view user_id, struct view token)
{
    struct target *target = calloc(1, sizeof *target);

    if (target == NULL)
        return NULL;
    target->due_us = INT64_MAX;
    target->hinted_us = INT64_MIN / 2;
    if (secret_copy(project, &target->project) && secret_copy(user_id, &target->user_id) &&
        secret_copy(token, &target->token))
        return target;
    free_target(target);
    return NULL;
}

static struct target *find(const struct targets *targets, struct view project, struct view user_id)
{
    struct target *target;

    for (target = TAILQ_FIRST(&targets->all); target != NULL; target = TAILQ_NEXT(target, link)) {
        if (view_eq(target->project, project) && view_eq(target->user_id, user_id))
            return target;
    }
    return NULL;
}

struct target *targets_project(struct targets *targets, struct view project)
{
    struct target *target = find(targets, project, VIEW_NONE);

    if (target != NULL || targets->projects >= TARGETS_PROJECTS_MAX)
        return target;
    target = new_target(project, VIEW_NONE, VIEW_NONE);
    if (target == NULL)
        return NULL;
    target->round = true;
    TAILQ_INSERT_TAIL(&targets->all, target, link);
    targets->projects++;
    return target;
}

/* Of tokens with one right, any will do; the newest lives longest. */
static bool renew(struct targets *targets, struct target *target, struct view token)
{
    struct view fresh = VIEW_NONE;

    if (!view_eq(target->token, token)) {
        if (!secret_copy(token, &fresh))
            return false;
        secret_wipe(&target->token);
        target->token = fresh;
    }
    TAILQ_REMOVE(&targets->all, target, link);
    TAILQ_INSERT_TAIL(&targets->all, target, link);
    return true;
}

static void drop_oldest_caller(struct targets *targets)
{
    struct target *target;

    for (target = TAILQ_FIRST(&targets->all); target != NULL; target = TAILQ_NEXT(target, link)) {
        if (target->token.ptr != NULL && target != targets->current) {
            targets_drop(targets, target);
            return;
        }
    }
}

struct target *targets_caller(struct targets *targets, struct view project, struct view user_id,
                              struct view token, int64_t expires_us)
{
    struct target *target = find(targets, project, user_id);

    if (target != NULL) {
        if (!renew(targets, target, token))
            return NULL;
    } else {
        target = new_target(project, user_id, token);
        if (target == NULL)
            return NULL;
        if (targets->callers >= TARGETS_CALLERS_MAX)
            drop_oldest_caller(targets);
        TAILQ_INSERT_TAIL(&targets->all, target, link);
        targets->callers++;
    }
    target->expires_us = expires_us;
    return target;
}

void targets_expire(struct targets *targets, int64_t wall_us)
{
    struct target *target, *next;

    for (target = TAILQ_FIRST(&targets->all); target != NULL; target = next) {
        next = TAILQ_NEXT(target, link);
        if (target != targets->current && target->token.ptr != NULL &&
            target->expires_us <= wall_us)
            targets_drop(targets, target);
    }
}

static void make_due(struct target *target, int64_t at_us)
{
    if (at_us < target->due_us)
        target->due_us = at_us;
}

void targets_hint(const struct targets *targets, struct target *target, int64_t now_us)
{
    /* Hints of a client that repeats what is refused don't scan any faster. */
    if (target->pause_us != 0 && now_us - target->hinted_us < PAUSES_KEPT * targets->first_pause_us)
        return;
    target->hinted_us = now_us;
    target->pause_us = targets->first_pause_us;
    make_due(target, now_us + target->pause_us);
}

/* Nobody names it, and nothing is expected of it: one that fails may be a project that is gone. */
static bool is_needless(const struct targets *targets, const struct target *target)
{
    return target->token.ptr == NULL && !target->named &&
           (target->pause_us == 0 || target->failing) && target != targets->current;
}

static void make_all_due(struct targets *targets, bool anew, int64_t now_us)
{
    struct target *target, *next;

    for (target = TAILQ_FIRST(&targets->all); target != NULL; target = next) {
        next = TAILQ_NEXT(target, link);
        if (is_needless(targets, target)) {
            targets_drop(targets, target);
            continue;
        }
        if (anew) {
            target->round = true;
            target->again = target == targets->current;
        }
        make_due(target, now_us);
    }
}

void targets_begin_round(struct targets *targets, int64_t now_us)
{
    make_all_due(targets, true, now_us);
}

void targets_prolong_round(struct targets *targets, int64_t now_us)
{
    make_all_due(targets, false, now_us);
}

void targets_ask(struct targets *targets, int64_t now_us)
{
    struct target *target;

    for (target = TAILQ_FIRST(&targets->all); target != NULL; target = TAILQ_NEXT(target, link)) {
        target->asked = true;
        target->again = target == targets->current;
        make_due(target, now_us);
    }
}

unsigned targets_give_up(struct targets *targets)
{
    struct target *target;
    unsigned count = 0;

    for (target = TAILQ_FIRST(&targets->all); target != NULL; target = TAILQ_NEXT(target, link)) {
        count += target->asked;
        target->asked = false;
    }
    return count;
}

bool targets_round_over(const struct targets *targets)
{
    const struct target *target;

    for (target = TAILQ_FIRST(&targets->all); target != NULL; target = TAILQ_NEXT(target, link)) {
        if (target->round)
            return false;
    }
    return true;
}

bool targets_asked_over(const struct targets *targets)
{
    const struct target *target;

    for (target = TAILQ_FIRST(&targets->all); target != NULL; target = TAILQ_NEXT(target, link)) {
        if (target->asked)
            return false;
    }
    return true;
}

/* Among those that are due, what the round lacks comes first: else reading all anew could keep it
 * from its end. */
static bool goes_before(const struct target *a, const struct target *b, int64_t now_us)
{
    if (a->due_us <= now_us && b->due_us <= now_us && a->round != b->round)
        return a->round;
    return a->due_us < b->due_us;
}

struct target *targets_due(const struct targets *targets, int64_t now_us, int64_t *ret_us)
{
    struct target *target, *first = NULL;

    for (target = TAILQ_FIRST(&targets->all); target != NULL; target = TAILQ_NEXT(target, link)) {
        if (first == NULL || goes_before(target, first, now_us))
            first = target;
    }
    *ret_us = first != NULL ? first->due_us : INT64_MAX;
    return first != NULL && first->due_us <= now_us ? first : NULL;
}

/* The pause doubles, until nothing is expected any more. */
static void next_pause(const struct targets *targets, struct target *target, bool must,
                       int64_t now_us)
{
    if (!must && now_us - target->hinted_us >= targets->warm_us)
        target->pause_us = 0;
    else if (target->pause_us == 0)
        target->pause_us = targets->first_pause_us;
    else if (target->pause_us > targets->last_pause_us / 2)
        target->pause_us = targets->last_pause_us;
    else
        target->pause_us *= 2;
}

void targets_scanned(struct targets *targets, bool complete, int64_t settles_us, int64_t now_us)
{
    struct target *target = targets->current;
    bool must = !complete || settles_us != INT64_MAX;

    targets->current = NULL;
    target->failing = !complete;
    if (target->again) {
        /* What it read is older than what is wanted. */
        target->again = false;
        target->due_us = now_us;
        return;
    }
    target->asked = false;
    if (complete)
        target->round = false;
    next_pause(targets, target, must, now_us);
    target->due_us = target->pause_us == 0 ? INT64_MAX : now_us + target->pause_us;
    if (complete && settles_us > now_us)
        make_due(target, settles_us);
}
