/* SPDX-License-Identifier: Apache-2.0
 * The tables of operations and reasons, and the words for their columns. */
#include "modelarts/operation.h"

const struct operation operations[OP_COUNT] = {
#define OPERATION(id, name, class, family, method, path) \
    [OP_##id] = {OP_##id, name, class, family, method, path},
#include "modelarts/operations.def"
#undef OPERATION
};

const struct reason_row modelarts_reasons[MODELARTS_REASON_COUNT] = {
#define REASON(id, code, status, help) [MODELARTS_##id] = {code, status, help},
#include "modelarts/reasons.def"
#undef REASON
};

const char *op_class_name(enum op_class class)
{
    static const char *const names[] = {
        [CLASS_CREATE] = "create", [CLASS_CHANGE] = "change",   [CLASS_START] = "start",
        [CLASS_MOUNT] = "mount",   [CLASS_RELEASE] = "release", [CLASS_READ] = "read",
        [CLASS_OTHER] = "other",
    };

    return names[class];
}

const char *family_name(enum family family)
{
    static const char *const names[] = {
        [FAMILY_NONE] = "",
        [FAMILY_DEMANAGER] = "demanager",
        [FAMILY_NOTEBOOKS] = "notebooks",
    };

    return names[family];
}

bool operation_is_judged(const struct operation *op)
{
    return op->class == CLASS_CREATE || op->class == CLASS_CHANGE || op->class == CLASS_START ||
           op->class == CLASS_MOUNT;
}

const struct operation *operation_find(struct view name)
{
    for (size_t i = 0; i < OP_COUNT; i++) {
        if (view_eq(view_str(operations[i].name), name))
            return &operations[i];
    }
    return NULL;
}
