/* SPDX-License-Identifier: Apache-2.0
 * The reconciler's thread: rounds, hints, callers, what it writes, and that it stops at once. */
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/attr.h"
#include "reconcile/reconcile.h"
#include "unit/upstream/scene.h"

#define EMPTY_WORKSPACES "{\"total_count\":0,\"workspaces\":[]}"

enum { TEXT_MAX = 2048, SCANS_MAX = 64, LINES_MAX = 16 };

static struct scene scene;
static struct service_credential *service;
static struct reconcile_settings settings;

/* --- What the store and the journal would do --- */

static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned scans, scanned, lines;
    char owners[SCANS_MAX][32]; /* of the scans: the caller's id, or "" */
    struct ledger_item finds;   /* told as every finding, if it has an id */
    char told[LINES_MAX][64];   /* the journal's lines */
    struct ledger_item entry;   /* of the ledger, if it has an id */
    bool projects;              /* the ledger names "p1" */
    int64_t takes_us;           /* a scan, at least */
} world = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

const char *scan_finding_name(enum scan_finding finding)
{
    (void)finding;
    return "finding";
}

void quota_each(struct quota_store *store, bool (*each)(void *user, const struct ledger_item *item),
                void *user)
{
    (void)store;
    if (world.entry.id.ptr != NULL)
        (void)each(user, &world.entry);
}

enum status quota_projects(struct quota_store *store, struct arena *arena, struct view **ret,
                           size_t *ret_count)
{
    static struct view one[1];

    (void)store;
    (void)arena;
    one[0] = VIEW("p1");
    *ret = one;
    *ret_count = world.projects;
    return STATUS_OK;
}

void quota_get_state(struct quota_store *store, struct quota_state *ret)
{
    (void)store;
    *ret = (struct quota_state){.counts.unknown = world.entry.id.ptr != NULL};
}

static void tell(unsigned *what)
{
    (void)pthread_mutex_lock(&world.lock);
    ++*what;
    (void)pthread_cond_broadcast(&world.changed);
    (void)pthread_mutex_unlock(&world.lock);
}

void quota_scanned(struct quota_store *store)
{
    (void)store;
    tell(&world.scanned);
}

enum status quota_reconcile(struct quota_store *store, const struct scan *scan,
                            const struct scan_rules *rules)
{
    const int64_t until_us = clock_monotonic_us() + world.takes_us;

    (void)store;
    while (clock_monotonic_us() < until_us)
        (void)sched_yield();
    for (int i = SCAN_CREATED; world.finds.id.ptr != NULL && i <= SCAN_ORPHAN; i++)
        rules->report(rules->user, (enum scan_finding)i, &world.finds);
    (void)snprintf(world.owners[world.scans % SCANS_MAX], sizeof world.owners[0], "%.*s",
                   VIEW_ARGS(scan->own_of));
    tell(&world.scans);
    return STATUS_OK;
}

enum status journal_submit(struct journal *journal, struct journal_mailbox *mailbox,
                           const struct journal_facts *facts, enum journal_wait wait,
                           uint64_t cookie)
{
    (void)journal;
    (void)cookie;
    assert_null(mailbox);
    assert_int_equal(wait, JOURNAL_NO_WAIT);
    assert_true(world.lines < LINES_MAX);
    (void)snprintf(world.told[world.lines], sizeof world.told[0], "%d %d %.*s %.*s", facts->event,
                   facts->outcome, VIEW_ARGS(facts->id), VIEW_ARGS(facts->error));
    tell(&world.lines);
    return STATUS_OK;
}

static void wait_for(const unsigned *what, unsigned least)
{
    struct timespec until;

    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += PATIENCE_MS / 1000;
    (void)pthread_mutex_lock(&world.lock);
    while (*what < least) {
        if (pthread_cond_clockwait(&world.changed, &world.lock, CLOCK_MONOTONIC, &until) != 0)
            fail_msg("never came: %u of %u", *what, least);
    }
    (void)pthread_mutex_unlock(&world.lock);
}

/* --- A cloud that has nothing: three lists, and the notebooks of workspace "0" --- */

enum { SCRIPT_SCANS = 40, SCRIPT_STEPS = SCRIPT_SCANS * 8 + 1 };

static char asks[4][TEXT_MAX], answers[4][TEXT_MAX];
static struct cloud_step script[SCRIPT_STEPS], failing_script[3];

static void set_script(const char *token, bool own)
{
    static const char *const bodies[] = {EMPTY_WORKSPACES, "{\"total_count\":0,\"instances\":[]}",
                                         "{\"total\":0,\"data\":[]}", "{\"total\":0,\"data\":[]}"};
    const char *all = own ? "" : "/all", *self = own ? "true" : "false";
    char targets[4][256];

    (void)snprintf(targets[0], sizeof targets[0], "/workspaces?order=asc&offset=0&limit=50");
    (void)snprintf(targets[1], sizeof targets[1],
                   "/demanager/instances?de_type=Notebook&show_self=%s&sortby=creation_timestamp"
                   "&order=asc&offset=0&limit=50&workspace_id=0",
                   self);
    (void)snprintf(targets[2], sizeof targets[2], "/notebooks%s?sort_dir=ASC&offset=0&limit=50",
                   all);
    (void)snprintf(targets[3], sizeof targets[3],
                   "/notebooks%s?sort_dir=ASC&offset=0&limit=50&workspaceId=0", all);
    for (size_t i = 0; i < 4; i++) {
        (void)snprintf(asks[i], TEXT_MAX,
                       "GET /v1/p1%s HTTP/1.1\r\nHost: cloud.test\r\nAccept: application/json\r\n"
                       "X-Project-Id: p1\r\nX-Auth-Token: %s\r\n\r\n",
                       targets[i], token);
        (void)snprintf(answers[i], TEXT_MAX, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s",
                       strlen(bodies[i]), bodies[i]);
    }
    for (size_t i = 0; i < SCRIPT_SCANS * 4; i++) {
        script[2 * i] = (struct cloud_step){.what = CLOUD_READ, .text = asks[i % 4]};
        script[2 * i + 1] = (struct cloud_step){.what = CLOUD_SEND, .text = answers[i % 4]};
    }
    script[SCRIPT_STEPS - 1] = (struct cloud_step){.what = CLOUD_CLOSE};
    failing_script[0] = (struct cloud_step){.what = CLOUD_READ, .text = asks[0]};
    failing_script[1] = (struct cloud_step){
        .what = CLOUD_SEND, .text = "HTTP/1.1 500 X\r\nContent-Length: 2\r\n\r\n{}"};
    failing_script[2] = (struct cloud_step){.what = CLOUD_CLOSE};
}

static void write_file(char path[96], const char *text)
{
    int fd;

    (void)snprintf(path, 96, "%s/token", scene.pki.folder);
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    assert_int_equal(close(fd), 0);
}

static struct reconciler *start_with(const struct cloud_step *first, const struct cloud_step *later)
{
    static const struct cloud_step *scripts[2]; /* the cloud's threads read it */
    struct reconciler *reconciler = NULL;
    struct err err;

    scripts[0] = first;
    scripts[1] = later;
    scene_open(&scene, scripts, 2);
    settings.upstream = scene.settings;
    settings.host = "cloud.test";
    settings.answer_max = 65536;
    settings.grace_ms = 10;
    if (settings.interval_ms == 0)
        settings.interval_ms = 3600000;
    assert_int_equal(reconcile_start(&settings, NULL, NULL, service, scene.tls, scene.resolver,
                                     &reconciler, &err),
                     STATUS_OK);
    return reconciler;
}

static struct reconciler *start_it(const struct cloud_step *first)
{
    return start_with(first, script);
}

static void stop_it(struct reconciler *reconciler)
{
    reconcile_stop(&reconciler);
    assert_null(reconciler);
    scene_close(&scene);
}

static int set_up(void **state)
{
    char path[96];
    struct service_settings from = {.token_file = path};
    struct err err;

    (void)state;
    world.scans = world.scanned = world.lines = 0;
    world.finds = world.entry = (struct ledger_item){0};
    world.projects = true;
    world.takes_us = 0;
    settings = (struct reconcile_settings){0};
    write_file(path, "service-token\n");
    assert_int_equal(service_open(&from, &service, &err), STATUS_OK);
    set_script("service-token", false);
    return 0;
}

static int tear_down(void **state)
{
    char path[96];

    (void)state;
    service_free(&service);
    (void)snprintf(path, sizeof path, "%s/token", scene.pki.folder);
    (void)unlink(path);
    return 0;
}

static void test_the_first_round(void **state)
{
    struct reconciler *reconciler = start_it(script);
    struct reconcile_state now;

    (void)state;
    wait_for(&world.scanned, 1);
    reconcile_get_state(reconciler, &now);
    assert_int_equal(now.scans, 1);
    assert_int_equal(now.failed, 0);
    stop_it(reconciler);
    assert_int_equal(world.scans, 1);
    assert_string_equal(world.owners[0], "");
}

static void test_rounds_come_again(void **state)
{
    struct reconciler *reconciler;

    (void)state;
    settings.interval_ms = 20;
    reconciler = start_it(script);
    wait_for(&world.scanned, 3);
    stop_it(reconciler);
}

static void test_a_round_that_takes_longer_than_its_interval(void **state)
{
    struct reconciler *reconciler;

    (void)state;
    settings.interval_ms = 1;
    world.takes_us = 2000;
    reconciler = start_it(script);
    wait_for(&world.scanned, 2);
    stop_it(reconciler);
}

static void test_nothing_is_known_where_nothing_is_named(void **state)
{
    struct reconciler *reconciler;

    (void)state;
    world.projects = false;
    settings.interval_ms = 50;
    reconciler = start_it(script);
    reconcile_hint(reconciler, VIEW("p1"), NULL);
    wait_for(&world.scanned, 1);
    assert_true(world.scans >= 1);
    stop_it(reconciler);
}

static void test_a_failed_scan_is_tried_again(void **state)
{
    struct reconciler *reconciler;
    struct reconcile_state now;

    (void)state;
    settings.interval_ms = 100;
    reconciler = start_it(failing_script);
    wait_for(&world.scanned, 1);
    reconcile_get_state(reconciler, &now);
    assert_true(now.failed >= 1);
    assert_non_null(strstr(now.why, "the cloud answered 500"));
    stop_it(reconciler);
}

static void test_lines(void **state)
{
    struct reconciler *reconciler;
    struct reconcile_state now;

    (void)state;
    world.finds = (struct ledger_item){.id = VIEW("i1"),
                                       .op = &operations[OP_DEMANAGER_CREATE],
                                       .project = VIEW("p1"),
                                       .instance = VIEW("DE-1")};
    reconciler = start_it(script);
    wait_for(&world.scanned, 1);
    reconcile_get_state(reconciler, &now);
    stop_it(reconciler);
    assert_int_equal(world.lines, 6);
    assert_string_equal(world.told[0], "3 1 i1 ");
    assert_string_equal(world.told[1], "3 2 i1 ");
    assert_string_equal(world.told[2], "3 3 i1 ");
    assert_string_equal(world.told[3], "3 2 i1 gone");
    assert_string_equal(world.told[4], "3 1 i1 ");
    assert_string_equal(world.told[5], "9 0 i1 ");
    assert_int_equal(now.settled, 3);
    assert_int_equal(now.gone, 1);
    assert_int_equal(now.corrected, 3);
    assert_int_equal(now.orphans, 1);
}

static void test_what_is_unsettled_is_scanned_for(void **state)
{
    struct reconciler *reconciler;

    (void)state;
    world.entry = (struct ledger_item){.id = VIEW("i1"),
                                       .state = LEDGER_UNKNOWN,
                                       .project = VIEW("p1"),
                                       .settle_after_us = clock_now_us() + 50000};
    reconciler = start_it(script);
    wait_for(&world.scans, 3); /* at once, when it can be settled, and a pause after that */
    stop_it(reconciler);
}

static void test_callers(void **state)
{
    struct reconcile_caller caller = {
        .project = VIEW("p1"), .user_id = VIEW("u1"), .token = VIEW("callers-token")};
    struct reconcile_caller nameless = {.project = VIEW("p1"), .token = VIEW("t")};
    struct reconciler *reconciler;
    struct reconcile_state now;

    (void)state;
    service_free(&service);
    settings.interval_ms = 50;
    set_script("callers-token", true);
    reconciler = start_it(script);
    reconcile_hint(reconciler, VIEW("p1"), &nameless);
    reconcile_hint(reconciler, VIEW("p1"), &caller);
    wait_for(&world.scans, 3);
    reconcile_get_state(reconciler, &now);
    stop_it(reconciler);
    assert_int_equal(now.callers, 1);
    assert_int_equal(now.last_complete_us, 0);
    assert_int_equal(world.scanned, 0);
    assert_string_equal(world.owners[0], "u1");
}

static void test_a_caller_whose_token_is_over(void **state)
{
    const struct cloud_step denied[] = {
        {.what = CLOUD_READ, .text = asks[0]},
        {.what = CLOUD_SEND, .text = "HTTP/1.1 401 X\r\nContent-Length: 2\r\n\r\n{}"},
        {.what = CLOUD_CLOSE},
    };
    struct reconcile_caller caller = {
        .project = VIEW("p1"), .user_id = VIEW("u1"), .token = VIEW("callers-token")};
    struct reconciler *reconciler;
    struct reconcile_state now;
    const int64_t limit_us = clock_monotonic_us() + (int64_t)PATIENCE_MS * 1000;

    (void)state;
    service_free(&service);
    settings.interval_ms = 50;
    set_script("callers-token", true);
    reconciler = start_it(denied);
    reconcile_hint(reconciler, VIEW("p1"), &caller);
    do {
        reconcile_get_state(reconciler, &now);
        assert_true(clock_monotonic_us() < limit_us);
        (void)sched_yield();
    } while (now.failed == 0 || now.callers != 0);
    stop_it(reconciler);
    assert_int_equal(world.scans, 0);
}

static struct reconcile_report got;
static unsigned reports;

static void on_report(void *user, const struct reconcile_report *report)
{
    (void)user;
    got = *report;
    tell(&reports);
}

static void test_an_operator_asks(void **state)
{
    struct reconciler *reconciler = start_it(script);

    (void)state;
    reports = 0;
    wait_for(&world.scanned, 1);
    assert_true(reconcile_now(reconciler, "root", on_report, NULL));
    wait_for(&reports, 1);
    assert_int_equal(got.scans, 1);
    assert_int_equal(got.failed, 0);
    assert_string_equal(got.why, "");
    assert_true(reconcile_now(reconciler, "root", on_report, NULL));
    wait_for(&reports, 2);
    stop_it(reconciler);
}

/* Three projects are due, but only one is tried: the key may be locked. */
static void test_a_key_that_is_refused(void **state)
{
    static const struct cloud_step denied[] = {
        {.what = CLOUD_READ_ANY, .n = 200},
        {.what = CLOUD_SEND, .text = "HTTP/1.1 401 X\r\nContent-Length: 2\r\n\r\n{}"},
        {.what = CLOUD_CLOSE},
    };
    const struct view more[] = {VIEW("p2"), VIEW("p3")};
    char path[96];
    struct service_settings from = {.access_key_file = path};
    struct reconciler *reconciler;
    struct err err;

    (void)state;
    service_free(&service);
    write_file(path, "access_key: A\nsecret_key: S\n");
    assert_int_equal(service_open(&from, &service, &err), STATUS_OK);
    settings.projects = more;
    settings.project_count = 2;
    reports = 0;
    reconciler = start_with(denied, denied);
    assert_true(reconcile_now(reconciler, "root", on_report, NULL));
    wait_for(&reports, 1);
    assert_int_equal(got.scans, 0);
    assert_int_equal(got.failed, 3);
    assert_non_null(strstr(got.why, "the cloud answered 401"));
    assert_true(cloud_connections(&scene.cloud) <= 2); /* the round's, and the operator's */
    stop_it(reconciler);
    assert_int_equal(world.scans, 0);
}

static void test_stopping_in_the_midst(void **state)
{
    const struct cloud_step never[] = {{.what = CLOUD_SILENT}};
    struct reconciler *reconciler;

    (void)state;
    reports = 0;
    reconciler = start_it(never);
    assert_true(reconcile_now(reconciler, "root", on_report, NULL));
    assert_false(reconcile_now(reconciler, "root", on_report, NULL));
    stop_it(reconciler);
    assert_int_equal(reports, 1);
    assert_string_equal(got.why, "the gateway stops");
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
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_the_first_round),
        TEST(test_rounds_come_again),
        TEST(test_a_round_that_takes_longer_than_its_interval),
        TEST(test_nothing_is_known_where_nothing_is_named),
        TEST(test_a_failed_scan_is_tried_again),
        TEST(test_lines),
        TEST(test_what_is_unsettled_is_scanned_for),
        TEST(test_callers),
        TEST(test_a_caller_whose_token_is_over),
        TEST(test_an_operator_asks),
        TEST(test_a_key_that_is_refused),
        TEST(test_stopping_in_the_midst),
    };

    return cmocka_run_group_tests(tests, open_group, close_group);
}
