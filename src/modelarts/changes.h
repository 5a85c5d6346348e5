/* SPDX-License-Identifier: Apache-2.0
 * Changes as JSON, one line: for the journal, the header Postern-Edits and `explain`. */
#pragma once

#include "json/write.h"
#include "modelarts/edit.h"

/* [{"op":..,"path":..,"old":..,"new":..,"policy":..},...]; old is left out where nothing was there.
 */
void modelarts_write_changes(struct jwriter *w, const struct change *changes, size_t count);
