/* SPDX-License-Identifier: Apache-2.0
 * Lines read with jansson. Duplicate members are refused: two readers must see the same line. */
#include "journal/line.h"

#include <jansson.h>

enum { SCRATCH_BYTES = 1 << 20 };

static struct view text_of(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);

    return json_is_string(value) ? view_of(json_string_value(value), json_string_length(value))
                                 : VIEW_NONE;
}

static const struct operation *operation_of(const json_t *object)
{
    struct view name = text_of(object, "operation");

    return name.ptr == NULL ? NULL : operation_find(name);
}

static void read_item(const json_t *object, struct open_item *ret)
{
    const json_t *user = json_object_get(object, "user");
    const json_t *instance = json_object_get(object, "instance");
    const json_t *auto_stop = json_object_get(instance, "auto_stop_s");

    *ret = (struct open_item){
        .id = text_of(object, "id"),
        .time = text_of(object, "time"),
        .project = text_of(object, "project"),
        .user_id = text_of(user, "id"),
        .user_name = text_of(user, "name"),
        .user_domain = text_of(user, "domain"),
        .instance = text_of(instance, "id"),
        .name = text_of(instance, "name"),
        .flavor = text_of(instance, "flavor"),
        .workspace = text_of(instance, "workspace"),
        .pool = text_of(instance, "pool"),
        .profile = text_of(instance, "profile"),
        .auto_stop_s = json_is_integer(auto_stop) ? json_integer_value(auto_stop) : -1,
        .operation = operation_of(object),
        .state = OPEN_RESERVED,
    };
}

static const char *read_line(struct line *line)
{
    const json_t *version = json_object_get(line->root, "v");
    const json_t *seq = json_object_get(line->root, "seq");
    const json_t *status = json_object_get(line->root, "status");

    if (!json_is_integer(version) || json_integer_value(version) != 1)
        return "its \"v\" isn't 1";
    if (!json_is_integer(seq) || json_integer_value(seq) < 1)
        return "its \"seq\" isn't a positive integer";
    line->seq = (uint64_t)json_integer_value(seq);
    line->prev = text_of(line->root, "prev");
    if (line->prev.ptr == NULL)
        return "it has no \"prev\"";
    line->known_event = journal_event_find(text_of(line->root, "event"), &line->step.event);
    if (!line->known_event && text_of(line->root, "event").ptr == NULL)
        return "it has no \"event\"";
    read_item(line->root, &line->item);
    /* Nothing of ours: folded in, it would stand in checkpoints that no start accepts. */
    if (line->known_event && open_needs_entry(line->step.event) && line->item.id.len == 0)
        return "it has no \"id\"";
    line->step.operation = line->item.operation;
    if (!journal_outcome_find(text_of(line->root, "outcome"), &line->step.outcome))
        line->step.outcome = OUTCOME_NONE;
    line->step.status = json_is_integer(status) ? (int)json_integer_value(status) : 0;
    open_key_set(&line->step.id, line->item.id);
    open_key_set(&line->step.instance, line->item.instance);
    return NULL;
}

bool line_parse(struct view text, struct line *ret, const char **ret_why)
{
    struct line line = {.known_event = false};
    const char *why;

    line.root = json_loadb(text.ptr == NULL ? "" : text.ptr, text.len,
                           JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
    why = json_is_object(line.root) ? read_line(&line) : "it isn't a JSON object";
    if (why != NULL) {
        line_done(&line);
        *ret_why = why;
        return false;
    }
    *ret = line;
    return true;
}

void line_done(struct line *line)
{
    json_decref(line->root);
    line->root = NULL;
}

enum status line_read_open(const struct line *line, struct open_table *table)
{
    const json_t *open = json_object_get(line->root, "open"), *element;
    struct buf scratch CLEANUP(buf_done);
    size_t i;

    buf_init(&scratch, SCRATCH_BYTES);
    if (!json_is_array(open))
        return STATUS_SYNTAX;
    json_array_foreach (open, i, element) {
        struct open_item item;
        struct open_entry *entry;

        read_item(element, &item);
        if (item.id.ptr == NULL || !open_state_find(text_of(element, "state"), &item.state))
            return STATUS_SYNTAX;
        entry = open_entry_new(&item, &scratch);
        if (entry == NULL)
            return STATUS_NOMEM;
        open_put(table, &entry);
    }
    return STATUS_OK;
}

enum status line_apply(const struct line *line, struct open_table *table, struct buf *scratch)
{
    struct open_entry *entry = NULL;

    if (!line->known_event)
        return STATUS_OK;
    if (open_needs_entry(line->step.event)) {
        entry = open_entry_new(&line->item, scratch);
        if (entry == NULL)
            return STATUS_NOMEM;
    }
    open_apply(table, &line->step, &entry);
    open_entry_free(&entry);
    return STATUS_OK;
}
