/* SPDX-License-Identifier: Apache-2.0
 * The body of POST {instance}/action, whose verb picks the operation. Verbs: start and stop are
 * documented today, restart, queue and dequeue were in 2021. */
#include "base/attr.h"
#include "modelarts/body.h"
#include "modelarts/faults.h"

static const struct {
    struct view verb;
    enum operation_id op;
} verbs[] = {
    {{"start", 5}, OP_DEMANAGER_START},     {{"restart", 7}, OP_DEMANAGER_START},
    {{"queue", 5}, OP_DEMANAGER_START},     {{"stop", 4}, OP_DEMANAGER_STOP},
    {{"dequeue", 7}, OP_DEMANAGER_DEQUEUE},
};

static const struct operation *find_verb(struct view text)
{
    for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
        if (view_eq(verbs[i].verb, text))
            return &operations[verbs[i].op];
    }
    return NULL;
}

/* Nothing but "action" may stand in the body, whatever `requests.unknown_fields` says. */
static void check_members(const struct jdoc *doc, jref verb, struct faults *faults)
{
    JDOC_EACH(doc, 0, child)
    {
        if (child != verb)
            faults_add(faults, MODELARTS_BODY_UNKNOWN_FIELD, child,
                       "isn't a field of an action; only \"action\" is");
    }
}

enum status modelarts_read_action(const struct jdoc *doc, struct arena *arena,
                                  const struct operation **ret, struct body_faults *body_faults)
{
    struct faults faults = faults_of_body(doc, arena, body_faults);
    const struct operation *op = NULL;
    struct view text;
    jref verb = jdoc_member(doc, 0, VIEW("action"));

    if (jdoc_kind(doc, 0) != JKIND_OBJECT) {
        faults_add(&faults, MODELARTS_BODY_TYPE, 0, "needs to be an object (ModelArts.6332)");
        return STATUS_INVALID;
    }
    check_members(doc, verb, &faults);
    if (verb == JREF_NONE || jdoc_kind(doc, verb) == JKIND_NULL) {
        faults_add(&faults, MODELARTS_BODY_MISSING, 0,
                   "needs \"action\", a string (ModelArts.6335)");
    } else if (jdoc_kind(doc, verb) != JKIND_STRING) {
        faults_add(&faults, MODELARTS_BODY_TYPE, verb, "needs to be a string (ModelArts.6332)");
    } else {
        text = jdoc_text(doc, verb, arena);
        if (text.ptr == NULL)
            return STATUS_NOMEM;
        op = find_verb(text);
        if (op == NULL)
            faults_add(&faults, MODELARTS_ACTION_UNKNOWN, verb,
                       "needs to be start, stop, restart, queue or dequeue");
    }
    if (faults_any(&faults))
        return STATUS_INVALID;
    *ret = op;
    return STATUS_OK;
}
