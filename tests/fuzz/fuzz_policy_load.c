/* SPDX-License-Identifier: Apache-2.0
 * Policy files, with a NUL between one and the next. A set that loads judges fixed requests without
 * an error, says the same when it is loaded again, also with its files in another order, differs
 * in nothing from that, but from an empty set, and its edits converge. */
#include "base/attr.h"
#include "base/buffer.h"
#include "policy/diff.h"

#include "judged.h"

enum { FILES_MAX = 4, MEMORY_MAX = 64 << 20 };

static const char *const names[FILES_MAX] = {"a.yaml", "b.yaml", "c.yaml", "d.yaml"};

static const struct {
    enum operation_id op;
    const char *text;
} requests[] = {
    {OP_DEMANAGER_CREATE,
     "{\"name\":\"team-a-1\",\"profile_id\":\"Multi-Engine 1.0 (python3)-cpu\",\"flavor\":"
     "\"modelarts.vm.cpu.2u\",\"spec\":{\"storage\":{\"type\":\"obs\",\"location\":{\"path\":"
     "\"/team-a/notebooks/\"}},\"auto_stop\":{\"enable\":true,\"duration\":3600},\"annotations\":"
     "{\"owner\":\"alice\"}},\"workspace\":{\"id\":\"0\"}}"},
    {OP_DEMANAGER_CREATE,
     "{\"name\":\"x\",\"flavor\":\"modelarts.vm.gpu.v100\",\"auto_stop\":{\"enable\":true,"
     "\"duration\":999999},\"annotations\":{\"cost-centre\":\"1\"},\"pool\":{\"id\":\"pool-a\"},"
     "\"spec\":{\"storage\":{\"type\":\"evs\",\"location\":{\"volume_size\":5000}},"
     "\"extend_storage\":[{\"type\":\"obsfs\",\"location\":{\"path\":\"team-files\"}}]}}"},
    {OP_DEMANAGER_CREATE, "{\"spec\":{}}"},
    {OP_DEMANAGER_UPDATE, "{\"spec\":{\"auto_stop\":{\"duration\":7200}}}"},
    {OP_DEMANAGER_UPDATE, "{\"auto_stop\":{\"enable\":true}}"},
    {OP_DEMANAGER_START,
     "{\"id\":\"i-1\",\"flavor\":\"modelarts.vm.gpu.v100\",\"spec\":{\"auto_stop\":"
     "{\"enable\":false}}}"},
    {OP_NOTEBOOKS_CREATE, "{\"name\":\"x\",\"flavor\":\"modelarts.vm.cpu.2u\",\"image_id\":\"i\","
                          "\"volume\":{\"category\":\"EVS\",\"ownership\":\"MANAGED\"},"
                          "\"endpoints\":[{\"service\":\"SSH\"}],"
                          "\"lease\":{\"duration\":3600001,\"type\":\"IDLE\"}}"},
    {OP_NOTEBOOKS_START, "{\"id\":\"i-1\",\"flavor\":\"modelarts.vm.cpu.2u\"}"},
    {OP_NOTEBOOKS_LEASE, "{\"duration\":7200000}"},
};

struct files {
    struct policy_file items[FILES_MAX];
    size_t count;
};

static void check_diag(const struct diag *diag, enum status status)
{
    REQUIRE((diag->faults > 0) == (status == STATUS_INVALID));
    for (size_t i = 0; i < diag->count; i++) {
        const struct diag_item *item = &diag->items[i];

        REQUIRE(item->loc.file != NULL && item->loc.line > 0 && item->message.len > 0);
        REQUIRE(view_find(item->message, '\n') == item->message.len);
    }
}

static struct policy_set *load(const struct files *files, bool no_identity)
{
    const struct policy_options options = {.no_identity = no_identity, .max_bytes = MEMORY_MAX};
    struct policy_set *set = NULL;
    struct arena arena;
    struct diag diag;
    enum status status;

    fuzz_arena(&arena);
    diag_init(&diag, &arena);
    status = policy_set_load(files->items, files->count, &options, &diag, &set);
    REQUIRE(status == STATUS_OK || status == STATUS_INVALID || status == STATUS_NOMEM);
    REQUIRE((set != NULL) == (status == STATUS_OK));
    if (status != STATUS_NOMEM)
        check_diag(&diag, status);
    arena_done(&arena);
    return set;
}

static void check_request(const struct policy_set *set, const struct policy_set *twin,
                          enum operation_id op, struct view text)
{
    for (size_t s = 0; s < SUBJECTS; s++) {
        const struct subject *subject = &judged_subjects[s];
        const struct decision *decision;
        struct judged judged;
        struct arena arena;
        struct view said;

        fuzz_arena(&arena);
        REQUIRE(judged_read(op, text, UNKNOWN_REFUSE, &arena, &judged));
        said = judged_text(set, &judged, subject, &arena, &decision);
        REQUIRE(view_eq(said, judged_text(twin, &judged, subject, &arena, NULL)));
        judged_check_rewrite(set, &judged, subject, decision, UNKNOWN_REFUSE, &arena);
        arena_done(&arena);
    }
}

static void check_judging(const struct policy_set *set, const struct policy_set *twin)
{
    for (size_t i = 0; i < ARRAY_LEN(requests); i++)
        check_request(set, twin, requests[i].op, view_str(requests[i].text));
}

static size_t differences(const struct files *one, const struct files *other)
{
    const struct policy_diff *diff;
    struct arena arena;
    enum status status;
    size_t count = 0;

    arena_init(&arena, 65536, MEMORY_MAX);
    status = policy_diff(one->items, one->count, other->items, other->count, &arena, &diff);
    REQUIRE(status == STATUS_OK || status == STATUS_NOMEM);
    for (size_t i = 0; status == STATUS_OK && i < diff->count; i++, count++)
        REQUIRE(view_find(diff->changes[i].text, '\n') == diff->changes[i].text.len);
    arena_done(&arena);
    return count;
}

static void check_diff(const struct policy_set *set, const struct files *files,
                       const struct files *turned)
{
    const struct files none = {.count = 0};

    REQUIRE(differences(files, turned) == 0);
    if (policy_set_policies(set) > 0)
        REQUIRE(differences(files, &none) > 0 && differences(&none, files) > 0);
}

static void check_loaded(struct policy_set *set, const struct files *files)
{
    struct files turned = {.count = files->count};
    struct policy_set *twin;

    for (size_t i = 0; i < files->count; i++)
        turned.items[i] = files->items[files->count - 1 - i];
    twin = load(&turned, false);
    REQUIRE(twin != NULL);
    REQUIRE(strcmp(policy_set_digest(set), policy_set_digest(twin)) == 0);
    REQUIRE(strlen(policy_set_digest(set)) == 64);
    REQUIRE(policy_set_policies(set) == policy_set_policies(twin));
    REQUIRE(policy_set_exceptions(set) == policy_set_exceptions(twin));
    check_judging(set, twin);
    check_diff(set, files, &turned);
    policy_set_unref(&twin);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct view rest = fuzz_input(data, size), text;
    struct files files = {.count = 0};
    struct policy_set *set, *nobody;

    while (files.count < FILES_MAX && fuzz_part(&rest, '\0', &text)) {
        files.items[files.count] = (struct policy_file){names[files.count], text};
        files.count++;
    }
    set = load(&files, false);
    nobody = load(&files, true);
    if (set != NULL)
        check_loaded(set, &files);
    /* Without identities less loads, never more. */
    REQUIRE(nobody == NULL || set != NULL);
    policy_set_unref(&set);
    policy_set_unref(&nobody);
    return 0;
}
