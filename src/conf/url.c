/* SPDX-License-Identifier: Apache-2.0
 * Addresses of services: https, a host, perhaps a port, and nothing else. Whatever would be ignored
 * (a path, a user, a query) is refused, so that nobody believes in it. */
#include <stdio.h>

#include "base/number.h"
#include "conf/internal.h"

enum { NAME_BYTES = 253, LABEL_BYTES = 63 };

static bool is_name_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
}

/* RFC 1123 2.1: letters, digits and hyphens between dots, a hyphen neither first nor last. */
static bool is_name(struct view name)
{
    if (name.len == 0 || name.len > NAME_BYTES)
        return false;
    for (;;) {
        size_t len = view_find(name, '.');

        if (len == 0 || len > LABEL_BYTES || name.ptr[0] == '-' || name.ptr[len - 1] == '-')
            return false;
        for (size_t i = 0; i < len; i++) {
            if (!is_name_byte(name.ptr[i]))
                return false;
        }
        if (len == name.len)
            return true;
        name = view_from(name, len + 1);
    }
}

/* Digits and dots only: must be an IPv4 address, or resolvers disagree about it. */
static bool is_numeric(struct view host)
{
    for (size_t i = 0; i < host.len; i++) {
        if (host.ptr[i] != '.' && (host.ptr[i] < '0' || host.ptr[i] > '9'))
            return false;
    }
    return true;
}

static bool is_address(struct view host, bool bracketed)
{
    char text[128];
    struct net_address address;
    struct err err;
    int len = snprintf(text, sizeof text, bracketed ? "[%.*s]:1" : "%.*s:1", VIEW_ARGS(host));

    return len > 0 && (size_t)len < sizeof text &&
           net_address_parse(view_of(text, (size_t)len), &address, &err) == STATUS_OK;
}

bool conf_split_authority(struct view authority, struct view *ret_host, int64_t *ret_port)
{
    struct view host, rest;
    bool bracketed = view_starts(authority, VIEW("["));

    if (bracketed) {
        size_t end = view_find(authority, ']');

        if (end == authority.len)
            return false;
        host = view_of(authority.ptr + 1, end - 1);
        rest = view_from(authority, end + 1);
    } else {
        size_t end = view_find(authority, ':');

        host = view_of(authority.ptr, end);
        rest = view_from(authority, end);
    }
    if (rest.len > 0 &&
        (rest.ptr[0] != ':' || !num_parse_i64(view_from(rest, 1), 1, UINT16_MAX, ret_port)))
        return false;
    *ret_host = host;
    if (bracketed || is_numeric(host))
        return is_address(host, bracketed);
    return is_name(host);
}

const char *conf_found(struct view url, char quoted[DIAG_QUOTED_BYTES])
{
    static const char secret_signs[] = "@?#";

    (void)diag_quoted(url, quoted);
    for (const char *c = secret_signs; *c != '\0'; c++) {
        if (view_find(url, *c) < url.len) {
            quoted[0] = '\0';
            return "";
        }
    }
    return ", found ";
}

bool conf_read_url(struct conf_loading *l, const char *key, const struct ytext *url,
                   const char **ret_host, uint16_t *ret_port)
{
    char quoted[DIAG_QUOTED_BYTES];
    struct view authority, host = VIEW_NONE;
    int64_t port = 443;
    const char *copy;

    if (view_starts(url->value, VIEW("http://"))) {
        diag_fault(l->diag, url->at,
                   "%s: http:// is refused, tokens would cross the network in the clear; write "
                   "https://",
                   key);
        return false;
    }
    if (!view_starts(url->value, VIEW("https://"))) {
        diag_fault(l->diag, url->at, "%s: expected https://HOST or https://HOST:PORT%s%s", key,
                   conf_found(url->value, quoted), quoted);
        return false;
    }
    authority = view_from(url->value, 8);
    if (view_ends(authority, VIEW("/")))
        authority.len--;
    if (!conf_split_authority(authority, &host, &port)) {
        diag_fault(l->diag, url->at,
                   "%s: expected https://HOST or https://HOST:PORT without path, user or query%s%s",
                   key, conf_found(url->value, quoted), quoted);
        return false;
    }
    copy = arena_strdup(l->arena, host);
    if (copy == NULL) {
        conf_no_memory(l);
        return false;
    }
    *ret_host = copy;
    *ret_port = (uint16_t)port;
    return true;
}
