/* SPDX-License-Identifier: Apache-2.0
 * What the admin API and Prometheus are told of quotas: from a store and a reconciler made up here.
 */
#include "support/test.h"

#include <jansson.h>

#include "server/quotas.h"

#define S          INT64_C(1000000)
#define NOW        (INT64_C(1800000000) * S)
#define MILLIHOURS INT64_C(3600)
#define V(literal)                      \
    {                                   \
        "" literal, sizeof(literal) - 1 \
    } /* of static ones */

struct quota_store { /* what it shows */
    struct quota_state state;
    const struct ledger_item *items;
    size_t item_count;
    const struct ledger_usage *uses;
    size_t use_count;
    size_t many; /* the same first item or use, so many times */
};

struct reconciler {
    struct reconcile_state state;
};

const char *ledger_state_name(enum ledger_state state)
{
    return state == LEDGER_UNKNOWN ? "unknown" : "reserved";
}

void quota_get_state(struct quota_store *store, struct quota_state *ret)
{
    *ret = store->state;
}

void quota_each(struct quota_store *store, bool (*each)(void *user, const struct ledger_item *item),
                void *user)
{
    for (size_t i = 0; i < store->item_count || i < store->many; i++) {
        if (!each(user, &store->items[i < store->item_count ? i : 0]))
            return;
    }
}

void quota_each_usage(struct quota_store *store,
                      bool (*each)(void *user, const struct ledger_usage *usage), void *user)
{
    for (size_t i = 0; i < store->use_count || i < store->many; i++) {
        if (!each(user, &store->uses[i < store->use_count ? i : 0]))
            return;
    }
}

void reconcile_get_state(struct reconciler *reconciler, struct reconcile_state *ret)
{
    *ret = reconciler->state;
}

static const struct quota budget = {.name = V("budget"),
                                    .policy = V("p"),
                                    .counts = QUOTA_HOURS,
                                    .limit = 500 * 1000 * MILLIHOURS,
                                    .window_us = INT64_C(2592000) * S,
                                    .per = QUOTA_PER_USER};
static const struct quota all = {
    .name = V("everything"), .policy = V("p"), .counts = QUOTA_RUNNING, .limit = 7};
static const struct quota unused = {.name = V("nobody"),
                                    .policy = V("q\"\\"),
                                    .counts = QUOTA_EXISTING,
                                    .limit = 3,
                                    .per = QUOTA_PER_PROJECT | QUOTA_PER_POOL};
static const struct quota former = {.name = V("a-former-one"), .limit = 1};
static const struct quota *const quotas[] = {&budget, &all, &unused};

static const struct ledger_usage uses[] = {
    {.quota = &former, .used = 1},
    {.quota = &budget, .user = V("bob"), .used = 12 * 1000 * MILLIHOURS + 1},
    {.quota = &all, .used = 9},
    {.quota = &budget, .user = V("alice"), .used = 400 * 1000 * MILLIHOURS + 500 * MILLIHOURS},
    {.quota = &budget, .user = V("carol"), .used = 600 * 1000 * MILLIHOURS},
};

static struct buf out;

static int set_up(void **state)
{
    (void)state;
    buf_init(&out, 8 << 20);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    buf_done(&out);
    return 0;
}

static void groups_stand_with_their_quota_the_fullest_first(void **state)
{
    struct quota_store store = {.uses = uses, .use_count = ARRAY_LEN(uses)};

    (void)state;
    quotas_write_list(&store, quotas, ARRAY_LEN(quotas), &out);
    assert_view(buf_view(&out),
                "{\"quotas\":["
                "{\"name\":\"budget\",\"policy\":\"p\",\"counts\":\"hours\",\"limit\":500,"
                "\"window_s\":2592000,\"per\":[\"user\"],\"groups\":["
                "{\"user\":\"carol\",\"used\":600,\"free\":0},"
                "{\"user\":\"alice\",\"used\":400.500,\"free\":99.500},"
                "{\"user\":\"bob\",\"used\":12.001,\"free\":487.999}]},"
                "{\"name\":\"everything\",\"policy\":\"p\",\"counts\":\"running\",\"limit\":7,"
                "\"per\":[],\"groups\":[{\"used\":9,\"free\":0}]},"
                "{\"name\":\"nobody\",\"policy\":\"q\\\"\\\\\",\"counts\":\"existing\",\"limit\":3,"
                "\"per\":[\"project\",\"pool\"],\"groups\":[]}],\"more\":false}\n");
}

static void without_a_store_nothing_is_in_use(void **state)
{
    struct jwriter w;

    (void)state;
    quotas_write_list(NULL, &quotas[1], 1, &out);
    assert_view(buf_view(&out),
                "{\"quotas\":[{\"name\":\"everything\",\"policy\":\"p\",\"counts\":\"running\","
                "\"limit\":7,\"per\":[],\"groups\":[{\"used\":0,\"free\":7}]}],\"more\":false}\n");
    buf_clear(&out);
    quotas_write_reservations(NULL, NOW, &out);
    assert_view(buf_view(&out), "{\"reservations\":[],\"more\":false}\n");
    buf_clear(&out);
    jwriter_init(&w, &out);
    quotas_write_state(NULL, NOW, &w);
    quotas_write_reconciler(NULL, &w);
    quotas_print_metrics(NULL, quotas, ARRAY_LEN(quotas), NOW, &out);
    quotas_print_reconciler(NULL, &out);
    assert_int_equal(out.len, 0);
}

static void a_list_of_quotas_has_an_end(void **state)
{
    static const struct ledger_usage use = {.quota = &budget, .user = V("u"), .used = 1};
    struct quota_store store = {.uses = &use, .use_count = 1, .many = 1000000};
    json_t *json;

    (void)state;
    quotas_write_list(&store, quotas, ARRAY_LEN(quotas), &out);
    assert_int_equal(out.failed, STATUS_OK);
    json = json_loadb(out.ptr, out.len, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(json);
    assert_true(json_is_true(json_object_get(json, "more")));
    assert_int_equal(json_array_size(json_object_get(
                         json_array_get(json_object_get(json, "quotas"), 0), "groups")),
                     QUOTA_GROUPS_MAX);
    json_decref(json);
}

static const struct ledger_item items[] = {
    {.id = V("1"), .state = LEDGER_EXISTING, .op = &operations[OP_NOTEBOOKS_CREATE]},
    {.id = V("2"),
     .state = LEDGER_UNKNOWN,
     .op = &operations[OP_NOTEBOOKS_CREATE],
     .time_us = NOW - 200 * S,
     .project = V("p"),
     .user_id = V("u1"),
     .user_name = V("alice"),
     .flavor = V("f"),
     .name = V("n\n"),
     .gateway = V("g")},
    {.id = V("3"), .state = LEDGER_SPENT, .op = &operations[OP_NOTEBOOKS_START]},
    {.id = V("4"),
     .state = LEDGER_RESERVED,
     .op = &operations[OP_NOTEBOOKS_START],
     .time_us = NOW + 5 * S, /* the clock was set back */
     .user_id = V("u2"),
     .instance = V("i")},
};

static void what_is_open_is_listed_with_its_age(void **state)
{
    struct quota_store store = {.items = items, .item_count = ARRAY_LEN(items)};

    (void)state;
    quotas_write_reservations(&store, NOW, &out);
    assert_view(
        buf_view(&out),
        "{\"reservations\":["
        "{\"id\":\"2\",\"state\":\"unknown\",\"operation\":\"notebooks.create\",\"age_s\":200,"
        "\"project\":\"p\",\"user\":\"alice\",\"flavor\":\"f\",\"name\":\"n\\n\","
        "\"gateway\":\"g\"},"
        "{\"id\":\"4\",\"state\":\"reserved\",\"operation\":\"notebooks.start\",\"age_s\":0,"
        "\"user\":\"u2\",\"instance\":\"i\"}],\"more\":false}\n");
}

static void a_list_of_reservations_has_an_end(void **state)
{
    struct quota_store store = {.items = &items[1], .item_count = 1};
    json_t *json;

    (void)state;
    for (size_t many = QUOTA_RESERVATIONS_MAX; many <= QUOTA_RESERVATIONS_MAX + 1; many++) {
        store.many = many;
        buf_clear(&out);
        quotas_write_reservations(&store, NOW, &out);
        json = json_loadb(out.ptr, out.len, JSON_REJECT_DUPLICATES, NULL);
        assert_non_null(json);
        assert_int_equal(json_array_size(json_object_get(json, "reservations")),
                         QUOTA_RESERVATIONS_MAX);
        assert_int_equal(json_is_true(json_object_get(json, "more")),
                         many > QUOTA_RESERVATIONS_MAX);
        json_decref(json);
    }
}

static void the_state_has_both_objects(void **state)
{
    struct quota_store store = {
        .state = {.kind = "local",
                  .available = true,
                  .counts = {.reserved = 1,
                             .unknown = 2,
                             .existing = 3,
                             .running = 4,
                             .orphans = 5,
                             .spent = 6,
                             .oldest_unknown_us = NOW - 61 * S},
                  .granted = 7,
                  .refused = 8,
                  .unavailable = 9,
                  .retries = 10},
        .items = items,
        .item_count = 1,
    };
    struct reconciler reconciler = {.state = {.scans = 1,
                                              .failed = 2,
                                              .settled = 3,
                                              .gone = 4,
                                              .corrected = 5,
                                              .orphans = 6,
                                              .callers = 7,
                                              .last_complete_us = NOW,
                                              .why = "no \"answer\""}};
    struct jwriter w;

    (void)state;
    jwriter_init(&w, &out);
    jwriter_open_object(&w);
    quotas_write_state(&store, NOW, &w);
    quotas_write_reconciler(&reconciler, &w);
    jwriter_close_object(&w);
    assert_view(buf_view(&out),
                "{\"quota\":{\"store\":\"local\",\"available\":true,\"waits_for_scan\":false,"
                "\"reserved\":1,\"unknown\":2,\"unknown_oldest_s\":61,\"existing\":3,\"running\":4,"
                "\"orphans\":5,\"spent\":6,\"granted\":7,\"refused\":8,\"unavailable\":9,"
                "\"retries\":10,\"reservations\":[],\"more\":false},"
                "\"reconcile\":{\"scans\":1,\"failed\":2,\"last_complete\":"
                "\"2027-01-15T08:00:00.000000Z\",\"settled\":3,\"gone\":4,\"corrected\":5,"
                "\"orphans\":6,\"callers\":7,\"why\":\"no \\\"answer\\\"\"}}");
}

static void a_report_says_what_was_done(void **state)
{
    const struct reconcile_report report = {
        .scans = 1, .failed = 2, .settled = 3, .gone = 4, .corrected = 5, .orphans = 6, .why = "x"};

    (void)state;
    quotas_write_report(&report, &out);
    assert_view(buf_view(&out),
                "{\"scans\":1,\"failed\":2,\"settled\":3,\"gone\":4,\"corrected\":5,"
                "\"orphans\":6,\"why\":\"x\"}\n");
}

static bool has_line(const char *line)
{
    char wanted[256];

    (void)snprintf(wanted, sizeof wanted, "\n%s\n", line);
    return memmem(out.ptr, out.len, wanted, strlen(wanted)) != NULL;
}

static const char *const lines[] = {
    "postern_quota_store_up 1",
    "postern_quota_store_retries_total 6",
    "postern_ledger_entries{state=\"reserved\"} 1",
    "postern_ledger_entries{state=\"unknown\"} 2",
    "postern_ledger_entries{state=\"existing\"} 3",
    "postern_ledger_entries{state=\"spent\"} 4",
    "postern_ledger_running 2",
    "postern_orphans 5",
    "postern_unknown_oldest_seconds 90",
    "postern_reservations_total{result=\"granted\"} 7",
    "postern_reservations_total{result=\"refused\"} 8",
    "postern_reservations_total{result=\"unavailable\"} 9",
    "postern_quota_used{quota=\"budget\",counts=\"hours\"} 1012.501",
    "postern_quota_used{quota=\"everything\",counts=\"running\"} 9",
    "postern_quota_used{quota=\"nobody\",counts=\"existing\"} 0",
    "postern_quota_used_max{quota=\"budget\",counts=\"hours\"} 600",
    "postern_quota_limit{quota=\"budget\",counts=\"hours\"} 500",
    "postern_reconcile_scans_total{result=\"complete\"} 11",
    "postern_reconcile_scans_total{result=\"failed\"} 12",
    "postern_reconcile_corrections_total{kind=\"settled\"} 13",
    "postern_reconcile_corrections_total{kind=\"gone\"} 14",
    "postern_reconcile_corrections_total{kind=\"corrected\"} 15",
    "postern_reconcile_corrections_total{kind=\"orphan\"} 16",
    "postern_reconcile_last_success_timestamp_seconds 1800000000",
};

static void metrics_add_groups_up(void **state)
{
    struct quota_store store = {
        .state = {.available = true,
                  .counts = {.reserved = 1,
                             .unknown = 2,
                             .existing = 3,
                             .running = 2,
                             .orphans = 5,
                             .spent = 4,
                             .oldest_unknown_us = NOW - 90 * S},
                  .granted = 7,
                  .refused = 8,
                  .unavailable = 9,
                  .retries = 6},
        .uses = uses,
        .use_count = ARRAY_LEN(uses),
    };
    struct reconciler reconciler = {.state = {.scans = 11,
                                              .failed = 12,
                                              .settled = 13,
                                              .gone = 14,
                                              .corrected = 15,
                                              .orphans = 16,
                                              .last_complete_us = NOW}};

    (void)state;
    quotas_print_metrics(&store, quotas, ARRAY_LEN(quotas), NOW, &out);
    quotas_print_reconciler(&reconciler, &out);
    for (size_t i = 0; i < ARRAY_LEN(lines); i++)
        assert_row(has_line(lines[i]), lines[i]);
    assert_null(memmem(out.ptr, out.len, "alice", 5));
    assert_null(memmem(out.ptr, out.len, "former", 6));
}

static void a_store_that_waits_for_a_scan_is_not_up(void **state)
{
    struct quota_store store = {.state = {.available = true, .waits_for_scan = true}};

    (void)state;
    quotas_print_metrics(&store, quotas, 0, NOW, &out);
    assert_true(has_line("postern_quota_store_up 0"));
    assert_true(has_line("postern_unknown_oldest_seconds 0"));
}

static void sums_do_not_overflow(void **state)
{
    static const struct ledger_usage use = {.quota = &all, .used = INT64_MAX};
    struct quota_store store = {.uses = &use, .use_count = 1, .many = 3};

    (void)state;
    quotas_print_metrics(&store, &quotas[1], 1, NOW, &out);
    assert_true(has_line(
        "postern_quota_used{quota=\"everything\",counts=\"running\"} 9223372036854775807"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(groups_stand_with_their_quota_the_fullest_first, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(without_a_store_nothing_is_in_use, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_list_of_quotas_has_an_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_open_is_listed_with_its_age, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_list_of_reservations_has_an_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_state_has_both_objects, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_report_says_what_was_done, set_up, tear_down),
        cmocka_unit_test_setup_teardown(metrics_add_groups_up, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_store_that_waits_for_a_scan_is_not_up, set_up, tear_down),
        cmocka_unit_test_setup_teardown(sums_do_not_overflow, set_up, tear_down),
    };

    return cmocka_run_group_tests_name("server/quotas", tests, NULL, NULL);
}
