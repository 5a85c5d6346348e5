/* SPDX-License-Identifier: Apache-2.0
 * Settings. What loads is shown as settings that load to the same; every fault has its place. */
#include "conf/conf.h"

#include "fuzz.h"

enum { SHOWN_MAX = 1 << 22 };

static const char path[] = "/etc/postern/postern.yaml";

static bool load(struct view bytes, struct arena *arena, struct conf *ret)
{
    struct diag diag;
    bool loaded;

    diag_init(&diag, arena);
    loaded = conf_load(path, bytes, arena, &diag, ret);
    REQUIRE(loaded == (diag.faults == 0) && diag.count <= DIAG_MAX);
    for (size_t i = 0; i < diag.count; i++) {
        REQUIRE(diag.items[i].loc.file != NULL && diag.items[i].loc.line > 0);
        REQUIRE(diag.items[i].message.len > 0);
    }
    return loaded;
}

/* Nobody is signed for by what they say of themselves. */
static void check_identity(const struct conf_identity *identity)
{
    const bool signs = identity->certificates.count > 0 || identity->oidc.issuer.ptr != NULL ||
                       identity->forwarded.header.ptr != NULL;

    REQUIRE(!signs || identity->sign_as != NULL);
    REQUIRE(identity->sign_as == NULL || identity->verify == VERIFY_IAM ||
            identity->verify == VERIFY_CERTIFICATE);
    REQUIRE(identity->verify != VERIFY_CERTIFICATE || identity->certificate != NULL);
    REQUIRE(identity->signatures != SIGNATURES_VERIFY || identity->access_keys != NULL);
    REQUIRE(identity->iam_host != NULL && identity->iam_port > 0);
    REQUIRE(identity->oidc.issuer.ptr == NULL ||
            (identity->oidc.jwks_file == NULL) != (identity->oidc.jwks_url == NULL));
}

static void check_loaded(const struct conf *conf)
{
    REQUIRE(conf->upstream.host[0] != '\0' && conf->upstream.port > 0);
    check_identity(&conf->identity);
    REQUIRE(conf->policies[0] == '/' && conf->journal.directory[0] == '/');
    REQUIRE(conf->journal.sets[0] == '/' && conf->path[0] == '/');
    REQUIRE(conf->listen_count > 0 && conf->workers >= 0);
    REQUIRE(conf->limits.head > 0 && conf->limits.body > 0 && conf->limits.json_depth > 0);
    for (size_t i = 0; i < conf->routes_refuse_count; i++)
        REQUIRE(modelarts_route_pattern_ok(conf->routes_refuse[i]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf once, twice;
    struct conf conf, again;
    struct arena arena;

    fuzz_arena(&arena);
    buf_init(&once, SHOWN_MAX);
    buf_init(&twice, SHOWN_MAX);
    if (load(fuzz_input(data, size), &arena, &conf)) {
        check_loaded(&conf);
        conf_show(&conf, &once);
        REQUIRE(once.failed == STATUS_OK && load(buf_view(&once), &arena, &again));
        check_loaded(&again);
        conf_show(&again, &twice);
        REQUIRE(view_eq(buf_view(&once), buf_view(&twice)));
    }
    buf_done(&once);
    buf_done(&twice);
    arena_done(&arena);
    return 0;
}
