/* SPDX-License-Identifier: Apache-2.0
 * Policies: a loaded set, immutable and shared by reference count, and the one call that judges.
 * The language is the contract of design section 6; docs/policies.md is its manual. Pure: no files,
 * no clock, no log; knows no JSON and no HTTP. Matching is linear in the request whatever the
 * number of values. */
#pragma once

#include "base/arena.h"
#include "base/buffer.h"
#include "modelarts/request.h"
#include "policy/decision.h"
#include "policy/subject.h"
#include "yaml/diag.h"

enum policy_reason {
#define REASON(id, code, status, help) POLICY_##id,
#include "policy/reasons.def"
#undef REASON
    POLICY_REASON_COUNT,
};
extern const struct reason_row policy_reasons[POLICY_REASON_COUNT];

struct policy_file {
    const char *name; /* relative to the policy folder; the set sorts by it */
    struct view bytes;
};

struct policy_options {
    bool no_identity; /* `verify: off`: what needs a user, domain, role or group does not load */
    int64_t now_us;   /* for the warning about expired exceptions */
    size_t max_bytes; /* of memory while loading and after; 0 means 256 MiB */
};

struct policy_set;

/* All or nothing: STATUS_INVALID when diag holds a fault, STATUS_NOMEM. Warnings alone load. The
 * set has one reference, the caller's; it keeps copies of all it needs. */
MUST_CHECK enum status policy_set_load(const struct policy_file *files, size_t count,
                                       const struct policy_options *options, struct diag *diag,
                                       struct policy_set **ret);
struct policy_set *policy_set_ref(struct policy_set *set); /* thread-safe */
void policy_set_unref(struct policy_set **set);            /* thread-safe, NULL-safe */
/* SHA-256 over names and bytes in name order, 64 hex digits and a NUL: for each file its name, a
 * NUL, the number of its bytes in decimal, a NUL, its bytes. */
const char *policy_set_digest(const struct policy_set *set);
/* The same of files in name order that needn't load, 65 bytes. False: memory is out. */
MUST_CHECK bool policy_files_digest(const struct policy_file *files, size_t count, char ret[]);
size_t policy_set_policies(const struct policy_set *set);
size_t policy_set_exceptions(const struct policy_set *set);

/* Judges one request. Never blocks. A refusal is a decision, not an error; a bad status means that
 * no decision could be made (memory), and then the caller must refuse. The decision lives in the
 * arena and borrows from set and request. with_trace: fill decision.trace. */
MUST_CHECK enum status policy_judge(const struct policy_set *set,
                                    const struct instance_request *request,
                                    const struct subject *subject, int64_t now_us, bool with_trace,
                                    struct arena *arena, const struct decision **ret);
