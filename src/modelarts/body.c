/* SPDX-License-Identifier: Apache-2.0
 * The create body to the typed request: one walk along the table of fields, which checks types,
 * names and what must be there, and puts each value into the record of its place. */
#include "modelarts/body.h"

#include "base/attr.h"
#include "base/require.h"
#include "modelarts/conflict.h"
#include "modelarts/faults.h"
#include "modelarts/fields.h"

struct reader {
    const struct jdoc *doc;
    struct arena *arena;
    enum unknown_fields unknown;
    struct faults faults;
    bool no_memory;
    struct instance_request request;
    struct storage_request *storages;
    struct stop_request stops[2];
};

static struct view text_of(struct reader *r, jref v)
{
    struct view text = jdoc_text(r->doc, v, r->arena);

    if (text.ptr == NULL)
        r->no_memory = true;
    return text;
}

static struct view key_of(struct reader *r, jref v)
{
    struct view key = jdoc_key(r->doc, v, r->arena);

    if (key.ptr == NULL)
        r->no_memory = true;
    return key;
}

static const char *pointer_of(struct reader *r, jref v)
{
    struct view pointer = jdoc_pointer(r->doc, v, r->arena);
    const char *copy = pointer.ptr == NULL ? NULL : arena_strdup(r->arena, pointer);

    if (copy == NULL)
        r->no_memory = true;
    return copy;
}

static const char *kind_wanted(enum field_kind kind)
{
    static const char *const texts[] = {
        [FIELD_TEXT] = "a string",
        [FIELD_INTEGER] = "an integer (digits without quotes, fraction or exponent)",
        [FIELD_BOOLEAN] = "true or false",
        [FIELD_OBJECT] = "an object",
        [FIELD_LIST] = "an array of objects",
        [FIELD_OBJECT_OR_LIST] = "an object or an array of objects",
        [FIELD_LABELS] = "an object whose values are strings",
    };

    return texts[kind];
}

static bool kind_fits(enum field_kind want, enum jkind got)
{
    switch (want) {
    case FIELD_TEXT:
        return got == JKIND_STRING;
    case FIELD_INTEGER:
        return got == JKIND_INTEGER;
    case FIELD_BOOLEAN:
        return got == JKIND_TRUE || got == JKIND_FALSE;
    case FIELD_OBJECT:
    case FIELD_LABELS:
        return got == JKIND_OBJECT;
    case FIELD_LIST:
        return got == JKIND_ARRAY;
    case FIELD_OBJECT_OR_LIST:
        return got == JKIND_OBJECT || got == JKIND_ARRAY;
    }
    return false;
}

static void fault_type(struct reader *r, jref v, enum field_kind want)
{
    faults_add(&r->faults, MODELARTS_BODY_TYPE, v, "needs to be %s (ModelArts.6332)",
               kind_wanted(want));
}

/* Names that aren't in the table. */

/* True: a fault was added. */
static bool fault_name(struct reader *r, jref v, struct view key)
{
    const struct field *field = field_known(key);

    if (field != NULL) {
        faults_add(&r->faults, MODELARTS_BODY_MISPLACED, v,
                   "isn't known at this place; it belongs at %s/%s", place_pointer(field->place),
                   field->name);
        return true;
    }
    field = field_lookalike(key);
    if (field == NULL)
        return false;
    faults_add(&r->faults, MODELARTS_BODY_LOOKALIKE, v,
               "can be taken for \"%s\"; write it exactly so, or leave it out", field->name);
    return true;
}

/* Members within a member that passes as unknown: a reader of another shape may find them. */
static void check_names_within(struct reader *r, jref v)
{
    jref end = r->doc->values[v].next;

    for (jref at = v + 1; at < end && !faults_full(&r->faults) && !r->no_memory; at++) {
        if (r->doc->values[at].key_end != 0)
            (void)fault_name(r, at, key_of(r, at));
    }
}

static void read_unknown(struct reader *r, enum place place, jref v, struct view key)
{
    const char *nearest;

    if (fault_name(r, v, key))
        return;
    if (r->unknown == UNKNOWN_PASS) {
        check_names_within(r, v);
        return;
    }
    nearest = field_nearest(place, key);
    if (nearest == NULL)
        faults_add(&r->faults, MODELARTS_BODY_UNKNOWN_FIELD, v, "isn't a field of this API");
    else
        faults_add(&r->faults, MODELARTS_BODY_UNKNOWN_FIELD, v,
                   "isn't a field of this API; did you mean \"%s\"?", nearest);
}

/* Values into records. */

static void set_flag(const struct field *field, char *record)
{
    const bool yes = true;

    if (field->flag_at != FIELD_NOWHERE)
        memcpy(record + field->flag_at, &yes, sizeof yes);
}

static void store(struct reader *r, const struct field *field, jref v, char *record)
{
    struct view text;
    int64_t number = 0;
    bool yes;

    if (field->value_at == FIELD_NOWHERE)
        return;
    if (field->kind == FIELD_TEXT) {
        text = text_of(r, v);
        memcpy(record + field->value_at, &text, sizeof text);
    } else if (field->kind == FIELD_INTEGER) {
        REQUIRE(jdoc_integer(r->doc, v, &number));
        memcpy(record + field->value_at, &number, sizeof number);
    } else {
        yes = jdoc_kind(r->doc, v) == JKIND_TRUE;
        memcpy(record + field->value_at, &yes, sizeof yes);
    }
    set_flag(field, record);
}

static void read_labels(struct reader *r, const struct field *field, jref v)
{
    struct pair *pairs = arena_array(r->arena, r->doc->values[v].count, sizeof *pairs);
    size_t count = 0;

    if (pairs == NULL) {
        r->no_memory = true;
        return;
    }
    JDOC_EACH(r->doc, v, child)
    {
        if (jdoc_kind(r->doc, child) == JKIND_NULL)
            continue;
        if (jdoc_kind(r->doc, child) != JKIND_STRING)
            fault_type(r, child, FIELD_TEXT);
        else
            pairs[count++] = (struct pair){key_of(r, child), text_of(r, child)};
    }
    if (field->place == PLACE_SPEC) {
        r->request.annotations = pairs;
        r->request.annotation_count = count;
    } else {
        r->request.stray_annotations = pairs;
        r->request.stray_annotation_count = count;
    }
}

static void *new_storage(struct reader *r, jref v)
{
    struct storage_request *storage = &r->storages[r->request.storage_count++];

    storage->pointer = pointer_of(r, v);
    return storage;
}

/* The right one is the first. */
static void *new_stop(struct reader *r, const struct field *field, jref v)
{
    bool misplaced = field->place != PLACE_SPEC;
    struct stop_request *stop = &r->stops[misplaced ? 1 : 0];

    stop->misplaced = misplaced;
    stop->pointer = pointer_of(r, v);
    return stop;
}

/* Whether the path is well-formed is for the rule that judges paths to say: without one, the
 * cloud's own checks stay the cloud's. */
static void finish_storage(struct storage_request *storage)
{
    if (!storage->path.set)
        return;
    if (view_eq_nocase(storage->type, VIEW("obsfs")) &&
        !view_starts(storage->path.value, VIEW("/")))
        storage->obs_fault = obs_parse_bucket(storage->path.value, &storage->obs);
    else
        storage->obs_fault = obs_parse_path(storage->path.value, &storage->obs);
    storage->has_obs = storage->obs_fault == OBS_OK;
}

static void read_object(struct reader *r, enum place place, jref v, void *record);

/* One object that a field's child place describes. */
static void read_child(struct reader *r, const struct field *field, jref v, void *record)
{
    if (field->child == PLACE_STORAGE) {
        record = new_storage(r, v);
        read_object(r, field->child, v, record);
        finish_storage(record);
        return;
    }
    if (field->child == PLACE_AUTO_STOP)
        record = new_stop(r, field, v);
    if (field->child == PLACE_POOL)
        r->request.has_pool = true;
    read_object(r, field->child, v, record);
}

static void read_list(struct reader *r, const struct field *field, jref v)
{
    JDOC_EACH(r->doc, v, child)
    {
        if (jdoc_kind(r->doc, child) == JKIND_OBJECT)
            read_child(r, field, child, NULL);
        else
            fault_type(r, child, FIELD_OBJECT);
    }
}

static void read_value(struct reader *r, const struct field *field, jref v, void *record)
{
    enum jkind kind = jdoc_kind(r->doc, v);

    if (kind == JKIND_NULL)
        return;
    if (!kind_fits(field->kind, kind)) {
        fault_type(r, v, field->kind);
        return;
    }
    switch (field->kind) {
    case FIELD_TEXT:
    case FIELD_INTEGER:
    case FIELD_BOOLEAN:
        store(r, field, v, record);
        return;
    case FIELD_LABELS:
        read_labels(r, field, v);
        return;
    case FIELD_OBJECT:
    case FIELD_LIST:
    case FIELD_OBJECT_OR_LIST:
        if (kind == JKIND_ARRAY)
            read_list(r, field, v);
        else
            read_child(r, field, v, record);
        return;
    }
}

static void check_required(struct reader *r, enum place place, jref v)
{
    for (const struct field *field = fields; field->name != NULL; field++) {
        jref member;

        if (field->place != place || field->missing == NULL)
            continue;
        member = jdoc_member(r->doc, v, view_str(field->name));
        if (member == JREF_NONE || jdoc_kind(r->doc, member) == JKIND_NULL)
            faults_add(&r->faults, MODELARTS_BODY_MISSING, v, "needs \"%s\", %s (%s)", field->name,
                       kind_wanted(field->kind), field->missing);
    }
}

/* Not deeper than the table's places nest. */
static void read_object(struct reader *r, enum place place, jref v, void *record)
{
    JDOC_EACH(r->doc, v, child)
    {
        struct view key = key_of(r, child);
        const struct field *field = field_find(place, key);

        if (r->no_memory || faults_full(&r->faults))
            return;
        if (field == NULL)
            read_unknown(r, place, child, key);
        else
            read_value(r, field, child, record);
    }
    check_required(r, place, v);
}

/* As many as there can be: the one, and the elements of both spellings of the list. */
static bool make_storages(struct reader *r)
{
    jref spec = jdoc_member(r->doc, 0, VIEW("spec"));
    size_t count = 2;

    if (spec != JREF_NONE) {
        JDOC_EACH(r->doc, spec, child)
        {
            if (jdoc_kind(r->doc, child) == JKIND_ARRAY)
                count += r->doc->values[child].count;
        }
    }
    r->storages = arena_array(r->arena, count, sizeof *r->storages);
    return r->storages != NULL;
}

/* The API's default workspace (table 7), and the stops in order. */
static bool finish(struct reader *r)
{
    struct stop_request *stops = arena_array(r->arena, ARRAY_LEN(r->stops), sizeof *stops);

    if (stops == NULL)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(r->stops); i++) {
        if (r->stops[i].pointer != NULL)
            stops[r->request.stop_count++] = r->stops[i];
    }
    r->request.stops = stops;
    r->request.storages = r->storages;
    if (!r->request.workspace.set)
        r->request.workspace = (struct text_field){true, VIEW("0")};
    return true;
}

static enum status read_create(struct reader *r)
{
    if (jdoc_kind(r->doc, 0) != JKIND_OBJECT) {
        fault_type(r, 0, FIELD_OBJECT);
        return STATUS_INVALID;
    }
    if (!make_storages(r))
        return STATUS_NOMEM;
    read_object(r, PLACE_BODY, 0, &r->request);
    if (r->no_memory || !finish(r))
        return STATUS_NOMEM;
    if (!check_conflicts(r->doc, &r->request, &r->faults, r->arena))
        return STATUS_NOMEM;
    return faults_any(&r->faults) ? STATUS_INVALID : STATUS_OK;
}

enum status modelarts_read_create(const struct jdoc *doc, struct view project,
                                  enum unknown_fields unknown, struct arena *arena,
                                  struct instance_request *ret, struct body_faults *faults)
{
    struct reader reader = {
        .doc = doc,
        .arena = arena,
        .unknown = unknown,
        .faults = {.doc = doc, .arena = arena, .body = faults},
        .request = {.op = &operations[OP_DEMANAGER_CREATE], .project = project},
    };
    enum status status;

    faults->count = 0;
    status = read_create(&reader);
    if (status == STATUS_OK)
        *ret = reader.request;
    return status;
}
