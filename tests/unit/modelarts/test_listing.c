/* SPDX-License-Identifier: Apache-2.0
 * The lists of instances and workspaces: what is asked, and what answers say. */
#include "base/attr.h"
#include "modelarts/listing.h"

#include "bodies.h"

static struct arena arena;
static struct buf path, query;

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, 65536, (size_t)16 << 20);
    buf_init(&path, 4096);
    buf_init(&query, 4096);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    buf_done(&path);
    buf_done(&query);
    arena_done(&arena);
    return 0;
}

static void check_ask(struct listing_ask ask, const char *want_path, const char *want_query)
{
    buf_clear(&path);
    buf_clear(&query);
    modelarts_listing_request(&ask, &path, &query);
    assert_int_equal(path.failed, STATUS_OK);
    assert_view_eq(buf_view(&path), view_str(want_path));
    assert_view_eq(buf_view(&query), view_str(want_query));
}

static void test_requests(void **state)
{
    (void)state;
    check_ask((struct listing_ask){.list = LISTING_DEMANAGER,
                                   .project = VIEW("p1"),
                                   .workspace = VIEW("0"),
                                   .offset = 100,
                                   .limit = 50},
              "/v1/p1/demanager/instances",
              "de_type=Notebook&show_self=false&sortby=creation_timestamp&order=asc&offset=100"
              "&limit=50&workspace_id=0");
    check_ask(
        (struct listing_ask){
            .list = LISTING_DEMANAGER, .project = VIEW("p1"), .own = true, .limit = 1},
        "/v1/p1/demanager/instances",
        "de_type=Notebook&show_self=true&sortby=creation_timestamp&order=asc&offset=0"
        "&limit=1");
    check_ask((struct listing_ask){.list = LISTING_NOTEBOOKS, .project = VIEW("p1"), .limit = 50},
              "/v1/p1/notebooks/all", "sort_dir=ASC&offset=0&limit=50");
    check_ask((struct listing_ask){.list = LISTING_NOTEBOOKS,
                                   .project = VIEW("p1"),
                                   .workspace = VIEW("a b/&"),
                                   .own = true,
                                   .limit = 50},
              "/v1/p1/notebooks", "sort_dir=ASC&offset=0&limit=50&workspaceId=a%20b%2F%26");
    check_ask((struct listing_ask){.list = LISTING_WORKSPACES, .project = VIEW("../%"), .limit = 9},
              "/v1/..%2F%25/workspaces", "order=asc&offset=0&limit=9");
}

static struct listing_page read_page(enum listing list, const char *text)
{
    struct jdoc doc = doc_of(view_str(text), &arena);
    struct listing_page page = {0};
    struct err err = {0};

    if (modelarts_read_listing(list, &doc, &arena, &page, &err) != STATUS_OK)
        fail_msg("%s: %s", text, err.text);
    return page;
}

static void test_demanager(void **state)
{
    struct listing_page page =
        read_page(LISTING_DEMANAGER,
                  "{\"total_count\":2,\"instances\":["
                  "{\"id\":\"DE-1\",\"name\":\"nb-1\",\"flavor\":\"cpu.2u\",\"status\":\"RUNNING\","
                  "\"creation_timestamp\":\"1767323045123\",\"workspace\":{\"id\":\"w1\"},"
                  "\"pool\":{\"id\":\"pool1\",\"type\":\"USER_DEFINED\"},"
                  "\"user\":{\"id\":\"u1\",\"name\":\"alice\"},\"spec\":null,\"new\":[1,{}]},"
                  "{\"id\":\"DE-2\",\"status\":\"STOPPED\",\"pool\":{\"id\":\"shared\","
                  "\"type\":\"SYSTEM_DEFINED\"},\"name\":null,\"user\":null}]}");
    const struct listed_instance *item = page.items;

    (void)state;
    assert_int_equal(page.count, 2);
    assert_int_equal(page.total, 2);
    assert_int_equal(item->family, FAMILY_DEMANAGER);
    assert_view(item->id, "DE-1");
    assert_view(item->name, "nb-1");
    assert_view(item->flavor, "cpu.2u");
    assert_view(item->workspace, "w1");
    assert_view(item->pool, "pool1");
    assert_view(item->user_id, "u1");
    assert_view(item->user_name, "alice");
    assert_null(item->domain.ptr);
    assert_true(item->exists && item->runs);
    assert_int_equal(item->created_us, 1767323045123000);
    item++;
    assert_true(item->exists && !item->runs);
    assert_true(item->pool.ptr != NULL && item->pool.len == 0);
    assert_view(item->workspace, "0");
    assert_null(item->name.ptr);
    assert_null(item->flavor.ptr);
    assert_null(item->user_id.ptr);
    assert_int_equal(item->created_us, 0);
}

static void test_notebooks(void **state)
{
    struct listing_page page = read_page(
        LISTING_NOTEBOOKS,
        "{\"current\":0,\"total\":3,\"data\":["
        "{\"id\":\"n1\",\"name\":\"a\",\"flavor\":\"custom.flavor.spec.code\","
        "\"status\":\"START_FAILED\",\"create_at\":1767323045123,\"workspace_id\":\"w\","
        "\"pool\":{\"id\":\"p\"},\"user\":{\"id\":\"u\",\"name\":\"n\",\"domain\":{\"id\":\"0\","
        "\"name\":\"d\"}}},"
        "{\"id\":\"n2\",\"status\":\"CREATE_FAILED\",\"user_id\":\"u2\",\"create_at\":-1},"
        "{\"id\":\"n3\",\"status\":\"NEVER_SEEN\",\"create_at\":9223372036854775807}]}");
    const struct listed_instance *item = page.items;

    (void)state;
    assert_int_equal(page.count, 3);
    assert_view(item->flavor, "custom.flavor.spec.code");
    assert_view(item->domain, "d");
    assert_view(item->pool, "p");
    assert_true(item->exists && !item->runs);
    assert_int_equal(item->created_us, 1767323045123000);
    item++;
    assert_false(item->exists || item->runs);
    assert_view(item->user_id, "u2");
    assert_view(item->workspace, "0");
    assert_int_equal(item->created_us, 0);
    item++;
    assert_true(item->exists && item->runs);
    assert_int_equal(item->created_us, 0);
}

static void test_every_status(void **state)
{
    static const struct {
        const char *status;
        bool exists, runs;
    } rows[] = {
        {"CREATE_QUEUING", true, true},  {"CREATING", true, true},
        {"CREATE_FAILED", false, false}, {"START_QUEUING", true, true},
        {"READY_TO_START", true, true},  {"STARTING", true, true},
        {"RESTARTING", true, true},      {"START_FAILED", true, false},
        {"RUNNING", true, true},         {"STOPPING", true, true},
        {"STOPPED", true, false},        {"UNAVAILABLE", true, true},
        {"DELETED", false, false},       {"RESIZING", true, true},
        {"RESIZE_FAILED", true, true},   {"INIT", true, true},
        {"DELETING", true, true},        {"SNAPSHOTTING", true, true},
        {"DELETE_FAILED", true, true},   {"ERROR", true, true},
        {"FROZEN", true, true},          {"stopped", true, true},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct view text = arena_printf(&arena, "{\"id\":\"x\",\"status\":\"%s\"}", rows[i].status);
        struct jdoc doc = doc_of(text, &arena);
        struct listed_instance item = {0};

        for (int family = FAMILY_DEMANAGER; family <= FAMILY_NOTEBOOKS; family++) {
            assert_int_equal(modelarts_read_listed((enum family)family, &doc, &arena, &item, NULL),
                             STATUS_OK);
            assert_row(item.exists == rows[i].exists && item.runs == rows[i].runs, rows[i].status);
        }
    }
}

static void test_wrong_lists(void **state)
{
    static const struct {
        enum listing list;
        const char *text, *why;
    } rows[] = {
        {LISTING_DEMANAGER, "[]", "needs \"instances\", a list"},
        {LISTING_DEMANAGER, "{\"data\":[]}", "needs \"instances\", a list"},
        {LISTING_DEMANAGER, "{\"instances\":{}}", "needs \"instances\", a list"},
        {LISTING_NOTEBOOKS, "{\"instances\":[]}", "needs \"data\", a list"},
        {LISTING_NOTEBOOKS, "{\"data\":[],\"total\":\"1\"}", "/total must be a number of records"},
        {LISTING_NOTEBOOKS, "{\"data\":[],\"total\":-1}", "/total must be a number of records"},
        {LISTING_NOTEBOOKS, "{\"data\":[3]}", "/data/0 must be an object"},
        {LISTING_NOTEBOOKS, "{\"data\":[{\"status\":\"RUNNING\"}]}",
         "/data/0 needs \"id\", a string"},
        {LISTING_NOTEBOOKS, "{\"data\":[{\"id\":\"\",\"status\":\"RUNNING\"}]}",
         "/data/0 needs \"id\", a string"},
        {LISTING_NOTEBOOKS, "{\"data\":[{\"id\":7,\"status\":\"RUNNING\"}]}",
         "/data/0 needs \"id\", a string"},
        {LISTING_DEMANAGER,
         "{\"instances\":[{\"id\":\"a\",\"status\":\"STOPPED\"},{\"id\":\"x\"}]}",
         "/instances/1 needs \"status\", a string"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct jdoc doc = doc_of(view_str(rows[i].text), &arena);
        struct listing_page page = {.total = 77};
        struct err err = {0};

        assert_row(modelarts_read_listing(rows[i].list, &doc, &arena, &page, &err) ==
                       STATUS_INVALID,
                   rows[i].text);
        assert_string_equal(err.text, rows[i].why);
        assert_int_equal(page.total, 77);
    }
}

static void test_total_that_is_missing(void **state)
{
    (void)state;
    assert_int_equal(read_page(LISTING_NOTEBOOKS, "{\"data\":[]}").total, -1);
    assert_int_equal(read_page(LISTING_NOTEBOOKS, "{\"data\":[],\"total\":null}").total, -1);
}

static void test_workspaces(void **state)
{
    struct jdoc doc =
        doc_of(VIEW("{\"total_count\":2,\"count\":2,\"workspaces\":[{\"id\":\"0\",\"name\":"
                    "\"default\"},{\"id\":\"w\\u0031\"}]}"),
               &arena);
    struct jdoc odd = doc_of(VIEW("{\"workspaces\":[{\"name\":\"x\"}]}"), &arena);
    struct err err = {0};
    struct view *ids = NULL;
    size_t count = 0;
    int64_t total = 0;

    (void)state;
    assert_int_equal(modelarts_read_workspaces(&doc, &arena, &ids, &count, &total, &err),
                     STATUS_OK);
    assert_int_equal(count, 2);
    assert_int_equal(total, 2);
    assert_view(ids[0], "0");
    assert_view(ids[1], "w1");
    assert_int_equal(modelarts_read_workspaces(&odd, &arena, &ids, &count, &total, &err),
                     STATUS_INVALID);
    assert_string_equal(err.text, "/workspaces/0 needs \"id\", a string");
}

static void test_memory_runs_out(void **state)
{
    struct jdoc doc = doc_of(VIEW("{\"data\":[{\"id\":\"\\u0061\",\"status\":\"\\u0052\","
                                  "\"name\":\"\\u0061\"},{\"id\":\"b\",\"status\":\"S\"}]}"),
                             &arena);
    bool was_out = false, was_well = false;

    (void)state;
    for (size_t most = 0; most < 2000; most += 32) {
        struct arena small;
        struct listing_page page;
        struct err err = {0};
        enum status status;

        arena_init(&small, 64, most);
        status = modelarts_read_listing(LISTING_NOTEBOOKS, &doc, &small, &page, &err);
        assert_true(status == STATUS_OK || status == STATUS_NOMEM);
        was_out = was_out || status == STATUS_NOMEM;
        was_well = was_well || status == STATUS_OK;
        arena_done(&small);
    }
    assert_true(was_out && was_well);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_requests),    cmocka_unit_test(test_demanager),
        cmocka_unit_test(test_notebooks),   cmocka_unit_test(test_every_status),
        cmocka_unit_test(test_wrong_lists), cmocka_unit_test(test_total_that_is_missing),
        cmocka_unit_test(test_workspaces),  cmocka_unit_test(test_memory_runs_out),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
