/* SPDX-License-Identifier: Apache-2.0
 * The steps of an exchange, from steps.def. */
#pragma once

enum step {
#define STEP(id, name, function, waits) STEP_##id,
#include "gateway/steps.def"
#undef STEP
    STEP_COUNT,
};

const char *step_name(enum step step);
