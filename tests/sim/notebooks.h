/* SPDX-License-Identifier: Apache-2.0
 * What the files of the notebooks family know of each other. */
#pragma once

#include "cloud.h"
#include "sim.h"

/* The flavor that an instance with a custom_spec reports. */
#define CUSTOM_FLAVOR "custom.flavor.spec.code"

/* Calls without an instance. */
void notebooks_create(struct call *call);
void notebooks_list(struct call *call);
void notebooks_flavors(struct call *call);
void notebooks_tags(struct call *call);

/* Calls on one. */
void notebooks_update(struct call *call, struct machine *machine);
void notebooks_flavors_of(struct call *call, struct machine *machine);
void notebooks_create_image(struct call *call, struct machine *machine);
void notebooks_tag(struct call *call, struct machine *machine);
void notebooks_untag(struct call *call, struct machine *machine);
void lease_get(struct call *call, struct machine *machine);
void lease_patch(struct call *call, struct machine *machine);
void mount_add(struct call *call, struct machine *machine);
void mount_list(struct call *call, struct machine *machine);
void mount_get(struct call *call, struct machine *machine);
void mount_remove(struct call *call, struct machine *machine);

/* Checks for rules: a volume, a way in, and the start scripts. */
struct verdict shape_volume(json_t *volume);
struct verdict shape_endpoint(json_t *endpoint);
struct verdict shape_hooks(json_t *hooks);
struct verdict shape_custom_spec(json_t *custom_spec);
/* A volume as the instance shows it: defaults and id filled in. New reference. */
json_t *shape_shown_volume(json_t *volume);
json_t *shape_shown_volumes(json_t *volumes);

/* What POST start asks for in its query, over what `asked` (may be NULL) has: an object with
 * `duration` and `type`, as far as given. New reference. */
json_t *lease_wish(const struct call *call, json_t *asked);
/* `duration` (ms, -1: never) and `type` of a wish; enums become upper case. */
struct verdict lease_check(json_t *wish);
/* The lease that begins now. A wish without duration is one hour. New reference. */
json_t *lease_new(const struct sim *sim, json_t *wish);
