/* SPDX-License-Identifier: Apache-2.0 */
#include "quota/outbox.h"

#include <stdlib.h>

#include "quota/idmap.h"

struct node {
    struct outbox_change change; /* first: a change is its node */
    struct ledger_item *texts;
    struct node *prev, *next;
};

struct outbox {
    struct idmap *by_id;
    struct node *first, *last;
    size_t count, most;
    uint64_t version;
};

enum { ITEM_TEXTS = 11 };

static void texts_of(struct ledger_item *item, struct view *texts[static ITEM_TEXTS])
{
    struct view *const all[ITEM_TEXTS] = {
        &item->id,     &item->project,   &item->user_id, &item->user_name,
        &item->domain, &item->workspace, &item->pool,    &item->flavor,
        &item->name,   &item->instance,  &item->gateway,
    };

    memcpy(texts, all, sizeof all);
}

struct ledger_item *item_copy(const struct ledger_item *item)
{
    struct ledger_item from = *item, *copy;
    struct view *texts[ITEM_TEXTS];
    size_t bytes = sizeof from;
    char *to;

    texts_of(&from, texts);
    for (size_t i = 0; i < ITEM_TEXTS; i++)
        bytes += texts[i]->len;
    copy = malloc(bytes);
    if (copy == NULL)
        return NULL;
    *copy = *item;
    to = (char *)(copy + 1);
    texts_of(copy, texts);
    for (size_t i = 0; i < ITEM_TEXTS; i++) {
        if (texts[i]->ptr == NULL)
            continue;
        if (texts[i]->len > 0)
            memcpy(to, texts[i]->ptr, texts[i]->len);
        texts[i]->ptr = to;
        to += texts[i]->len;
    }
    return copy;
}

bool item_eq(const struct ledger_item *a, const struct ledger_item *b)
{
    struct ledger_item left = *a, right = *b;
    struct view *left_texts[ITEM_TEXTS], *right_texts[ITEM_TEXTS];

    texts_of(&left, left_texts);
    texts_of(&right, right_texts);
    for (size_t i = 0; i + 1 < ITEM_TEXTS; i++) {
        if ((left_texts[i]->ptr == NULL) != (right_texts[i]->ptr == NULL) ||
            !view_eq(*left_texts[i], *right_texts[i]))
            return false;
    }
    return a->state == b->state && a->op == b->op && a->time_us == b->time_us &&
           a->settle_after_us == b->settle_after_us && a->run_s == b->run_s &&
           a->running == b->running && a->orphan == b->orphan && a->claimed == b->claimed;
}

struct outbox *outbox_new(size_t most)
{
    struct outbox *outbox = calloc(1, sizeof *outbox);

    if (outbox == NULL)
        return NULL;
    outbox->most = most;
    outbox->by_id = idmap_new();
    if (outbox->by_id == NULL) {
        free(outbox);
        return NULL;
    }
    return outbox;
}

static void drop(void *value)
{
    struct node *node = value;

    free(node->texts);
    free(node);
}

void outbox_free(struct outbox **outbox)
{
    if (*outbox == NULL)
        return;
    idmap_free(&(*outbox)->by_id, drop);
    free(*outbox);
    *outbox = NULL;
}

static struct node *append(struct outbox *outbox)
{
    struct node *node = calloc(1, sizeof *node);

    if (node == NULL)
        return NULL;
    node->prev = outbox->last;
    *(outbox->last == NULL ? &outbox->first : &outbox->last->next) = node;
    outbox->last = node;
    outbox->count++;
    return node;
}

bool outbox_add(struct outbox *outbox, const struct ledger_item *item, bool gone)
{
    bool full = outbox->count >= outbox->most && !outbox_has(outbox, item->id);
    struct ledger_item *texts = full ? NULL : item_copy(item);
    void **slot;
    struct node *node;

    if (texts == NULL)
        return false;
    slot = idmap_slot(outbox->by_id, item->id);
    if (slot != NULL && *slot == NULL) {
        *slot = append(outbox);
        if (*slot == NULL) {
            (void)idmap_take(outbox->by_id, item->id);
            slot = NULL;
        }
    }
    if (slot == NULL) {
        free(texts);
        return false;
    }
    node = *slot;
    free(node->texts);
    node->texts = texts;
    node->change = (struct outbox_change){*texts, gone, ++outbox->version};
    return true;
}

bool outbox_has(const struct outbox *outbox, struct view id)
{
    return idmap_get(outbox->by_id, id) != NULL;
}

size_t outbox_count(const struct outbox *outbox)
{
    return outbox->count;
}

size_t outbox_first(const struct outbox *outbox, const struct outbox_change **ret, size_t max)
{
    size_t count = 0;

    for (const struct node *node = outbox->first; node != NULL && count < max; node = node->next)
        ret[count++] = &node->change;
    return count;
}

void outbox_sent(struct outbox *outbox, struct view id, uint64_t version)
{
    struct node *node = idmap_get(outbox->by_id, id);

    if (node == NULL || node->change.version != version)
        return;
    (void)idmap_take(outbox->by_id, id);
    *(node->prev == NULL ? &outbox->first : &node->prev->next) = node->next;
    *(node->next == NULL ? &outbox->last : &node->next->prev) = node->prev;
    outbox->count--;
    drop(node);
}
