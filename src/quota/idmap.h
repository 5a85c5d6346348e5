/* SPDX-License-Identifier: Apache-2.0
 * From ids to pointers. Pure. */
#pragma once

#include "base/attr.h"
#include "base/view.h"

struct idmap;

MUST_CHECK struct idmap *idmap_new(void); /* NULL when memory is out */
/* drop (may be NULL) gets each value that isn't NULL. */
void idmap_free(struct idmap **map, void (*drop)(void *value));
/* The value's place; a new id (copied) begins with NULL. NULL when memory is out. */
MUST_CHECK void **idmap_slot(struct idmap *map, struct view id);
/* NULL: no such id. */
void *idmap_get(const struct idmap *map, struct view id);
/* Removes the id; the value it had, or NULL. */
void *idmap_take(struct idmap *map, struct view id);
