/* SPDX-License-Identifier: Apache-2.0
 * The fold: which lines open, close and remove what; and its text in a checkpoint. */
#include "support/test.h"

#include <stdlib.h>

#include "journal/open.h"

#define op_create (operations[OP_DEMANAGER_CREATE])
#define op_update (operations[OP_DEMANAGER_UPDATE])
#define op_delete (operations[OP_DEMANAGER_DELETE])
#define op_stop   (operations[OP_DEMANAGER_STOP])
#define op_start  (operations[OP_DEMANAGER_START])
#define op_mount  (operations[OP_NOTEBOOKS_MOUNT])
#define op_lease  (operations[OP_NOTEBOOKS_LEASE])

struct fold_step {
    enum journal_event event;
    const char *id;
    const struct operation *operation;
    enum journal_outcome outcome;
    int status;
    const char *instance, *flavor;
    int64_t run_s; /* 0: none */
};

static void apply_step(struct open_table *table, const struct fold_step *at)
{
    const struct journal_instance listed = {.flavor = view_str(at->flavor)};
    struct journal_facts facts = {.event = at->event,
                                  .time_us = 1000,
                                  .id = view_str(at->id),
                                  .operation = at->operation,
                                  .outcome = at->outcome,
                                  .status = at->status,
                                  .instance_id = view_str(at->instance),
                                  .listed = &listed,
                                  .has_run = true,
                                  .run_s = at->run_s == 0 ? -1 : at->run_s};
    struct open_step step;
    struct open_item item;
    struct open_entry *entry = NULL;

    open_step_of(&facts, &step);
    open_item_of(&facts, VIEW("T"), &item);
    if (open_needs_entry(at->event, &item)) {
        entry = open_entry_new(&item);
        assert_non_null(entry);
    }
    open_apply(table, &step, &entry);
    open_entry_free(&entry);
}

static void apply(struct open_table *table, enum journal_event event, const char *id,
                  const struct operation *operation, enum journal_outcome outcome, int status,
                  const char *instance)
{
    const struct fold_step step = {event, id, operation, outcome, status, instance, NULL, 0};

    apply_step(table, &step);
}

/* clang-format off */
#define INTENT(id) {JOURNAL_INTENT, id, &op_create, OUTCOME_NONE, 0, NULL, NULL, 0}
#define TIMED(op, id, inst, s) {JOURNAL_INTENT, id, &(op), OUTCOME_NONE, 0, inst, NULL, s}
#define OUTCOME(id, what, inst) {JOURNAL_OUTCOME, id, &op_create, what, 200, inst, NULL, 0}
#define SETTLED(id, what, inst) {JOURNAL_SETTLED, id, &op_create, what, 0, inst, NULL, 0}
#define SEEN(id, inst, flavor) {JOURNAL_SETTLED, id, &op_create, OUTCOME_CREATED, 0, inst, flavor, 0}
#define RELEASED(op, code, inst) {JOURNAL_OUTCOME, "d", &(op), OUTCOME_DONE, code, inst, NULL, 0}
#define ORPHAN(id, inst) {JOURNAL_ORPHAN, id, &op_create, OUTCOME_NONE, 0, inst, "f", 0}
#define CHANGE(id, inst, flavor) {JOURNAL_INTENT, id, &op_update, OUTCOME_NONE, 0, inst, flavor, 0}
/* An element of a checkpoint. */
#define HEAD(id) "{\"id\":\"" id "\",\"time\":\"T\","
#define TAIL(state, op) "\"state\":\"" state "\",\"operation\":\"" op "\"}"
#define BARE(id, state) HEAD(id) TAIL(state, "demanager.create")
#define OF(id, what, state, op) HEAD(id) "\"instance\":{" what "}," TAIL(state, op)
#define EXISTS(id, what) OF(id, what, "existing", "demanager.create")
#define INST "\"id\":\"i\""
#define FLAVOR(f) INST ",\"flavor\":\"" f "\""
#define RUNS INST ",\"auto_stop_s\":60"
/* clang-format on */

static void lines_fold(void **state)
{
    static const struct {
        const char *name;
        struct fold_step steps[6];
        const char *want;
    } rows[] = {
        {"nothing", {{0}}, ""},
        {"an intent reserves", {INTENT("a")}, BARE("a", "reserved")},
        {"created exists", {INTENT("a"), OUTCOME("a", OUTCOME_CREATED, "i")}, EXISTS("a", INST)},
        {"failed is gone", {INTENT("a"), OUTCOME("a", OUTCOME_FAILED, NULL)}, ""},
        {"refused is gone", {INTENT("a"), OUTCOME("a", OUTCOME_REFUSED, NULL)}, ""},
        {"done is gone", {CHANGE("a", "i", NULL), OUTCOME("a", OUTCOME_DONE, NULL)}, ""},
        {"unknown stays", {INTENT("a"), OUTCOME("a", OUTCOME_UNKNOWN, NULL)}, BARE("a", "unknown")},
        {"an outcome without outcome is unknown",
         {INTENT("a"), OUTCOME("a", OUTCOME_NONE, NULL)},
         BARE("a", "unknown")},
        {"an outcome without intent does nothing", {OUTCOME("a", OUTCOME_CREATED, "i")}, ""},
        {"a second outcome does nothing",
         {INTENT("a"), OUTCOME("a", OUTCOME_CREATED, "i"), OUTCOME("a", OUTCOME_FAILED, NULL)},
         EXISTS("a", INST)},
        {"unknown settles as created",
         {INTENT("a"), OUTCOME("a", OUTCOME_UNKNOWN, NULL), SETTLED("a", OUTCOME_CREATED, "i")},
         EXISTS("a", INST)},
        {"unknown settles as created, with a flavor",
         {INTENT("a"), OUTCOME("a", OUTCOME_UNKNOWN, NULL), SEEN("a", "i", "f")},
         EXISTS("a", FLAVOR("f"))},
        {"unknown settles as failed",
         {INTENT("a"), OUTCOME("a", OUTCOME_UNKNOWN, NULL), SETTLED("a", OUTCOME_FAILED, NULL)},
         ""},
        {"unknown settles as unknown",
         {INTENT("a"), OUTCOME("a", OUTCOME_UNKNOWN, NULL), SETTLED("a", OUTCOME_UNKNOWN, NULL)},
         BARE("a", "unknown")},
        {"an unknown change settles as done",
         {CHANGE("a", "i", NULL), OUTCOME("a", OUTCOME_UNKNOWN, "i"),
          SETTLED("a", OUTCOME_DONE, "i")},
         ""},
        {"a reservation doesn't settle",
         {INTENT("a"), SETTLED("a", OUTCOME_FAILED, NULL)},
         BARE("a", "reserved")},
        {"nothing settles what isn't there", {SEEN("a", "i", "f")}, ""},
        {"an instance that is gone",
         {INTENT("a"), OUTCOME("a", OUTCOME_CREATED, "i"), SETTLED("a", OUTCOME_DONE, "i")},
         ""},
        {"an instance that never was",
         {INTENT("a"), OUTCOME("a", OUTCOME_CREATED, "i"), SETTLED("a", OUTCOME_FAILED, "i")},
         ""},
        {"an accepted delete frees nothing",
         {INTENT("a"), OUTCOME("a", OUTCOME_CREATED, "i"), RELEASED(op_delete, 200, "i")},
         EXISTS("a", INST)},
        {"nor does a stop",
         {INTENT("a"), OUTCOME("a", OUTCOME_CREATED, "i"), RELEASED(op_stop, 200, "i")},
         EXISTS("a", INST)},
        {"what is unknown of an instance outlives it",
         {INTENT("a"), OUTCOME("a", OUTCOME_CREATED, "i"), CHANGE("b", "i", NULL),
          OUTCOME("b", OUTCOME_UNKNOWN, "i"), SETTLED("a", OUTCOME_DONE, "i")},
         OF("b", INST, "unknown", "demanager.update")},
        /* flavors */
        {"a change that is done changes the flavor",
         {SEEN("a", "i", "f"), INTENT("a"), OUTCOME("a", OUTCOME_CREATED, "i"),
          CHANGE("b", "i", "g"), OUTCOME("b", OUTCOME_DONE, "i")},
         EXISTS("a", FLAVOR("g"))},
        {"so does one that settles as done",
         {INTENT("a"), OUTCOME("a", OUTCOME_CREATED, "i"), CHANGE("b", "i", "g"),
          OUTCOME("b", OUTCOME_UNKNOWN, "i"), SETTLED("b", OUTCOME_DONE, "i")},
         EXISTS("a", FLAVOR("g"))},
        {"the last one counts",
         {INTENT("a"), OUTCOME("a", OUTCOME_CREATED, "i"), CHANGE("b", "i", "g"),
          OUTCOME("b", OUTCOME_DONE, "i"), SEEN("a", "i", "h"), CHANGE("c", "i", "k")},
         EXISTS("a", FLAVOR("h")) "," OF("c", FLAVOR("k"), "reserved", "demanager.update")},
        {"one that names none leaves it",
         {ORPHAN("a", "i"), CHANGE("b", "i", NULL), OUTCOME("b", OUTCOME_DONE, "i"),
          SETTLED("a", OUTCOME_CREATED, "i")},
         HEAD("a") "\"instance\":{" FLAVOR(
             "f") "},"
                  "\"state\":\"existing\",\"operation\":\"demanager.create\",\"orphan\":true}"},
        {"one that failed leaves it",
         {INTENT("a"), OUTCOME("a", OUTCOME_CREATED, "i"), CHANGE("b", "i", "g"),
          OUTCOME("b", OUTCOME_FAILED, "i")},
         EXISTS("a", INST)},
        {"a change of what isn't known leaves nothing",
         {CHANGE("b", "i", "g"), OUTCOME("b", OUTCOME_DONE, "i")},
         ""},
        /* charges */
        {"a timed start is spent",
         {TIMED(op_start, "a", "i", 60), OUTCOME("a", OUTCOME_DONE, "i")},
         OF("a", RUNS, "spent", "demanager.start")},
        {"also when it settles",
         {TIMED(op_start, "a", "i", 60), OUTCOME("a", OUTCOME_UNKNOWN, "i"),
          SETTLED("a", OUTCOME_DONE, "i")},
         OF("a", RUNS, "spent", "demanager.start")},
        {"so is a lease",
         {TIMED(op_lease, "a", "i", 60), OUTCOME("a", OUTCOME_DONE, "i")},
         OF("a", RUNS, "spent", "notebooks.lease")},
        {"a start without an end charges nothing",
         {TIMED(op_start, "a", "i", 0), OUTCOME("a", OUTCOME_DONE, "i")},
         ""},
        {"nor does one that failed",
         {TIMED(op_start, "a", "i", 60), OUTCOME("a", OUTCOME_FAILED, "i")},
         ""},
        {"nor one that was refused",
         {TIMED(op_start, "a", "i", 60), OUTCOME("a", OUTCOME_REFUSED, "i")},
         ""},
        {"nor an update that names a time",
         {TIMED(op_update, "a", "i", 60), OUTCOME("a", OUTCOME_DONE, "i")},
         ""},
        {"nor a mount", {TIMED(op_mount, "a", "i", 60), OUTCOME("a", OUTCOME_DONE, "i")}, ""},
        {"a timed create is spent when its instance is gone",
         {TIMED(op_create, "a", NULL, 60), OUTCOME("a", OUTCOME_CREATED, "i"),
          SETTLED("a", OUTCOME_DONE, "i")},
         OF("a", RUNS, "spent", "demanager.create")},
        {"what is spent settles no more",
         {TIMED(op_start, "a", "i", 60), OUTCOME("a", OUTCOME_DONE, "i"),
          SETTLED("a", OUTCOME_FAILED, "i"), SEEN("a", "i", "f")},
         OF("a", RUNS, "spent", "demanager.start")},
        {"a timed create that never was charges nothing",
         {TIMED(op_create, "a", NULL, 60), OUTCOME("a", OUTCOME_CREATED, "i"),
          SETTLED("a", OUTCOME_FAILED, "i")},
         ""},
        /* orphans */
        {"an orphan exists",
         {ORPHAN("o", "i")},
         HEAD("o") "\"instance\":{" FLAVOR(
             "f") "},"
                  "\"state\":\"existing\",\"operation\":\"demanager.create\",\"orphan\":true}"},
        {"a known orphan is none",
         {INTENT("a"), OUTCOME("a", OUTCOME_CREATED, "i"), ORPHAN("o", "i")},
         EXISTS("a", INST)},
        {"a start of it doesn't make it known",
         {TIMED(op_start, "a", "i", 0), ORPHAN("o", "i"), OUTCOME("a", OUTCOME_DONE, "i")},
         HEAD("o") "\"instance\":{" FLAVOR(
             "f") "},"
                  "\"state\":\"existing\",\"operation\":\"demanager.create\",\"orphan\":true}"},
        {"an orphan that is gone", {ORPHAN("o", "i"), SETTLED("o", OUTCOME_DONE, "i")}, ""},
        {"an orphan without instance is none", {ORPHAN("o", NULL)}, ""},
        {"other events do nothing",
         {INTENT("a"),
          {JOURNAL_ADMIN, "a", NULL, OUTCOME_FAILED, 200, "i", NULL, 0},
          {JOURNAL_REFUSAL, "a", NULL, OUTCOME_FAILED, 200, "i", NULL, 0}},
         BARE("a", "reserved")},
        {"order is that of the intents",
         {INTENT("a"), INTENT("b"), INTENT("c"), OUTCOME("b", OUTCOME_REFUSED, NULL),
          OUTCOME("a", OUTCOME_UNKNOWN, NULL)},
         BARE("a", "unknown") "," BARE("c", "reserved")},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct open_table *table = open_table_new();
        char want[1024];
        struct buf out;

        assert_non_null(table);
        for (size_t s = 0; s < ARRAY_LEN(rows[i].steps) && rows[i].steps[s].id != NULL; s++)
            apply_step(table, &rows[i].steps[s]);
        buf_init(&out, 1 << 16);
        open_format(table, &out);
        (void)snprintf(want, sizeof want, "[%s]", rows[i].want);
        if (!view_eq(buf_view(&out), view_str(want)))
            print_error("got %.*s\n", VIEW_ARGS(buf_view(&out)));
        assert_row(view_eq(buf_view(&out), view_str(want)), rows[i].name);
        buf_done(&out);
        open_table_free(&table);
    }
}

static void spent_entries_are_pruned_by_their_time(void **state)
{
    struct open_table *table = open_table_new();
    const struct fold_step steps[] = {
        TIMED(op_start, "a", "i", 60),      OUTCOME("a", OUTCOME_DONE, "i"),
        TIMED(op_start, "b", "i", 60),      TIMED(op_create, "c", NULL, 60),
        OUTCOME("c", OUTCOME_CREATED, "i"),
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(steps); i++)
        apply_step(table, &steps[i]);
    assert_int_equal(open_count(table).spent, 1);
    open_prune(table, 999);
    assert_int_equal(open_count(table).spent, 1);
    open_prune(table, 1000);
    assert_int_equal(open_count(table).spent, 0);
    assert_int_equal(open_count(table).reserved, 1);
    assert_int_equal(open_count(table).existing, 1);
    assert_true(open_has_instance(table, VIEW("i")));
    open_table_free(&table);
}

static void entries_keep_what_quotas_count(void **state)
{
    const struct stop_request stop = {.enable = true, .has_duration = true, .duration_ms = 60000};
    const struct instance_request request = {.name = {true, VIEW("nb \"1\"")},
                                             .profile = {true, VIEW("prof")},
                                             .flavor = {true, VIEW("flav")},
                                             .workspace = {true, VIEW("0")},
                                             .pool = {true, VIEW("pool")},
                                             .stops = &stop,
                                             .stop_count = 1};
    const struct subject user = {.known = SUBJECT_USER | SUBJECT_DOMAIN,
                                 .user_id = VIEW("u"),
                                 .user_name = VIEW("alice"),
                                 .domain_id = VIEW("dom"),
                                 .roles = NULL};
    struct journal_facts facts = {.event = JOURNAL_INTENT,
                                  .id = VIEW("a"),
                                  .operation = &op_create,
                                  .project = VIEW("p"),
                                  .user = &user,
                                  .instance = &request};
    struct open_table *table = open_table_new();
    struct open_step step;
    struct open_item item;
    struct open_entry *entry;
    struct buf scratch;

    (void)state;
    buf_init(&scratch, 1 << 16);
    open_step_of(&facts, &step);
    open_item_of(&facts, VIEW("T"), &item);
    entry = open_entry_new(&item);
    open_apply(table, &step, &entry);
    assert_null(entry);
    apply(table, JOURNAL_OUTCOME, "a", &op_create, OUTCOME_CREATED, 200, "uuid");
    buf_clear(&scratch);
    open_format(table, &scratch);
    assert_view(buf_view(&scratch),
                "[{\"id\":\"a\",\"time\":\"T\",\"project\":\"p\","
                "\"user\":{\"id\":\"u\",\"name\":\"alice\",\"domain\":\"dom\"},"
                "\"instance\":{\"id\":\"uuid\",\"name\":\"nb \\\"1\\\"\",\"flavor\":\"flav\","
                "\"workspace\":\"0\",\"pool\":\"pool\",\"profile\":\"prof\",\"auto_stop_s\":60},"
                "\"state\":\"existing\",\"operation\":\"demanager.create\"}]");
    buf_done(&scratch);
    open_table_free(&table);
}

static void long_texts_are_cut(void **state)
{
    char text[1000];
    struct open_item item = {.id = VIEW("a"), .auto_stop_s = -1};
    struct open_table *table = open_table_new();
    struct open_entry *entry;
    struct open_key key;
    struct buf out;

    (void)state;
    memset(text, 'x', sizeof text);
    item.project = view_of(text, sizeof text);
    buf_init(&out, 1 << 16);
    entry = open_entry_new(&item);
    open_put(table, &entry);
    open_format(table, &out);
    assert_int_equal(out.len, strlen("[{\"id\":\"a\",\"project\":\"\",\"state\":\"reserved\"}]") +
                                  OPEN_TEXT_BYTES);
    open_key_set(&key, view_of(text, sizeof text));
    assert_int_equal(open_key_view(&key).len, OPEN_KEY_BYTES);
    buf_done(&out);
    open_table_free(&table);
}

static void many_entries_are_found(void **state)
{
    enum { MANY = 5000 };
    struct open_table *table = open_table_new();
    struct open_counts counts;
    char id[32], instance[32];

    (void)state;
    for (int i = 0; i < MANY; i++) {
        (void)snprintf(id, sizeof id, "id-%d", i);
        apply(table, JOURNAL_INTENT, id, &op_create, OUTCOME_NONE, 0, NULL);
        assert_true(open_is_reserved(table, view_str(id)));
    }
    for (int i = 0; i < MANY; i++) {
        (void)snprintf(id, sizeof id, "id-%d", i);
        (void)snprintf(instance, sizeof instance, "inst-%d", i);
        apply(table, JOURNAL_OUTCOME, id, &op_create, OUTCOME_CREATED, 200, instance);
        assert_false(open_is_reserved(table, view_str(id)));
    }
    counts = open_count(table);
    assert_int_equal(counts.existing, MANY);
    assert_int_equal(counts.reserved + counts.unknown, 0);
    for (int i = 0; i < MANY; i += 2) {
        (void)snprintf(id, sizeof id, "id-%d", i);
        apply(table, JOURNAL_SETTLED, id, &op_create, OUTCOME_DONE, 0, NULL);
    }
    assert_int_equal(open_count(table).existing, MANY / 2);
    open_table_free(&table);
}

/* An unknown change once hid the instance that it was about. */
static void a_changed_instance_still_exists(void **state)
{
    struct open_table *table = open_table_new();

    (void)state;
    apply(table, JOURNAL_INTENT, "a", &op_create, OUTCOME_NONE, 0, NULL);
    apply(table, JOURNAL_OUTCOME, "a", &op_create, OUTCOME_CREATED, 200, "i");
    apply(table, JOURNAL_INTENT, "b", &op_update, OUTCOME_NONE, 0, "i");
    assert_true(open_has_instance(table, VIEW("i")));
    apply(table, JOURNAL_OUTCOME, "b", &op_update, OUTCOME_UNKNOWN, 0, "i");
    assert_true(open_has_instance(table, VIEW("i")));
    assert_false(open_has_instance(table, VIEW("j")));
    open_table_free(&table);
}

static void reservations_are_walked_oldest_first(void **state)
{
    struct open_table *table = open_table_new();
    struct open_entry *entry = NULL;

    (void)state;
    assert_null(open_next_reserved(table, NULL));
    apply(table, JOURNAL_INTENT, "a", &op_create, OUTCOME_NONE, 0, NULL);
    apply(table, JOURNAL_INTENT, "b", &op_create, OUTCOME_NONE, 0, NULL);
    apply(table, JOURNAL_INTENT, "c", NULL, OUTCOME_NONE, 0, NULL);
    apply(table, JOURNAL_OUTCOME, "b", &op_create, OUTCOME_UNKNOWN, 0, NULL);
    entry = open_next_reserved(table, NULL);
    assert_view(open_entry_id(entry), "a");
    assert_ptr_equal(open_entry_operation(entry), &op_create);
    entry = open_next_reserved(table, entry);
    assert_view(open_entry_id(entry), "c");
    assert_null(open_entry_operation(entry));
    assert_true(open_lacks_operations(table));
    assert_null(open_next_reserved(table, entry));
    open_set_operation(table, VIEW("c"), &op_update);
    open_set_operation(table, VIEW("nobody"), &op_update);
    assert_ptr_equal(open_entry_operation(entry), &op_update);
    assert_false(open_lacks_operations(table));
    open_table_free(&table);
}

static void one_id_is_one_entry(void **state)
{
    struct open_table *table = open_table_new();

    (void)state;
    apply(table, JOURNAL_INTENT, "a", &op_create, OUTCOME_NONE, 0, NULL);
    apply(table, JOURNAL_INTENT, "a", &op_create, OUTCOME_NONE, 0, NULL);
    assert_int_equal(open_count(table).reserved, 1);
    open_table_free(&table);
    open_table_free(&table);
}

static void states_are_found_again(void **state)
{
    enum open_state got = OPEN_RESERVED;

    (void)state;
    for (int i = OPEN_RESERVED; i <= OPEN_SPENT; i++) {
        assert_true(open_state_find(view_str(open_state_name((enum open_state)i)), &got));
        assert_int_equal(got, i);
    }
    assert_false(open_state_find(VIEW("Existing"), &got));
    assert_false(open_state_find(VIEW_NONE, &got));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_fold),
        cmocka_unit_test(spent_entries_are_pruned_by_their_time),
        cmocka_unit_test(entries_keep_what_quotas_count),
        cmocka_unit_test(long_texts_are_cut),
        cmocka_unit_test(many_entries_are_found),
        cmocka_unit_test(a_changed_instance_still_exists),
        cmocka_unit_test(reservations_are_walked_oldest_first),
        cmocka_unit_test(one_id_is_one_entry),
        cmocka_unit_test(states_are_found_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
