/* SPDX-License-Identifier: Apache-2.0
 * From one list to the next. The first page that can't be read ends the walk: half of what there is
 * proves nothing. */
#include "reconcile/walk.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "http1/write.h"
#include "json/doc.h"
#include "reconcile/secret.h"
#include "reconcile/steps.h"

enum {
    PATH_MAX_BYTES = 8192,
    PAGE_ARENA = 256 * 1024,
    PAGE_ARENA_MAX = 256 * 1024 * 1024,
    PAGE_DEPTH = 64,
    PAGE_MEMBERS = 1000000,
    US_PER_MS = 1000,
    WHY_BYTES = 512,
};

struct walk {
    struct walk_settings settings;
    void (*done)(void *user, enum walk_end end, const struct scan *scan, const char *why);
    void *user;
    struct walk_order order;
    struct fetch fetch;
    struct pages pages;
    struct arena page; /* of the page that is being read */
    enum listing list; /* that is being read */
    size_t workspace;  /* index; of notebooks 0 is the list without one */
    struct buf path, query;
    struct scan scan;
    struct steps steps; /* of the wall clock */
    char why[WHY_BYTES];
};

static const char *const list_names[] = {
    [LISTING_DEMANAGER] = "demanager",
    [LISTING_NOTEBOOKS] = "notebooks",
    [LISTING_WORKSPACES] = "workspaces",
};

static void end(struct walk *walk, enum walk_end how)
{
    walk->done(walk->user, how, how == WALK_COMPLETE ? &walk->scan : NULL,
               how == WALK_COMPLETE ? NULL : walk->why);
}

static void end_void(struct walk *walk, const char *why)
{
    (void)snprintf(walk->why, sizeof walk->why, "list of %s, record %lld: %s",
                   list_names[walk->list], (long long)walk->pages.seen, why);
    end(walk, WALK_VOID);
}

/* What the ledger knows of the project: under the store's lock, so that texts are copied. */
struct survey {
    struct walk *walk;
    bool workspaces, failed;
    struct view domain; /* ptr NULL: not found yet */
};

static bool look_at(void *user, const struct ledger_item *item)
{
    struct survey *survey = user;
    struct walk *walk = survey->walk;

    if (!view_eq(item->project, walk->order.project))
        return true;
    if (survey->domain.ptr == NULL && item->domain.len > 0)
        survey->domain = arena_copy(&walk->pages.arena, item->domain);
    if (!survey->workspaces)
        return survey->domain.ptr == NULL;
    if (item->workspace.len > 0)
        survey->failed = !pages_add_workspace(&walk->pages, item->workspace);
    return !survey->failed;
}

static void finish(struct walk *walk)
{
    struct survey survey = {.walk = walk};

    /* A project belongs to one domain: the ledger's name for it stands. */
    quota_each(walk->settings.store, look_at, &survey);
    if (!pages_finish(&walk->pages, survey.domain)) {
        end_void(walk, "no memory left");
        return;
    }
    walk->scan.items = walk->pages.items;
    walk->scan.count = walk->pages.count;
    end(walk, WALK_COMPLETE);
}

static bool is_own(const struct walk *walk)
{
    return walk->order.token.ptr != NULL;
}

static bool add_credential(struct walk *walk, struct buf *head, struct err *err)
{
    const struct service_request request = {
        .method = VIEW("GET"),
        .path = buf_view(&walk->path),
        .query = buf_view(&walk->query),
        .host = view_str(walk->settings.host),
        .project = walk->order.project,
        .now_us = clock_now_us(),
    };
    struct service_field fields[SERVICE_FIELDS_MAX];
    size_t count = 0;

    if (is_own(walk)) {
        http1_put_field(head, VIEW("X-Project-Id"), walk->order.project);
        http1_put_field(head, VIEW("X-Auth-Token"), walk->order.token);
        return true;
    }
    if (walk->settings.service == NULL) {
        (void)err_set(err, STATUS_INVALID, "there is no service credential");
        return false;
    }
    if (service_fields(walk->settings.service, &request, &walk->page, fields, &count, err) !=
        STATUS_OK)
        return false;
    for (size_t i = 0; i < count; i++)
        http1_put_field(head, fields[i].name, fields[i].value);
    return true;
}

static bool send_page(struct walk *walk, struct err *err)
{
    struct buf *head = fetch_head(&walk->fetch);

    (void)err_set(err, STATUS_NOMEM, "no memory left for a request");
    if (head == NULL || walk->path.failed != STATUS_OK || walk->query.failed != STATUS_OK)
        return false;
    buf_add_str(head, "GET ");
    buf_add(head, buf_view(&walk->path));
    buf_add_byte(head, '?');
    buf_add(head, buf_view(&walk->query));
    buf_add_str(head, " HTTP/1.1\r\n");
    http1_put_field(head, VIEW("Host"), view_str(walk->settings.host));
    http1_put_field(head, VIEW("Accept"), VIEW("application/json"));
    if (!add_credential(walk, head, err))
        return false;
    http1_put_end(head);
    return fetch_start(&walk->fetch);
}

/* The workspace whose list is being read; the first list of notebooks names none. */
static struct view workspace_of(const struct walk *walk)
{
    if (walk->list == LISTING_WORKSPACES ||
        (walk->list == LISTING_NOTEBOOKS && walk->workspace == 0))
        return VIEW_NONE;
    return walk->pages.workspaces[walk->workspace - (walk->list == LISTING_NOTEBOOKS)];
}

static void ask_page(struct walk *walk)
{
    const struct listing_ask ask = {
        .list = walk->list,
        .project = walk->order.project,
        .workspace = workspace_of(walk),
        .own = is_own(walk),
        .offset = walk->pages.seen,
        .limit = PAGE_RECORDS,
    };
    struct err err;

    arena_reset(&walk->page);
    buf_clear(&walk->path);
    buf_clear(&walk->query);
    modelarts_listing_request(&ask, &walk->path, &walk->query);
    if (!send_page(walk, &err)) {
        fetch_cancel(&walk->fetch);
        end_void(walk, err.text);
    }
}

/* Nobody says that the list of notebooks without a workspace is that of all of them: it is read for
 * each one too. */
static size_t lists_of(const struct walk *walk)
{
    if (walk->list == LISTING_WORKSPACES)
        return 1;
    return walk->pages.workspace_count + (walk->list == LISTING_NOTEBOOKS);
}

static void next_list(struct walk *walk)
{
    if (++walk->workspace >= lists_of(walk)) {
        if (walk->list == LISTING_NOTEBOOKS) {
            finish(walk);
            return;
        }
        walk->list = walk->list == LISTING_WORKSPACES ? LISTING_DEMANAGER : LISTING_NOTEBOOKS;
        walk->workspace = 0;
    }
    pages_begin(&walk->pages);
    ask_page(walk);
}

/* Every project has the workspace "0", also one whose workspaces this credential may not list. */
static void workspaces_are_known(struct walk *walk, bool listed)
{
    struct survey survey = {.walk = walk, .workspaces = true};

    if (!listed)
        quota_each(walk->settings.store, look_at, &survey);
    if (survey.failed || !pages_add_workspace(&walk->pages, VIEW("0")))
        end_void(walk, "no memory left for the workspaces");
    else
        next_list(walk);
}

static void go_on(struct walk *walk, enum pages_state state)
{
    if (state == PAGES_VOID)
        end_void(walk, walk->pages.why_void);
    else if (state == PAGES_MORE)
        ask_page(walk);
    else if (walk->list == LISTING_WORKSPACES)
        workspaces_are_known(walk, true);
    else
        next_list(walk);
}

static void read_page(struct walk *walk)
{
    const struct jlimits limits = {
        .bytes = walk->settings.answer_max, .depth = PAGE_DEPTH, .members = PAGE_MEMBERS};
    struct jdoc doc;
    struct jfault fault;
    struct listing_page page;
    struct view *ids = NULL;
    size_t count = 0;
    int64_t total = 0;
    struct err err = {.text = "no memory left for a page"};
    enum status status = jdoc_read(buf_view(&walk->fetch.body), &limits, &walk->page, &doc, &fault);

    if (status == STATUS_SYNTAX) {
        end_void(walk, fault.text);
        return;
    }
    if (status == STATUS_OK && walk->list == LISTING_WORKSPACES)
        status = modelarts_read_workspaces(&doc, &walk->page, &ids, &count, &total, &err);
    else if (status == STATUS_OK)
        status = modelarts_read_listing(walk->list, &doc, &walk->page, &page, &err);
    if (status != STATUS_OK)
        end_void(walk, err.text);
    else if (walk->list == LISTING_WORKSPACES)
        go_on(walk, pages_add_workspaces(&walk->pages, ids, count, total));
    else
        go_on(walk, pages_add(&walk->pages, &page));
}

static void on_page(void *user, const char *failed)
{
    struct walk *walk = user;
    unsigned status = walk->fetch.status;
    char text[64];

    if (failed != NULL) {
        end_void(walk, failed);
    } else if (status == 200) {
        read_page(walk);
    } else if (walk->list == LISTING_WORKSPACES && (status == 403 || status == 404)) {
        pages_reset(&walk->pages);
        workspaces_are_known(walk, false);
    } else {
        (void)snprintf(text, sizeof text, "the cloud answered %u", status);
        if (status != 401) {
            end_void(walk, text);
            return;
        }
        (void)snprintf(walk->why, sizeof walk->why, "list of %s: %s", list_names[walk->list], text);
        end(walk, WALK_DENIED);
    }
}

struct walk *walk_new(const struct walk_settings *settings,
                      void (*done)(void *user, enum walk_end end, const struct scan *scan,
                                   const char *why),
                      void *user)
{
    struct walk *walk = calloc(1, sizeof *walk);

    if (walk == NULL)
        return NULL;
    walk->settings = *settings;
    walk->done = done;
    walk->user = user;
    steps_init(&walk->steps, clock_now_us(), clock_boottime_us(),
               (settings->deadline_ms + settings->grace_ms) * US_PER_MS);
    fetch_init(&walk->fetch, settings->upstream, settings->answer_max, on_page, walk);
    pages_init(&walk->pages);
    arena_init(&walk->page, PAGE_ARENA, PAGE_ARENA_MAX);
    buf_init(&walk->path, PATH_MAX_BYTES);
    buf_init(&walk->query, PATH_MAX_BYTES);
    return walk;
}

static void forget_order(struct walk *walk)
{
    secret_wipe(&walk->order.project);
    secret_wipe(&walk->order.user_id);
    secret_wipe(&walk->order.token);
}

void walk_free(struct walk **walk)
{
    struct walk *w = *walk;

    if (w == NULL)
        return;
    *walk = NULL;
    fetch_done(&w->fetch);
    forget_order(w);
    pages_done(&w->pages);
    arena_done(&w->page);
    buf_done(&w->path);
    buf_done(&w->query);
    free(w);
}

void walk_start(struct walk *walk, const struct walk_order *order)
{
    struct walk_order *own = &walk->order;

    forget_order(walk);
    walk->why[0] = '\0';
    walk->list = LISTING_WORKSPACES;
    walk->workspace = 0;
    pages_reset(&walk->pages);
    if (!secret_copy(order->project, &own->project) ||
        !secret_copy(order->user_id, &own->user_id) || !secret_copy(order->token, &own->token)) {
        end_void(walk, "no memory left");
        return;
    }
    walk->scan = (struct scan){
        .project = own->project,
        .own_of = own->user_id,
        .begun_us = steps_wall_us(&walk->steps, clock_now_us(), clock_boottime_us()),
        .grace_us = walk->settings.grace_ms * US_PER_MS,
    };
    ask_page(walk);
}
