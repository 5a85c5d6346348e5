/* SPDX-License-Identifier: Apache-2.0
 * Ids are random or made by the gateway: nobody outside picks them. */
#include "quota/idmap.h"

#include <stdlib.h>

#include "quota/table.h"

struct node {
    struct hook hook;
    void *value;
    size_t len;
    char id[];
};

struct idmap {
    struct table table;
};

struct idmap *idmap_new(void)
{
    struct idmap *map = calloc(1, sizeof *map);

    if (map != NULL && !table_init(&map->table)) {
        free(map);
        map = NULL;
    }
    return map;
}

void idmap_free(struct idmap **map, void (*drop)(void *value))
{
    struct idmap *gone = *map;

    if (gone == NULL)
        return;
    for (size_t i = 0; i < gone->table.size; i++) {
        struct hook *next;

        for (struct hook *hook = gone->table.buckets[i]; hook != NULL; hook = next) {
            struct node *node = OWNER_OF(hook, struct node, hook);

            next = hook->next;
            if (drop != NULL && node->value != NULL)
                drop(node->value);
            free(node);
        }
    }
    table_done(&gone->table);
    free(gone);
    *map = NULL;
}

static struct node *find(const struct idmap *map, struct view id)
{
    struct hook *hook = table_first(&map->table, hash_add(HASH_START, id));

    for (; hook != NULL; hook = table_next(hook)) {
        struct node *node = OWNER_OF(hook, struct node, hook);

        if (view_eq(view_of(node->id, node->len), id))
            return node;
    }
    return NULL;
}

void **idmap_slot(struct idmap *map, struct view id)
{
    struct node *node = find(map, id);

    if (node != NULL)
        return &node->value;
    node = calloc(1, sizeof *node + id.len);
    if (node == NULL)
        return NULL;
    node->len = id.len;
    if (id.len > 0)
        memcpy(node->id, id.ptr, id.len);
    table_add(&map->table, &node->hook, hash_add(HASH_START, id));
    return &node->value;
}

void *idmap_get(const struct idmap *map, struct view id)
{
    const struct node *node = find(map, id);

    return node == NULL ? NULL : node->value;
}

void *idmap_take(struct idmap *map, struct view id)
{
    struct node *node = find(map, id);
    void *value;

    if (node == NULL)
        return NULL;
    value = node->value;
    table_remove(&map->table, &node->hook);
    free(node);
    return value;
}
