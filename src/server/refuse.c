/* SPDX-License-Identifier: Apache-2.0 */
#include "server/refuse.h"

#include "json/write.h"

int server_refuse(struct buf *out, int status, const char *why)
{
    struct jwriter w;

    buf_clear(out);
    jwriter_init(&w, out);
    jwriter_open_object(&w);
    jwriter_member_text(&w, "why", view_str(why));
    jwriter_close_object(&w);
    buf_add_byte(out, '\n');
    return status;
}
