/* SPDX-License-Identifier: Apache-2.0
 * What lists have in common: how far they lag behind, their order, and the workspaces. */
#pragma once

#include <stdbool.h>

#include "cloud.h"
#include "machine.h"

/* Whether lists don't show it yet. */
bool lists_hide(const struct sim *sim, const struct machine *machine);
/* Whether it is the caller's own. */
bool lists_own(const struct call *call, const struct machine *machine);
/* The machines that `shown` lets through, sorted; free it. by_name: else by when they were made. */
struct machine **lists_sorted(const struct call *call,
                              bool (*shown)(const struct call *call, const struct machine *machine),
                              bool by_name, bool falling, size_t *ret_count);
/* GET /v1/{project}/workspaces: "0", those that the control API named, and those of instances. */
void lists_workspaces(struct call *call);
