/* SPDX-License-Identifier: Apache-2.0
 * What the files that judge share: one judging, the hearing of one policy in it, and the table of
 * rules. */
#pragma once

#include "policy/load.h"
#include "policy/match.h"

/* auto_stop as received: every copy in one. */
struct stop_facts {
    bool missing; /* nothing stands in the right place */
    bool never;   /* missing, off, or without a duration, in any copy */
    bool has_any; /* a copy stops after a while: */
    int64_t shortest_ms, longest_ms;
    int64_t elapsed_ms; /* of a lease: what counts for `max` beside the duration; else 0 */
    /* Of an update, what would depend on what the cloud has stored: */
    bool open;    /* a copy leaves out for how long, or whether at all */
    bool partial; /* a copy has a duration, but not `enable` */
};

/* What a policy wants done to auto_stop; the larger one wins. */
enum stop_wish {
    STOP_AS_IS,
    STOP_COMPLETE, /* carry `enable` beside its duration */
    STOP_LIMIT     /* carry the default or the maximum */
};

struct judge {
    const struct policy_set *set;
    const struct instance_request *request;
    const struct subject *subject;
    int64_t now_us;
    struct arena *arena;
    bool no_memory; /* sticks */
    bool with_trace;
    struct trace_line *trace;
    size_t trace_count, trace_cap;
    struct stop_facts stop;
    const char *not_applied[GROUP_COUNT]; /* why the group doesn't judge the request, or NULL */
};

/* A body of thousands of bad volumes must not fill memory and journal with what is wrong with each.
 */
enum { REASONS_KEPT = 64 };

/* Reasons that grow in the arena, up to REASONS_KEPT; those behind are left out. */
struct reasons {
    struct reason *items;
    size_t count, cap;
};

/* One policy is heard under one exception or none. */
struct hearing {
    struct judge *judge;
    const struct policy *policy;
    const struct exception *exception; /* NULL: none */
    bool quiet;                        /* only count */
    bool stored;                       /* what is judged can't be changed by this request */
    enum stop_wish stop_wish;
    size_t refusals, rewrites;
    struct reasons reasons;
    const struct quota **asked; /* that must have room for the request; none while quiet */
    size_t asked_count, asked_cap;
};

/* Where a finding comes from. */
struct finding {
    enum policy_reason code;
    const char *rule; /* "flavors.allow" */
    struct loc at;
};

struct rule {
    const char *name; /* the policy's key, and the word for `lift` */
    /* Whether the group stands in this policy. */
    bool (*load)(struct loader *ld, const struct doc_policy *doc, struct policy *policy);
    void (*judge)(struct hearing *h);
};

extern const struct rule rules[GROUP_COUNT];
/* Why the group does not judge this request, a sentence's end, or NULL: it does. Without rules for
 * the operation no group does. Source: contract, "Which rule judges what". */
const char *rule_why_not(enum group group, const struct instance_request *request);
/* Whether there are requests of the operation that the group judges. */
bool rule_may_apply(enum group group, const struct operation *op);

/* rule_*.c */
bool load_flavors(struct loader *ld, const struct doc_policy *doc, struct policy *policy);
bool load_profiles(struct loader *ld, const struct doc_policy *doc, struct policy *policy);
bool load_images(struct loader *ld, const struct doc_policy *doc, struct policy *policy);
bool load_workspaces(struct loader *ld, const struct doc_policy *doc, struct policy *policy);
bool load_pools(struct loader *ld, const struct doc_policy *doc, struct policy *policy);
bool load_name(struct loader *ld, const struct doc_policy *doc, struct policy *policy);
bool load_storage(struct loader *ld, const struct doc_policy *doc, struct policy *policy);
bool load_auto_stop(struct loader *ld, const struct doc_policy *doc, struct policy *policy);
bool load_annotations(struct loader *ld, const struct doc_policy *doc, struct policy *policy);
bool load_custom_spec(struct loader *ld, const struct doc_policy *doc, struct policy *policy);
bool load_hooks(struct loader *ld, const struct doc_policy *doc, struct policy *policy);
bool load_access_ips(struct loader *ld, const struct doc_policy *doc, struct policy *policy);
bool load_quotas(struct loader *ld, const struct doc_policy *doc, struct policy *policy);
void judge_flavors(struct hearing *h);
void judge_profiles(struct hearing *h);
void judge_images(struct hearing *h);
void judge_workspaces(struct hearing *h);
void judge_pools(struct hearing *h);
void judge_name(struct hearing *h);
void judge_storage(struct hearing *h);
void judge_auto_stop(struct hearing *h);
void judge_annotations(struct hearing *h);
void judge_custom_spec(struct hearing *h);
void judge_hooks(struct hearing *h);
void judge_access_ips(struct hearing *h);
/* The line of trace for a quota that must have room: what the request would take of it as it would
 * be sent after the edits. */
void trace_demand(struct judge *j, const struct judgement *judgement,
                  const struct quota_demand *demand);
/* Refuses nothing: which quotas have room is known to who counts. */
void judge_quotas(struct hearing *h);

/* Grows an array in the arena so that one more fits; NULL (and no_memory) when it can't. */
void *judge_grow(struct judge *j, void *items, size_t count, size_t *cap, size_t size);
/* A reason of the policy; adds a line of trace. */
void hearing_refuse(struct hearing *h, const struct finding *f, const char *fmt, ...)
    PRINTF_LIKE(3, 4);
/* The policy wants an edit, or has nothing to say against. */
void hearing_rewrite(struct hearing *h, const struct finding *f, const char *fmt, ...)
    PRINTF_LIKE(3, 4);
void hearing_accept(struct hearing *h, const char *rule, struct loc at, const char *text);
void hearing_skip(struct hearing *h, const char *rule, struct loc at, const char *text);
/* Adds a reason; message borrowed. */
void reasons_add(struct judge *j, struct reasons *reasons, const struct reason *reason);
void judge_trace(struct judge *j, const struct trace_line *line);

/* One value against the policy's allow-list and what the exception adds. */
bool hearing_allows(struct hearing *h, enum list_id list, struct view value);
bool hearing_has(struct hearing *h, const struct values *values, struct view value);

/* Caller's text for a message: control and invisible characters replaced, cut. Never NULL. */
const char *judge_say(struct judge *j, struct view text);
/* "a, b and 3 more" */
const char *judge_list(struct judge *j, const struct values *values);
/* "90m" */
const char *judge_time(struct judge *j, int64_t ms);
/* The same of a limit. */
const char *judge_limit(struct judge *j, const struct limit *limit);

/* Whether the annotation has that value wherever it stands. */
bool annotation_stands(const struct instance_request *request, const struct annotation *wanted);

/* Policies that are heard together: what they add up to. */
struct stop_merged {
    const struct policy *preset, *min, *max; /* whose is in force; NULL: nobody's */
};
void stop_merge(struct stop_merged *merged, const struct policy *policy);
int64_t limit_ms(const struct limit *limit);
/* a + b, or INT64_MAX: times that are longer than can be told. */
int64_t stop_total_ms(int64_t a_ms, int64_t b_ms);
void stop_read(const struct instance_request *request, struct stop_facts *ret);
