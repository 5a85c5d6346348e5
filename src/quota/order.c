/* SPDX-License-Identifier: Apache-2.0
 * A natural merge sort: what is nearly in order costs little. */
#include "quota/order.h"

enum { NEAR = 16 }; /* so far from the end a link is put in its place at once */

static void insert_behind(struct order *order, struct link *before, struct link *link)
{
    link->prev = before;
    link->next = before == NULL ? order->first : before->next;
    *(before == NULL ? &order->first : &before->next) = link;
    *(link->next == NULL ? &order->last : &link->next->prev) = link;
    order->count++;
}

void order_add(struct order *order, struct link *link)
{
    struct link *before = order->last;

    for (unsigned i = 0; i < NEAR && before != NULL && before->time_us > link->time_us; i++)
        before = before->prev;
    if (before != NULL && before->time_us > link->time_us) {
        order->unsorted = true;
        before = order->last;
    }
    insert_behind(order, before, link);
}

void order_remove(struct order *order, struct link *link)
{
    *(link->prev == NULL ? &order->first : &link->prev->next) = link->next;
    *(link->next == NULL ? &order->last : &link->next->prev) = link->prev;
    link->prev = link->next = NULL;
    order->count--;
}

/* Cuts the run that is in order off the front of *rest; its links hang together by next alone. */
static struct link *cut_run(struct link **rest)
{
    struct link *run = *rest, *last = run;

    while (last != NULL && last->next != NULL && last->next->time_us >= last->time_us)
        last = last->next;
    *rest = last == NULL ? NULL : last->next;
    if (last != NULL)
        last->next = NULL;
    return run;
}

/* Of equal ones a comes first. Gives where to hang what comes next. */
static struct link **merge(struct link *a, struct link *b, struct link **at)
{
    while (a != NULL && b != NULL) {
        struct link **from = b->time_us < a->time_us ? &b : &a;

        *at = *from;
        at = &(*from)->next;
        *from = *at;
    }
    *at = a != NULL ? a : b;
    while (*at != NULL)
        at = &(*at)->next;
    return at;
}

/* Merges neighbouring runs; how many were left. */
static size_t merge_pass(struct link **first)
{
    struct link *rest = *first, **at = first;
    size_t runs = 0;

    while (rest != NULL) {
        struct link *a = cut_run(&rest), *b = cut_run(&rest);

        at = merge(a, b, at);
        runs++;
    }
    return runs;
}

struct link *order_oldest(struct order *order)
{
    struct link *prev = NULL;

    if (!order->unsorted)
        return order->first;
    while (merge_pass(&order->first) > 1)
        ;
    for (struct link *link = order->first; link != NULL; link = link->next) {
        link->prev = prev;
        prev = link;
    }
    order->last = prev;
    order->unsorted = false;
    return order->first;
}
