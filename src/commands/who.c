/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/who.h"

#include "base/printable.h"

void who_add(struct buf *out, struct view id, struct view name, struct view domain,
             const char *nobody)
{
    if (id.len == 0 && name.len == 0) {
        buf_add_str(out, nobody);
        return;
    }
    printable_add(out, name.len > 0 ? name : id);
    if (id.len > 0 && name.len > 0) {
        buf_add_str(out, " (");
        printable_add(out, id);
        buf_add_byte(out, ')');
    }
    if (domain.len > 0) {
        buf_add_str(out, " of ");
        printable_add(out, domain);
    }
}
