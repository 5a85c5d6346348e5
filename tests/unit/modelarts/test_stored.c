/* SPDX-License-Identifier: Apache-2.0
 * The instance as the cloud has it, which completes a start and a lease. */
#include "base/attr.h"

#include "bodies.h"

static const int64_t now_us = (int64_t)1767330000 * 1000000;

static struct arena arena;

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, 65536, (size_t)64 << 20);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

static struct instance_request read_first(const struct raw_request *raw)
{
    struct instance_request request = {0};
    struct body_faults faults;

    assert_int_equal(modelarts_read(raw, UNKNOWN_REFUSE, &arena, &request, &faults), STATUS_OK);
    return request;
}

static struct instance_request read_well(enum operation_id op, const char *query,
                                         const char *answer)
{
    struct jdoc doc = doc_of(view_str(answer), &arena);
    const struct raw_request raw = raw_of(op, NULL, query);
    struct instance_request request = read_first(&raw);
    struct body_faults faults;

    if (modelarts_read_stored(&raw, &doc, now_us, &arena, &request, &faults) != STATUS_OK) {
        print_error("%s: %.*s\n", answer, VIEW_ARGS(faults.items[0].message));
        fail();
    }
    assert_int_equal(faults.count, 0);
    assert_ptr_equal(request.op, &operations[op]);
    assert_view(request.project, "p");
    return request;
}

static void test_who_needs_it(void **state)
{
    static const struct {
        enum operation_id op;
        const char *path;
    } rows[] = {
        {OP_DEMANAGER_START, "/v1/p/demanager/instances/i-1"},
        {OP_NOTEBOOKS_START, "/v1/p/notebooks/i-1"},
        {OP_NOTEBOOKS_START_GET, "/v1/p/notebooks/i-1"},
        {OP_NOTEBOOKS_LEASE, "/v1/p/notebooks/i-1"},
    };
    unsigned count = 0;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct raw_request raw = raw_of(rows[i].op, NULL, NULL);

        assert_row(modelarts_needs_stored(raw.op), raw.op->name);
        check_views(modelarts_stored_path(&raw, &arena), view_str(rows[i].path), raw.op->name,
                    __FILE__, __LINE__);
    }
    for (size_t op = 0; op < OP_COUNT; op++) {
        const struct raw_request raw = raw_of((enum operation_id)op, NULL, NULL);

        if (modelarts_needs_stored(&operations[op]))
            count++;
        else
            assert_null(modelarts_stored_path(&raw, &arena).ptr);
    }
    assert_int_equal(count, ARRAY_LEN(rows));
}

static const char stored_demanager[] =
    "{\"id\":\"i-1\",\"name\":\"nb-1\",\"description\":\"\",\"status\":\"STOPPED\","
    "\"creation_timestamp\":\"1767323045000\",\"flavor\":\"modelarts.vm.cpu.2u\","
    "\"flavor_details\":{\"name\":\"modelarts.vm.cpu.2u\",\"params\":{\"CPU\":2}},"
    "\"profile\":{\"id\":\"Multi-Engine\",\"name\":\"n\",\"provision\":{\"type\":\"Docker\"}},"
    "\"pool\":{\"id\":\"pool-a\",\"type\":\"USER_DEFINED\",\"owner\":{\"project_id\":\"q\"}},"
    "\"spec\":{\"storage\":{\"type\":\"obs\",\"location\":{\"path\":\"/team-bucket/nb-1/\"}},"
    "\"extend_storage\":[{\"type\":\"obsfs\",\"location\":{\"path\":\"team-files\"}}],"
    "\"auto_stop\":{\"enable\":true,\"duration\":3600,\"prompt\":true,\"stop_timestamp\":1,"
    "\"remain_time\":2},\"annotations\":{\"target_domain\":\"x\",\"url\":\"\"},"
    "\"extend_params\":null,\"failed_reasons\":null},"
    "\"workspace\":{\"id\":\"w\"},\"ai_project\":{\"id\":\"default-ai-project\"}}";

static void test_demanager_start(void **state)
{
    struct instance_request r = read_well(OP_DEMANAGER_START, NULL, stored_demanager);

    (void)state;
    assert_true(r.stored && r.stops_stored);
    assert_view(r.name.value, "nb-1");
    assert_view(r.flavor.value, "modelarts.vm.cpu.2u");
    assert_view(r.profile.value, "Multi-Engine");
    assert_false(r.image.set || r.has_custom_spec || r.has_hooks || r.stop_type.set);
    assert_view(r.workspace.value, "w");
    assert_true(r.has_pool);
    assert_view(r.pool.value, "pool-a");
    assert_view(r.pool_owner.value, "q");
    assert_int_equal(r.storage_count, 2);
    assert_true(r.storages[0].has_obs && r.storages[1].has_obs);
    assert_view(r.storages[1].obs.bucket, "team-files");
    assert_int_equal(r.stop_count, 1);
    assert_true(r.stops[0].enable && r.stops[0].has_enable && !r.stops[0].misplaced);
    assert_int_equal(r.stops[0].duration_ms, 3600000);
    assert_string_equal(r.stops[0].pointer, "/spec/auto_stop");
    assert_int_equal(r.annotation_count + r.endpoint_count, 0);
}

/* As the cloud answers for an instance with a disk: the path is where it is mounted. */
static void test_the_mount_path_of_a_disk_is_no_place_in_obs(void **state)
{
    struct instance_request r =
        read_well(OP_DEMANAGER_START, NULL,
                  "{\"id\":\"i-1\",\"spec\":{\"storage\":{\"type\":\"evs\",\"location\":{\"path\":"
                  "\"/home/ma-user/work\",\"volume_size\":5,\"volume_unit\":\"GB\"}}}}");

    (void)state;
    assert_int_equal(r.storage_count, 1);
    assert_true(r.storages[0].has_size && r.storages[0].size_gb == 5);
    assert_false(r.storages[0].path.set || r.storages[0].has_obs);
    assert_int_equal(r.storages[0].obs_fault, OBS_OK);
}

static void test_little_is_stored(void **state)
{
    struct instance_request r =
        read_well(OP_DEMANAGER_START, NULL,
                  "{\"id\":\"i-1\",\"pool\":null,\"workspace\":null,\"spec\":{\"storage\":null,"
                  "\"extend_storage\":null,\"auto_stop\":null},\"name\":null,\"profile\":null}");

    (void)state;
    assert_true(r.stored && r.stops_stored);
    assert_int_equal(r.stop_count + r.storage_count, 0);
    assert_false(r.has_pool || r.name.set || r.flavor.set || r.profile.set);
    assert_view(r.workspace.value, "0");
    r = read_well(OP_NOTEBOOKS_START, NULL, "{\"id\":\"i-1\"}");
    assert_true(r.stored && !r.stops_stored && !r.has_pool);
    assert_view(r.workspace.value, "0");
    assert_int_equal(r.stop_count + r.storage_count + r.endpoint_count, 0);
}

static const char stored_notebook[] =
    "{\"id\":\"i-1\",\"name\":\"nb_1\",\"feature\":\"NOTEBOOK\",\"flavor\":\"f\",\"image\":{\"id\":"
    "\"im\",\"name\":\"n\",\"size\":1},\"lease\":{\"create_at\":1767329000000,\"duration\":-1,"
    "\"enable\":false,\"type\":\"IDLE\"},\"volume\":{\"category\":\"EVS\",\"ownership\":"
    "\"MANAGED\","
    "\"capacity\":50,\"mount_path\":\"/home/ma-user/work/\",\"status\":\"MOUNTED\"},"
    "\"data_volumes\":[{\"category\":\"OBSFS\",\"uri\":\"obs://team-bucket/x/\",\"id\":\"s\"}],"
    "\"endpoints\":[{\"service\":\"NOTEBOOK\",\"uri\":\"x\",\"allowed_access_ips\":null},"
    "{\"service\":\"SSH\",\"allowed_access_ips\":[\"192.0.2.1\"],\"ssh_keys\":[]}],"
    "\"pool\":{\"id\":\"pool-a\",\"name\":\"n\"},\"workspace_id\":\"w\",\"status\":\"STOPPED\","
    "\"user\":{\"id\":\"u\"},\"token\":\"secret\",\"billing_items\":[\"COMPUTE\"],\"Flavor\":1,"
    "\"auto_stop\":7,\"create_at\":\"x\"}";

static void test_notebooks_start(void **state)
{
    struct instance_request r =
        read_well(OP_NOTEBOOKS_START, "duration=5&type=TIMING", stored_notebook);

    (void)state;
    assert_true(r.stored && !r.stops_stored);
    assert_view(r.name.value, "nb_1");
    assert_view(r.flavor.value, "f");
    assert_view(r.image.value, "im");
    assert_view(r.workspace.value, "w");
    assert_true(r.has_pool && !r.has_custom_spec);
    assert_view(r.pool.value, "pool-a");
    assert_int_equal(r.storage_count, 2);
    assert_true(r.storages[0].size_gb == 50 && !r.storages[0].path.set);
    assert_true(r.storages[1].has_obs);
    assert_int_equal(r.endpoint_count, 2);
    assert_true(!r.endpoints[0].ssh && r.endpoints[1].ssh && r.endpoints[1].ip_count == 1);
    /* the stops are the query's, not those of the lease that is over */
    assert_int_equal(r.stop_count, 1);
    assert_string_equal(r.stops[0].pointer, "?duration");
    assert_int_equal(r.stops[0].duration_ms, 5);
    assert_view(r.stop_type.value, "TIMING");
    r = read_well(OP_NOTEBOOKS_START, NULL, stored_notebook);
    assert_int_equal(r.stop_count, 0);
    assert_false(r.stop_type.set);
    assert_int_equal(r.lease_elapsed_ms, 0);
}

static void test_start_by_get(void **state)
{
    struct jdoc doc = doc_of(view_str(stored_notebook), &arena);
    const struct raw_request raw = raw_of(OP_NOTEBOOKS_START_GET, NULL, NULL);
    struct instance_request request = read_first(&raw);
    struct body_faults faults;

    (void)state;
    assert_int_equal(modelarts_read_stored(&raw, &doc, now_us, &arena, &request, &faults),
                     STATUS_OK);
    assert_ptr_equal(request.op, &operations[OP_NOTEBOOKS_START]);
    assert_true(request.stored);
}

static void test_custom_specs(void **state)
{
    struct instance_request r = read_well(
        OP_NOTEBOOKS_START, NULL, "{\"id\":\"i-1\",\"flavor\":\"custom.flavor.spec.code\"}");

    (void)state;
    assert_true(r.has_custom_spec && !r.flavor.set);
    r = read_well(OP_NOTEBOOKS_START, NULL,
                  "{\"id\":\"i-1\",\"flavor\":\"f\",\"custom_spec\":{\"CPU\":[]}}");
    assert_true(r.has_custom_spec && r.flavor.set);
    r = read_well(OP_NOTEBOOKS_START, NULL, "{\"id\":\"i-1\",\"custom_spec\":null}");
    assert_false(r.has_custom_spec);
}

static void test_lease(void **state)
{
    static const struct {
        const char *answer;
        int64_t elapsed_ms;
    } rows[] = {
        {"{\"id\":\"i-1\",\"lease\":{\"create_at\":1767329999000}}", 1000},
        {"{\"id\":\"i-1\",\"lease\":{\"create_at\":1767330000000}}", 0},
        {"{\"id\":\"i-1\",\"lease\":{\"create_at\":1767330000001}}", 0},
        {"{\"id\":\"i-1\",\"lease\":{\"create_at\":9223372036854775807}}", 0},
        {"{\"id\":\"i-1\",\"lease\":{\"create_at\":0}}", 1767330000000},
        {"{\"id\":\"i-1\",\"lease\":{\"create_at\":-9223372036854775808}}", INT64_MAX},
    };
    struct instance_request r = read_well(OP_NOTEBOOKS_LEASE, "duration=7", stored_notebook);

    (void)state;
    assert_int_equal(r.lease_elapsed_ms, 1000000);
    assert_view(r.name.value, "nb_1");
    /* nothing else that rules judge */
    assert_false(r.stored || r.stops_stored || r.flavor.set || r.image.set || r.workspace.set ||
                 r.has_pool || r.stop_type.set || r.has_custom_spec);
    assert_int_equal(r.storage_count + r.endpoint_count, 0);
    assert_int_equal(r.stop_count, 1);
    assert_int_equal(r.stops[0].duration_ms, 7);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_row(read_well(OP_NOTEBOOKS_LEASE, NULL, rows[i].answer).lease_elapsed_ms ==
                       rows[i].elapsed_ms,
                   rows[i].answer);
}

/* What nobody judges may be anything. */
static void test_other_members_are_not_looked_at(void **state)
{
    struct instance_request r = read_well(
        OP_DEMANAGER_START, NULL,
        "{\"id\":\"i-1\",\"description\":1,\"ai_project\":7,\"NAME\":1,\"duration\":[],\"auto_"
        "stop\""
        ":{\"enable\":1},\"annotations\":1,\"pool\":{\"type\":1,\"name\":[]},\"spec\":{\"auto_"
        "stop\""
        ":{\"prompt\":\"x\"},\"annotations\":[],\"extended_storage\":1,\"storage\":{\"location\":"
        "{\"mount_path\":1,\"access_modes\":{}}}}}");

    (void)state;
    assert_int_equal(r.stop_count, 1);
    assert_false(r.stops[0].enable);
    r = read_well(
        OP_NOTEBOOKS_START, NULL,
        "{\"id\":\"i-1\",\"lease\":1,\"duration\":\"x\",\"endpoints\":[{\"key_pair_names\""
        ":7}],\"volume\":{\"read_only\":\"x\",\"ownership\":1},\"affinity\":1}");
    assert_int_equal(r.endpoint_count, 1);
    assert_false(r.has_hooks);
    (void)read_well(OP_NOTEBOOKS_LEASE, NULL,
                    "{\"id\":\"i-1\",\"flavor\":1,\"lease\":{\"create_at\":1,\"duration\":\"x\"}}");
}

struct wrong {
    enum operation_id op;
    const char *answer, *code, *message;
};

#define TYPE     "body.type"
#define MISSING  "body.missing"
#define CONFLICT "body.conflict"
#define OF       "the stored instance's "
#define DE(more) OP_DEMANAGER_START, "{\"id\":\"i-1\"," more "}"
#define NB(more) OP_NOTEBOOKS_START, "{\"id\":\"i-1\"," more "}"
#define LE(more) OP_NOTEBOOKS_LEASE, "{\"id\":\"i-1\"" more "}"

static const struct wrong wrongs[] = {
    {OP_DEMANAGER_START, "[]", TYPE, "the stored instance needs to be an object"},
    {OP_DEMANAGER_START, "{}", MISSING, "the stored instance needs \"id\", a string"},
    {OP_DEMANAGER_START, "{\"id\":null}", MISSING, "the stored instance needs \"id\""},
    {OP_DEMANAGER_START, "{\"id\":1}", MISSING, "the stored instance needs \"id\""},
    {OP_DEMANAGER_START, "{\"id\":\"i-2\"}", CONFLICT, OF "/id isn't the one that was asked for"},
    {OP_NOTEBOOKS_START, "{\"id\":\"I-1\"}", CONFLICT, OF "/id isn't"},
    {OP_NOTEBOOKS_START, "{\"ID\":\"i-1\"}", MISSING, "the stored instance needs \"id\""},
    {OP_NOTEBOOKS_LEASE, "{\"id\":\"i-1 \",\"lease\":{\"create_at\":1}}", CONFLICT, OF "/id isn't"},
    {DE("\"flavor\":1"), TYPE, OF "/flavor needs to be a string"},
    {DE("\"profile\":\"x\""), TYPE, OF "/profile needs to be an object"},
    {DE("\"profile\":{\"id\":1}"), TYPE, OF "/profile/id"},
    {DE("\"workspace\":\"0\""), TYPE, OF "/workspace"},
    {DE("\"pool\":[]"), TYPE, OF "/pool"},
    {DE("\"pool\":{\"owner\":{\"project_id\":1}}"), TYPE, OF "/pool/owner/project_id"},
    {DE("\"spec\":[]"), TYPE, OF "/spec"},
    {DE("\"spec\":{\"storage\":{\"type\":1}}"), TYPE, OF "/spec/storage/type"},
    {DE("\"spec\":{\"extend_storage\":{}}"), TYPE, OF "/spec/extend_storage"},
    {DE("\"spec\":{\"auto_stop\":{\"enable\":\"true\"}}"), TYPE, OF "/spec/auto_stop/enable"},
    {DE("\"spec\":{\"auto_stop\":{\"duration\":1.0}}"), TYPE, OF "/spec/auto_stop/duration"},
    {NB("\"image\":\"x\""), TYPE, OF "/image needs to be an object"},
    {NB("\"image\":{\"id\":[]}"), TYPE, OF "/image/id"},
    {NB("\"workspace_id\":0"), TYPE, OF "/workspace_id"},
    {NB("\"volume\":{\"capacity\":\"5\"}"), TYPE, OF "/volume/capacity"},
    {NB("\"data_volumes\":[1]"), TYPE, OF "/data_volumes/0"},
    {NB("\"endpoints\":[{\"allowed_access_ips\":\"*\"}]"), TYPE,
     OF "/endpoints/0/allowed_access_ips"},
    {NB("\"custom_spec\":\"x\""), TYPE, OF "/custom_spec"},
    {NB("\"hooks\":1"), TYPE, OF "/hooks"},
    {LE(""), MISSING, "the stored instance needs \"lease\", an object"},
    {LE(",\"lease\":null"), MISSING, "the stored instance needs \"lease\", an object"},
    {LE(",\"lease\":{}"), MISSING, OF "/lease needs \"create_at\", an integer"},
    {LE(",\"lease\":{\"create_at\":\"1\"}"), TYPE, OF "/lease/create_at needs to be an integer"},
    {LE(",\"lease\":{\"create_at\":1e3}"), TYPE, OF "/lease/create_at needs to be an integer"},
};

static void test_wrong_answers(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(wrongs); i++) {
        const struct wrong *row = &wrongs[i];
        struct jdoc doc = doc_of(view_str(row->answer), &arena);
        const struct raw_request raw = raw_of(row->op, NULL, NULL);
        struct instance_request request = read_first(&raw);
        struct body_faults faults;

        assert_row(modelarts_read_stored(&raw, &doc, now_us, &arena, &request, &faults) ==
                       STATUS_INVALID,
                   row->answer);
        assert_row(faults.count == 1, row->answer);
        assert_row(strcmp(faults.items[0].row->code, row->code) == 0, row->answer);
        if (!view_starts(faults.items[0].message, view_str(row->message)))
            print_error("got %.*s\n", VIEW_ARGS(faults.items[0].message));
        assert_row(view_starts(faults.items[0].message, view_str(row->message)), row->answer);
        assert_row(!request.stored && !request.flavor.set && request.storage_count == 0,
                   row->answer);
    }
}

static void test_calls_that_need_none(void **state)
{
    struct jdoc doc = doc_of(VIEW("{\"id\":\"i-1\"}"), &arena);
    const struct raw_request raw = raw_of(OP_NOTEBOOKS_STOP, NULL, NULL);
    struct instance_request request = {0};
    struct body_faults faults;

    (void)state;
    assert_int_equal(modelarts_read_stored(&raw, &doc, now_us, &arena, &request, &faults),
                     STATUS_INVALID);
}

static void check_memory(enum operation_id op, const char *answer)
{
    struct jdoc doc = doc_of(view_str(answer), &arena);
    const struct raw_request raw = raw_of(op, NULL, NULL);
    const struct instance_request first = read_first(&raw);
    bool was_out = false;
    bool was_well = false;

    for (size_t bytes = 0; bytes < 16384; bytes += 64) {
        struct instance_request request = first;
        struct arena small;
        struct body_faults faults;
        enum status status;

        arena_init(&small, 64, bytes);
        status = modelarts_read_stored(&raw, &doc, now_us, &small, &request, &faults);
        assert_row(status == STATUS_OK || status == STATUS_NOMEM, answer);
        assert_row(status == STATUS_OK || !request.stored, answer);
        was_out = was_out || status == STATUS_NOMEM;
        was_well = was_well || status == STATUS_OK;
        arena_done(&small);
    }
    assert_row(was_out && was_well, answer);
}

static void test_memory_runs_out(void **state)
{
    struct arena none;
    const struct raw_request raw = raw_of(OP_NOTEBOOKS_START, NULL, NULL);

    (void)state;
    check_memory(OP_DEMANAGER_START, stored_demanager);
    check_memory(OP_NOTEBOOKS_START, stored_notebook);
    check_memory(OP_NOTEBOOKS_START, "{\"\\u0069d\":\"\\u0069-1\",\"n\\u0061me\":\"\\u0061\"}");
    check_memory(OP_NOTEBOOKS_LEASE, stored_notebook);
    arena_init(&none, 16, 0);
    assert_null(modelarts_stored_path(&raw, &none).ptr);
    arena_done(&none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_needs_it),
        cmocka_unit_test(test_demanager_start),
        cmocka_unit_test(test_the_mount_path_of_a_disk_is_no_place_in_obs),
        cmocka_unit_test(test_little_is_stored),
        cmocka_unit_test(test_notebooks_start),
        cmocka_unit_test(test_start_by_get),
        cmocka_unit_test(test_custom_specs),
        cmocka_unit_test(test_lease),
        cmocka_unit_test(test_other_members_are_not_looked_at),
        cmocka_unit_test(test_wrong_answers),
        cmocka_unit_test(test_calls_that_need_none),
        cmocka_unit_test(test_memory_runs_out),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
