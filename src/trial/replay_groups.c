/* SPDX-License-Identifier: Apache-2.0
 * A table of groups with a fixed number of buckets. */
#include "trial/replay_groups.h"

#include <stdlib.h>

void replay_groups_init(struct replay_groups *groups, struct arena *arena, size_t max)
{
    *groups = (struct replay_groups){.arena = arena, .max = max};
}

/* FNV-1a */
static uint32_t mix(uint32_t hash, struct view v)
{
    for (size_t i = 0; i < v.len; i++)
        hash = (hash ^ (unsigned char)v.ptr[i]) * 16777619U;
    return (hash ^ 0xFF) * 16777619U;
}

static bool same_user(const struct replay_user *a, const struct replay_user *b)
{
    if (a->id.len > 0 || b->id.len > 0)
        return view_eq(a->id, b->id);
    return view_eq(a->name, b->name) && view_eq(a->domain, b->domain);
}

static uint32_t hash_of(const struct replay_change *change)
{
    const struct replay_user *user = &change->user;
    uint32_t hash = mix(2166136261U + change->kind, user->id.len > 0 ? user->id : user->name);

    return mix(mix(mix(hash, change->cause.policy), change->cause.rule), change->cause.code);
}

static bool is_of(const struct replay_change *change, const struct replay_group *group)
{
    return group->kind == change->kind && same_user(&group->user, &change->user) &&
           view_eq(group->policy, change->cause.policy) &&
           view_eq(group->rule, change->cause.rule) && view_eq(group->code, change->cause.code);
}

/* False: memory is out. An absent text stays absent. */
static bool keep(struct arena *arena, struct view text, struct view *ret)
{
    *ret = text.ptr == NULL ? VIEW_NONE : arena_copy(arena, text);
    return text.ptr == NULL || ret->ptr != NULL;
}

static struct replay_group *make(struct arena *arena, const struct replay_change *change)
{
    struct replay_group *group = ARENA_NEW(arena, struct replay_group);

    if (group == NULL)
        return NULL;
    group->kind = change->kind;
    if (keep(arena, change->user.id, &group->user.id) &&
        keep(arena, change->user.name, &group->user.name) &&
        keep(arena, change->user.domain, &group->user.domain) &&
        keep(arena, change->cause.policy, &group->policy) &&
        keep(arena, change->cause.rule, &group->rule) &&
        keep(arena, change->cause.code, &group->code) &&
        keep(arena, change->cause.message, &group->message) &&
        keep(arena, change->time, &group->first) && keep(arena, change->id, &group->example))
        return group;
    return NULL;
}

static void set_last(struct replay_group *group, struct view time)
{
    size_t len = time.len < REPLAY_TIME_BYTES ? time.len : REPLAY_TIME_BYTES - 1;

    if (len > 0)
        memcpy(group->last, time.ptr, len);
    group->last[len] = '\0';
}

enum status replay_groups_add(struct replay_groups *groups, const struct replay_change *change)
{
    struct replay_group **bucket = &groups->buckets[hash_of(change) % REPLAY_BUCKETS];
    struct replay_group *group = *bucket;

    while (group != NULL && !is_of(change, group))
        group = group->next;
    if (group == NULL && groups->count == groups->max) {
        groups->untold++;
        return STATUS_OK;
    }
    if (group == NULL) {
        group = make(groups->arena, change);
        if (group == NULL)
            return STATUS_NOMEM;
        group->next = *bucket;
        *bucket = group;
        groups->count++;
    }
    group->count++;
    set_last(group, change->time);
    return STATUS_OK;
}

static int compare_users(const struct replay_user *a, const struct replay_user *b)
{
    int order = view_cmp(a->name, b->name);

    if (order == 0)
        order = view_cmp(a->domain, b->domain);
    return order != 0 ? order : view_cmp(a->id, b->id);
}

static int compare(const void *left, const void *right)
{
    const struct replay_group *a = *(const struct replay_group *const *)left;
    const struct replay_group *b = *(const struct replay_group *const *)right;
    int order = compare_users(&a->user, &b->user);

    if (order == 0)
        order = (int)a->kind - (int)b->kind;
    if (order == 0)
        order = view_cmp(a->policy, b->policy);
    if (order == 0)
        order = view_cmp(a->rule, b->rule);
    return order != 0 ? order : view_cmp(a->code, b->code);
}

const struct replay_group **replay_groups_sorted(const struct replay_groups *groups,
                                                 struct arena *arena)
{
    const struct replay_group **all = arena_array(arena, groups->count, sizeof(void *));
    size_t count = 0;

    if (all == NULL)
        return NULL;
    for (size_t i = 0; i < REPLAY_BUCKETS; i++) {
        for (const struct replay_group *group = groups->buckets[i]; group != NULL;
             group = group->next)
            all[count++] = group;
    }
    qsort(all, count, sizeof(void *), compare);
    return all;
}
