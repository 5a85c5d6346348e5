/* SPDX-License-Identifier: Apache-2.0
 * Callers without a cloud credential: client certificates, OIDC, and a proxy that names them. The
 * gateway signs for all of them with the key of `sign_as`. */
#include "conf/internal.h"

enum { RULES_MAX = 1000, FROM_MAX = 64 };

/* One that brings certificates to compare. */
static bool has_client_ca(const struct conf_loading *l)
{
    for (size_t i = 0; i < l->conf.listen_count; i++) {
        if (l->conf.listens[i].client_ca != NULL)
            return true;
    }
    return false;
}

static void check_needs(struct conf_loading *l, const char *key, struct loc at, bool certificates)
{
    if (l->rows->identity.sign_as.at.line == 0)
        diag_fault(l->diag, at,
                   "%s: needs sign_as, the access key that signs for callers without one", key);
    if (certificates && !has_client_ca(l))
        diag_fault(l->diag, at,
                   "%s: needs a listener with tls and client_ca, or no client has a certificate",
                   key);
}

/* Names stand in journal lines and messages. */
static void check_plain(struct conf_loading *l, const char *key, const struct ytext *text)
{
    bool plain = true;

    for (size_t i = 0; text->set && i < text->value.len; i++)
        plain = plain && (unsigned char)text->value.ptr[i] >= ' ' && text->value.ptr[i] != 0x7f;
    if (!plain)
        diag_fault(l->diag, text->at, "%s: expected text without control characters", key);
}

static void check_pattern(struct conf_loading *l, const char *key, const struct ytext *text)
{
    char quoted[DIAG_QUOTED_BYTES];

    if (text->set && !certificate_pattern_ok(text->value))
        diag_fault(l->diag, text->at,
                   "%s: expected a subject like \"CN=alice,O=Example\", in which * stands for any "
                   "run of characters of a value and a last * for any parts, found %s",
                   key, diag_quoted(text->value, quoted));
}

static void check_some(struct conf_loading *l, const char *key, const struct ytexts *list)
{
    if (list->set && list->count == 0)
        diag_fault(l->diag, list->at, "%s: expected at least one", key);
}

/* ---- client certificates ---- */

static void read_rule(struct conf_loading *l, const struct ynode *item,
                      struct conf_certificate_rows *rows, struct certificate_rule *ret)
{
    yschema_read(item, item->loc, conf_certificate_fields, rows, l->arena, l->diag);
    if (item->kind == YNODE_MAPPING && rows->subject.at.line == 0 && rows->san.at.line == 0)
        diag_fault(l->diag, item->loc, "expected subject, san or both in a rule");
    check_pattern(l, "subject", &rows->subject);
    check_plain(l, "san", &rows->san);
    check_plain(l, "user", &rows->user);
    check_plain(l, "user_id", &rows->user_id);
    check_plain(l, "domain", &rows->domain);
    check_some(l, "projects", &rows->projects);
    *ret = (struct certificate_rule){
        .subject = rows->subject.value,
        .san = rows->san.value,
        .user = rows->user.value,
        .user_id = rows->user_id.set ? rows->user_id.value : rows->user.value,
        .domain = rows->domain.value,
    };
    conf_read_projects(l, "projects", &rows->projects, &ret->projects, &ret->project_count);
}

static void read_rules(struct conf_loading *l, const struct ynode *list)
{
    struct conf_rows *const rows = l->rows;
    struct certificate_rule *rules;
    size_t at = 0;

    if (list->kind != YNODE_SEQUENCE || list->count == 0 || list->count > RULES_MAX) {
        diag_fault(l->diag, list->loc, "rules: expected a list of 1 to %d rules", (int)RULES_MAX);
        return;
    }
    rules = arena_array(l->arena, list->count, sizeof *rules);
    rows->certificates = arena_array(l->arena, list->count, sizeof *rows->certificates);
    if (rules == NULL || rows->certificates == NULL) {
        conf_no_memory(l);
        return;
    }
    for (const struct ynode *item = list->child; item != NULL; item = item->next, at++)
        read_rule(l, item, &rows->certificates[at], &rules[at]);
    rows->certificate_count = list->count;
    l->conf.identity.certificates =
        (struct certificate_rules){.rules = rules, .count = list->count};
}

struct certificates_rows {
    const struct ynode *rules;
};
static const struct yfield certificates_fields[] = {
    {.key = "rules",
     .kind = YFIELD_NODE,
     .required = true,
     .offset = offsetof(struct certificates_rows, rules)},
    {0},
};

static void read_certificates(struct conf_loading *l)
{
    const struct ynode *node = l->rows->identity.client_certificates;
    struct certificates_rows rows = {.rules = NULL};
    char quoted[DIAG_QUOTED_BYTES];

    if (node == NULL || ynode_is_null(node))
        return;
    if (node->kind == YNODE_SCALAR && view_eq(node->text, VIEW("off")))
        return;
    if (node->kind != YNODE_MAPPING) {
        diag_fault(l->diag, node->loc,
                   "client_certificates: expected off or a mapping with rules, found %s",
                   node->kind == YNODE_SCALAR ? diag_quoted(node->text, quoted)
                                              : ynode_kind_name(node));
        return;
    }
    yschema_read(node, node->loc, certificates_fields, &rows, l->arena, l->diag);
    if (rows.rules != NULL)
        read_rules(l, rows.rules);
    check_needs(l, "client_certificates", node->loc, true);
}

/* ---- OIDC ---- */

/* https://HOST[:PORT]/PATH, the path as it is sent. */
static void read_jwks_url(struct conf_loading *l, const struct ytext *jwks)
{
    struct oidc_settings *const oidc = &l->conf.identity.oidc;
    struct view rest = view_from(jwks->value, 8), path;
    size_t slash = view_find(rest, '/');
    struct ytext authority = *jwks;
    bool plain = true;

    authority.value.len = 8 + slash;
    path = slash == rest.len ? VIEW("/") : view_from(rest, slash);
    for (size_t i = 0; i < path.len; i++)
        plain = plain && path.ptr[i] > ' ' && path.ptr[i] <= '~' && path.ptr[i] != '#';
    if (!plain) {
        diag_fault(l->diag, jwks->at,
                   "jwks: expected a URL of visible ASCII characters without a fragment");
        return;
    }
    if (!conf_read_url(l, "jwks", &authority, &oidc->jwks_host, &oidc->jwks_port))
        return;
    oidc->jwks_url = conf_text(l, jwks->value);
    oidc->jwks_path = conf_text(l, path);
}

static bool has_scheme(struct view text)
{
    return view_starts(view_from(text, view_find(text, ':')), VIEW("://"));
}

static void read_jwks(struct conf_loading *l)
{
    struct ytext *const jwks = &l->rows->identity.oidc.jwks;
    char quoted[DIAG_QUOTED_BYTES];

    l->conf.identity.jwks_at = jwks->at;
    if (!jwks->set)
        return;
    if (view_starts(jwks->value, VIEW("https://")))
        read_jwks_url(l, jwks);
    else if (has_scheme(jwks->value))
        diag_fault(l->diag, jwks->at, "jwks: expected a file or an https:// URL%s%s",
                   conf_found(jwks->value, quoted), quoted);
    else
        l->conf.identity.oidc.jwks_file = conf_path(l, jwks);
}

static void read_oidc(struct conf_loading *l)
{
    struct conf_rows *const rows = l->rows;
    struct oidc_settings *const ret = &l->conf.identity.oidc;

    if (!rows->identity.oidc.object.set)
        return;
    if (rows->identity.oidc.user_claim.value.ptr == NULL)
        rows->identity.oidc.user_claim.value = VIEW("sub");
    if (rows->identity.oidc.groups_claim.value.ptr == NULL)
        rows->identity.oidc.groups_claim.value = VIEW("groups");
    check_plain(l, "issuer", &rows->identity.oidc.issuer);
    check_plain(l, "audience", &rows->identity.oidc.audience);
    check_plain(l, "user_claim", &rows->identity.oidc.user_claim);
    check_plain(l, "groups_claim", &rows->identity.oidc.groups_claim);
    check_some(l, "projects", &rows->identity.oidc.projects);
    read_jwks(l);
    conf_read_projects(l, "projects", &rows->identity.oidc.projects, &ret->projects,
                       &ret->project_count);
    ret->issuer = rows->identity.oidc.issuer.value;
    ret->audience = rows->identity.oidc.audience.value;
    ret->user_claim = rows->identity.oidc.user_claim.value;
    ret->groups_claim = rows->identity.oidc.groups_claim.value;
    check_needs(l, "oidc", rows->identity.oidc.object.at, false);
}

/* ---- a proxy in front ---- */

static bool is_token(struct view text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '-' || c == '_'))
            return false;
    }
    return true;
}

/* The fields that mean something to the cloud or to HTTP are never such a header. */
static bool is_free_name(struct view name)
{
    static const char *const taken[] = {
        "x-auth-token", "x-subject-token", "x-project-id", "x-security-token",
        "x-domain-id",  "x-language",      "x-request-id",
    };

    for (size_t i = 0; i < ARRAY_LEN(taken); i++) {
        if (view_eq_nocase(name, view_str(taken[i])))
            return false;
    }
    if (name.len > 6 && view_eq_nocase(view_of(name.ptr, 6), VIEW("x-sdk-")))
        return false;
    return (name.len > 2 && view_eq_nocase(view_of(name.ptr, 2), VIEW("x-"))) ||
           (name.len > 7 && view_eq_nocase(view_of(name.ptr, 7), VIEW("remote-")));
}

static void read_from(struct conf_loading *l, const struct ytexts *from)
{
    struct view *patterns;

    check_some(l, "from", from);
    if (from->count > FROM_MAX)
        diag_fault(l->diag, from->at, "from: expected at most %d, found %zu", (int)FROM_MAX,
                   from->count);
    if (!from->set || from->count > FROM_MAX)
        return;
    patterns = arena_array(l->arena, from->count, sizeof *patterns);
    if (patterns == NULL) {
        conf_no_memory(l);
        return;
    }
    for (size_t i = 0; i < from->count; i++) {
        patterns[i] = from->items[i].value;
        check_pattern(l, "from", &from->items[i]);
    }
    l->conf.identity.forwarded.from = patterns;
    l->conf.identity.forwarded.from_count = from->count;
}

static void read_forwarded(struct conf_loading *l)
{
    struct conf_rows *const rows = l->rows;
    const struct ytext *header = &rows->identity.forwarded_user.header;
    struct forwarded_settings *const ret = &l->conf.identity.forwarded;
    char quoted[DIAG_QUOTED_BYTES];

    if (!rows->identity.forwarded_user.object.set)
        return;
    if (header->set && (!is_token(header->value) || !is_free_name(header->value)))
        diag_fault(l->diag, header->at,
                   "header: expected the name of a header that is free for this, beginning with X- "
                   "or Remote-, found %s",
                   diag_quoted(header->value, quoted));
    ret->header = header->value;
    read_from(l, &rows->identity.forwarded_user.from);
    check_some(l, "projects", &rows->identity.forwarded_user.projects);
    conf_read_projects(l, "projects", &rows->identity.forwarded_user.projects, &ret->projects,
                       &ret->project_count);
    check_needs(l, "forwarded_user", rows->identity.forwarded_user.object.at, true);
}

void conf_read_callers(struct conf_loading *l)
{
    read_certificates(l);
    read_oidc(l);
    read_forwarded(l);
}
