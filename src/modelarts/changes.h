/* SPDX-License-Identifier: Apache-2.0
 * Changes as JSON, for the header Postern-Edits and for `explain`. The journal's `edits` has the
 * same members, but with the values' white space squeezed out. */
#pragma once

#include "json/write.h"
#include "modelarts/edit.h"

/* [{"op":..,"path":..,"old":..,"new":..,"policy":..},...]; old is left out where nothing was there.
 */
void modelarts_write_changes(struct jwriter *w, const struct change *changes, size_t count);
