/* SPDX-License-Identifier: Apache-2.0 */
#include "proof/faults.h"

#include <stdarg.h>
#include <stdio.h>

static void set_text(struct fault *fault, const char *fmt, va_list args) PRINTF_LIKE(2, 0);

static const char *const fault_words[FAULT_KINDS] = {
#define FAULT(id, word, meaning) [FAULT_##id] = (word),
#include "proof/faults.def"
#undef FAULT
};

const char *fault_word(enum fault_kind kind)
{
    return fault_words[kind];
}

void fault_printable(char *text)
{
    for (; *text != '\0'; text++) {
        if (*text < ' ' || *text > '~')
            *text = '?';
    }
}

static void set_text(struct fault *fault, const char *fmt, va_list args)
{
    (void)vsnprintf(fault->text, sizeof fault->text, fmt, args);
    fault_printable(fault->text);
}

int verify_fault(struct fault_list *faults, enum fault_kind kind, struct fault_place at,
                 const char *fmt, ...)
{
    struct fault *fault = &faults->list[faults->count];
    va_list args;

    if (faults->count == FAULTS_MAX) {
        faults->more++;
        return -1;
    }
    fault->kind = kind;
    fault->at = at;
    va_start(args, fmt);
    set_text(fault, fmt, args);
    va_end(args);
    return (int)faults->count++;
}

void verify_amend(struct fault_list *faults, int number, enum fault_kind kind,
                  struct fault_place at, const char *fmt, ...)
{
    va_list args;

    if (number < 0)
        return;
    faults->list[number].kind = kind;
    faults->list[number].at = at;
    va_start(args, fmt);
    set_text(&faults->list[number], fmt, args);
    va_end(args);
}

int verify_find(const struct fault_list *faults, enum fault_kind kind, uint64_t seq)
{
    for (unsigned i = 0; i < faults->count; i++) {
        if (faults->list[i].kind == kind && faults->list[i].at.seq == seq)
            return (int)i;
    }
    return -1;
}
