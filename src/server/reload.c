/* SPDX-License-Identifier: Apache-2.0
 * Reload: the new set is loaded whole beside the running one and published, or nothing changes. */
#include "base/clock.h"
#include "base/log.h"
#include "server/credentials.h"
#include "server/internal.h"
#include "server/seal.h"
#include "server/sinks.h"

enum status server_keep_set(struct server *s, const struct loaded_policies *loaded,
                            struct arena *arena, struct err *err)
{
    struct journal_set_file *files = arena_array(arena, loaded->count, sizeof *files);

    if (files == NULL)
        return err_set(err, STATUS_NOMEM, "out of memory");
    for (size_t i = 0; i < loaded->count; i++)
        files[i] = (struct journal_set_file){.name = loaded->files[i].name,
                                             .bytes = loaded->files[i].bytes};
    return journal_keep_set(s->shared.journal, policy_set_digest(loaded->set), files, loaded->count,
                            err);
}

/* A `policy` line: which set is in force from now on, or why the running one stays. */
static void record_policy(struct server *s, const char *digest, const char *actor,
                          const char *error)
{
    const struct journal_facts facts = {
        .time_us = clock_now_us(),
        .event = JOURNAL_POLICY,
        .policy_set = view_str(digest),
        .actor = view_str(actor),
        .error = view_str(error),
        .duration_us = -1,
    };

    if (journal_submit(s->shared.journal, NULL, &facts, JOURNAL_NO_WAIT, 0) != STATUS_OK)
        log_line(LOG_WARNING, "policy line not recorded");
}

void server_record_admin(struct server *s, const char *path, const char *actor, const char *error)
{
    const struct journal_facts facts = {
        .time_us = clock_now_us(),
        .event = JOURNAL_ADMIN,
        .method = VIEW("POST"),
        .path = view_str(path),
        .actor = view_str(actor),
        .error = view_str(error),
        .duration_us = -1,
    };

    if (journal_submit(s->shared.journal, NULL, &facts, JOURNAL_NO_WAIT, 0) != STATUS_OK)
        log_line(LOG_WARNING, "admin line not recorded");
}

static void log_diag(const struct diag *diag)
{
    for (size_t i = 0; i < diag->count; i++) {
        const struct diag_item *item = &diag->items[i];

        log_line(item->warning ? LOG_WARNING : LOG_ERROR, "reload: %s:%u:%u: %.*s", item->loc.file,
                 item->loc.line, item->loc.column, VIEW_ARGS(item->message));
    }
}

static bool reload_policies(struct server *s, struct arena *arena, const char *actor,
                            struct buf *out)
{
    struct loaded_policies loaded;
    struct diag diag;
    struct err err = {0};

    diag_init(&diag, arena);
    if (!load_policies(&s->conf, arena, &diag, &loaded)) {
        log_diag(&diag);
        diag_print(&diag, out);
        buf_add_byte(out, '\0');
        policy_slot_failed(&s->shared.policies,
                           out->failed == STATUS_OK ? out->ptr : "too many faults");
        if (out->len > 0)
            out->len--;
        record_policy(s, NULL, actor, "the set was refused");
        return false;
    }
    log_diag(&diag);
    if (server_keep_set(s, &loaded, arena, &err) != STATUS_OK) {
        log_line(LOG_ERROR, "reload: policy set can't be kept: %s", err.text);
        buf_printf(out, "the policy set can't be kept: %s\n", err.text);
        policy_slot_failed(&s->shared.policies, err.text);
        record_policy(s, NULL, actor, "the set can't be kept");
        policy_set_unref(&loaded.set);
        return false;
    }
    if (server_use_quotas(s, loaded.set) != STATUS_OK) {
        buf_add_str(out, "there is no memory to count the new set's quotas\n");
        policy_slot_failed(&s->shared.policies, "out of memory");
        record_policy(s, NULL, actor, "there was no memory for its quotas");
        policy_set_unref(&loaded.set);
        return false;
    }
    record_policy(s, policy_set_digest(loaded.set), actor, NULL);
    log_line(LOG_INFO, "policies loaded digest=%s policies=%zu", policy_set_digest(loaded.set),
             policy_set_policies(loaded.set));
    buf_printf(out, "policies loaded; policies: %zu, exceptions: %zu, digest %s\n",
               policy_set_policies(loaded.set), policy_set_exceptions(loaded.set),
               policy_set_digest(loaded.set));
    policy_slot_publish(&s->shared.policies, loaded.set, clock_now_us());
    return true;
}

/* Whom a host that is asked must be vouched for by. tls NULL: none is asked. */
static bool reload_trust(struct net_tls *tls, const char *key, struct buf *out)
{
    struct err err = {0};

    if (tls == NULL || net_tls_reload(tls, &err) == STATUS_OK)
        return true;
    log_line(LOG_ERROR, "reload: %s: %s", key, err.text);
    buf_printf(out, "%s: %s; the authorities before it stay in use\n", key, err.text);
    return false;
}

static bool reload_certificates(struct server *s, struct arena *arena, struct buf *out)
{
    struct err err = {0};
    struct diag diag;
    bool all = true;

    diag_init(&diag, arena);
    warn_of_open_keys(&s->conf, &diag);
    log_diag(&diag);
    diag_print(&diag, out);
    if (s->admin_tls != NULL && net_tls_reload(s->admin_tls, &err) != STATUS_OK) {
        log_line(LOG_ERROR, "reload: admin.address: %s", err.text);
        buf_printf(out, "admin.address: %s; the old certificate stays in use\n", err.text);
        all = false;
    }
    for (size_t i = 0; i < s->conf.listen_count; i++) {
        if (s->listen_tls[i] == NULL || net_tls_reload(s->listen_tls[i], &err) == STATUS_OK)
            continue;
        log_line(LOG_ERROR, "reload: listen %s: %s", s->listens[i].text, err.text);
        buf_printf(out, "listen %s: %s; the old certificate stays in use\n", s->listens[i].text,
                   err.text);
        all = false;
    }
    all = reload_trust(s->shared.upstream_tls, "upstream.ca_file", out) && all;
    all = reload_trust(s->iam_peer.tls, "identity.tokens.ca_file", out) && all;
    return reload_trust(s->jwks_peer.tls, "identity.tokens.ca_file", out) && all;
}

static bool reload_identity(struct server *s, struct buf *out)
{
    struct err err = {0};

    if (server_load_identity(s, &err) == STATUS_OK)
        return true;
    log_line(LOG_ERROR, "reload: %s", err.text);
    buf_printf(out, "%s; what callers were identified by stays in use\n", err.text);
    return false;
}

static bool reload_seal_key(struct server *s, struct buf *out)
{
    struct ed25519_private key CLEANUP(ed25519_wipe) = {.seed = {0}};
    struct err err = {0};

    if (s->conf.journal.seal_key == NULL)
        return true;
    if (load_seal_key(&s->conf, &key, &err) != STATUS_OK) {
        log_line(LOG_ERROR, "reload: %s", err.text);
        buf_printf(out, "%s; the key before it stays in use\n", err.text);
        return false;
    }
    journal_seal_with(s->shared.journal, &key);
    log_line(LOG_INFO, "the journal is sealed with the key %s", key.public.id);
    return true;
}

/* Files that can't be read are told here; each sink takes its own on its thread. */
static bool reload_sinks(struct server *s, struct arena *arena, struct buf *out)
{
    struct diag diag;
    bool well;

    diag_init(&diag, arena);
    well = check_sinks(&s->conf, &diag);
    log_diag(&diag);
    diag_print(&diag, out);
    sinks_reload(s->sinks);
    return well;
}

bool server_reload(struct server *s, const char *actor, struct buf *out)
{
    struct arena arena;
    bool done;

    arena_init(&arena, LOAD_ARENA_BLOCK, LOAD_ARENA_MAX);
    done = reload_policies(s, &arena, actor, out);
    if (!reload_certificates(s, &arena, out))
        done = false;
    if (!reload_identity(s, out))
        done = false;
    if (!reload_seal_key(s, out))
        done = false;
    if (!reload_sinks(s, &arena, out))
        done = false;
    arena_done(&arena);
    if (strncmp(actor, "signal", 6) != 0)
        server_record_admin(s, "/v1/reload", actor, done ? NULL : "not all was reloaded");
    return done;
}
