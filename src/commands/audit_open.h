/* SPDX-License-Identifier: Apache-2.0
 * What exists by the journal now. */
#pragma once

#include "audit/existing.h"
#include "commands/audit_ask.h"
