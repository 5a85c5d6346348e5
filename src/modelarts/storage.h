/* SPDX-License-Identifier: Apache-2.0
 * What follows from the fields of one storage. */
#pragma once

#include "modelarts/request.h"

/* The API's default size, and the path as what it is: a place in OBS or a file share. stored: as an
 * answer tells of it. */
void storage_finish(struct storage_request *storage, enum family family, bool stored);
