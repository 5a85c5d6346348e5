/* SPDX-License-Identifier: Apache-2.0
 * Where quotas are kept. The URL of a shared store may hold a password: no message repeats it, and
 * --show prints it without. libpq reads the URL itself when the store is opened. */
#include "conf/internal.h"

enum { SECRET_BYTES = 3 /* of "***" */ };

struct store_url {
    struct view user, password; /* as they stand there */
    struct view hosts;          /* "a:1,b" */
    struct view query;          /* behind '?' */
};

static bool take_prefix(struct view *text, struct view prefix)
{
    if (!view_starts(*text, prefix))
        return false;
    *text = view_from(*text, prefix.len);
    return true;
}

static struct view up_to(struct view text, const char *ends)
{
    size_t len = 0;

    while (len < text.len && strchr(ends, text.ptr[len]) == NULL)
        len++;
    return view_of(text.ptr, len);
}

/* As libpq splits it: user and password end at the '@', which neither may hold. */
static bool split(struct view url, struct store_url *ret)
{
    struct view rest = url, userinfo;
    size_t question;

    *ret = (struct store_url){.password = VIEW_NONE};
    if (!take_prefix(&rest, VIEW("postgresql://")) && !take_prefix(&rest, VIEW("postgres://")))
        return false;
    userinfo = up_to(rest, "@/?");
    if (userinfo.len < rest.len && rest.ptr[userinfo.len] == '@') {
        ret->user = up_to(userinfo, ":");
        if (ret->user.len < userinfo.len)
            ret->password = view_from(userinfo, ret->user.len + 1);
        rest = view_from(rest, userinfo.len + 1);
    }
    ret->hosts = up_to(rest, "/?");
    question = view_find(rest, '?');
    ret->query = question < rest.len ? view_from(rest, question + 1) : VIEW_NONE;
    return true;
}

/* The next "key=value" of a query; false at its end. */
static bool next_option(struct view *query, struct view *ret_key, struct view *ret_value)
{
    struct view option = up_to(*query, "&");
    size_t equals = view_find(option, '=');

    if (query->len == 0)
        return false;
    *ret_key = view_of(option.ptr, equals);
    *ret_value = equals < option.len ? view_from(option, equals + 1) : VIEW_NONE;
    *query = view_from(*query, option.len < query->len ? option.len + 1 : option.len);
    return true;
}

static bool is_local(struct view host)
{
    return host.len == 0 || host.ptr[0] == '/' || view_starts(host, VIEW("%2F")) ||
           view_starts(host, VIEW("%2f")) || view_starts(host, VIEW("localhost")) ||
           view_starts(host, VIEW("127.")) || view_starts(host, VIEW("[::1]")) ||
           view_eq(host, VIEW("::1"));
}

static bool are_local(struct view hosts)
{
    bool local = true;

    while (hosts.len > 0) {
        struct view host = up_to(hosts, ",");

        local = local && is_local(host);
        hosts = view_from(hosts, host.len < hosts.len ? host.len + 1 : host.len);
    }
    return local;
}

/* libpq says no more than that the connection failed. */
static bool is_sslmode(struct view mode)
{
    static const char *const modes[] = {"disable", "allow",     "prefer",
                                        "require", "verify-ca", "verify-full"};

    for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
        if (view_eq(mode, view_str(modes[i])))
            return true;
    }
    return false;
}

/* Whoever sits between could grant places, or read who makes what. */
static void warn_of_network(struct conf_loading *l, const struct store_url *url)
{
    struct view query = url->query, key, value, hosts = url->hosts;
    struct view mode = VIEW_NONE;
    char quoted[DIAG_QUOTED_BYTES];
    bool verified;

    while (next_option(&query, &key, &value)) {
        if (view_eq(key, VIEW("host")))
            hosts = value;
        else if (view_eq(key, VIEW("sslmode")))
            mode = value;
    }
    verified = view_eq(mode, VIEW("verify-full"));
    if (mode.ptr != NULL && !is_sslmode(mode))
        diag_fault(l->diag, l->rows->quota.store.at,
                   "store: sslmode: expected disable, allow, prefer, require, verify-ca or "
                   "verify-full, found %s",
                   diag_quoted(mode, quoted));
    if (!verified && !are_local(hosts))
        diag_warn(l->diag, l->rows->quota.store.at,
                  "store: the connection to another host is not surely encrypted and the server "
                  "not verified; add sslmode=verify-full and sslrootcert=FILE");
}

static bool is_secret(struct view key)
{
    return view_eq(key, VIEW("password")) || view_eq(key, VIEW("sslpassword"));
}

struct hiding {
    const char *from;
    char *to;
};

static void copy_up_to(struct hiding *hiding, const char *end)
{
    size_t len = (size_t)(end - hiding->from);

    memcpy(hiding->to, hiding->from, len);
    hiding->to += len;
    hiding->from = end;
}

static void hide_one(struct hiding *hiding, struct view secret)
{
    copy_up_to(hiding, secret.ptr);
    memset(hiding->to, '*', SECRET_BYTES);
    hiding->to += SECRET_BYTES;
    hiding->from += secret.len;
}

/* The URL with *** for passwords; ptr NULL when memory is out. */
static struct view hide(struct arena *arena, struct view text, const struct store_url *url)
{
    struct view query = url->query, key, value;
    /* A password of one character grows. */
    char *out = arena_array(arena, text.len + 1, SECRET_BYTES);
    struct hiding hiding = {text.ptr, out};

    if (out == NULL)
        return VIEW_NONE;
    if (url->password.len > 0)
        hide_one(&hiding, url->password);
    while (next_option(&query, &key, &value)) {
        if (is_secret(key) && value.len > 0)
            hide_one(&hiding, value);
    }
    copy_up_to(&hiding, text.ptr + text.len);
    return view_of(out, (size_t)(hiding.to - out));
}

void conf_read_quota(struct conf_loading *l)
{
    struct ytext *store = &l->rows->quota.store;
    char quoted[DIAG_QUOTED_BYTES];
    struct store_url url;

    l->conf.quota.timeout_ms = l->rows->quota.timeout.value;
    l->conf.quota.lease_ms = l->rows->quota.lease.value;
    if (view_eq(store->value, VIEW("local")))
        return;
    if (!split(store->value, &url)) {
        const char *found =
            view_starts(store->value, VIEW("postgres")) ? "" : conf_found(store->value, quoted);

        diag_fault(l->diag, store->at,
                   "store: expected local or postgresql://USER@HOST:PORT/DATABASE%s%s", found,
                   *found == '\0' ? "" : quoted);
        return;
    }
    warn_of_network(l, &url);
    l->conf.quota.url = arena_strdup(l->arena, store->value);
    store->value = hide(l->arena, store->value, &url);
    if (l->conf.quota.url == NULL || store->value.ptr == NULL)
        conf_no_memory(l);
}
