/* SPDX-License-Identifier: Apache-2.0
 * The walk: types, names, what must be there, and values into records. */
#include "modelarts/reader.h"

#include "base/attr.h"
#include "base/require.h"
#include "modelarts/storage.h"

enum { MS_PER_S = 1000 };

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
    static const char integer[] = "an integer (digits without quotes, fraction or exponent)";
    static const char *const texts[] = {
        [FIELD_TEXT] = "a string",
        [FIELD_INTEGER] = integer,
        [FIELD_SECONDS] = integer,
        [FIELD_STOP_MS] = integer,
        [FIELD_GROWTH] = integer,
        [FIELD_NUMBER] = "a number",
        [FIELD_BOOLEAN] = "true or false",
        [FIELD_OBJECT] = "an object",
        [FIELD_LIST] = "an array of objects",
        [FIELD_OBJECT_OR_LIST] = "an object or an array of objects",
        [FIELD_TEXTS] = "an array of strings",
        [FIELD_LABELS] = "an object whose values are strings",
        [FIELD_FREE] = "an object",
    };

    return texts[kind];
}

static bool kind_fits(enum field_kind want, enum jkind got)
{
    switch (want) {
    case FIELD_TEXT:
        return got == JKIND_STRING;
    case FIELD_INTEGER:
    case FIELD_SECONDS:
    case FIELD_STOP_MS:
    case FIELD_GROWTH:
        return got == JKIND_INTEGER;
    case FIELD_NUMBER:
        return got == JKIND_INTEGER || got == JKIND_REAL;
    case FIELD_BOOLEAN:
        return got == JKIND_TRUE || got == JKIND_FALSE;
    case FIELD_OBJECT:
    case FIELD_LABELS:
    case FIELD_FREE:
        return got == JKIND_OBJECT;
    case FIELD_LIST:
    case FIELD_TEXTS:
        return got == JKIND_ARRAY;
    case FIELD_OBJECT_OR_LIST:
        return got == JKIND_OBJECT || got == JKIND_ARRAY;
    }
    return false;
}

static void fault_type(struct reader *r, jref v, enum field_kind want)
{
    faults_add(&r->faults, MODELARTS_BODY_TYPE, v, "needs to be %s%s", kind_wanted(want),
               r->lenient ? "" : " (ModelArts.6332)");
}

/* Names that aren't in the table. */

/* Whether the field stands elsewhere in this body; else it belongs to another call. */
static bool belongs_elsewhere(struct reader *r, const struct field *field, jref v)
{
    const struct place_row *place = &places[field->place];
    struct view at = jdoc_pointer(r->doc, v, r->arena);
    size_t len = strlen(place->pointer);

    if (at.ptr == NULL)
        r->no_memory = true;
    return place->root == r->root &&
           !(at.len == len + 1 + strlen(field->name) && view_starts(at, view_str(place->pointer)) &&
             view_ends(at, view_str(field->name)));
}

/* True: a fault was added. */
static bool fault_name(struct reader *r, jref v, struct view key)
{
    const struct field *field = field_known(r->root, key);

    if (field != NULL && belongs_elsewhere(r, field, v)) {
        faults_add(&r->faults, MODELARTS_BODY_MISPLACED, v,
                   "isn't known at this place; it belongs at %s/%s", places[field->place].pointer,
                   field->name);
        return true;
    }
    if (field != NULL) {
        faults_add(&r->faults, MODELARTS_BODY_MISPLACED, v,
                   "isn't known in this call; it belongs to another one");
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
    if (r->unknown == UNKNOWN_PASS && !r->call->closed) {
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

static int64_t integer_of(struct reader *r, jref v)
{
    int64_t number = 0;

    REQUIRE(jdoc_integer(r->doc, v, &number));
    return number;
}

/* The ends of the range stand for all that lies beyond them. */
static int64_t ms_of_seconds(int64_t seconds)
{
    int64_t ms;

    if (__builtin_mul_overflow(seconds, (int64_t)MS_PER_S, &ms))
        return seconds > 0 ? INT64_MAX : INT64_MIN;
    return ms;
}

static void store(struct reader *r, const struct field *field, jref v, char *record)
{
    struct view text;
    int64_t number;
    bool yes;

    if (field->value_at == FIELD_NOWHERE)
        return;
    if (field->kind == FIELD_TEXT) {
        text = text_of(r, v);
        memcpy(record + field->value_at, &text, sizeof text);
    } else if (field->kind == FIELD_BOOLEAN) {
        yes = jdoc_kind(r->doc, v) == JKIND_TRUE;
        memcpy(record + field->value_at, &yes, sizeof yes);
    } else {
        number = integer_of(r, v);
        if (field->kind == FIELD_SECONDS)
            number = ms_of_seconds(number);
        memcpy(record + field->value_at, &number, sizeof number);
    }
    set_flag(field, record);
}

static void read_texts(struct reader *r, const struct field *field, jref v, char *record)
{
    struct view *texts = arena_array(r->arena, r->doc->values[v].count, sizeof *texts);
    struct text_list list = {.items = texts};

    if (texts == NULL) {
        r->no_memory = true;
        return;
    }
    JDOC_EACH(r->doc, v, child)
    {
        if (jdoc_kind(r->doc, child) == JKIND_STRING)
            texts[list.count++] = text_of(r, child);
        else
            fault_type(r, child, FIELD_TEXT);
    }
    if (field->value_at != FIELD_NOWHERE)
        memcpy(record + field->value_at, &list, sizeof list);
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
    if (!field->stray) {
        r->request.annotations = pairs;
        r->request.annotation_count = count;
    } else {
        r->request.stray_annotations = pairs;
        r->request.stray_annotation_count = count;
    }
}

/* Records of their own. */

/* A longer list in place of the old one; NULL: memory is out. */
static void *grown(struct reader *r, const void *old, size_t count, size_t more, size_t size)
{
    char *list = arena_array(r->arena, count + more, size);

    if (list == NULL)
        r->no_memory = true;
    else if (count > 0)
        memcpy(list, old, count * size);
    return list;
}

static void make_room(struct reader *r, enum record makes, size_t more)
{
    if (makes == RECORD_STORAGE)
        r->storages = grown(r, r->storages, r->request.storage_count, more, sizeof *r->storages);
    else if (makes == RECORD_ENDPOINT)
        r->endpoints =
            grown(r, r->endpoints, r->request.endpoint_count, more, sizeof *r->endpoints);
}

static void read_object(struct reader *r, enum place place, jref v, void *record);

static void read_storage(struct reader *r, const struct field *field, jref v)
{
    struct storage_request *storage = &r->storages[r->request.storage_count++];

    /* A mount's body is one: its own pointer would be empty. */
    storage->pointer = v == 0 ? "/uri" : pointer_of(r, v);
    storage->own = v == 0 || (field->kind == FIELD_OBJECT && !field->stray);
    read_object(r, field->child, v, storage);
    storage_finish(storage, r->request.op->family, r->lenient);
}

/* An update changes the halves that it names: one that names a duration means it to count. */
static void read_stop(struct reader *r, const struct field *field, jref v)
{
    struct stop_request *stop = &r->stops[field->stray ? STOP_SECOND : STOP_FIRST];

    stop->misplaced = field->stray;
    stop->pointer = pointer_of(r, v);
    read_object(r, field->child, v, stop);
    if (r->call->updates && stop->has_duration && !stop->has_enable)
        stop->enable = true;
}

static void read_stop_ms(struct reader *r, const struct field *field, jref v)
{
    bool whole = field->place == r->root;

    r->stops[whole ? STOP_FIRST : STOP_SECOND] = (struct stop_request){
        .enable = true,
        .has_duration = true,
        .duration_ms = integer_of(r, v),
        .pointer = whole ? pointer_of(r, v) : places[field->place].pointer,
    };
}

static void read_endpoint(struct reader *r, enum place place, jref v)
{
    struct endpoint_record record = {0};

    read_object(r, place, v, &record);
    r->endpoints[r->request.endpoint_count++] = (struct endpoint_request){
        .ssh = !view_eq_nocase(record.service, VIEW("NOTEBOOK")),
        .ips = record.ips.items,
        .ip_count = record.ips.count,
        .pointer = pointer_of(r, v),
    };
}

static void read_growth(struct reader *r, jref v)
{
    if (!r->call->updates) {
        faults_add(&r->faults, MODELARTS_BODY_MISPLACED, v, "is known in an update only");
        return;
    }
    make_room(r, RECORD_STORAGE, 1);
    if (r->no_memory)
        return;
    r->storages[r->request.storage_count++] = (struct storage_request){
        .grows = true,
        .has_size = true,
        .size_gb = integer_of(r, v),
        .pointer = pointer_of(r, v),
    };
}

/* One object that a field's child place describes. There is room for its record. */
static void read_child(struct reader *r, const struct field *field, jref v, void *record)
{
    switch (places[field->child].makes) {
    case RECORD_STORAGE:
        read_storage(r, field, v);
        return;
    case RECORD_ENDPOINT:
        read_endpoint(r, field->child, v);
        return;
    case RECORD_STOP:
        read_stop(r, field, v);
        return;
    case RECORD_NOTHING:
        set_flag(field, record);
        read_object(r, field->child, v, record);
        return;
    }
}

static void read_list(struct reader *r, const struct field *field, jref v, void *record)
{
    make_room(r, places[field->child].makes, r->doc->values[v].count);
    if (r->no_memory)
        return;
    JDOC_EACH(r->doc, v, child)
    {
        if (jdoc_kind(r->doc, child) == JKIND_OBJECT)
            read_child(r, field, child, record);
        else
            fault_type(r, child, FIELD_OBJECT);
    }
}

static void read_one(struct reader *r, const struct field *field, jref v, void *record)
{
    make_room(r, places[field->child].makes, 1);
    if (!r->no_memory)
        read_child(r, field, v, record);
}

/* Of an answer only what somebody judges has to be what it should be. */
static bool is_judged(const struct field *field)
{
    return field->child != PLACE_NONE || field->value_at != FIELD_NOWHERE ||
           field->flag_at != FIELD_NOWHERE;
}

/* A notebook's time belongs to its create; of one that is there the lease is prolonged, for which
 * the time that it has run counts too. */
static bool is_of_creates(const struct field *field)
{
    return field->kind == FIELD_STOP_MS || field->child == PLACE_NB_LEASE;
}

/* A null in an update takes away what is stored in the eyes of some readers: the auto-stop is
 * named, with nothing that would ever stop. */
static void read_no_stop(struct reader *r, const struct field *field, jref v)
{
    if (field->child == PLACE_DE_AUTO_STOP || field->child == PLACE_DE_SPEC)
        r->stops[field->stray ? STOP_SECOND : STOP_FIRST] =
            (struct stop_request){.misplaced = field->stray, .pointer = pointer_of(r, v)};
}

static void read_value(struct reader *r, const struct field *field, jref v, void *record)
{
    enum jkind kind = jdoc_kind(r->doc, v);

    if (r->call->updates && is_of_creates(field)) {
        faults_add(&r->faults, MODELARTS_BODY_MISPLACED, v,
                   "isn't known in an update; a notebook's time is changed by PATCH of its lease");
        return;
    }
    if (r->call->updates && kind == JKIND_NULL)
        read_no_stop(r, field, v);
    if (kind == JKIND_NULL || (r->lenient && !is_judged(field)))
        return;
    if (!kind_fits(field->kind, kind)) {
        fault_type(r, v, field->kind);
        return;
    }
    switch (field->kind) {
    case FIELD_TEXT:
    case FIELD_INTEGER:
    case FIELD_SECONDS:
    case FIELD_BOOLEAN:
        store(r, field, v, record);
        return;
    case FIELD_NUMBER:
        return;
    case FIELD_STOP_MS:
        read_stop_ms(r, field, v);
        return;
    case FIELD_GROWTH:
        read_growth(r, v);
        return;
    case FIELD_TEXTS:
        read_texts(r, field, v, record);
        return;
    case FIELD_LABELS:
        read_labels(r, field, v);
        return;
    case FIELD_FREE:
        set_flag(field, record);
        return;
    case FIELD_OBJECT:
    case FIELD_LIST:
    case FIELD_OBJECT_OR_LIST:
        if (kind == JKIND_ARRAY)
            read_list(r, field, v, record);
        else
            read_one(r, field, v, record);
        return;
    }
}

static void check_required(struct reader *r, enum place place, jref v)
{
    const struct field *end = place_end(place);

    for (const struct field *field = place_fields(place); field < end; field++) {
        jref member;

        if (field->missing == NULL)
            continue;
        member = jdoc_member(r->doc, v, view_str(field->name));
        if (member == JREF_NONE || jdoc_kind(r->doc, member) == JKIND_NULL)
            faults_add(&r->faults, MODELARTS_BODY_MISSING, v, "needs \"%s\", %s%s%s%s", field->name,
                       kind_wanted(field->kind), *field->missing == '\0' ? "" : " (",
                       field->missing, *field->missing == '\0' ? "" : ")");
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
        if (field != NULL)
            read_value(r, field, child, record);
        else if (!r->lenient)
            read_unknown(r, place, child, key);
    }
    if (r->call->creates || r->lenient)
        check_required(r, place, v);
}

bool reader_read(struct reader *r)
{
    const struct field whole = {
        .child = r->root, .value_at = FIELD_NOWHERE, .flag_at = FIELD_NOWHERE};

    if (jdoc_kind(r->doc, 0) != JKIND_OBJECT) {
        fault_type(r, 0, FIELD_OBJECT);
        return false;
    }
    read_one(r, &whole, 0, &r->request);
    return true;
}

bool reader_finish(struct reader *r)
{
    struct stop_request *stops = arena_array(r->arena, STOP_COUNT, sizeof *stops);

    if (stops == NULL || r->no_memory)
        return false;
    r->request.stop_count = 0;
    for (size_t i = 0; i < STOP_COUNT; i++) {
        if (r->stops[i].pointer != NULL)
            stops[r->request.stop_count++] = r->stops[i];
    }
    r->request.stops = stops;
    r->request.storages = r->storages;
    r->request.endpoints = r->endpoints;
    if (r->request.pool.set)
        r->request.has_pool = true;
    return true;
}

void reader_default_workspace(struct reader *r)
{
    if (!r->request.workspace.set)
        r->request.workspace = (struct text_field){true, VIEW("0")};
}
