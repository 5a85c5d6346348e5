/* SPDX-License-Identifier: Apache-2.0
 * Reading whole files and the policy folder, with caps. */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "policy/policy.h"

/* The whole regular file, at most max bytes; err names path and reason. */
MUST_CHECK enum status file_read(const char *path, size_t max, struct arena *arena,
                                 struct view *ret, struct err *err);
/* All *.yaml of the folder in name order (bytes), except *.test.yaml; names relative to it, hidden
 * files passed over. STATUS_INVALID when there is none. At most 1 MiB a file, 1,000 files. */
MUST_CHECK enum status file_read_policies(const char *folder, struct arena *arena,
                                          struct policy_file **ret, size_t *ret_count,
                                          struct err *err);
/* The same for the *.test.yaml of the folder, which are cases for tests of policies; there may be
 * none. */
MUST_CHECK enum status file_read_cases(const char *folder, struct arena *arena,
                                       struct policy_file **ret, size_t *ret_count,
                                       struct err *err);
/* Whether file_read_policies would find any name there. STATUS_IO: no such folder. */
MUST_CHECK enum status file_has_policies(const char *folder, bool *ret, struct err *err);
