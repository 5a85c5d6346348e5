/* SPDX-License-Identifier: Apache-2.0
 * One line of the journal (contract, design section 8): facts to text. Pure. The writer puts
 * {"v":1,"seq":N,"prev":"...", in front of what is formatted here. */
#pragma once

#include <stdint.h>

#include "base/buffer.h"
#include "base/reason.h"
#include "modelarts/edit.h"
#include "modelarts/request.h"
#include "policy/decision.h"
#include "policy/subject.h"

enum journal_event {
    JOURNAL_REFUSAL,
    JOURNAL_INTENT,
    JOURNAL_OUTCOME,
    JOURNAL_SETTLED,
    JOURNAL_POLICY,
    JOURNAL_START,
    JOURNAL_STOP,
    JOURNAL_CHECKPOINT,
    JOURNAL_SEAL,
    JOURNAL_ORPHAN,
    JOURNAL_ADMIN,
};
enum journal_outcome {
    OUTCOME_NONE,
    OUTCOME_CREATED,
    OUTCOME_DONE,
    OUTCOME_FAILED,
    OUTCOME_UNKNOWN,
    OUTCOME_REFUSED
};
const char *journal_event_name(enum journal_event event);
const char *journal_outcome_name(enum journal_outcome outcome);

enum {
    JOURNAL_CUT_BYTES = 128, /* request_id, error_code and upstream_request_id are cut here */
};

/* `would`, rendered. */
struct journal_would {
    enum verdict verdict;
    const struct reason *reasons;
    size_t reason_count;
    const struct change *changes;
    size_t change_count;
};

/* An instance as the cloud lists it: of orphan and settled lines. Absent texts have ptr NULL; a
 * pool of no bytes is no dedicated one. */
struct journal_instance {
    struct view id, name, flavor, workspace, pool;
};

/* A judged request itself (`journal.requests: full`). JSON texts: keep_document. */
struct journal_kept {
    struct view request, query, stored; /* the body, the query where it is read, the instance */
    const struct view *redacted;        /* pointers of what was taken out */
    size_t redacted_count;
};

/* Members in the order of the contract; absent views, NULL pointers, zero counts and -1 are left
 * out. */
struct journal_facts {
    int64_t time_us;
    enum journal_event event;
    struct view id;
    const struct operation *operation;
    struct view method, path, project;
    const struct subject *user;  /* written only as far as it is known */
    const char *credential_kind; /* NULL: no credential member */
    const char *credential_digest, *credential_verified;
    struct view client, request_id; /* request_id is cut and escaped here */
    const struct instance_request *instance;
    struct view instance_id, instance_name; /* of answers and paths, where `instance` has none */
    /* As the cloud tells it, for what `instance` doesn't name or where there is none; or NULL. */
    const struct journal_instance *listed;
    bool has_run;  /* run_s is what the request says as it is sent; else what `instance` says */
    int64_t run_s; /* until something stops the instance; -1: nothing does */
    bool has_decision;
    enum verdict decision;
    const struct journal_would *would;
    const struct view *policies;
    size_t policy_count;
    const struct view *exceptions;
    size_t exception_count;
    const struct reason *reasons;
    size_t reason_count;
    const struct change *changes;
    size_t change_count;
    struct view policy_set, request_sha256, reservation;
    enum journal_outcome outcome;
    int status; /* upstream's; 0 left out */
    struct view error_code, upstream_request_id;
    int64_t duration_us; /* -1 left out */
    struct view actor, error;
    int64_t count;          /* 0 left out */
    struct view durability; /* in start */
    /* Of intents and refusals, else NULL. With it `user` tells all that a judgement needs. A line
     * that would be too long for it goes without. */
    const struct journal_kept *kept;
    struct view head, key, signature; /* in seal */
};

/* The seconds that the request names as it is, or -1: off, without a duration, not named. */
int64_t journal_auto_stop_s(const struct instance_request *request);
/* What `instance.auto_stop_s` says, or -1: it is left out. */
int64_t journal_run_s(const struct journal_facts *facts);
/* `instance.id`, or ptr NULL. */
struct view journal_instance_id(const struct journal_facts *facts);
/* These members of `instance`; ptr NULL: left out. */
struct journal_instance journal_instance_of(const struct journal_facts *facts);
/* The flavor that the instance will show: with a custom_spec none that was named. */
struct view journal_flavor(const struct instance_request *request);
/* The words of `profile`: the profile, or the image where the family has images. */
struct view journal_profile(const struct instance_request *request);
/* False for a name of a later version; *ret is then untouched. */
MUST_CHECK bool journal_event_find(struct view name, enum journal_event *ret);
MUST_CHECK bool journal_outcome_find(struct view name, enum journal_outcome *ret);

/* Appends the members from "time" to the closing brace, without LF. Look at out->failed. */
void journal_format(const struct journal_facts *facts, struct buf *out);
