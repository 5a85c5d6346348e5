/* SPDX-License-Identifier: Apache-2.0
 * `postern check`: what `serve` would say of settings and policies, without starting. */
#include <stdio.h>

#include "commands/internal.h"
#include "policy/quota.h"
#include "server/callers.h"
#include "server/credentials.h"
#include "server/seal.h"
#include "server/sinks.h"

static void print_count(size_t count, const char *one, const char *many, const char *behind)
{
    (void)printf("%zu %s%s", count, count == 1 ? one : many, behind);
}

static int show_or_summarise(const char *path, const struct conf *conf,
                             const struct loaded_policies *loaded, bool show)
{
    struct buf text;
    size_t quotas;

    (void)policy_set_quotas(loaded->set, &quotas);
    if (!show) {
        (void)printf("%s: well\n%s: ", path, conf->policies);
        print_count(policy_set_policies(loaded->set), "policy", "policies", ", ");
        print_count(policy_set_exceptions(loaded->set), "exception", "exceptions", " and ");
        print_count(quotas, "quota", "quotas", " in ");
        print_count(loaded->count, "file", "files", ", well\n");
        (void)printf("policy set %s\n", policy_set_digest(loaded->set));
        return RESULT_WELL;
    }
    buf_init(&text, 1 << 20);
    conf_show(conf, &text);
    command_print(&text);
    buf_done(&text);
    return RESULT_WELL;
}

/* Nothing is kept of them. */
static bool check_files(const struct conf *conf, struct arena *arena)
{
    struct caller_files files = {.certificate = NULL};
    struct server_credentials credentials = {.admin = NULL};
    struct diag diag;
    struct buf text;
    bool well;

    diag_init(&diag, arena);
    well = load_credentials(conf, &diag, &credentials);
    well = load_callers(conf, &diag, &files) && well;
    well = check_seal_key(conf, &diag) && well;
    check_witness(conf, &diag);
    warn_of_open_keys(conf, &diag);
    caller_files_free(&files);
    well = check_sinks(conf, &diag) && well;
    server_credentials_free(&credentials);
    buf_init(&text, 1 << 20);
    diag_print(&diag, &text);
    if (text.len > 0)
        (void)fwrite(text.ptr, 1, text.len, stderr);
    buf_done(&text);
    return well;
}

static int check(const char *path, bool show)
{
    struct loaded_policies loaded = {0};
    struct arena arena;
    struct conf conf;
    int result = RESULT_NO;

    arena_init(&arena, LOAD_ARENA_BLOCK, LOAD_ARENA_MAX);
    if (command_load(path, &arena, &conf, &loaded) && check_files(&conf, &arena))
        result = show_or_summarise(path, &conf, &loaded, show);
    policy_set_unref(&loaded.set);
    arena_done(&arena);
    return result;
}

int command_check(const struct command *command, int argc, char **argv)
{
    bool show = false;
    const struct command_switch switches[] = {{"show", &show}, {NULL, NULL}};
    const char *path;
    int result = command_options(command, argc, argv, switches, &path);

    return result >= 0 ? result : check(path, show);
}
