/* SPDX-License-Identifier: Apache-2.0
 * The queue of hints. */
#include "reconcile/hints.h"

#include <stdlib.h>
#include <string.h>

void hints_init(struct hints *hints)
{
    *hints = (struct hints){.lock = PTHREAD_MUTEX_INITIALIZER};
    STAILQ_INIT(&hints->all);
}

void hint_free(struct hint **hint)
{
    if (*hint == NULL)
        return;
    explicit_bzero(*hint, (*hint)->bytes);
    free(*hint);
    *hint = NULL;
}

void hints_done(struct hints *hints)
{
    bool lost;
    struct hint *hint;

    while ((hint = hints_take(hints, &lost)) != NULL)
        hint_free(&hint);
    (void)pthread_mutex_destroy(&hints->lock);
}

static struct view place(char **at, struct view text)
{
    struct view copy = view_of(text.ptr == NULL ? NULL : *at, text.len);

    if (text.ptr != NULL && text.len > 0)
        memcpy(*at, text.ptr, text.len);
    *at += text.len;
    return copy;
}

static struct hint *copy_hint(const struct hint *from)
{
    size_t bytes = sizeof *from + from->project.len + from->user_id.len + from->token.len + 1;
    struct hint *hint = malloc(bytes);
    char *at;

    if (hint == NULL)
        return NULL;
    at = (char *)(hint + 1);
    *hint = (struct hint){.expires_us = from->expires_us, .bytes = bytes};
    hint->project = place(&at, from->project);
    hint->user_id = place(&at, from->user_id);
    hint->token = place(&at, from->token);
    return hint;
}

void hints_put(struct hints *hints, const struct hint *from)
{
    struct hint *hint = copy_hint(from);

    (void)pthread_mutex_lock(&hints->lock);
    if (hint == NULL || hints->count >= HINTS_MAX) {
        hints->lost = true;
    } else {
        STAILQ_INSERT_TAIL(&hints->all, hint, link);
        hints->count++;
        hint = NULL;
    }
    (void)pthread_mutex_unlock(&hints->lock);
    hint_free(&hint);
}

struct hint *hints_take(struct hints *hints, bool *ret_lost)
{
    struct hint *hint;

    (void)pthread_mutex_lock(&hints->lock);
    hint = STAILQ_FIRST(&hints->all);
    if (hint != NULL) {
        STAILQ_REMOVE_HEAD(&hints->all, link);
        hints->count--;
    }
    *ret_lost = hints->lost;
    hints->lost = false;
    (void)pthread_mutex_unlock(&hints->lock);
    return hint;
}
