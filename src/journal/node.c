/* SPDX-License-Identifier: Apache-2.0
 * Lines on their way to the disk. A node keeps its text's memory, so that a line costs no
 * allocation once the gateway is warm. */
#include <stdlib.h>

#include "base/clock.h"
#include "journal/internal.h"
#include "modelarts/unicode.h"

enum {
    SHORT_TEXT_BYTES = 64,   /* of a text in a line that is written short */
    SHORT_ERROR_BYTES = 256, /* of its error */
};

void list_add(struct list *list, struct node *node)
{
    node->next = NULL;
    *(list->last == NULL ? &list->first : &list->last->next) = node;
    list->last = node;
}

struct node *list_take(struct list *list)
{
    struct node *node = list->first;

    if (node == NULL)
        return NULL;
    list->first = node->next;
    if (list->first == NULL)
        list->last = NULL;
    return node;
}

void list_append(struct list *list, struct list *more)
{
    if (more->first == NULL)
        return;
    *(list->last == NULL ? &list->first : &list->last->next) = more->first;
    list->last = more->last;
    *more = (struct list){NULL, NULL};
}

struct node *node_new(void)
{
    /* It goes from thread to thread: no arena could hold it. */
    struct node *node = calloc(1, sizeof *node);

    if (node != NULL)
        buf_init(&node->text, LINE_MAX_BYTES);
    return node;
}

void node_free(struct node **node)
{
    if (*node == NULL)
        return;
    open_entry_free(&(*node)->entry);
    buf_done(&(*node)->text);
    free(*node);
    *node = NULL;
}

struct node *node_spare(struct journal *journal)
{
    struct node *node = journal->spare;

    if (node == NULL)
        return NULL;
    journal->spare = node->next;
    journal->spares--;
    return node;
}

void node_recycle(struct journal *journal, struct node *node)
{
    struct buf text = node->text;

    if (journal->spares >= SPARE_MAX_NODES || text.cap > SPARE_MAX_BYTES) {
        node_free(&node);
        return;
    }
    open_entry_free(&node->entry);
    buf_clear(&text);
    *node = (struct node){.text = text, .next = journal->spare};
    journal->spare = node;
    journal->spares++;
}

void nodes_recycle(struct journal *journal, struct list *list)
{
    struct node *node;

    (void)pthread_mutex_lock(&journal->lock);
    while ((node = list_take(list)) != NULL)
        node_recycle(journal, node);
    (void)pthread_mutex_unlock(&journal->lock);
}

void node_post(struct node *node, enum status status, struct journal_mailbox **touched)
{
    if (node->mailbox == NULL)
        return;
    mailbox_post(node->mailbox, node->cookie, status, touched);
    node->mailbox = NULL;
}

size_t node_bytes(const struct node *node)
{
    return CHAIN_PREFIX_BYTES + node->text.len;
}

bool node_is_intent(const struct node *node)
{
    return node->step.event == JOURNAL_INTENT;
}

static struct view cut(struct view v, size_t max)
{
    return v.len > max ? view_of(v.ptr, max) : v;
}

/* What must not be lost of a line that is too long: which exchange, and what came of it. It fits
 * into the room that was promised to it. */
static void format_short(const struct journal_facts *facts, struct buf *out)
{
    const struct journal_instance *listed = facts->listed;
    struct journal_instance listed_cut;
    struct journal_facts brief = {
        .time_us = facts->time_us,
        .event = facts->event,
        .id = cut(facts->id, SHORT_TEXT_BYTES),
        .operation = facts->operation,
        .project = cut(facts->project, SHORT_TEXT_BYTES),
        .instance_id = cut(journal_instance_id(facts), SHORT_TEXT_BYTES),
        .has_decision = facts->has_decision,
        .decision = facts->decision,
        .outcome = facts->outcome,
        .status = facts->status,
        .error_code = cut(facts->error_code, SHORT_TEXT_BYTES),
        .upstream_request_id = cut(facts->upstream_request_id, SHORT_TEXT_BYTES),
        .duration_us = facts->duration_us,
        .error = cut(facts->error, SHORT_ERROR_BYTES),
        .count = facts->count,
    };

    if (brief.error.ptr == NULL)
        brief.error = VIEW("the line was too long");
    if (listed != NULL && facts->instance == NULL) {
        listed_cut = (struct journal_instance){.name = cut(listed->name, SHORT_TEXT_BYTES),
                                               .flavor = utf8_cut(listed->flavor, OPEN_TEXT_BYTES)};
        brief.listed = &listed_cut;
    }
    buf_clear(out);
    journal_format(&brief, out);
}

struct journal_facts journal_without_request(const struct journal_facts *facts)
{
    struct journal_facts lean = *facts;

    lean.kept = NULL;
    return lean;
}

static bool too_long(const struct node *node, const struct journal_facts *facts)
{
    bool promised = facts->event == JOURNAL_OUTCOME && facts->operation != NULL &&
                    operation_is_judged(facts->operation);

    return node->text.failed == STATUS_LIMIT || (promised && node_bytes(node) > OUTCOME_ROOM_BYTES);
}

enum status node_fill(struct node *node, const struct journal_facts *facts)
{
    char time[CLOCK_TEXT_BYTES];
    struct open_item item;

    journal_format(facts, &node->text);
    if (facts->kept != NULL && too_long(node, facts)) {
        const struct journal_facts lean = journal_without_request(facts);

        buf_clear(&node->text);
        journal_format(&lean, &node->text);
    }
    if (too_long(node, facts)) {
        if (facts->event == JOURNAL_INTENT)
            return STATUS_LIMIT;
        format_short(facts, &node->text);
    }
    if (node->text.failed != STATUS_OK)
        return node->text.failed;
    open_step_of(facts, &node->step);
    open_item_of(facts, clock_format(facts->time_us, time), &item);
    if (!open_needs_entry(facts->event, &item))
        return STATUS_OK;
    node->entry = open_entry_new(&item);
    return node->entry == NULL ? STATUS_NOMEM : STATUS_OK;
}
