/* SPDX-License-Identifier: Apache-2.0
 * What `check` says of the sinks without starting them. */
#pragma once

#include "conf/conf.h"

/* Reads the files that the sinks name; faults go to diag with the sink's place in the settings.
 * False if there is one. Nothing is kept. */
MUST_CHECK bool check_sinks(const struct conf *conf, struct diag *diag);
