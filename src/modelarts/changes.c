/* SPDX-License-Identifier: Apache-2.0
 * The list of changes. */
#include "modelarts/changes.h"

void modelarts_write_changes(struct jwriter *w, const struct change *changes, size_t count)
{
    jwriter_open_array(w);
    for (size_t i = 0; i < count; i++) {
        jwriter_open_object(w);
        jwriter_member_text(w, "op", view_str(edit_op_name(changes[i].op)));
        jwriter_member_text(w, "path", changes[i].path);
        jwriter_member_raw_opt(w, "old", changes[i].old_json);
        jwriter_member_raw_opt(w, "new", changes[i].new_json);
        jwriter_member_opt(w, "policy", changes[i].policy);
        jwriter_close_object(w);
    }
    jwriter_close_array(w);
}
