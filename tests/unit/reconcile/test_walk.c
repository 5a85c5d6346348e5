/* SPDX-License-Identifier: Apache-2.0
 * A scan of a project against a cloud that follows a script: what it asks, byte for byte, and which
 * answers make a scan. */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/attr.h"
#include "reconcile/walk.h"
#include "unit/upstream/scene.h"

#define DEMANAGER    "/v1/p1/demanager/instances?de_type=Notebook&show_self="
#define SORTED       "&sortby=creation_timestamp&order=asc&offset="
#define NONE         "{\"total_count\":0,\"instances\":[]}"
#define NO_NOTEBOOKS "{\"total\":0,\"data\":[]}"
#define ONLY_0       "{\"total_count\":1,\"workspaces\":[{\"id\":\"0\"}]}"
#define DE(id)       "{\"id\":\"" id "\",\"status\":\"RUNNING\",\"name\":\"n-" id "\"}"

enum { STEPS_MAX = 64, TEXT_MAX = 2048 };

static struct scene scene;
static struct cloud_step steps[STEPS_MAX];
static char texts[STEPS_MAX][TEXT_MAX];
static size_t step_count;
static const char *token = "service-token";

/* What the ledger knows. */
static const struct ledger_item *known;
static size_t known_count;

void quota_each(struct quota_store *store, bool (*each)(void *user, const struct ledger_item *item),
                void *user)
{
    (void)store;
    for (size_t i = 0; i < known_count; i++) {
        if (!each(user, &known[i]))
            return;
    }
}

static void step(enum cloud_what what)
{
    assert_true(step_count + 1 < STEPS_MAX);
    steps[step_count] = (struct cloud_step){.what = what, .text = texts[step_count]};
    step_count++;
}

static void want(const char *target)
{
    (void)snprintf(texts[step_count], TEXT_MAX,
                   "GET %s HTTP/1.1\r\nHost: cloud.test\r\nAccept: application/json\r\n"
                   "X-Project-Id: p1\r\nX-Auth-Token: %s\r\n\r\n",
                   target, token);
    step(CLOUD_READ);
}

static void answer(unsigned status, const char *body)
{
    (void)snprintf(texts[step_count], TEXT_MAX,
                   "HTTP/1.1 %u X\r\nContent-Length: %zu\r\nContent-Type: application/json\r\n\r\n"
                   "%s",
                   status, strlen(body), body);
    step(CLOUD_SEND);
}

struct result {
    bool over;
    enum walk_end end;
    size_t count;
    char ids[256], why[512], domain[32];
    bool own;
};

static void on_done(void *user, enum walk_end end, const struct scan *scan, const char *why)
{
    struct result *into = user;

    into->over = true;
    into->end = end;
    if (why != NULL)
        (void)snprintf(into->why, sizeof into->why, "%s", why);
    if (scan == NULL)
        return;
    assert_view(scan->project, "p1");
    assert_true(scan->begun_us > 0);
    assert_int_equal(scan->grace_us, 5000000);
    into->own = scan->own_of.ptr != NULL;
    into->count = scan->count;
    for (size_t i = 0; i < scan->count; i++) {
        size_t len = strlen(into->ids);

        (void)snprintf(into->ids + len, sizeof into->ids - len, "%.*s ",
                       VIEW_ARGS(scan->items[i].id));
        (void)snprintf(into->domain, sizeof into->domain, "%.*s", VIEW_ARGS(scan->items[i].domain));
    }
}

static struct service_credential *open_service(char path[64])
{
    struct service_settings settings = {.token_file = path};
    struct service_credential *service = NULL;
    struct err err;
    int fd;

    (void)snprintf(path, 64, "%.48s/token", scene.pki.folder);
    (void)unlink(path);
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "service-token\n", 14), 14);
    assert_int_equal(close(fd), 0);
    assert_int_equal(service_open(&settings, &service, &err), STATUS_OK);
    return service;
}

static struct result result;

static void run_walk(const struct walk_order *order)
{
    const struct cloud_step *const scripts[] = {steps};
    char path[64];
    struct service_credential *service = open_service(path);
    struct walk_settings settings = {
        .service = service, .host = "cloud.test", .answer_max = 4096, .grace_ms = 5000};
    struct walk *walk;

    step(CLOUD_CLOSE);
    scene_open(&scene, scripts, 1);
    settings.upstream = scene.upstream;
    result = (struct result){0};
    walk = walk_new(&settings, on_done, &result);
    assert_non_null(walk);
    walk_start(walk, order);
    RUN_UNTIL(&scene, result.over);
    walk_free(&walk);
    scene_close(&scene);
    service_free(&service);
    (void)unlink(path);
}

static void run_service(void)
{
    const struct walk_order order = {.project = VIEW("p1")};

    run_walk(&order);
}

static int set_up(void **state)
{
    (void)state;
    step_count = 0;
    known_count = 0;
    token = "service-token";
    return 0;
}

static void test_every_page_of_every_list(void **state)
{
    (void)state;
    want("/v1/p1/workspaces?order=asc&offset=0&limit=50");
    answer(200, "{\"total_count\":2,\"workspaces\":[{\"id\":\"0\"}]}");
    want("/v1/p1/workspaces?order=asc&offset=1&limit=50");
    answer(200, "{\"total_count\":2,\"workspaces\":[{\"id\":\"w1\"}]}");
    want(DEMANAGER "false" SORTED "0&limit=50&workspace_id=0");
    answer(200, "{\"total_count\":3,\"instances\":[" DE("a") "," DE("b") "]}");
    want(DEMANAGER "false" SORTED "2&limit=50&workspace_id=0");
    answer(200, "{\"total_count\":3,\"instances\":[" DE("c") "]}");
    want(DEMANAGER "false" SORTED "0&limit=50&workspace_id=w1");
    answer(200, "{\"total_count\":1,\"instances\":[" DE("d") "]}");
    want("/v1/p1/notebooks/all?sort_dir=ASC&offset=0&limit=50");
    answer(200, "{\"total\":1,\"data\":[" DE("e") "]}");
    want("/v1/p1/notebooks/all?sort_dir=ASC&offset=0&limit=50&workspaceId=0");
    answer(200, "{\"total\":1,\"data\":[" DE("e") "]}");
    want("/v1/p1/notebooks/all?sort_dir=ASC&offset=0&limit=50&workspaceId=w1");
    answer(200, NO_NOTEBOOKS);
    run_service();
    assert_int_equal(result.end, WALK_COMPLETE);
    assert_string_equal(result.ids, "a b c d e ");
    assert_string_equal(result.domain, "");
    assert_false(result.own);
}

static void test_own_lists(void **state)
{
    const struct walk_order order = {
        .project = VIEW("p1"), .user_id = VIEW("u1"), .token = VIEW("callers-token")};

    (void)state;
    token = "callers-token";
    want("/v1/p1/workspaces?order=asc&offset=0&limit=50");
    answer(200, ONLY_0);
    want(DEMANAGER "true" SORTED "0&limit=50&workspace_id=0");
    answer(200, NONE);
    want("/v1/p1/notebooks?sort_dir=ASC&offset=0&limit=50");
    answer(200, NO_NOTEBOOKS);
    want("/v1/p1/notebooks?sort_dir=ASC&offset=0&limit=50&workspaceId=0");
    answer(200, NO_NOTEBOOKS);
    run_walk(&order);
    assert_int_equal(result.end, WALK_COMPLETE);
    assert_int_equal(result.count, 0);
    assert_true(result.own);
}

static void test_workspaces_that_are_not_shown(void **state)
{
    const struct ledger_item items[] = {
        {.project = VIEW("p2"), .workspace = VIEW("w9"), .domain = VIEW("other")},
        {.project = VIEW("p1"), .workspace = VIEW("w1")},
        {.project = VIEW("p1"), .workspace = VIEW("w1"), .domain = VIEW("d1")},
    };

    (void)state;
    known = items;
    known_count = ARRAY_LEN(items);
    want("/v1/p1/workspaces?order=asc&offset=0&limit=50");
    answer(403, "{}");
    want(DEMANAGER "false" SORTED "0&limit=50&workspace_id=w1");
    answer(200, "{\"total_count\":1,\"instances\":[" DE("a") "]}");
    want(DEMANAGER "false" SORTED "0&limit=50&workspace_id=0");
    answer(200, NONE);
    want("/v1/p1/notebooks/all?sort_dir=ASC&offset=0&limit=50");
    answer(200, NO_NOTEBOOKS);
    want("/v1/p1/notebooks/all?sort_dir=ASC&offset=0&limit=50&workspaceId=w1");
    answer(200, NO_NOTEBOOKS);
    want("/v1/p1/notebooks/all?sort_dir=ASC&offset=0&limit=50&workspaceId=0");
    answer(200, NO_NOTEBOOKS);
    run_service();
    assert_int_equal(result.end, WALK_COMPLETE);
    assert_string_equal(result.ids, "a ");
    assert_string_equal(result.domain, "d1");
}

static void check_void(const char *body, unsigned status, enum walk_end end, const char *why)
{
    set_up(NULL);
    want("/v1/p1/workspaces?order=asc&offset=0&limit=50");
    answer(200, ONLY_0);
    want(DEMANAGER "false" SORTED "0&limit=50&workspace_id=0");
    answer(status, body);
    run_service();
    assert_int_equal(result.end, end);
    if (strstr(result.why, why) == NULL)
        fail_msg("got \"%s\", want \"%s\"", result.why, why);
}

static void test_pages_that_void_a_scan(void **state)
{
    char large[1900];

    (void)state;
    check_void("{}", 500, WALK_VOID, "list of demanager, record 0: the cloud answered 500");
    check_void("{}", 403, WALK_VOID, "the cloud answered 403");
    check_void("{}", 401, WALK_DENIED, "list of demanager: the cloud answered 401");
    check_void("{}", 200, WALK_VOID, "needs \"instances\", a list");
    check_void("not JSON", 200, WALK_VOID, "list of demanager, record 0: ");
    check_void("{\"total_count\":1,\"instances\":[]}", 200, WALK_VOID,
               "there are fewer than it says");
    memset(large, ' ', sizeof large - 1);
    large[sizeof large - 1] = '\0';
    check_void(large, 200, WALK_VOID, "list of demanager");
}

static void test_a_page_that_is_too_large(void **state)
{
    (void)state;
    want("/v1/p1/workspaces?order=asc&offset=0&limit=50");
    (void)snprintf(texts[step_count], TEXT_MAX, "HTTP/1.1 200 X\r\nContent-Length: 5000\r\n\r\n");
    step(CLOUD_SEND);
    steps[step_count++] = (struct cloud_step){.what = CLOUD_FILL, .n = 5000};
    run_service();
    assert_int_equal(result.end, WALK_VOID);
    assert_non_null(strstr(result.why, "larger than limits.answer"));
}

static void test_a_page_that_breaks_off(void **state)
{
    (void)state;
    want("/v1/p1/workspaces?order=asc&offset=0&limit=50");
    (void)snprintf(texts[step_count], TEXT_MAX, "HTTP/1.1 200 X\r\nContent-Length: 50\r\n\r\n{");
    step(CLOUD_SEND);
    run_service();
    assert_int_equal(result.end, WALK_VOID);
    assert_non_null(strstr(result.why, "list of workspaces, record 0: closed"));
}

static int open_group(void **state)
{
    (void)state;
    scene_init(&scene);
    return 0;
}

static int close_group(void **state)
{
    (void)state;
    scene_done(&scene);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_every_page_of_every_list, set_up),
        cmocka_unit_test_setup(test_own_lists, set_up),
        cmocka_unit_test_setup(test_workspaces_that_are_not_shown, set_up),
        cmocka_unit_test_setup(test_pages_that_void_a_scan, set_up),
        cmocka_unit_test_setup(test_a_page_that_is_too_large, set_up),
        cmocka_unit_test_setup(test_a_page_that_breaks_off, set_up),
    };

    return cmocka_run_group_tests(tests, open_group, close_group);
}
