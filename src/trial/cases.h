/* SPDX-License-Identifier: Apache-2.0
 * Files of cases (NAME.test.yaml): requests, and what the policies are expected to make of them.
 * docs/trying-policies.md is their manual. Pure: no files, no clock. */
#pragma once

#include "modelarts/operation.h"
#include "policy/decision.h"
#include "policy/subject.h"
#include "yaml/diag.h"

enum { CASES_DEPTH_MAX = 96 /* of a file: a body at its own limit, and what stands around it */ };

/* Of the reasons of a judgement: each code as often as it comes, in any order. */
struct case_codes {
    bool set;
    const struct view *items;
    size_t count;
};

struct case_edit {
    enum edit_op op;
    struct view path;
    struct view new_json;
    struct view old_json, policy; /* ptr NULL: not compared */
};

struct case_edits {
    bool set;
    const struct case_edit *items;
    size_t count;
};

/* What is not set is not compared. */
struct case_expectation {
    enum verdict verdict;
    struct case_codes reasons;
    struct case_edits edits;
    struct view body; /* JSON that reads; ptr NULL: not compared */
    bool has_would;
    enum verdict would;
    struct case_codes would_reasons;
    bool has_warn, warn;
};

struct policy_case {
    struct loc at; /* of its name */
    struct view name;
    struct subject subject;
    const struct operation *op; /* a judged one */
    struct view project, query; /* query ptr NULL: none */
    struct view request;        /* the body as it is received; empty: none */
    const char *request_file;   /* or where it is to be read from, relative to the case's file */
    struct loc request_at;      /* of that name */
    struct view instance;       /* the cloud's answer to a GET of it; ptr NULL: none */
    bool has_time;
    int64_t at_us; /* when it is judged; without has_time: whenever it is */
    struct case_expectation expect;
};

struct cases {
    struct policy_case *items; /* in the order of the file; names are unique in it */
    size_t count;              /* at least 1 */
};

/* Reads a whole file of at most 1 MiB. file: its name for places, kept by reference; so is bytes.
 * False: diag says what is wrong, with its place, up to DIAG_MAX faults. */
MUST_CHECK bool cases_read(const char *file, struct view bytes, struct arena *arena,
                           struct diag *diag, struct cases *ret);
