/* SPDX-License-Identifier: Apache-2.0
 * `postern check --show`: the settings in force, in the order of the contract. */
#include "conf/conf.h"
#include "conf/rows.h"

static void show_listen(const struct conf_listen_rows *listen, struct buf *out)
{
    size_t start = out->len;

    yschema_print(conf_listen_fields, listen, 4, out);
    /* The first line of a list's item begins with its hyphen. */
    if (out->failed == STATUS_OK)
        out->ptr[start + 2] = '-';
}

void conf_show(const struct conf *conf, struct buf *out)
{
    const struct conf_rows *rows = conf->rows;

    buf_printf(out, "version: %lld\n", (long long)rows->version.value);
    buf_add_str(out, "listen:\n");
    for (size_t i = 0; i < rows->listen_count; i++)
        show_listen(&rows->listens[i], out);
    yschema_print(conf_fields + 2, rows, 0, out);
}
