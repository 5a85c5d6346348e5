/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/inner.h"

/* The span of the member that goes, with the comma that stood before it or, of a first member,
 * behind it. */
static void cut_member(const struct jdoc *doc, jref member, size_t *ret_from, size_t *ret_to)
{
    jref before = JREF_NONE, behind = jdoc_sibling(doc, member);

    for (jref at = jdoc_child(doc, 0); at != member; at = jdoc_sibling(doc, at))
        before = at;
    *ret_from =
        before != JREF_NONE ? doc->values[before].end : (size_t)doc->values[member].key_start;
    *ret_to = doc->values[member].end;
    if (before == JREF_NONE && behind != JREF_NONE)
        *ret_to = doc->values[behind].key_start;
}

void format_postern(const struct format_input *in, struct buf *out)
{
    jref open = JREF_NONE;
    size_t from, to;

    if (view_eq(row_text(in->row, ROW_EVENT), VIEW("checkpoint")))
        open = jdoc_member(&in->row->doc, 0, VIEW("open"));
    if (open == JREF_NONE) {
        buf_add(out, in->line);
        return;
    }
    cut_member(&in->row->doc, open, &from, &to);
    buf_add(out, view_of(in->line.ptr, from));
    buf_add(out, view_from(in->line, to));
}
