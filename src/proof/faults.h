/* SPDX-License-Identifier: Apache-2.0
 * Faults of a journal, as verification finds them. Pure. */
#pragma once

#include <stdint.h>

#include "base/attr.h"

enum fault_kind {
#define FAULT(id, word, meaning) FAULT_##id,
#include "proof/faults.def"
#undef FAULT
    FAULT_KINDS
};
/* "changed" */
const char *fault_word(enum fault_kind kind);
/* Puts '?' for all but printable ASCII: parts of lines stand in such a text, and somebody may have
 * chosen them for a terminal. */
void fault_printable(char *text);

enum { FAULTS_MAX = 20, FAULT_TEXT_BYTES = 240 };

/* A line, and where it stands. */
struct fault_place {
    uint64_t segment; /* the seq that it is named after; 0: none, the fault is the witness's */
    uint64_t line;    /* from 1 */
    uint64_t seq;     /* that the line has, or should have */
};

struct fault {
    enum fault_kind kind;
    struct fault_place at;
    char text[FAULT_TEXT_BYTES]; /* one sentence without its stop */
};

struct fault_list {
    struct fault list[FAULTS_MAX];
    unsigned count;
    uint64_t more; /* that the list had no room for */
};

/* Gives its number, or -1 where the list is full. */
int verify_fault(struct fault_list *faults, enum fault_kind kind, struct fault_place at,
                 const char *fmt, ...) PRINTF_LIKE(4, 5);
/* Says of an earlier one what it turned out to be; nothing for number -1. */
void verify_amend(struct fault_list *faults, int number, enum fault_kind kind,
                  struct fault_place at, const char *fmt, ...) PRINTF_LIKE(5, 6);
/* The number of the fault of that kind whose line has that seq, or -1. */
int verify_find(const struct fault_list *faults, enum fault_kind kind, uint64_t seq);
