/* SPDX-License-Identifier: Apache-2.0
 * From YAML to cases: rows for the shape, then what the values mean. */
#include "trial/cases.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/nearest.h"
#include "json/doc.h"
#include "judging/judging.h"
#include "modelarts/body.h"
#include "trial/yaml_json.h"
#include "yaml/schema.h"

enum { NAME_MAX_BYTES = 256, TEXT_MAX_BYTES = 1024, JSON_MAX_BYTES = 4 << 20 };

struct doc_subject {
    struct yobject self;
    struct ytext user, user_id, domain, project, project_name;
    struct ytexts roles, groups;
};

struct doc_would {
    struct yobject self;
    struct ynumber verdict;
    struct ytexts reasons;
};

struct doc_expect {
    struct yobject self;
    struct ynumber verdict, warn;
    struct ytexts reasons;
    const struct ynode *edits, *body;
    struct doc_would would;
};

struct doc_case {
    struct ytext name, operation, project, at, query, request_file;
    const struct ynode *request, *instance;
    struct doc_subject subject;
    struct doc_expect expect;
};

struct doc_edit {
    struct ynumber op;
    struct ytext path, policy;
    const struct ynode *new_value, *old_value;
};

struct doc_file {
    struct ynumber version;
    const struct ynode *cases;
};

#define ROW(type, name, what)                                        \
    {                                                                \
        .key = #name, .kind = (what), .offset = offsetof(type, name) \
    }
#define NEEDED(type, name, what)                                                       \
    {                                                                                  \
        .key = #name, .kind = (what), .offset = offsetof(type, name), .required = true \
    }
#define TEXT(type, name)                                                                         \
    {                                                                                            \
        .key = #name, .kind = YFIELD_TEXT, .offset = offsetof(type, name), .max = TEXT_MAX_BYTES \
    }
#define VERDICT(type)                                                             \
    {                                                                             \
        .key = "verdict", .kind = YFIELD_ENUM, .offset = offsetof(type, verdict), \
        .required = true, .names = verdicts                                       \
    }
#define OBJECT(type, name, rows)                                                              \
    {                                                                                         \
        .key = #name, .kind = YFIELD_OBJECT, .offset = offsetof(type, name), .fields = (rows) \
    }
#define END         \
    {               \
        .key = NULL \
    }

/* By enum verdict and enum edit_op; a test holds them to the names that are printed. */
static const char *const verdicts[] = {"allow", "rewrite", "refuse", NULL};
static const char *const ops[] = {"set", "default", "cap", NULL};

static const struct yfield subject_fields[] = {
    TEXT(struct doc_subject, user),
    TEXT(struct doc_subject, user_id),
    TEXT(struct doc_subject, domain),
    TEXT(struct doc_subject, project),
    TEXT(struct doc_subject, project_name),
    ROW(struct doc_subject, roles, YFIELD_TEXTS),
    ROW(struct doc_subject, groups, YFIELD_TEXTS),
    END,
};

static const struct yfield would_fields[] = {
    VERDICT(struct doc_would),
    ROW(struct doc_would, reasons, YFIELD_TEXTS),
    END,
};

static const struct yfield expect_fields[] = {
    VERDICT(struct doc_expect),
    ROW(struct doc_expect, reasons, YFIELD_TEXTS),
    ROW(struct doc_expect, edits, YFIELD_NODE),
    ROW(struct doc_expect, body, YFIELD_NODE),
    OBJECT(struct doc_expect, would, would_fields),
    ROW(struct doc_expect, warn, YFIELD_BOOL),
    END,
};

static const struct yfield case_fields[] = {
    {.key = "name",
     .kind = YFIELD_TEXT,
     .required = true,
     .offset = offsetof(struct doc_case, name),
     .min = 1,
     .max = NAME_MAX_BYTES},
    OBJECT(struct doc_case, subject, subject_fields),
    TEXT(struct doc_case, operation),
    {.key = "project",
     .kind = YFIELD_TEXT,
     .required = true,
     .offset = offsetof(struct doc_case, project),
     .min = 1,
     .max = TEXT_MAX_BYTES},
    TEXT(struct doc_case, at),
    ROW(struct doc_case, instance, YFIELD_NODE),
    ROW(struct doc_case, query, YFIELD_TEXT),
    ROW(struct doc_case, request, YFIELD_NODE),
    TEXT(struct doc_case, request_file),
    {.key = "expect",
     .kind = YFIELD_OBJECT,
     .required = true,
     .offset = offsetof(struct doc_case, expect),
     .fields = expect_fields},
    END,
};

static const struct yfield edit_fields[] = {
    {.key = "op",
     .kind = YFIELD_ENUM,
     .required = true,
     .offset = offsetof(struct doc_edit, op),
     .names = ops},
    NEEDED(struct doc_edit, path, YFIELD_TEXT),
    {.key = "new",
     .kind = YFIELD_NODE,
     .required = true,
     .offset = offsetof(struct doc_edit, new_value)},
    {.key = "old", .kind = YFIELD_NODE, .offset = offsetof(struct doc_edit, old_value)},
    ROW(struct doc_edit, policy, YFIELD_TEXT),
    END,
};

static const struct yfield file_fields[] = {
    NEEDED(struct doc_file, version, YFIELD_INT),
    NEEDED(struct doc_file, cases, YFIELD_NODE),
    END,
};

struct reading {
    struct arena *arena;
    struct diag *diag;
    const char **codes; /* of all rooms that refuse here; NULL-terminated */
};

static void no_memory(const struct reading *r, struct loc at)
{
    diag_fault(r->diag, at, "no memory left for this file");
}

static void *new_array(const struct reading *r, size_t count, size_t size, struct loc at)
{
    void *array = arena_array(r->arena, count, size);

    if (array == NULL)
        no_memory(r, at);
    return array;
}

/* A key with nothing behind it would be read as left out, and then nothing were compared. */
static void check_filled(const struct reading *r, const struct ynode *mapping)
{
    const struct ynode *child = mapping == NULL ? NULL : mapping->child;

    for (; child != NULL && mapping->kind == YNODE_MAPPING; child = child->next) {
        char quoted[DIAG_QUOTED_BYTES];

        if (ynode_is_null(child))
            diag_fault(r->diag, child->key_loc, "%s has no value; give it one or leave it out",
                       diag_quoted(child->key, quoted));
    }
}

static const char *hint(const struct reading *r, struct view word, const char *const *names)
{
    const char *near = nearest_name(word, names);
    struct view text =
        near == NULL ? VIEW_NONE : arena_printf(r->arena, "; did you mean \"%s\"?", near);

    return text.ptr == NULL ? "" : text.ptr;
}

static const char **all_codes(struct arena *arena)
{
    static const struct {
        const struct reason_row *rows;
        size_t count;
    } tables[] = {
        {policy_reasons, POLICY_REASON_COUNT},
        {modelarts_reasons, MODELARTS_REASON_COUNT},
        {json_reasons, JREASON_COUNT},
        {judging_reasons, JUDGING_REASON_COUNT},
    };
    size_t count = 0;
    const char **codes;

    for (size_t i = 0; i < ARRAY_LEN(tables); i++)
        count += tables[i].count;
    /* Of pointers it is. NOLINTNEXTLINE(bugprone-sizeof-expression) */
    codes = arena_array(arena, count + 1, sizeof *codes);
    count = 0;
    for (size_t i = 0; codes != NULL && i < ARRAY_LEN(tables); i++) {
        for (size_t k = 0; k < tables[i].count; k++)
            codes[count++] = tables[i].rows[k].code;
    }
    return codes;
}

static bool is_code(const struct reading *r, struct view word)
{
    for (size_t i = 0; r->codes[i] != NULL; i++) {
        if (view_eq(word, view_str(r->codes[i])))
            return true;
    }
    return false;
}

static void read_codes(const struct reading *r, const struct ytexts *doc, int64_t verdict,
                       struct case_codes *ret)
{
    struct view *items;

    if (!doc->set)
        return;
    if (doc->count > 0 && verdict != VERDICT_REFUSE)
        diag_fault(r->diag, doc->at, "reasons: only a verdict of refuse has any");
    if (doc->count == 0 && verdict == VERDICT_REFUSE)
        diag_fault(r->diag, doc->at, "reasons: a verdict of refuse has one at least");
    items = new_array(r, doc->count, sizeof *items, doc->at);
    for (size_t i = 0; items != NULL && i < doc->count; i++) {
        char quoted[DIAG_QUOTED_BYTES];

        items[i] = doc->items[i].value;
        if (!is_code(r, items[i]))
            diag_fault(r->diag, doc->items[i].at, "reasons: %s is not the code of a reason%s",
                       diag_quoted(items[i], quoted), hint(r, items[i], r->codes));
    }
    *ret = (struct case_codes){items != NULL, items, doc->count};
}

/* A value as JSON text: YAML turned into it, or the text of a scalar as it stands. */
static struct view read_json(const struct reading *r, const struct ynode *node, bool text_is_json)
{
    size_t faults = r->diag->faults;
    struct view json = VIEW_NONE;
    struct buf out;

    if (node == NULL || ynode_is_null(node))
        return VIEW_NONE;
    if (text_is_json && node->kind == YNODE_SCALAR)
        return node->text;
    buf_init(&out, JSON_MAX_BYTES);
    if (yaml_json(node, r->diag, &out)) {
        json = arena_copy(r->arena, buf_view(&out));
        if (json.ptr == NULL)
            no_memory(r, node->loc);
    } else if (out.failed == STATUS_LIMIT) {
        diag_fault(r->diag, node->loc, "longer than %d bytes as JSON", JSON_MAX_BYTES);
    } else if (r->diag->faults == faults) {
        no_memory(r, node->loc);
    }
    buf_done(&out);
    return json;
}

/* The body that is expected has to be read for every comparison. */
static void read_body(const struct reading *r, const struct ynode *node, int64_t verdict,
                      struct view *ret)
{
    const struct jlimits limits = {
        .bytes = JSON_MAX_BYTES, .depth = CASES_DEPTH_MAX, .members = 1 << 20};
    struct view json = read_json(r, node, true);
    struct jfault fault;
    struct jdoc doc;

    if (json.ptr == NULL)
        return;
    if (verdict == VERDICT_REFUSE)
        diag_fault(r->diag, node->loc, "body: of what is refused nothing is sent");
    switch (jdoc_read(json, &limits, r->arena, &doc, &fault)) {
    case STATUS_OK:
        *ret = json;
        break;
    case STATUS_SYNTAX:
        diag_fault(r->diag, node->loc, "body: not JSON: line %u, column %u: %s", fault.line,
                   fault.column, fault.text);
        break;
    default:
        no_memory(r, node->loc);
        break;
    }
}

static void read_edit(const struct reading *r, const struct ynode *node, struct case_edit *ret)
{
    struct doc_edit doc = {.path = {.value = VIEW_NONE}};

    yschema_read(node, node->loc, edit_fields, &doc, r->arena, r->diag);
    check_filled(r, node);
    *ret = (struct case_edit){.op = (enum edit_op)doc.op.value,
                              .path = doc.path.value,
                              .new_json = read_json(r, doc.new_value, false),
                              .old_json = read_json(r, doc.old_value, false),
                              .policy = doc.policy.set ? doc.policy.value : VIEW_NONE};
}

static void read_edits(const struct reading *r, const struct ynode *node, int64_t verdict,
                       struct case_edits *ret)
{
    struct case_edit *items;
    size_t count = 0;

    if (node == NULL)
        return;
    if (node->kind != YNODE_SEQUENCE) {
        diag_fault(r->diag, node->loc, "edits: expected a list, found %s", ynode_kind_name(node));
        return;
    }
    if (node->count > 0 && verdict != VERDICT_REWRITE)
        diag_fault(r->diag, node->loc, "edits: only a verdict of rewrite has any");
    if (node->count == 0 && verdict == VERDICT_REWRITE)
        diag_fault(r->diag, node->loc, "edits: a verdict of rewrite has one at least");
    items = new_array(r, node->count, sizeof *items, node->loc);
    for (const struct ynode *item = node->child; items != NULL && item != NULL; item = item->next)
        read_edit(r, item, &items[count++]);
    *ret = (struct case_edits){items != NULL, items, count};
}

static void read_expect(const struct reading *r, const struct doc_expect *doc,
                        struct case_expectation *ret)
{
    int64_t verdict = doc->verdict.value;

    *ret = (struct case_expectation){.verdict = (enum verdict)verdict,
                                     .has_would = doc->would.verdict.set,
                                     .would = (enum verdict)doc->would.verdict.value,
                                     .has_warn = doc->warn.set,
                                     .warn = doc->warn.value != 0};
    if (!doc->verdict.set)
        return;
    read_codes(r, &doc->reasons, verdict, &ret->reasons);
    read_edits(r, doc->edits, verdict, &ret->edits);
    read_body(r, doc->body, verdict, &ret->body);
    if (ret->has_would)
        read_codes(r, &doc->would.reasons, doc->would.verdict.value, &ret->would_reasons);
}

static struct view text_of(const struct ytext *text)
{
    return text->set ? text->value : VIEW_NONE;
}

static const struct view *read_names(const struct reading *r, const struct ytexts *doc)
{
    struct view *names = new_array(r, doc->count, sizeof *names, doc->at);

    for (size_t i = 0; names != NULL && i < doc->count; i++)
        names[i] = doc->items[i].value;
    return names;
}

/* What is left out is unknown; a credential is for the project of the request if nothing is said.
 */
static void read_subject(const struct reading *r, const struct doc_subject *doc,
                         struct policy_case *ret)
{
    struct subject *subject = &ret->subject;

    *subject = (struct subject){
        .known = SUBJECT_PROJECT | (doc->user.set || doc->user_id.set ? SUBJECT_USER : 0) |
                 (doc->domain.set ? SUBJECT_DOMAIN : 0) | (doc->roles.set ? SUBJECT_ROLES : 0) |
                 (doc->groups.set ? SUBJECT_GROUPS : 0),
        .user_name = text_of(&doc->user),
        .user_id = text_of(&doc->user_id),
        .domain_name = text_of(&doc->domain),
        .project_id = doc->project.set ? doc->project.value : ret->project,
        .project_name = text_of(&doc->project_name),
    };
    if (doc->roles.set) {
        subject->roles = read_names(r, &doc->roles);
        subject->role_count = doc->roles.count;
    }
    if (doc->groups.set) {
        subject->groups = read_names(r, &doc->groups);
        subject->group_count = doc->groups.count;
    }
}

static const struct operation *read_operation(const struct reading *r, const struct doc_case *doc,
                                              const struct ynode *node)
{
    const struct operation *op = &operations[OP_DEMANAGER_CREATE];
    const char *names[OP_COUNT + 1] = {NULL};
    char quoted[DIAG_QUOTED_BYTES];
    size_t count = 0;

    for (size_t i = 0; i < OP_COUNT; i++) {
        if (operation_is_judged(&operations[i]))
            names[count++] = operations[i].name;
    }
    if (doc->operation.set)
        op = operation_find(doc->operation.value);
    if (op == NULL || !operation_is_judged(op)) {
        diag_fault(r->diag, doc->operation.at, "operation: %s is not an operation that is judged%s",
                   diag_quoted(doc->operation.value, quoted), hint(r, doc->operation.value, names));
        return &operations[OP_DEMANAGER_CREATE];
    }
    if (modelarts_needs_stored(op) && doc->instance == NULL)
        diag_fault(r->diag, node->loc,
                   "instance is missing: %s is judged by what the cloud says of the instance",
                   op->name);
    return op;
}

static void read_time(const struct reading *r, const struct ytext *at, struct policy_case *ret)
{
    char quoted[DIAG_QUOTED_BYTES];

    if (!at->set)
        return;
    ret->has_time = clock_parse(at->value, &ret->at_us) || clock_parse_date(at->value, &ret->at_us);
    if (!ret->has_time)
        diag_fault(r->diag, at->at, "at: expected 2026-12-31 or 2026-12-31T12:00:00Z, found %s",
                   diag_quoted(at->value, quoted));
}

static void read_request(const struct reading *r, const struct doc_case *doc,
                         struct policy_case *ret)
{
    ret->request = read_json(r, doc->request, true);
    if (ret->request.ptr == NULL)
        ret->request = VIEW("");
    if (!doc->request_file.set)
        return;
    if (doc->request != NULL)
        diag_fault(r->diag, doc->request_file.at,
                   "request_file stands beside request; one is enough");
    if (view_find(doc->request_file.value, '\0') < doc->request_file.value.len ||
        doc->request_file.value.len == 0)
        diag_fault(r->diag, doc->request_file.at, "request_file: not the name of a file");
    ret->request_file = arena_strdup(r->arena, doc->request_file.value);
    ret->request_at = doc->request_file.at;
    if (ret->request_file == NULL)
        no_memory(r, doc->request_file.at);
}

/* A name stands in reports and on terminals. */
static void check_name(const struct reading *r, const struct ytext *name)
{
    for (size_t i = 0; name->set && i < name->value.len; i++) {
        unsigned char c = (unsigned char)name->value.ptr[i];

        if (c >= 0x20 && c != 0x7F)
            continue;
        diag_fault(r->diag, name->at, "name: control characters can't stand here");
        return;
    }
}

static void read_case(const struct reading *r, const struct ynode *node, struct policy_case *ret)
{
    const struct ynode *expect = ynode_find(node, VIEW("expect"));
    struct doc_case doc;

    memset(&doc, 0, sizeof doc);
    yschema_read(node, node->loc, case_fields, &doc, r->arena, r->diag);
    check_filled(r, node);
    check_filled(r, ynode_find(node, VIEW("subject")));
    check_filled(r, expect);
    check_filled(r, ynode_find(expect, VIEW("would")));
    *ret = (struct policy_case){.at = doc.name.set ? doc.name.at : node->loc,
                                .name = text_of(&doc.name),
                                .project = text_of(&doc.project),
                                .query = text_of(&doc.query),
                                .op = read_operation(r, &doc, node),
                                .instance = read_json(r, doc.instance, true)};
    check_name(r, &doc.name);
    read_subject(r, &doc.subject, ret);
    read_time(r, &doc.at, ret);
    read_request(r, &doc, ret);
    read_expect(r, &doc.expect, &ret->expect);
}

static int by_name(const void *a, const void *b)
{
    const struct policy_case *one = *(const struct policy_case *const *)a;
    const struct policy_case *two = *(const struct policy_case *const *)b;
    int order = view_cmp(one->name, two->name);

    return order != 0 ? order : (one->at.line > two->at.line) - (one->at.line < two->at.line);
}

/* A name has to tell which case it was. */
static void refuse_twins(const struct reading *r, const struct cases *cases)
{
    const struct policy_case **sorted;

    if (cases->count == 0)
        return;
    /* Of pointers it is. NOLINTNEXTLINE(bugprone-sizeof-expression) */
    sorted = new_array(r, cases->count, sizeof *sorted, cases->items[0].at);
    for (size_t i = 0; sorted != NULL && i < cases->count; i++)
        sorted[i] = &cases->items[i];
    if (sorted == NULL)
        return;
    /* NOLINTNEXTLINE(bugprone-sizeof-expression) */
    qsort(sorted, cases->count, sizeof *sorted, by_name);
    for (size_t i = 1; i < cases->count; i++) {
        char quoted[DIAG_QUOTED_BYTES];

        if (sorted[i]->name.ptr != NULL && view_eq(sorted[i]->name, sorted[i - 1]->name))
            diag_fault(r->diag, sorted[i]->at, "the case at line %u has the name %s already",
                       sorted[i - 1]->at.line, diag_quoted(sorted[i]->name, quoted));
    }
}

static void read_list(const struct reading *r, const struct ynode *list, struct cases *ret)
{
    if (list == NULL)
        return;
    if (list->kind != YNODE_SEQUENCE || list->count == 0) {
        diag_fault(r->diag, list->loc, "cases: expected a list of one case at least, found %s",
                   list->kind == YNODE_SEQUENCE ? "none" : ynode_kind_name(list));
        return;
    }
    ret->items = new_array(r, list->count, sizeof *ret->items, list->loc);
    if (ret->items == NULL)
        return;
    for (const struct ynode *node = list->child; node != NULL; node = node->next)
        read_case(r, node, &ret->items[ret->count++]);
    refuse_twins(r, ret);
}

bool cases_read(const char *file, struct view bytes, struct arena *arena, struct diag *diag,
                struct cases *ret)
{
    const struct ydoc_limits limits = {.depth = CASES_DEPTH_MAX};
    struct reading r = {.arena = arena, .diag = diag, .codes = all_codes(arena)};
    const struct loc top = {file, 1, 1};
    size_t faults_before = diag->faults;
    const struct ynode *root = NULL;
    struct doc_file doc = {.cases = NULL};
    struct cases cases = {NULL, 0};

    if (r.codes == NULL) {
        no_memory(&r, top);
        return false;
    }
    if (!ydoc_read(file, bytes, &limits, arena, diag, &root))
        return false;
    yschema_read(root, top, file_fields, &doc, arena, diag);
    if (doc.version.set && doc.version.value != 1)
        diag_fault(diag, doc.version.at, "version: this version of the program reads version 1");
    read_list(&r, doc.cases, &cases);
    if (diag->faults != faults_before)
        return false;
    *ret = cases;
    return true;
}
