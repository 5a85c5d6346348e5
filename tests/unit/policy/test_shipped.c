/* SPDX-License-Identifier: Apache-2.0
 * The shipped files: base.yaml gives what the demo shows, and the examples load. */
#include <stdlib.h>

#include "unit/policy/support.h"

/* Reads a file of policies/; the test is told where the sources are. */
static char *read_policy(const char *name)
{
    char path[1024];
    size_t len;
    FILE *file;
    char *text = test_calloc(65536, 1);

    (void)snprintf(path, sizeof path, "%s/%s", POLICIES_DIR, name);
    file = fopen(path, "rb");
    assert_non_null(file);
    len = fread(text, 1, 65535, file);
    assert_true(len > 0 && len < 65535);
    (void)fclose(file);
    return text;
}

static const char *judged(struct sample *s)
{
    char *text = read_policy("base.yaml");
    struct policy_set *set = set_of(text);
    const char *decision = decision_text(set, s, false);

    policy_set_unref(&set);
    test_free(text);
    return decision;
}

static void the_manuals_sample_is_allowed_as_it_is(void **state)
{
    struct sample s;

    (void)state;
    sample_init(&s);
    assert_string_equal(judged(&s), "allow");
}

static void a_missing_auto_stop_is_set(void **state)
{
    struct sample s;

    (void)state;
    sample_init(&s);
    s.request.stop_count = 0;
    assert_string_equal(judged(&s), "rewrite default 3600 by base-auto-stop");
}

static void a_day_is_capped(void **state)
{
    struct sample s;

    (void)state;
    sample_init(&s);
    s.stops[0].duration_ms = 86400000;
    assert_string_equal(judged(&s), "rewrite cap 43200 by base-auto-stop");
}

static void a_gpu_is_refused(void **state)
{
    struct sample s;

    (void)state;
    sample_init(&s);
    s.request.flavor.value = VIEW("modelarts.vm.gpu.v100");
    assert_string_equal(judged(&s), "refuse flavor.not_allowed by base-flavors");
}

static void another_teams_path_is_refused(void **state)
{
    struct sample s;

    (void)state;
    sample_init(&s);
    s.storages[0].path.value = VIEW("/other-team/x/");
    assert_int_equal(obs_parse_path(s.storages[0].path.value, &s.storages[0].obs), OBS_OK);
    assert_string_equal(judged(&s), "refuse obs.prefix_not_allowed by base-storage");
}

/* A notebook like the manual's sample, changed in one way. */
static const char *judged_notebook(enum operation_id op, void (*change)(struct sample *s))
{
    struct sample s;

    sample_init(&s);
    sample_as(&s, op);
    change(&s);
    return judged(&s);
}

static void nothing(struct sample *s)
{
    (void)s;
}

static void hooks(struct sample *s)
{
    s->request.has_hooks = true;
}

static void idle(struct sample *s)
{
    s->request.stop_type = (struct text_field){true, VIEW("IDLE")};
}

static void never(struct sample *s)
{
    sample_stop(s, -1);
}

static void gpu(struct sample *s)
{
    s->request.flavor = (struct text_field){true, VIEW("modelarts.vm.gpu.v100")};
}

static void ssh_from_anywhere(struct sample *s)
{
    sample_endpoint(s, true, NULL);
}

static void ssh_from_the_internet(struct sample *s)
{
    sample_endpoint(s, true, "198.51.100.7");
}

static void ssh_from_home(struct sample *s)
{
    sample_endpoint(s, true, "192.168.1.0/24");
}

static void foreign_mount(struct sample *s)
{
    s->storages[0].type = VIEW("OBS");
    s->storages[0].path.value = VIEW("/other-team/x/");
    assert_int_equal(obs_parse_path(s->storages[0].path.value, &s->storages[0].obs), OBS_OK);
    s->request.storage_count = 1;
}

/* The ways round a policy on creates alone that the API has. */
static void notebooks_keep_to_the_same(void **state)
{
    static const struct {
        enum operation_id op;
        void (*change)(struct sample *s);
        const char *decision;
    } rows[] = {
        {OP_NOTEBOOKS_CREATE, nothing, "allow"},
        {OP_NOTEBOOKS_CREATE, ssh_from_home, "allow"},
        {OP_NOTEBOOKS_CREATE, hooks, "refuse hooks.refused by base-notebooks"},
        {OP_NOTEBOOKS_CREATE, idle, "refuse auto_stop.type_not_allowed by base-auto-stop"},
        {OP_NOTEBOOKS_CREATE, never, "rewrite set 3600 by base-auto-stop"},
        {OP_NOTEBOOKS_CREATE, ssh_from_anywhere, "refuse access_ips.missing by base-notebooks"},
        {OP_NOTEBOOKS_CREATE, ssh_from_the_internet,
         "refuse access_ips.not_allowed by base-notebooks"},
        {OP_NOTEBOOKS_UPDATE, nothing, "allow"},
        {OP_NOTEBOOKS_UPDATE, gpu, "refuse flavor.not_allowed by base-flavors"},
        {OP_NOTEBOOKS_START, never, "rewrite set 3600 by base-auto-stop"},
        {OP_NOTEBOOKS_START, gpu, "refuse flavor.not_allowed by base-flavors"},
        {OP_NOTEBOOKS_LEASE, never, "rewrite set 3600 by base-auto-stop"},
        {OP_NOTEBOOKS_MOUNT, foreign_mount, "refuse obs.prefix_not_allowed by base-storage"},
        {OP_DEMANAGER_UPDATE, never, "rewrite set 3600 by base-auto-stop"},
        {OP_DEMANAGER_START, nothing, "allow"},
        {OP_DEMANAGER_START, never, "refuse auto_stop.required by base-auto-stop"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_string_equal(judged_notebook(rows[i].op, rows[i].change), rows[i].decision);
}

/* Together with base.yaml, as they are meant. */
static void the_examples_load_beside_it(void **state)
{
    static const char *const names[] = {"base.yaml", "examples/exceptions.yaml",
                                        "examples/teams.yaml"};
    const struct policy_options options = {.now_us = 0};
    struct policy_file files[ARRAY_LEN(names)];
    char *texts[ARRAY_LEN(names)];
    struct policy_set *set = NULL;
    struct arena arena;
    struct diag diag;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        texts[i] = read_policy(names[i]);
        files[i] = (struct policy_file){names[i], view_str(texts[i])};
    }
    arena_init(&arena, 4096, 1 << 20);
    diag_init(&diag, &arena);
    assert_int_equal(policy_set_load(files, ARRAY_LEN(names), &options, &diag, &set), STATUS_OK);
    assert_int_equal(diag.count, 0);
    assert_int_equal(policy_set_policies(set), 7);
    assert_int_equal(policy_set_exceptions(set), 2);
    policy_set_unref(&set);
    arena_done(&arena);
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        test_free(texts[i]);
}

/* The manual shows what works: every block of YAML in it is a set that loads. */
static void the_manuals_sets_load(void **state)
{
    char *manual = read_policy("../docs/policies.md"), *at = manual;
    unsigned count = 0;

    (void)state;
    while ((at = strstr(at, "```yaml\n")) != NULL) {
        char *end = strstr(at + 8, "```\n");
        struct policy_set *set;

        assert_non_null(end);
        *end = '\0';
        set = set_of(at + 8);
        policy_set_unref(&set);
        at = end + 1;
        count++;
    }
    assert_true(count >= 10);
    test_free(manual);
}

/* And lists every reason, with the words of the table. */
static void the_manual_lists_every_reason(void **state)
{
    char *manual = read_policy("../docs/policies.md");

    (void)state;
    for (size_t i = 0; i < POLICY_REASON_COUNT; i++) {
        char row[512];

        (void)snprintf(row, sizeof row, "| `%s` | %s |\n", policy_reasons[i].code,
                       policy_reasons[i].help);
        assert_row(strstr(manual, row) != NULL, policy_reasons[i].code);
    }
    test_free(manual);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_manuals_sample_is_allowed_as_it_is),
        cmocka_unit_test(a_missing_auto_stop_is_set),
        cmocka_unit_test(a_day_is_capped),
        cmocka_unit_test(a_gpu_is_refused),
        cmocka_unit_test(another_teams_path_is_refused),
        cmocka_unit_test(notebooks_keep_to_the_same),
        cmocka_unit_test(the_examples_load_beside_it),
        cmocka_unit_test(the_manuals_sets_load),
        cmocka_unit_test(the_manual_lists_every_reason),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
