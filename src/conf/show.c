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

static void show_certificates(const struct conf_rows *rows, struct buf *out)
{
    if (rows->certificate_count == 0) {
        buf_add_str(out, "  client_certificates: off\n");
        return;
    }
    buf_add_str(out, "  client_certificates:\n    rules:\n");
    for (size_t i = 0; i < rows->certificate_count; i++) {
        size_t start = out->len;

        yschema_print(conf_certificate_fields, &rows->certificates[i], 8, out);
        if (out->failed == STATUS_OK)
            out->ptr[start + 6] = '-';
    }
}

static void show_sinks(const struct conf_rows *rows, struct buf *out)
{
    if (rows->sink_count > 0)
        buf_add_str(out, "sinks:\n");
    for (size_t i = 0; i < rows->sink_count; i++) {
        size_t start = out->len;

        yschema_print(conf_sink_fields, &rows->sink_list[i], 4, out);
        if (out->failed == STATUS_OK)
            out->ptr[start + 2] = '-';
    }
}

void conf_show(const struct conf *conf, struct buf *out)
{
    const struct conf_rows *rows = conf->rows;

    buf_printf(out, "version: %lld\n", (long long)rows->version.value);
    buf_add_str(out, "listen:\n");
    for (size_t i = 0; i < rows->listen_count; i++)
        show_listen(&rows->listens[i], out);
    for (const struct yfield *field = conf_fields + 2; field->key != NULL; field++) {
        const struct yfield alone[] = {*field, {0}};

        yschema_print(alone, rows, 0, out);
        /* Its last row, which no kind of row can print. */
        if (field->fields != NULL && field->offset == offsetof(struct conf_rows, identity))
            show_certificates(rows, out);
        if (field->offset == offsetof(struct conf_rows, sinks))
            show_sinks(rows, out);
    }
}
