/* SPDX-License-Identifier: Apache-2.0
 * The fold: which lines open, close and remove what; and its text in a checkpoint. */
#include "support/test.h"

#include <stdlib.h>

#include "journal/open.h"

static const struct operation op_delete = {
    .name = "demanager.delete", .class = CLASS_RELEASE, .family = FAMILY_DEMANAGER};
static const struct operation op_notebooks_delete = {
    .name = "notebooks.delete", .class = CLASS_RELEASE, .family = FAMILY_NOTEBOOKS};
static const struct operation op_stop = {
    .name = "demanager.stop", .class = CLASS_RELEASE, .family = FAMILY_DEMANAGER};
static const struct operation op_create = {
    .name = "demanager.create", .class = CLASS_CREATE, .family = FAMILY_DEMANAGER};
static const struct operation op_update = {
    .name = "demanager.update", .class = CLASS_CHANGE, .family = FAMILY_DEMANAGER};

static void apply(struct open_table *table, enum journal_event event, const char *id,
                  const struct operation *operation, enum journal_outcome outcome, int status,
                  const char *instance)
{
    struct journal_facts facts = {.event = event,
                                  .id = view_str(id),
                                  .operation = operation,
                                  .outcome = outcome,
                                  .status = status,
                                  .instance_id = view_str(instance)};
    struct open_step step;
    struct open_item item;
    struct open_entry *entry = NULL;
    struct buf scratch;

    buf_init(&scratch, 1 << 16);
    open_step_of(&facts, &step);
    if (open_needs_entry(event)) {
        open_item_of(&facts, VIEW("T"), &item);
        entry = open_entry_new(&item, &scratch);
        assert_non_null(entry);
    }
    open_apply(table, &step, &entry);
    open_entry_free(&entry);
    buf_done(&scratch);
}

struct fold_step {
    enum journal_event event;
    const char *id;
    const struct operation *operation;
    enum journal_outcome outcome;
    int status;
    const char *instance;
};

#define INTENT(id)                                            \
    {                                                         \
        JOURNAL_INTENT, id, &op_create, OUTCOME_NONE, 0, NULL \
    }
#define OUTCOME(id, what, inst)                          \
    {                                                    \
        JOURNAL_OUTCOME, id, &op_create, what, 200, inst \
    }
#define SETTLED(id, what, inst)                        \
    {                                                  \
        JOURNAL_SETTLED, id, &op_create, what, 0, inst \
    }
#define DELETED(op, code, inst)                            \
    {                                                      \
        JOURNAL_OUTCOME, "d", op, OUTCOME_NONE, code, inst \
    }
#define ORPHAN(id, inst)                                \
    {                                                   \
        JOURNAL_ORPHAN, id, NULL, OUTCOME_NONE, 0, inst \
    }
#define CHANGE(id, inst)                                      \
    {                                                         \
        JOURNAL_INTENT, id, &op_update, OUTCOME_NONE, 0, inst \
    }

static void lines_fold(void **state)
{
    static const struct {
        const char *name;
        struct fold_step steps[6];
        const char *want;
    } rows[] = {
        {"nothing", {{0}}, "[]"},
        {"an intent reserves",
         {INTENT("a")},
         "[{\"id\":\"a\",\"time\":\"T\",\"state\":\"reserved\"}]"},
        {"created exists",
         {INTENT("a"), OUTCOME("a", OUTCOME_CREATED, "i")},
         "[{\"id\":\"a\",\"time\":\"T\",\"instance\":{\"id\":\"i\"},\"state\":\"existing\"}]"},
        {"failed is gone", {INTENT("a"), OUTCOME("a", OUTCOME_FAILED, NULL)}, "[]"},
        {"refused is gone", {INTENT("a"), OUTCOME("a", OUTCOME_REFUSED, NULL)}, "[]"},
        {"done is gone", {CHANGE("a", "i"), OUTCOME("a", OUTCOME_DONE, NULL)}, "[]"},
        {"unknown stays",
         {INTENT("a"), OUTCOME("a", OUTCOME_UNKNOWN, NULL)},
         "[{\"id\":\"a\",\"time\":\"T\",\"state\":\"unknown\"}]"},
        {"an outcome without outcome is unknown",
         {INTENT("a"), OUTCOME("a", OUTCOME_NONE, NULL)},
         "[{\"id\":\"a\",\"time\":\"T\",\"state\":\"unknown\"}]"},
        {"an outcome without intent does nothing", {OUTCOME("a", OUTCOME_CREATED, "i")}, "[]"},
        {"a second outcome does nothing",
         {INTENT("a"), OUTCOME("a", OUTCOME_CREATED, "i"), OUTCOME("a", OUTCOME_FAILED, NULL)},
         "[{\"id\":\"a\",\"time\":\"T\",\"instance\":{\"id\":\"i\"},\"state\":\"existing\"}]"},
        {"unknown settles as created",
         {INTENT("a"), OUTCOME("a", OUTCOME_UNKNOWN, NULL), SETTLED("a", OUTCOME_CREATED, "i")},
         "[{\"id\":\"a\",\"time\":\"T\",\"instance\":{\"id\":\"i\"},\"state\":\"existing\"}]"},
        {"unknown settles as failed",
         {INTENT("a"), OUTCOME("a", OUTCOME_UNKNOWN, NULL), SETTLED("a", OUTCOME_FAILED, NULL)},
         "[]"},
        {"unknown settles as unknown",
         {INTENT("a"), OUTCOME("a", OUTCOME_UNKNOWN, NULL), SETTLED("a", OUTCOME_UNKNOWN, NULL)},
         "[{\"id\":\"a\",\"time\":\"T\",\"state\":\"unknown\"}]"},
        {"a reservation doesn't settle",
         {INTENT("a"), SETTLED("a", OUTCOME_FAILED, NULL)},
         "[{\"id\":\"a\",\"time\":\"T\",\"state\":\"reserved\"}]"},
        {"an instance that vanished settles",
         {INTENT("a"), OUTCOME("a", OUTCOME_CREATED, "i"), SETTLED("a", OUTCOME_FAILED, NULL)},
         "[]"},
        {"deleted is gone",
         {INTENT("a"), OUTCOME("a", OUTCOME_CREATED, "i"), DELETED(&op_delete, 200, "i")},
         "[]"},
        {"deleted by the other family",
         {INTENT("a"), OUTCOME("a", OUTCOME_CREATED, "i"), DELETED(&op_notebooks_delete, 204, "i")},
         "[]"},
        {"a delete that failed",
         {INTENT("a"), OUTCOME("a", OUTCOME_CREATED, "i"), DELETED(&op_delete, 404, "i")},
         "[{\"id\":\"a\",\"time\":\"T\",\"instance\":{\"id\":\"i\"},\"state\":\"existing\"}]"},
        {"a delete without answer",
         {INTENT("a"), OUTCOME("a", OUTCOME_CREATED, "i"), DELETED(&op_delete, 0, "i")},
         "[{\"id\":\"a\",\"time\":\"T\",\"instance\":{\"id\":\"i\"},\"state\":\"existing\"}]"},
        {"a stop",
         {INTENT("a"), OUTCOME("a", OUTCOME_CREATED, "i"), DELETED(&op_stop, 200, "i")},
         "[{\"id\":\"a\",\"time\":\"T\",\"instance\":{\"id\":\"i\"},\"state\":\"existing\"}]"},
        {"another one's delete",
         {INTENT("a"), OUTCOME("a", OUTCOME_CREATED, "i"), DELETED(&op_delete, 200, "j")},
         "[{\"id\":\"a\",\"time\":\"T\",\"instance\":{\"id\":\"i\"},\"state\":\"existing\"}]"},
        {"a delete of nothing", {DELETED(&op_delete, 200, NULL)}, "[]"},
        {"a delete takes unknown changes along, not those that run",
         {INTENT("a"), OUTCOME("a", OUTCOME_CREATED, "i"), CHANGE("b", "i"),
          OUTCOME("b", OUTCOME_UNKNOWN, "i"), CHANGE("c", "i"), DELETED(&op_delete, 200, "i")},
         "[{\"id\":\"c\",\"time\":\"T\",\"instance\":{\"id\":\"i\"},\"state\":\"reserved\"}]"},
        {"an orphan exists",
         {ORPHAN("o", "i")},
         "[{\"id\":\"o\",\"time\":\"T\",\"instance\":{\"id\":\"i\"},\"state\":\"existing\"}]"},
        {"a known orphan is none",
         {INTENT("a"), OUTCOME("a", OUTCOME_CREATED, "i"), ORPHAN("o", "i")},
         "[{\"id\":\"a\",\"time\":\"T\",\"instance\":{\"id\":\"i\"},\"state\":\"existing\"}]"},
        {"an orphan without instance is none", {ORPHAN("o", NULL)}, "[]"},
        {"other events do nothing",
         {INTENT("a"),
          {JOURNAL_ADMIN, "a", NULL, OUTCOME_FAILED, 200, "i"},
          {JOURNAL_REFUSAL, "a", NULL, OUTCOME_FAILED, 200, "i"}},
         "[{\"id\":\"a\",\"time\":\"T\",\"state\":\"reserved\"}]"},
        {"order is that of the intents",
         {INTENT("a"), INTENT("b"), INTENT("c"), OUTCOME("b", OUTCOME_REFUSED, NULL),
          OUTCOME("a", OUTCOME_UNKNOWN, NULL)},
         "[{\"id\":\"a\",\"time\":\"T\",\"state\":\"unknown\"},"
         "{\"id\":\"c\",\"time\":\"T\",\"state\":\"reserved\"}]"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct open_table *table = open_table_new();
        struct buf out;

        assert_non_null(table);
        for (size_t s = 0; s < ARRAY_LEN(rows[i].steps) && rows[i].steps[s].id != NULL; s++) {
            const struct fold_step *step = &rows[i].steps[s];

            apply(table, step->event, step->id, step->operation, step->outcome, step->status,
                  step->instance);
        }
        buf_init(&out, 1 << 16);
        open_format(table, &out);
        if (!view_eq(buf_view(&out), view_str(rows[i].want)))
            print_error("got %.*s\n", VIEW_ARGS(buf_view(&out)));
        assert_row(view_eq(buf_view(&out), view_str(rows[i].want)), rows[i].name);
        buf_done(&out);
        open_table_free(&table);
    }
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
    buf_add_str(&scratch, "before");
    open_step_of(&facts, &step);
    open_item_of(&facts, VIEW("T"), &item);
    entry = open_entry_new(&item, &scratch);
    assert_view(buf_view(&scratch), "before");
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
                "\"state\":\"existing\"}]");
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
    entry = open_entry_new(&item, &out);
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
        (void)snprintf(instance, sizeof instance, "inst-%d", i);
        apply(table, JOURNAL_OUTCOME, "d", &op_delete, OUTCOME_NONE, 200, instance);
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
    assert_null(open_next_reserved(table, entry));
    open_set_operation(table, VIEW("c"), &op_update);
    open_set_operation(table, VIEW("nobody"), &op_update);
    assert_ptr_equal(open_entry_operation(entry), &op_update);
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
    for (int i = OPEN_RESERVED; i <= OPEN_EXISTING; i++) {
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
