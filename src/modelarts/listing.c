/* SPDX-License-Identifier: Apache-2.0
 * The lists of instances and workspaces. Members that are not known here are passed over; an id, a
 * status or a list that is not what it should be makes the whole page unreadable, because half a
 * list proves nothing. */
#include "modelarts/listing.h"

#include "base/attr.h"
#include "base/number.h"

enum { US_PER_MS = 1000 };

static const struct status_row {
    const char *status;
    enum family family;
    bool exists;
} idle_statuses[] = {
#define STATUS(family, status, exists) {status, family, exists},
#include "modelarts/statuses.def"
#undef STATUS
};

/* What differs between the lists. */
static const struct list_shape {
    const char *path, *own_path; /* behind /v1/{project} */
    const char *query, *own_query;
    const char *workspace; /* name of its parameter */
    const char *items, *total;
    enum family family;
} shapes[] = {
    /* Sorted by when it was made, so that a new one moves no other to another page. */
    [LISTING_DEMANAGER] = {.path = "/demanager/instances",
                           .own_path = "/demanager/instances",
                           .query = "de_type=Notebook&show_self=false&sortby=creation_timestamp"
                                    "&order=asc",
                           .own_query = "de_type=Notebook&show_self=true"
                                        "&sortby=creation_timestamp&order=asc",
                           .workspace = "workspace_id",
                           .items = "instances",
                           .total = "total_count",
                           .family = FAMILY_DEMANAGER},
    [LISTING_NOTEBOOKS] = {.path = "/notebooks/all",
                           .own_path = "/notebooks",
                           .query = "sort_dir=ASC",
                           .own_query = "sort_dir=ASC",
                           .workspace = "workspaceId",
                           .items = "data",
                           .total = "total",
                           .family = FAMILY_NOTEBOOKS},
    [LISTING_WORKSPACES] = {.path = "/workspaces",
                            .own_path = "/workspaces",
                            .query = "order=asc",
                            .own_query = "order=asc",
                            .workspace = NULL,
                            .items = "workspaces",
                            .total = "total_count"},
};

static bool is_unreserved(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.' || c == '~';
}

/* RFC 3986, 2.1. */
static void add_encoded(struct buf *out, struct view v)
{
    for (size_t i = 0; i < v.len; i++) {
        if (is_unreserved(v.ptr[i]))
            buf_add_byte(out, v.ptr[i]);
        else
            buf_printf(out, "%%%02X", (unsigned)(unsigned char)v.ptr[i]);
    }
}

void modelarts_listing_request(const struct listing_ask *ask, struct buf *path, struct buf *query)
{
    const struct list_shape *shape = &shapes[ask->list];

    buf_add_str(path, "/v1/");
    add_encoded(path, ask->project);
    buf_add_str(path, ask->own ? shape->own_path : shape->path);
    buf_add_str(query, ask->own ? shape->own_query : shape->query);
    buf_add_str(query, "&offset=");
    buf_add_i64(query, ask->offset);
    buf_add_str(query, "&limit=");
    buf_add_i64(query, ask->limit);
    if (ask->workspace.ptr == NULL || shape->workspace == NULL)
        return;
    buf_printf(query, "&%s=", shape->workspace);
    add_encoded(query, ask->workspace);
}

/* A walk that fails once and for all, so that a reader is a list of questions. */
struct walk {
    const struct jdoc *doc;
    struct arena *arena;
    enum family family;
    enum status failed;
    struct err *why;
};

static void fail(struct walk *w, jref at, const char *what)
{
    struct view pointer;

    if (w->failed != STATUS_OK)
        return;
    pointer = jdoc_pointer(w->doc, at, w->arena);
    w->failed = err_set(w->why, STATUS_INVALID, "%.*s %s", VIEW_ARGS(pointer), what);
}

static struct view no_memory(struct walk *w)
{
    if (w->failed == STATUS_OK)
        w->failed = err_set(w->why, STATUS_NOMEM, "no memory left for a list");
    return VIEW_NONE;
}

/* The text of a member; ptr NULL if it is missing, null or no text. */
static struct view text_of(struct walk *w, jref object, struct view name)
{
    jref v = jdoc_member(w->doc, object, name);
    struct view text;

    if (w->failed != STATUS_OK || v == JREF_NONE || jdoc_kind(w->doc, v) != JKIND_STRING)
        return VIEW_NONE;
    text = jdoc_text(w->doc, v, w->arena);
    return text.ptr != NULL ? text : no_memory(w);
}

/* One that must be there. */
static struct view needed_text(struct walk *w, jref object, struct view name)
{
    struct view text = text_of(w, object, name);

    if (text.len == 0 && w->failed == STATUS_OK) {
        struct view what = arena_printf(w->arena, "needs \"%.*s\", a string", VIEW_ARGS(name));

        if (what.ptr == NULL)
            return no_memory(w);
        fail(w, object, what.ptr);
    }
    return text;
}

static struct view first_of(struct view a, struct view b)
{
    return a.len > 0 ? a : b;
}

/* Milliseconds since the epoch as a number or as decimal text. */
static int64_t time_of(struct walk *w, jref object, struct view name)
{
    jref v = jdoc_member(w->doc, object, name);
    int64_t ms = 0;

    if (v == JREF_NONE)
        return 0;
    if (jdoc_kind(w->doc, v) == JKIND_STRING) {
        if (!num_parse_i64(text_of(w, object, name), 0, INT64_MAX / US_PER_MS, &ms))
            ms = 0;
    } else if (!jdoc_integer(w->doc, v, &ms) || ms < 0 || ms > INT64_MAX / US_PER_MS) {
        ms = 0;
    }
    return ms * US_PER_MS;
}

static void read_status(struct walk *w, jref object, struct listed_instance *item)
{
    item->status = needed_text(w, object, VIEW("status"));
    item->exists = true;
    item->runs = true;
    for (size_t i = 0; i < ARRAY_LEN(idle_statuses); i++) {
        const struct status_row *row = &idle_statuses[i];

        if (row->family == item->family && view_eq(view_str(row->status), item->status)) {
            item->exists = row->exists;
            item->runs = false;
        }
    }
}

/* The old family shows shared pools too, told by their type; no bytes: no dedicated one. */
static struct view read_pool(struct walk *w, jref object)
{
    jref pool = jdoc_member(w->doc, object, VIEW("pool"));
    struct view id = text_of(w, pool, VIEW("id"));
    struct view type = text_of(w, pool, VIEW("type"));

    if (w->family == FAMILY_DEMANAGER && type.ptr != NULL && !view_eq(type, VIEW("USER_DEFINED")))
        id = VIEW_NONE;
    return id.ptr != NULL ? id : VIEW("");
}

static struct view read_workspace(struct walk *w, jref object)
{
    if (w->family == FAMILY_NOTEBOOKS)
        return text_of(w, object, VIEW("workspace_id"));
    return text_of(w, jdoc_member(w->doc, object, VIEW("workspace")), VIEW("id"));
}

static void read_owner(struct walk *w, jref object, struct listed_instance *item)
{
    jref user = jdoc_member(w->doc, object, VIEW("user"));
    jref domain = jdoc_member(w->doc, user, VIEW("domain"));

    item->user_id = first_of(text_of(w, user, VIEW("id")), text_of(w, object, VIEW("user_id")));
    item->user_name = text_of(w, user, VIEW("name"));
    /* As the journal names it. */
    item->domain = first_of(text_of(w, domain, VIEW("name")), text_of(w, domain, VIEW("id")));
}

static void read_instance(struct walk *w, jref object, struct listed_instance *item)
{
    bool old = w->family == FAMILY_DEMANAGER;

    if (jdoc_kind(w->doc, object) != JKIND_OBJECT) {
        fail(w, object, "must be an object");
        return;
    }
    item->family = w->family;
    item->id = needed_text(w, object, VIEW("id"));
    read_status(w, object, item);
    item->name = text_of(w, object, VIEW("name"));
    item->flavor = text_of(w, object, VIEW("flavor"));
    if (item->flavor.len == 0)
        item->flavor = VIEW_NONE;
    item->workspace = first_of(read_workspace(w, object), VIEW("0"));
    item->pool = read_pool(w, object);
    read_owner(w, object, item);
    item->created_us = time_of(w, object, old ? VIEW("creation_timestamp") : VIEW("create_at"));
}

/* The array of that shape; JREF_NONE and failed without one. */
static jref items_of(struct walk *w, const struct list_shape *shape, int64_t *ret_total)
{
    jref items = jdoc_member(w->doc, 0, view_str(shape->items));
    jref total = jdoc_member(w->doc, 0, view_str(shape->total));

    *ret_total = -1;
    if (items == JREF_NONE || jdoc_kind(w->doc, items) != JKIND_ARRAY) {
        w->failed = err_set(w->why, STATUS_INVALID, "needs \"%s\", a list", shape->items);
        return JREF_NONE;
    }
    if (total != JREF_NONE && jdoc_kind(w->doc, total) != JKIND_NULL &&
        (!jdoc_integer(w->doc, total, ret_total) || *ret_total < 0))
        fail(w, total, "must be a number of records");
    return items;
}

enum status modelarts_read_listing(enum listing list, const struct jdoc *doc, struct arena *arena,
                                   struct listing_page *ret, struct err *why)
{
    struct walk w = {.doc = doc, .arena = arena, .family = shapes[list].family, .why = why};
    struct listing_page page = {0};
    jref items = items_of(&w, &shapes[list], &page.total);

    if (w.failed != STATUS_OK)
        return w.failed;
    page.items = arena_array(arena, doc->values[items].count, sizeof *page.items);
    if (page.items == NULL) {
        (void)no_memory(&w);
        return w.failed;
    }
    JDOC_EACH(doc, items, item)
    {
        if (w.failed != STATUS_OK)
            return w.failed;
        read_instance(&w, item, &page.items[page.count++]);
    }
    if (w.failed == STATUS_OK)
        *ret = page;
    return w.failed;
}

enum status modelarts_read_listed(enum family family, const struct jdoc *doc, struct arena *arena,
                                  struct listed_instance *ret, struct err *why)
{
    struct walk w = {.doc = doc, .arena = arena, .family = family, .why = why};
    struct listed_instance item = {0};

    read_instance(&w, 0, &item);
    if (w.failed == STATUS_OK)
        *ret = item;
    return w.failed;
}

enum status modelarts_read_workspaces(const struct jdoc *doc, struct arena *arena,
                                      struct view **ret, size_t *ret_count, int64_t *ret_total,
                                      struct err *why)
{
    struct walk w = {.doc = doc, .arena = arena, .why = why};
    struct view *ids;
    size_t count = 0;
    int64_t total;
    jref items = items_of(&w, &shapes[LISTING_WORKSPACES], &total);

    if (w.failed != STATUS_OK)
        return w.failed;
    ids = arena_array(arena, doc->values[items].count, sizeof *ids);
    if (ids == NULL) {
        (void)no_memory(&w);
        return w.failed;
    }
    JDOC_EACH(doc, items, item)
    {
        if (w.failed != STATUS_OK)
            return w.failed;
        ids[count++] = needed_text(&w, item, VIEW("id"));
    }
    if (w.failed != STATUS_OK)
        return w.failed;
    *ret = ids;
    *ret_count = count;
    *ret_total = total;
    return STATUS_OK;
}
