/* SPDX-License-Identifier: Apache-2.0
 * The listeners: at least one; without TLS only where nobody else can listen in. */
#include "conf/internal.h"

static bool is_repeated(const struct conf_listen *listens, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (listens[i].address.port != 0 &&
            listens[i].address.port == listens[index].address.port &&
            strcmp(listens[i].address.host, listens[index].address.host) == 0)
            return true;
    }
    return false;
}

static void read_address(struct conf_loading *l, const struct conf_listen_rows *rows,
                         struct conf_listen *listen)
{
    struct err err;

    if (!rows->address.set)
        return;
    if (net_address_parse(rows->address.value, &listen->address, &err) != STATUS_OK) {
        diag_fault(l->diag, rows->address.at, "address: %s", err.text);
        return;
    }
    if (rows->tls.object.at.line == 0 && rows->plain.value == 0 &&
        !net_address_is_loopback(&listen->address))
        diag_fault(l->diag, rows->address.at,
                   "address: %s can be reached from outside and has no tls; add tls, or `plain: "
                   "true` if something in front encrypts",
                   listen->address.text);
    if (rows->tls.object.set && rows->plain.value != 0)
        diag_fault(l->diag, rows->plain.at, "plain: true contradicts tls; leave one of them out");
}

static void read_listen(struct conf_loading *l, const struct ynode *item,
                        struct conf_listen_rows *rows, struct conf_listen *listen)
{
    yschema_read(item, item->loc, conf_listen_fields, rows, l->arena, l->diag);
    listen->at = item->loc;
    read_address(l, rows, listen);
    if (!rows->tls.object.set)
        return;
    listen->certificate = conf_path(l, &rows->tls.certificate);
    listen->key = conf_path(l, &rows->tls.key);
    listen->client_ca = conf_path(l, &rows->tls.client_ca);
}

/* Left out: one listener on loopback. */
static void default_listen(struct conf_loading *l, struct conf_listen_rows *rows,
                           struct conf_listen *listen)
{
    struct err err;

    rows->address.value = VIEW("127.0.0.1:8080");
    listen->at = (struct loc){l->file, 1, 1};
    if (net_address_parse(rows->address.value, &listen->address, &err) != STATUS_OK)
        diag_fault(l->diag, listen->at, "listen: %s", err.text);
}

void conf_read_listens(struct conf_loading *l)
{
    const struct ynode *list = l->rows->listen;
    size_t count = list == NULL ? 1 : list->count, at = 0;
    struct conf_listen *listens;

    if (list != NULL && list->kind != YNODE_SEQUENCE) {
        diag_fault(l->diag, list->loc, "listen: expected a list of listeners, found %s",
                   ynode_kind_name(list));
        return;
    }
    if (count == 0 || count > CONF_LISTENS_MAX) {
        diag_fault(l->diag, list->loc, "listen: expected 1 to %d listeners, found %zu",
                   CONF_LISTENS_MAX, count);
        return;
    }
    listens = arena_array(l->arena, count, sizeof *listens);
    l->rows->listens = arena_array(l->arena, count, sizeof *l->rows->listens);
    if (listens == NULL || l->rows->listens == NULL) {
        conf_no_memory(l);
        return;
    }
    if (list == NULL)
        default_listen(l, l->rows->listens, listens);
    for (const struct ynode *item = list == NULL ? NULL : list->child; item != NULL;
         item = item->next, at++) {
        read_listen(l, item, &l->rows->listens[at], &listens[at]);
        if (l->rows->listens[at].address.set && is_repeated(listens, at))
            diag_fault(l->diag, l->rows->listens[at].address.at,
                       "address: %s is in the list already", listens[at].address.text);
    }
    l->rows->listen_count = count;
    l->conf.listens = listens;
    l->conf.listen_count = count;
}
