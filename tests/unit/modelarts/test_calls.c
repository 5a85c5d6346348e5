/* SPDX-License-Identifier: Apache-2.0
 * Every judged call but the create of the demanager family (test_body.c): what is read of its body
 * and its query, and each way in which they can be wrong. */
#include "base/attr.h"

#include "bodies.h"

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

static struct jdoc body_of(const char *text)
{
    static const struct jdoc none = {.count = 0};

    return text == NULL ? none : doc_of(view_str(text), &arena);
}

/* body NULL: empty */
static struct instance_request read_well(enum operation_id op, const char *body, const char *query)
{
    struct jdoc doc = body_of(body);
    const struct raw_request raw = raw_of(op, body == NULL ? NULL : &doc, query);
    struct instance_request request = {0};
    struct body_faults faults;

    if (modelarts_read(&raw, UNKNOWN_REFUSE, &arena, &request, &faults) != STATUS_OK) {
        print_error("%s %s: %.*s\n", body, query, VIEW_ARGS(faults.items[0].message));
        fail();
    }
    assert_int_equal(faults.count, 0);
    assert_view(request.project, "p");
    return request;
}

static void test_demanager_update(void **state)
{
    struct instance_request r = read_well(OP_DEMANAGER_UPDATE, "{\"description\":\"d\"}", NULL);

    (void)state;
    assert_ptr_equal(r.op, &operations[OP_DEMANAGER_UPDATE]);
    assert_false(r.name.set || r.flavor.set || r.workspace.set || r.has_pool);
    assert_int_equal(r.stop_count + r.storage_count, 0);

    r = read_well(OP_DEMANAGER_UPDATE,
                  "{\"flavor\":\"f\",\"workspace\":{\"id\":\"w\"},\"pool\":{\"id\":\"q\"},"
                  "\"spec\":{\"storage\":{\"type\":\"evs\"},\"auto_stop\":{\"enable\":false}}}",
                  NULL);
    assert_view(r.flavor.value, "f");
    assert_view(r.workspace.value, "w");
    assert_view(r.pool.value, "q");
    assert_true(r.storages[0].has_size && r.storages[0].size_gb == 5);
    assert_int_equal(r.stop_count, 1);
    assert_true(r.stops[0].has_enable && !r.stops[0].enable && !r.stops[0].has_duration);
}

/* The instance keeps what an update doesn't name: a duration alone may be one that counts. */
static void test_an_update_that_names_a_duration_enables(void **state)
{
    struct instance_request r = read_well(
        OP_DEMANAGER_UPDATE, "{\"auto_stop\":{\"duration\":90000},\"spec\":{}}", "ignored=1");

    (void)state;
    assert_int_equal(r.stop_count, 1);
    assert_true(r.stops[0].misplaced && r.stops[0].enable && !r.stops[0].has_enable);
    assert_int_equal(r.stops[0].duration_ms, 90000000);
    r = read_well(OP_DEMANAGER_UPDATE, "{\"spec\":{\"auto_stop\":{\"duration\":1}}}", NULL);
    assert_true(r.stops[0].enable && !r.stops[0].has_enable && !r.stops[0].misplaced);
    r = read_well(OP_DEMANAGER_UPDATE,
                  "{\"spec\":{\"auto_stop\":{\"duration\":1,\"enable\":false}}}", NULL);
    assert_true(!r.stops[0].enable && r.stops[0].has_enable);
    r = read_well(OP_DEMANAGER_UPDATE, "{\"spec\":{\"auto_stop\":{\"prompt\":true}}}", NULL);
    assert_int_equal(r.stop_count, 1);
    assert_false(r.stops[0].enable || r.stops[0].has_enable || r.stops[0].has_duration);
    r = read_well(OP_DEMANAGER_CREATE, "{\"spec\":{\"auto_stop\":{\"duration\":1}}}", NULL);
    assert_false(r.stops[0].enable || r.stops[0].has_enable);
}

/* Some readers take away what is stored where a null stands. */
static void test_an_update_with_a_null_names_the_auto_stop(void **state)
{
    static const struct {
        const char *body, *pointer;
        bool misplaced;
    } rows[] = {
        {"{\"spec\":{\"auto_stop\":null}}", "/spec/auto_stop", false},
        {"{\"spec\":null}", "/spec", false},
        {"{\"auto_stop\":null}", "/auto_stop", true},
    };
    struct instance_request r;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        r = read_well(OP_DEMANAGER_UPDATE, rows[i].body, NULL);
        assert_row(r.stop_count == 1 && r.stops[0].misplaced == rows[i].misplaced, rows[i].body);
        assert_row(!r.stops[0].enable && !r.stops[0].has_enable && !r.stops[0].has_duration,
                   rows[i].body);
        assert_string_equal(r.stops[0].pointer, rows[i].pointer);
    }
    r = read_well(OP_DEMANAGER_CREATE, "{\"spec\":{\"auto_stop\":null},\"auto_stop\":null}", NULL);
    assert_int_equal(r.stop_count, 0);
    r = read_well(OP_DEMANAGER_UPDATE, "{\"description\":null,\"pool\":null}", NULL);
    assert_int_equal(r.stop_count, 0);
}

static void test_seconds_end_at_the_largest(void **state)
{
    static const struct {
        const char *body;
        int64_t ms;
    } rows[] = {
        {"{\"spec\":{\"auto_stop\":{\"duration\":9223372036854775}}}", 9223372036854775000},
        {"{\"spec\":{\"auto_stop\":{\"duration\":9223372036854776}}}", INT64_MAX},
        {"{\"spec\":{\"auto_stop\":{\"duration\":9223372036854775807}}}", INT64_MAX},
        {"{\"spec\":{\"auto_stop\":{\"duration\":-9223372036854776}}}", INT64_MIN},
        {"{\"spec\":{\"auto_stop\":{\"duration\":0}}}", 0},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_row(read_well(OP_DEMANAGER_UPDATE, rows[i].body, NULL).stops[0].duration_ms ==
                       rows[i].ms,
                   rows[i].body);
}

/* The action's body has been read for its verb. */
static void test_demanager_start(void **state)
{
    struct instance_request r =
        read_well(OP_DEMANAGER_START, "{\"action\":\"start\"}", "duration=x&x");

    (void)state;
    assert_ptr_equal(r.op, &operations[OP_DEMANAGER_START]);
    assert_false(r.stored || r.stops_stored || r.workspace.set);
    assert_int_equal(r.stop_count, 0);
    (void)read_well(OP_DEMANAGER_START, NULL, NULL);
}

static void test_notebooks_create(void **state)
{
    struct instance_request r = read_well(
        OP_NOTEBOOKS_CREATE,
        "{\"name\":\"nb_1\",\"feature\":\"NOTEBOOK\",\"flavor\":\"modelarts.vm.cpu.2u\","
        "\"image_id\":\"e1a07296\",\"workspace_id\":\"w\",\"volume\":{\"category\":\"EVS\","
        "\"ownership\":\"MANAGED\",\"capacity\":50},\"lease\":{\"type\":\"TIMING\",\"duration\":"
        "3600000}}",
        "anything=goes&here");

    (void)state;
    assert_ptr_equal(r.op, &operations[OP_NOTEBOOKS_CREATE]);
    assert_view(r.name.value, "nb_1");
    assert_view(r.flavor.value, "modelarts.vm.cpu.2u");
    assert_view(r.image.value, "e1a07296");
    assert_view(r.workspace.value, "w");
    assert_false(r.profile.set || r.has_pool || r.has_custom_spec || r.has_hooks);
    assert_int_equal(r.storage_count, 1);
    assert_view(r.storages[0].type, "EVS");
    assert_true(r.storages[0].has_size && r.storages[0].size_gb == 50);
    assert_string_equal(r.storages[0].pointer, "/volume");
    assert_int_equal(r.stop_count, 1);
    assert_true(r.stops[0].enable && r.stops[0].has_duration && !r.stops[0].has_enable);
    assert_int_equal(r.stops[0].duration_ms, 3600000);
    assert_string_equal(r.stops[0].pointer, "/lease");
    assert_view(r.stop_type.value, "TIMING");
    assert_int_equal(r.endpoint_count, 0);
}

static void test_every_field_of_notebooks(void **state)
{
    struct instance_request r = read_well(
        OP_NOTEBOOKS_CREATE,
        "{\"description\":\"d\",\"duration\":-1,\"lease\":{\"duration\":7,\"type\":\"idle\"},"
        "\"pool_id\":\"pool-a\",\"volume\":{\"category\":\"efs\",\"ownership\":\"dedicated\","
        "\"uri\":\"192.0.2.1:/share\",\"id\":\"x\",\"mount_path\":\"/m\",\"read_only\":true,"
        "\"dew_secret_name\":\"s\"},\"data_volumes\":[{\"category\":\"OBS\",\"uri\":"
        "\"obs://team-bucket/d/\"},{\"category\":\"SFS\",\"uri\":\"OBS://team-bucket/\"}],"
        "\"endpoints\":[{\"service\":\"notebook\"},{\"service\":\"SSH\",\"key_pair_names\":[\"k\"],"
        "\"allowed_access_ips\":[\"192.0.2.0/24\",\"\\u0031\"]},{}],\"hooks\":{\"container_hooks\":"
        "{\"pre_start\":{\"type\":\"SCRIPT\",\"script\":\"x\"},\"post_start\":{\"type\":"
        "\"COMMAND\","
        "\"script\":\"y\"}}},\"custom_spec\":{\"cpu\":0.4,\"memory\":1024,\"gpu\":1.0,\"gpu_type\":"
        "\"g\",\"arch\":\"X86_64\",\"category\":\"GPU\",\"resource_flavor\":\"f\"},\"affinity\":"
        "{\"Flavor\":[{\"duration\":\"free\"}]},\"run_user\":{\"uid\":1000,\"gid\":100},"
        "\"user_vpc\":{\"vpc_id\":\"v\",\"subnet_id\":\"s\",\"security_group_ids\":[\"g\"],"
        "\"connect_cidrs\":[]}}",
        NULL);

    (void)state;
    assert_true(r.workspace.set);
    assert_view(r.workspace.value, "0");
    assert_true(r.has_pool && r.has_hooks && r.has_custom_spec);
    assert_view(r.pool.value, "pool-a");
    assert_view(r.stop_type.value, "idle");
    assert_int_equal(r.stop_count, 2);
    assert_string_equal(r.stops[0].pointer, "/duration");
    assert_int_equal(r.stops[0].duration_ms, -1);
    assert_string_equal(r.stops[1].pointer, "/lease");
    assert_int_equal(r.stops[1].duration_ms, 7);
    assert_false(r.stops[0].misplaced || r.stops[1].misplaced);
    assert_int_equal(r.storage_count, 3);
    assert_true(r.storages[0].is_share && !r.storages[0].has_obs && r.storages[0].path.set);
    assert_true(r.storages[0].has_size && r.storages[0].size_gb == 50);
    assert_string_equal(r.storages[1].pointer, "/data_volumes/0");
    assert_true(r.storages[1].has_obs && !r.storages[1].is_share && !r.storages[1].has_size);
    assert_view(r.storages[1].obs.bucket, "team-bucket");
    assert_view(r.storages[1].obs.key, "d/");
    assert_true(!r.storages[2].is_share && !r.storages[2].has_obs);
    assert_int_equal(r.storages[2].obs_fault, OBS_NO_SCHEME);
    assert_int_equal(r.endpoint_count, 3);
    assert_false(r.endpoints[0].ssh);
    assert_true(r.endpoints[1].ssh && r.endpoints[2].ssh);
    assert_int_equal(r.endpoints[1].ip_count, 2);
    assert_view(r.endpoints[1].ips[0], "192.0.2.0/24");
    assert_view(r.endpoints[1].ips[1], "1");
    assert_int_equal(r.endpoints[2].ip_count, 0);
    assert_string_equal(r.endpoints[2].pointer, "/endpoints/2");
}

/* Whoever orders the members: the stop that the cloud obeys is the first. */
static void test_the_stop_that_counts_is_the_first(void **state)
{
    struct instance_request r = read_well(
        OP_NOTEBOOKS_CREATE, "{\"lease\":{\"duration\":1,\"type\":\"X\"},\"duration\":2}", NULL);

    (void)state;
    assert_int_equal(r.stops[0].duration_ms, 2);
    r = read_well(OP_NOTEBOOKS_CREATE, "{\"lease\":{\"type\":\"IDLE\"}}", NULL);
    assert_int_equal(r.stop_count, 0);
    assert_view(r.stop_type.value, "IDLE");
    r = read_well(OP_NOTEBOOKS_CREATE, "{\"lease\":{\"duration\":null},\"duration\":null}", NULL);
    assert_int_equal(r.stop_count, 0);
    assert_false(r.stop_type.set);
    r = read_well(OP_NOTEBOOKS_LEASE, "{\"duration\":2}", "type=IDLE&duration=2");
    assert_int_equal(r.stop_count, 2);
    assert_string_equal(r.stops[0].pointer, "?duration");
    assert_string_equal(r.stops[1].pointer, "/duration");
    assert_view(r.stop_type.value, "IDLE");
    r = read_well(OP_NOTEBOOKS_LEASE, "{\"type\":\"idle\"}", "type=IDLE");
    assert_int_equal(r.stop_count, 0);
    assert_view(r.stop_type.value, "IDLE");
    r = read_well(OP_NOTEBOOKS_LEASE, "{\"type\":\"idle\",\"duration\":null}", "duration=5");
    assert_int_equal(r.stops[0].duration_ms, 5);
    assert_view(r.stop_type.value, "idle");
}

/* A way round a list of flavors, however little of it is there; null is none. */
static void test_presence(void **state)
{
    struct instance_request r =
        read_well(OP_NOTEBOOKS_CREATE, "{\"custom_spec\":{},\"hooks\":{},\"pool_id\":\"\"}", NULL);

    (void)state;
    assert_true(r.has_custom_spec && r.has_hooks && r.has_pool && r.pool.set);
    r = read_well(OP_NOTEBOOKS_CREATE,
                  "{\"custom_spec\":null,\"hooks\":null,\"pool_id\":null,\"volume\":null,"
                  "\"data_volumes\":null,\"endpoints\":null,\"workspace_id\":null,\"lease\":null}",
                  NULL);
    assert_false(r.has_custom_spec || r.has_hooks || r.has_pool || r.pool.set);
    assert_int_equal(r.storage_count + r.endpoint_count + r.stop_count, 0);
    assert_view(r.workspace.value, "0");
}

static void test_default_sizes(void **state)
{
    static const struct {
        const char *type;
        int64_t size; /* 0: none */
    } rows[] = {{"EVS", 5},  {"evs", 5}, {"EFS", 50},  {"Efs", 50}, {"SFS", 50},
                {"sfs", 50}, {"OBS", 0}, {"OBSFS", 0}, {"", 0},     {"EVSX", 0}};
    char text[128];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct instance_request r;

        (void)snprintf(text, sizeof text, "{\"data_volumes\":[{\"category\":\"%s\"}]}",
                       rows[i].type);
        r = read_well(OP_NOTEBOOKS_CREATE, text, NULL);
        assert_row(r.storages[0].has_size == (rows[i].size > 0), text);
        assert_row(r.storages[0].size_gb == rows[i].size, text);
        (void)snprintf(text, sizeof text,
                       "{\"data_volumes\":[{\"category\":\"%s\",\"capacity\":7}]}", rows[i].type);
        r = read_well(OP_NOTEBOOKS_CREATE, text, NULL);
        assert_row(r.storages[0].has_size && r.storages[0].size_gb == 7, text);
    }
    assert_false(read_well(OP_DEMANAGER_CREATE, "{\"spec\":{\"storage\":{\"type\":\"efs\"}}}", NULL)
                     .storages[0]
                     .has_size);
}

static void test_what_is_no_address_of_a_share(void **state)
{
    static const char *const shares[] = {"192.0.2.1:/", "sfs-nas1.example.com:/share-1/a b"};
    static const char *const others[] = {
        "0bs://b/x/", " obs://b/x/", "\xef\xbd\x8f\xef\xbd\x82\xef\xbd\x93://b/x/",
        "obs:/b/x/",  "OBS-x:/b/",   "s3://b/x/",
        "/b/x/",      ":/b/x/",      "h:b",
        "h",          "\xc2\xa0h:/", ""};
    char body[128];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(shares) + ARRAY_LEN(others); i++) {
        bool share = i < ARRAY_LEN(shares);

        (void)snprintf(body, sizeof body, "{\"category\":\"EFS\",\"uri\":\"%s\"}",
                       share ? shares[i] : others[i - ARRAY_LEN(shares)]);
        assert_row(read_well(OP_NOTEBOOKS_MOUNT, body, NULL).storages[0].is_share == share, body);
    }
}

static void test_notebooks_update(void **state)
{
    struct instance_request r = read_well(
        OP_NOTEBOOKS_UPDATE,
        "{\"storage_new_size\":4096,\"flavor\":\"f\",\"data_volumes\":[{\"category\":\"OBS\"}]}",
        NULL);

    (void)state;
    assert_false(r.workspace.set || r.name.set);
    assert_int_equal(r.storage_count, 2);
    assert_true(r.storages[0].grows && r.storages[0].has_size && !r.storages[0].path.set);
    assert_int_equal(r.storages[0].size_gb, 4096);
    assert_string_equal(r.storages[0].pointer, "/storage_new_size");
    assert_false(r.storages[1].grows);
    r = read_well(OP_NOTEBOOKS_UPDATE, "{\"storage_new_size\":null}", NULL);
    assert_int_equal(r.storage_count, 0);
}

static void test_mount(void **state)
{
    struct instance_request r = read_well(
        OP_NOTEBOOKS_MOUNT,
        "{\"category\":\"OBS\",\"mount_path\":\"/data/x\",\"uri\":\"obs://team-bucket/x/\"}", NULL);

    (void)state;
    assert_int_equal(r.storage_count, 1);
    assert_view(r.storages[0].type, "OBS");
    assert_true(r.storages[0].has_obs);
    assert_view(r.storages[0].obs.key, "x/");
    assert_false(r.workspace.set);
    r = read_well(OP_NOTEBOOKS_MOUNT, "{}", NULL);
    assert_int_equal(r.storage_count, 1);
    assert_false(r.storages[0].path.set);
}

static void test_starts(void **state)
{
    static const struct {
        const char *body, *query;
        bool has;
        int64_t ms;
        const char *type;
    } rows[] = {
        {NULL, NULL, false, 0, NULL},
        {NULL, "", false, 0, NULL},
        {"{}", "duration=-1", true, -1, NULL},
        {NULL, "duration=3600000&type=TIMING", true, 3600000, "TIMING"},
        {NULL, "type=idle&duration=0", true, 0, "idle"},
        {"{}", "type=IDLE", false, 0, "IDLE"},
        {NULL, "duration=9223372036854775807", true, INT64_MAX, NULL},
        {NULL, "duration=-9223372036854775808", true, INT64_MIN, NULL},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct instance_request r = read_well(OP_NOTEBOOKS_START, rows[i].body, rows[i].query);

        assert_row(r.stop_count == (rows[i].has ? 1 : 0), rows[i].query);
        assert_row(!rows[i].has || (r.stops[0].duration_ms == rows[i].ms && r.stops[0].enable &&
                                    strcmp(r.stops[0].pointer, "?duration") == 0),
                   rows[i].query);
        assert_row(view_eq(r.stop_type.value, view_str(rows[i].type)), rows[i].query);
        assert_row(r.stop_type.set == (rows[i].type != NULL), rows[i].query);
        assert_row(!r.workspace.set && !r.stored, rows[i].query);
    }
}

/* Both spellings are judged as one operation. */
static void test_start_by_get(void **state)
{
    struct instance_request r = read_well(OP_NOTEBOOKS_START_GET, NULL, "duration=5");

    (void)state;
    assert_ptr_equal(r.op, &operations[OP_NOTEBOOKS_START]);
    assert_int_equal(r.stops[0].duration_ms, 5);
}

struct wrong {
    enum operation_id op;
    const char *body, *query, *code, *message; /* message: how it begins */
};

#define TYPE      "body.type"
#define MISSING   "body.missing"
#define UNKNOWN   "body.unknown_field"
#define MISPLACED "body.misplaced"
#define LOOK      "body.lookalike"
#define CONFLICT  "body.conflict"
#define QUERY     "request.query"

#define CREATE(body, code, message)                    \
    {                                                  \
        OP_NOTEBOOKS_CREATE, body, NULL, code, message \
    }
#define START(query, message)                           \
    {                                                   \
        OP_NOTEBOOKS_START, NULL, query, QUERY, message \
    }

static const struct wrong wrongs[] = {
    {OP_DEMANAGER_CREATE, NULL, NULL, MISSING, "the body needs to be an object, and it is empty"},
    {OP_DEMANAGER_UPDATE, NULL, NULL, MISSING, "the body needs to be an object"},
    {OP_NOTEBOOKS_CREATE, NULL, NULL, MISSING, "the body needs to be an object"},
    {OP_NOTEBOOKS_UPDATE, NULL, NULL, MISSING, "the body needs to be an object"},
    {OP_NOTEBOOKS_MOUNT, NULL, NULL, MISSING, "the body needs to be an object"},
    {OP_NOTEBOOKS_LEASE, "[]", NULL, TYPE, "the body needs to be an object"},
    {OP_NOTEBOOKS_START, "[]", NULL, TYPE, "the body needs to be an object"},
    {OP_NOTEBOOKS_START_GET, "{}", NULL, TYPE, "the body needs to be empty"},
    {OP_NOTEBOOKS_START_GET, "[]", NULL, TYPE, "the body needs to be empty"},

    {OP_DEMANAGER_UPDATE, "{\"spec\":[]}", NULL, TYPE, "/spec needs to be an object"},
    {OP_DEMANAGER_UPDATE, "{\"auto_stop\":{\"duration\":3600.0}}", NULL, TYPE,
     "/auto_stop/duration needs to be an integer"},
    {OP_DEMANAGER_UPDATE, "{\"lease\":{}}", NULL, MISPLACED,
     "/lease isn't known in this call; it belongs to another one"},
    {OP_DEMANAGER_UPDATE, "{\"duration\":1}", NULL, MISPLACED,
     "/duration isn't known at this place; it belongs at /spec/auto_stop/duration"},
    {OP_DEMANAGER_UPDATE, "{\"Description\":\"\"}", NULL, LOOK, "/Description"},
    {OP_DEMANAGER_UPDATE,
     "{\"auto_stop\":{\"duration\":5},\"spec\":{\"auto_stop\":{\"duration\":5,\"enable\":true}}}",
     NULL, CONFLICT, "/auto_stop says something else than /spec/auto_stop"},
    {OP_DEMANAGER_UPDATE, "{\"auto_stop\":{},\"spec\":{\"auto_stop\":{\"enable\":false}}}", NULL,
     CONFLICT, "/auto_stop says"},
    /* both are more than the typed duration holds */
    {OP_DEMANAGER_UPDATE,
     "{\"auto_stop\":{\"duration\":9223372036854775807},\"spec\":{\"auto_stop\":{\"duration\":"
     "9223372036854775806}}}",
     NULL, CONFLICT, "/auto_stop says"},

    CREATE("{\"name\":1}", TYPE, "/name needs to be a string (ModelArts.6332)"),
    CREATE("{\"flavor\":[]}", TYPE, "/flavor"),
    CREATE("{\"image_id\":{}}", TYPE, "/image_id"),
    CREATE("{\"feature\":1}", TYPE, "/feature"),
    CREATE("{\"duration\":3600000.0}", TYPE, "/duration needs to be an integer"),
    CREATE("{\"duration\":36e5}", TYPE, "/duration"),
    CREATE("{\"duration\":\"3600000\"}", TYPE, "/duration"),
    CREATE("{\"duration\":true}", TYPE, "/duration"),
    CREATE("{\"duration\":{}}", TYPE, "/duration"),
    CREATE("{\"lease\":3600000}", TYPE, "/lease needs to be an object"),
    CREATE("{\"lease\":{\"duration\":\"1\"}}", TYPE, "/lease/duration needs to be an integer"),
    CREATE("{\"lease\":{\"type\":1}}", TYPE, "/lease/type"),
    CREATE("{\"pool_id\":7}", TYPE, "/pool_id"),
    CREATE("{\"workspace_id\":0}", TYPE, "/workspace_id"),
    CREATE("{\"volume\":[]}", TYPE, "/volume needs to be an object"),
    CREATE("{\"volume\":{\"category\":1}}", TYPE, "/volume/category"),
    CREATE("{\"volume\":{\"capacity\":5.0}}", TYPE, "/volume/capacity"),
    CREATE("{\"volume\":{\"capacity\":\"5\"}}", TYPE, "/volume/capacity"),
    CREATE("{\"volume\":{\"uri\":[]}}", TYPE, "/volume/uri"),
    CREATE("{\"volume\":{\"read_only\":1}}", TYPE, "/volume/read_only needs to be true or false"),
    CREATE("{\"data_volumes\":{}}", TYPE, "/data_volumes needs to be an array of objects"),
    CREATE("{\"data_volumes\":[\"obs://x/\"]}", TYPE, "/data_volumes/0 needs to be an object"),
    CREATE("{\"data_volumes\":[{},null]}", TYPE, "/data_volumes/1"),
    CREATE("{\"endpoints\":{}}", TYPE, "/endpoints needs to be an array of objects"),
    CREATE("{\"endpoints\":[[]]}", TYPE, "/endpoints/0"),
    CREATE("{\"endpoints\":[{\"service\":null,\"allowed_access_ips\":\"*\"}]}", TYPE,
           "/endpoints/0/allowed_access_ips needs to be an array of strings"),
    CREATE("{\"endpoints\":[{\"allowed_access_ips\":[1]}]}", TYPE,
           "/endpoints/0/allowed_access_ips/0 needs to be a string"),
    CREATE("{\"endpoints\":[{\"allowed_access_ips\":[\"a\",null]}]}", TYPE,
           "/endpoints/0/allowed_access_ips/1"),
    CREATE("{\"endpoints\":[{\"key_pair_names\":[{}]}]}", TYPE, "/endpoints/0/key_pair_names/0"),
    CREATE("{\"hooks\":[]}", TYPE, "/hooks"),
    CREATE("{\"hooks\":{\"container_hooks\":{\"pre_start\":\"x\"}}}", TYPE,
           "/hooks/container_hooks/pre_start needs to be an object"),
    CREATE("{\"hooks\":{\"container_hooks\":{\"post_start\":{\"script\":1}}}}", TYPE,
           "/hooks/container_hooks/post_start/script"),
    CREATE("{\"custom_spec\":true}", TYPE, "/custom_spec needs to be an object"),
    CREATE("{\"custom_spec\":{\"cpu\":\"2\"}}", TYPE, "/custom_spec/cpu needs to be a number"),
    CREATE("{\"custom_spec\":{\"memory\":1024.0}}", TYPE, "/custom_spec/memory needs to be an int"),
    CREATE("{\"affinity\":[]}", TYPE, "/affinity needs to be an object"),
    CREATE("{\"run_user\":{\"uid\":\"0\"}}", TYPE, "/run_user/uid"),
    CREATE("{\"user_vpc\":{\"connect_cidrs\":\"x\"}}", TYPE, "/user_vpc/connect_cidrs"),

    CREATE("{\"nonsense\":1}", UNKNOWN, "/nonsense isn't a field of this API"),
    CREATE("{\"flavour\":1}", UNKNOWN,
           "/flavour isn't a field of this API; did you mean \"flavor\"?"),
    CREATE("{\"volume\":{\"nonsense\":1}}", UNKNOWN, "/volume/nonsense"),
    CREATE("{\"profile_id\":\"x\"}", MISPLACED, "/profile_id isn't known in this call"),
    CREATE("{\"spec\":{}}", MISPLACED, "/spec isn't known in this call"),
    CREATE("{\"auto_stop\":{}}", MISPLACED, "/auto_stop isn't known in this call"),
    CREATE("{\"annotations\":{}}", MISPLACED, "/annotations isn't known in this call"),
    CREATE("{\"storage_new_size\":9}", MISPLACED, "/storage_new_size is known in an update only"),
    CREATE("{\"uri\":\"x\"}", MISPLACED, "/uri isn't known at this place; it belongs at /volume/u"),
    CREATE("{\"lease\":{\"lease\":{}}}", MISPLACED, "/lease/lease isn't known at this place"),
    CREATE("{\"volume\":{\"duration\":1}}", MISPLACED, "/volume/duration isn't known at this"),
    CREATE("{\"Duration\":-1}", LOOK, "/Duration can be taken for \"duration\""),
    CREATE("{\"imageId\":\"x\"}", LOOK, "/imageId can be taken for \"image_id\""),
    CREATE("{\"poolId\":\"x\"}", LOOK, "/poolId"),
    CREATE("{\"autoStop\":{}}", LOOK, "/autoStop can be taken for \"auto_stop\""),
    CREATE("{\"lease\":{\"dur\\u0430tion\":-1}}", LOOK, "/lease/dur"),
    CREATE("{\"custom_spec\":{\"CPU\":1}}", LOOK, "/custom_spec/CPU"),

    {OP_NOTEBOOKS_UPDATE, "{\"duration\":1}", NULL, MISPLACED,
     "/duration isn't known in an update"},
    {OP_NOTEBOOKS_UPDATE, "{\"duration\":null}", NULL, MISPLACED, "/duration isn't known in"},
    {OP_NOTEBOOKS_UPDATE, "{\"lease\":{}}", NULL, MISPLACED, "/lease isn't known in an update"},
    {OP_NOTEBOOKS_UPDATE, "{\"lease\":null}", NULL, MISPLACED, "/lease isn't known in an update"},
    {OP_DEMANAGER_UPDATE, "{\"auto_stop\":null,\"spec\":{\"auto_stop\":{\"enable\":true}}}", NULL,
     "body.conflict", "/auto_stop says something else"},
    {OP_NOTEBOOKS_UPDATE, "{\"storage_new_size\":\"9\"}", NULL, TYPE, "/storage_new_size"},
    {OP_NOTEBOOKS_UPDATE, "{\"storage_new_size\":9.5}", NULL, TYPE, "/storage_new_size"},
    {OP_NOTEBOOKS_UPDATE, "{\"storageNewSize\":9}", NULL, LOOK, "/storageNewSize"},
    {OP_NOTEBOOKS_MOUNT, "{\"uri\":1}", NULL, TYPE, "/uri needs to be a string"},
    {OP_NOTEBOOKS_MOUNT, "{\"URI\":\"x\"}", NULL, LOOK, "/URI"},
    {OP_NOTEBOOKS_MOUNT, "{\"flavor\":\"x\"}", NULL, MISPLACED, "/flavor isn't known in this call"},
    {OP_NOTEBOOKS_MOUNT, "{\"volume\":{}}", NULL, MISPLACED, "/volume isn't known in this call"},
    {OP_NOTEBOOKS_MOUNT, "{\"x\":{}}", NULL, UNKNOWN, "/x isn't a field of this API"},

    {OP_NOTEBOOKS_LEASE, "{\"duration\":\"1\"}", NULL, TYPE, "/duration needs to be an integer"},
    {OP_NOTEBOOKS_LEASE, "{\"lease\":{\"duration\":1}}", NULL, MISPLACED, "/lease isn't known in"},
    {OP_NOTEBOOKS_LEASE, "{\"enable\":false}", NULL, MISPLACED, "/enable isn't known in this call"},
    {OP_NOTEBOOKS_LEASE, "{\"DURATION\":1}", NULL, LOOK, "/DURATION"},
    {OP_NOTEBOOKS_LEASE, "{\"duration\":1}", "duration=2", CONFLICT,
     "/duration says something else than ?duration"},
    {OP_NOTEBOOKS_LEASE, "{\"type\":\"IDLE\"}", "type=TIMING", CONFLICT,
     "/type says something else than ?type"},
    {OP_NOTEBOOKS_LEASE, "{}", "duration=x", QUERY, "duration of the query needs to be"},

    {OP_NOTEBOOKS_START, "{\"duration\":1}", NULL, MISPLACED, "/duration isn't known in this call"},
    {OP_NOTEBOOKS_START, "{\"x\":1}", NULL, UNKNOWN, "/x isn't a field of this API"},
    {OP_NOTEBOOKS_START, "{\"Type\":1}", NULL, LOOK, "/Type can be taken for \"type\""},
    START("duration", "the query of this call may hold"),
    START("duration=", "duration of the query needs to be milliseconds"),
    START("duration=+1", "duration of the query"),
    START("duration= 1", "duration of the query"),
    START("duration=1 ", "duration of the query"),
    START("duration=1.0", "duration of the query"),
    START("duration=1e3", "duration of the query"),
    START("duration=0x10", "duration of the query"),
    START("duration=010", "duration of the query"), /* eight to some */
    START("duration=--1", "duration of the query"),
    START("duration=-", "duration of the query"),
    START("duration=%31", "duration of the query"),
    START("duration=1;type=X", "duration of the query"),
    START("duration=-1type=X", "duration of the query"), /* as Terraform would build it */
    START("duration=9223372036854775808", "duration of the query"),
    START("duration=1=1", "duration of the query"),
    START("duration=1&duration=1", "the query names duration twice"),
    START("duration=-1&duration=3600000", "the query names duration twice"),
    START("type=A&type=A", "the query names type twice"),
    START("type=", "type of the query needs to be letters"),
    START("type=A1", "type of the query"),
    START("type=A%42", "type of the query"),
    START("type=\xc3\xa4", "type of the query"),
    START("Duration=1", "the query of this call may hold"),
    START("d%75ration=1", "the query of this call may hold"),
    START("duration[]=1", "the query of this call may hold"),
    START("duration%00=1", "the query of this call may hold"),
    START("?", "the query of this call may hold"),
    START("duration=1&", "the query of this call may hold"),
    START("&duration=1", "the query of this call may hold"),
    START("duration=1&&type=A", "the query of this call may hold"),
    START("x=1", "the query of this call may hold"),
    START("=", "the query of this call may hold"),
    START("duration=1?", "duration of the query"),
    {OP_NOTEBOOKS_START_GET, NULL, "x", QUERY, "the query of this call may hold"},
    {OP_NOTEBOOKS_STOP, NULL, NULL, "operation.not_supported", "notebooks.stop isn't judged"},
};

static void check_wrong(const struct wrong *row, enum unknown_fields unknown)
{
    const char *name = row->body == NULL ? row->query : row->body;
    struct jdoc doc = body_of(row->body);
    const struct raw_request raw = raw_of(row->op, row->body == NULL ? NULL : &doc, row->query);
    struct instance_request request = {.storage_count = 77};
    struct body_faults faults;
    enum status status = modelarts_read(&raw, unknown, &arena, &request, &faults);

    name = name == NULL ? operations[row->op].name : name;
    assert_row(status == STATUS_INVALID && faults.count == 1, name);
    if (strcmp(faults.items[0].row->code, row->code) != 0 ||
        !view_starts(faults.items[0].message, view_str(row->message)))
        print_error("got %s: %.*s\n", faults.items[0].row->code,
                    VIEW_ARGS(faults.items[0].message));
    assert_row(strcmp(faults.items[0].row->code, row->code) == 0, name);
    assert_row(view_starts(faults.items[0].message, view_str(row->message)), name);
    assert_row(request.storage_count == 77, name);
    arena_reset(&arena);
}

static void test_wrong_requests(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(wrongs); i++)
        check_wrong(&wrongs[i], UNKNOWN_REFUSE);
}

/* `pass` only lets names pass that nobody can take for one of ours, of either family. */
static void test_wrong_requests_with_pass(void **state)
{
    static const struct wrong more[] = {
        CREATE("{\"x\":{\"profile_id\":1}}", MISPLACED, "/x/profile_id isn't known in this call"),
        CREATE("{\"x\":[{\"Lease\":1}]}", LOOK, "/x/0/Lease can be taken for \"lease\""),
        {OP_DEMANAGER_CREATE, "{\"spec\":{},\"x\":{\"image_id\":1}}", NULL, MISPLACED,
         "/x/image_id isn't known in this call"},
        {OP_NOTEBOOKS_LEASE, "{\"x\":{\"duration\":1}}", NULL, MISPLACED,
         "/x/duration isn't known in this call"},
        /* The API has no body there: nothing in one is known to be harmless. */
        {OP_NOTEBOOKS_START, "{\"x\":{\"a\":1}}", NULL, UNKNOWN, "/x isn't a field of this API"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(wrongs); i++) {
        if (strcmp(wrongs[i].code, UNKNOWN) != 0)
            check_wrong(&wrongs[i], UNKNOWN_PASS);
    }
    for (size_t i = 0; i < ARRAY_LEN(more); i++)
        check_wrong(&more[i], UNKNOWN_PASS);
}

static void test_all_faults_of_a_query_are_collected(void **state)
{
    struct jdoc doc = doc_of(VIEW("{\"duration\":true}"), &arena);
    const struct raw_request raw =
        raw_of(OP_NOTEBOOKS_LEASE, &doc, "duration=x&x&type=1&x=\xff\xff&&type=A");
    struct instance_request request;
    struct body_faults faults;

    (void)state;
    assert_int_equal(modelarts_read(&raw, UNKNOWN_REFUSE, &arena, &request, &faults),
                     STATUS_INVALID);
    assert_int_equal(faults.count, 7);
    assert_string_equal(faults.items[0].row->code, TYPE);
    for (size_t i = 1; i < faults.count; i++)
        assert_string_equal(faults.items[i].row->code, QUERY);
}

static void test_a_query_of_rubbish_is_cut_short(void **state)
{
    static char text[4096];
    struct raw_request raw;
    struct instance_request request;
    struct body_faults faults;

    (void)state;
    for (size_t i = 0; i < sizeof text - 1; i++)
        text[i] = i > 2000 && i % 2 == 0 ? '&' : 'x';
    raw = raw_of(OP_NOTEBOOKS_START, NULL, text);
    assert_int_equal(modelarts_read(&raw, UNKNOWN_REFUSE, &arena, &request, &faults),
                     STATUS_INVALID);
    assert_int_equal(faults.count, BODY_REASONS_MAX);
    assert_true(faults.items[0].message.len < 256);
}

/* Whatever else is read as the query: only where it is judged. */
static void test_queries_of_other_calls_pass(void **state)
{
    static const enum operation_id ops[] = {OP_DEMANAGER_UPDATE, OP_NOTEBOOKS_CREATE,
                                            OP_NOTEBOOKS_UPDATE, OP_NOTEBOOKS_MOUNT};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(ops); i++)
        assert_row(read_well(ops[i], "{}", "duration=x&&y").stop_count == 0,
                   operations[ops[i]].name);
}

static void check_memory(enum operation_id op, const char *body, const char *query)
{
    struct jdoc doc = body_of(body);
    const struct raw_request raw = raw_of(op, body == NULL ? NULL : &doc, query);
    bool was_out = false;
    bool was_well = false;

    for (size_t bytes = 0; bytes < 16384; bytes += 64) {
        struct arena small;
        struct instance_request request = {0};
        struct body_faults faults;
        enum status status;

        arena_init(&small, 64, bytes);
        status = modelarts_read(&raw, UNKNOWN_REFUSE, &small, &request, &faults);
        assert_row(status == STATUS_OK || status == STATUS_NOMEM, operations[op].name);
        was_out = was_out || status == STATUS_NOMEM;
        was_well = was_well || status == STATUS_OK;
        arena_done(&small);
    }
    assert_row(was_out && was_well, operations[op].name);
}

/* However little memory there is: the right answer, or STATUS_NOMEM, never another one. */
static void test_memory_runs_out(void **state)
{
    (void)state;
    check_memory(OP_NOTEBOOKS_UPDATE,
                 "{\"n\\u0061me\":\"\\u0061\",\"volume\":{\"uri\":\"\\u0061\"},\"data_volumes\":[{}"
                 ",{\"category\""
                 ":\"\\u0061\"}],\"storage_new_size\":1,\"endpoints\":[{},{\"service\":\"\\u0061\","
                 "\"allowed_access_ips\":[\"\\u0061\"]}],\"user_vpc\":{\"connect_cidrs\":[\"x\"]}}",
                 NULL);
    check_memory(OP_NOTEBOOKS_CREATE,
                 "{\"lease\":{\"type\":\"\\u0061\",\"duration\":1},\"duration\":1}", NULL);
    check_memory(OP_NOTEBOOKS_LEASE, "{\"dur\\u0061tion\":1}", "duration=1&type=A");
    check_memory(OP_NOTEBOOKS_START, NULL, "duration=1&type=A");
    check_memory(OP_NOTEBOOKS_MOUNT, "{\"\\u0075ri\":\"\\u0061\"}", NULL);
    check_memory(OP_DEMANAGER_UPDATE,
                 "{\"auto_stop\":{\"duration\":1},\"spec\":{\"auto_stop\":{\"dur\\u0061tion\":1}}}",
                 NULL);
    check_memory(OP_DEMANAGER_UPDATE, "{\"auto_stop\":null,\"spec\":null}", NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_demanager_update),
        cmocka_unit_test(test_an_update_that_names_a_duration_enables),
        cmocka_unit_test(test_an_update_with_a_null_names_the_auto_stop),
        cmocka_unit_test(test_seconds_end_at_the_largest),
        cmocka_unit_test(test_demanager_start),
        cmocka_unit_test(test_notebooks_create),
        cmocka_unit_test(test_every_field_of_notebooks),
        cmocka_unit_test(test_the_stop_that_counts_is_the_first),
        cmocka_unit_test(test_presence),
        cmocka_unit_test(test_default_sizes),
        cmocka_unit_test(test_what_is_no_address_of_a_share),
        cmocka_unit_test(test_notebooks_update),
        cmocka_unit_test(test_mount),
        cmocka_unit_test(test_starts),
        cmocka_unit_test(test_start_by_get),
        cmocka_unit_test(test_wrong_requests),
        cmocka_unit_test(test_wrong_requests_with_pass),
        cmocka_unit_test(test_all_faults_of_a_query_are_collected),
        cmocka_unit_test(test_a_query_of_rubbish_is_cut_short),
        cmocka_unit_test(test_queries_of_other_calls_pass),
        cmocka_unit_test(test_memory_runs_out),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
