/* SPDX-License-Identifier: Apache-2.0
 * The list of changes. */
#include "modelarts/changes.h"

static void member_json(struct jwriter *w, const char *key, struct view json)
{
    if (json.ptr == NULL)
        return;
    jwriter_key(w, key);
    /* A value's own text may hold more than ASCII: the writer is asked to fold it where that
     * matters. */
    jwriter_raw(w, json);
}

void modelarts_write_changes(struct jwriter *w, const struct change *changes, size_t count)
{
    jwriter_open_array(w);
    for (size_t i = 0; i < count; i++) {
        jwriter_open_object(w);
        jwriter_member_text(w, "op", view_str(edit_op_name(changes[i].op)));
        jwriter_member_text(w, "path", changes[i].path);
        member_json(w, "old", changes[i].old_json);
        member_json(w, "new", changes[i].new_json);
        jwriter_member_opt(w, "policy", changes[i].policy);
        jwriter_close_object(w);
    }
    jwriter_close_array(w);
}
