/* SPDX-License-Identifier: Apache-2.0
 * Files to documents: the shape of what is written, by the rows of doc.h. */
#include "policy/drafts.h"

/* A key without a value would silently widen a policy: `users:` would match everybody. An empty
 * group would do nothing. match: {} is everybody, said on purpose. */
void load_check_filled(struct loader *ld, const struct ynode *mapping)
{
    for (const struct ynode *child = mapping->child; child != NULL; child = child->next) {
        char quoted[DIAG_QUOTED_BYTES];

        if (child->kind == YNODE_MAPPING && child->count > 0)
            load_check_filled(ld, child);
        if (ynode_is_null(child))
            diag_fault(ld->diag, child->key_loc, "%s has no value; give it one or leave it out",
                       diag_quoted(child->key, quoted));
        else if (child->kind == YNODE_MAPPING && child->count == 0 &&
                 !view_eq(child->key, VIEW("match")))
            diag_fault(ld->diag, child->key_loc, "%s is empty; give it a key or leave it out",
                       diag_quoted(child->key, quoted));
    }
}

/* `name` is two keys: as text it names the policy, as a mapping it is a rule. Takes the rule out of
 * the mapping, so that the rows see each key once. */
static const struct ynode *take_name_rule(struct loader *ld, const struct ynode *policy,
                                          struct ynode *ret_rest)
{
    const struct ynode *rule = NULL;
    struct ynode *last = NULL;

    *ret_rest = *policy;
    ret_rest->child = NULL;
    for (const struct ynode *child = policy->child; child != NULL; child = child->next) {
        struct ynode *copy;

        if (view_eq(child->key, VIEW("name")) && child->kind == YNODE_MAPPING) {
            rule = child;
            continue;
        }
        copy = ARENA_NEW(ld->scratch, struct ynode);
        if (copy == NULL) {
            ld->no_memory = true;
            return NULL;
        }
        *copy = *child;
        copy->next = NULL;
        *(last == NULL ? &ret_rest->child : &last->next) = copy;
        last = copy;
    }
    return rule;
}

static void draft_policy(struct loader *ld, const struct ynode *node, struct doc_policy *ret)
{
    const struct ynode *rule;
    struct ynode rest;

    if (node->kind != YNODE_MAPPING) {
        yschema_read(node, node->loc, doc_policy_fields, ret, ld->scratch, ld->diag);
        return;
    }
    load_check_filled(ld, node);
    rule = take_name_rule(ld, node, &rest);
    ret->self.at = node->loc;
    yschema_read(&rest, node->loc, doc_policy_fields, ret, ld->scratch, ld->diag);
    if (rule != NULL) {
        ret->pattern.self.set = true;
        ret->pattern.self.at = rule->loc;
        yschema_read(rule, rule->loc, doc_name_fields, &ret->pattern, ld->scratch, ld->diag);
    }
}

static void draft_exception(struct loader *ld, const struct ynode *node, struct doc_exception *ret)
{
    if (node->kind == YNODE_MAPPING)
        load_check_filled(ld, node);
    ret->self.at = node->loc;
    yschema_read(node, node->loc, doc_exception_fields, ret, ld->scratch, ld->diag);
}

/* The items of a list, or NULL (and a fault if it is something else). */
static const struct ynode *items_of(struct loader *ld, const struct ynode *node, const char *what)
{
    if (node == NULL || ynode_is_null(node))
        return NULL;
    if (node->kind == YNODE_SEQUENCE)
        return node->child;
    diag_fault(ld->diag, node->loc, "%s: expected a list, found %s", what, ynode_kind_name(node));
    return NULL;
}

static size_t count_items(const struct ynode *node)
{
    return node != NULL && node->kind == YNODE_SEQUENCE ? node->count : 0;
}

/* Room for more drafts behind those that are there. */
static void *widen(struct loader *ld, void *old, size_t count, size_t more, size_t size)
{
    void *wide = arena_array(ld->scratch, count + more, size);

    if (wide == NULL)
        ld->no_memory = true;
    else if (count > 0)
        memcpy(wide, old, count * size);
    return wide;
}

void drafts_add(struct loader *ld, const struct doc_file *file, struct drafts *drafts)
{
    const struct ynode *policy = items_of(ld, file->policies, "policies");
    const struct ynode *exception = items_of(ld, file->exceptions, "exceptions");

    drafts->policies = widen(ld, drafts->policies, drafts->policy_count,
                             count_items(file->policies), sizeof *drafts->policies);
    drafts->exceptions = widen(ld, drafts->exceptions, drafts->exception_count,
                               count_items(file->exceptions), sizeof *drafts->exceptions);
    if (drafts->policies == NULL || drafts->exceptions == NULL)
        return;
    for (; policy != NULL; policy = policy->next)
        draft_policy(ld, policy, &drafts->policies[drafts->policy_count++]);
    for (; exception != NULL; exception = exception->next)
        draft_exception(ld, exception, &drafts->exceptions[drafts->exception_count++]);
}

bool drafts_read(struct loader *ld, const struct policy_file *file, struct doc_file *ret)
{
    const struct ydoc_limits limits = {.twice = "name"};
    const struct ynode *root = NULL;

    if (!ydoc_read(file->name, file->bytes, &limits, ld->scratch, ld->diag, &root))
        return false;
    yschema_read(root, (struct loc){file->name, 1, 1}, doc_file_fields, ret, ld->scratch, ld->diag);
    return true;
}
