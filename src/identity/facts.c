/* SPDX-License-Identifier: Apache-2.0
 * Facts as one block. */
#include "identity/facts.h"

static size_t text_bytes(const struct view *texts, size_t count)
{
    size_t total = 0;

    for (size_t i = 0; i < count; i++)
        total += texts[i].len;
    return total;
}

/* The single texts of a subject, as a list. */
enum { SINGLE_TEXTS = 6 };

static void list_texts(struct subject *s, struct view *ret[SINGLE_TEXTS])
{
    ret[0] = &s->user_id;
    ret[1] = &s->user_name;
    ret[2] = &s->domain_id;
    ret[3] = &s->domain_name;
    ret[4] = &s->project_id;
    ret[5] = &s->project_name;
}

size_t facts_bytes(const struct token_facts *facts)
{
    struct subject s = facts->subject;
    size_t total = (s.role_count + s.group_count) * sizeof(struct view);
    struct view *texts[SINGLE_TEXTS];

    list_texts(&s, texts);
    for (size_t i = 0; i < SINGLE_TEXTS; i++)
        total += texts[i]->len;
    return total + text_bytes(s.roles, s.role_count) + text_bytes(s.groups, s.group_count);
}

static void move_text(struct view *text, char **free_bytes)
{
    if (text->ptr == NULL)
        return;
    if (text->len > 0)
        memcpy(*free_bytes, text->ptr, text->len);
    text->ptr = *free_bytes;
    *free_bytes += text->len;
}

static const struct view *move_list(const struct view *list, size_t count, struct view **free_views,
                                    char **free_bytes)
{
    struct view *moved = *free_views;

    for (size_t i = 0; i < count; i++) {
        moved[i] = list[i];
        move_text(&moved[i], free_bytes);
    }
    *free_views += count;
    return moved;
}

void facts_move(struct token_facts *facts, void *block)
{
    struct subject *const s = &facts->subject;
    struct view *views = block, *texts[SINGLE_TEXTS];
    char *bytes = (char *)(views + s->role_count + s->group_count);

    s->roles = move_list(s->roles, s->role_count, &views, &bytes);
    s->groups = move_list(s->groups, s->group_count, &views, &bytes);
    list_texts(s, texts);
    for (size_t i = 0; i < SINGLE_TEXTS; i++)
        move_text(texts[i], &bytes);
}

bool facts_copy(const struct token_facts *facts, struct arena *arena, struct token_facts *ret)
{
    void *block = arena_alloc(arena, facts_bytes(facts));

    if (block == NULL)
        return false;
    *ret = *facts;
    facts_move(ret, block);
    return true;
}
