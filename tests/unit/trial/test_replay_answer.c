/* SPDX-License-Identifier: Apache-2.0
 * How two answers differ, and which is whose fault; and changes in groups. */
#include "support/test.h"

#include "trial/replay_answer.h"
#include "trial/replay_groups.h"

#define TEXT(literal)                   \
    {                                   \
        "" literal, sizeof(literal) - 1 \
    }

static const struct replay_reason flavor = {TEXT("flavor.not_allowed"), TEXT("a"),
                                            TEXT("flavors.allow"), TEXT("one text")};
static const struct replay_reason flavor_said_otherwise = {
    TEXT("flavor.not_allowed"), TEXT("a"), TEXT("flavors.allow"), TEXT("another text")};
static const struct replay_reason denied[] = {
    {TEXT("flavor.not_allowed"), TEXT("a"), TEXT("flavors.allow"), {NULL, 0}},
    {TEXT("name.pattern"), TEXT("b"), TEXT("name.pattern"), {NULL, 0}},
};
static const struct replay_reason twice[] = {
    {TEXT("flavor.not_allowed"), TEXT("a"), TEXT("flavors.allow"), {NULL, 0}},
    {TEXT("flavor.not_allowed"), TEXT("a"), TEXT("flavors.allow"), {NULL, 0}},
    {TEXT("name.pattern"), TEXT("b"), TEXT("name.pattern"), {NULL, 0}},
};
static const struct replay_reason quota = {
    TEXT("quota.exceeded"), TEXT("a"), TEXT("quotas.q"), {NULL, 0}};
static const struct replay_edit hour = {
    TEXT("set"), TEXT("/d"), {NULL, 0}, TEXT("3600"), TEXT("a")};
static const struct replay_edit half = {
    TEXT("set"), TEXT("/d"), {NULL, 0}, TEXT("1800"), TEXT("a")};
static const struct replay_edit others[] = {
    {TEXT("set"), TEXT("/d"), {NULL, 0}, TEXT("3600"), TEXT("a")},
    {TEXT("set"), TEXT("/e"), {NULL, 0}, TEXT("1"), TEXT("b")},
};

#define ALLOW                              \
    {                                      \
        {.verdict = VERDICT_ALLOW}, false, \
        {                                  \
            .verdict = VERDICT_ALLOW       \
        }                                  \
    }
#define REFUSE(r, n)                                                             \
    {                                                                            \
        {.verdict = VERDICT_REFUSE, .reasons = (r), .reason_count = (n)}, false, \
        {                                                                        \
            .verdict = VERDICT_ALLOW                                             \
        }                                                                        \
    }
#define REWRITE(e, n)                                                         \
    {                                                                         \
        {.verdict = VERDICT_REWRITE, .edits = (e), .edit_count = (n)}, false, \
        {                                                                     \
            .verdict = VERDICT_ALLOW                                          \
        }                                                                     \
    }
#define WARN(r, n)                                                         \
    {                                                                      \
        {.verdict = VERDICT_ALLOW}, true,                                  \
        {                                                                  \
            .verdict = VERDICT_REFUSE, .reasons = (r), .reason_count = (n) \
        }                                                                  \
    }

/* n of them refuse; with those that only warn there are m. */
#define REFUSE_WARN(r, n, m)                                                    \
    {                                                                           \
        {.verdict = VERDICT_REFUSE, .reasons = (r), .reason_count = (n)}, true, \
        {                                                                       \
            .verdict = VERDICT_REFUSE, .reasons = (r), .reason_count = (m)      \
        }                                                                       \
    }

static const struct {
    const char *name;
    struct replay_answer before, after;
    int kind; /* -1: nothing is different */
    const char *policy, *rule, *code;
} rows[] = {
    {"both allow", ALLOW, ALLOW, -1, "", "", ""},
    {"refused for the same in other words", REFUSE(&flavor, 1), REFUSE(&flavor_said_otherwise, 1),
     -1, "", "", ""},
    {"the same edit", REWRITE(&hour, 1), REWRITE(&hour, 1), -1, "", "", ""},
    {"newly refused", ALLOW, REFUSE(&flavor, 1), REPLAY_NEWLY_REFUSED, "a", "flavors.allow",
     "flavor.not_allowed"},
    {"newly refused, edited before", REWRITE(&hour, 1), REFUSE(&flavor, 1), REPLAY_NEWLY_REFUSED,
     "a", "flavors.allow", "flavor.not_allowed"},
    {"newly allowed", REFUSE(denied, 2), ALLOW, REPLAY_NEWLY_ALLOWED, "a", "flavors.allow",
     "flavor.not_allowed"},
    {"one reason more", REFUSE(&flavor, 1), REFUSE(denied, 2), REPLAY_REFUSED_OTHERWISE, "b",
     "name.pattern", "name.pattern"},
    {"one reason less", REFUSE(denied, 2), REFUSE(&flavor, 1), REPLAY_REFUSED_OTHERWISE, "b",
     "name.pattern", "name.pattern"},
    {"the first reason less", REFUSE(denied, 2), REFUSE(denied + 1, 1), REPLAY_REFUSED_OTHERWISE,
     "a", "flavors.allow", "flavor.not_allowed"},
    {"a first reason more", REFUSE(denied + 1, 1), REFUSE(denied, 2), REPLAY_REFUSED_OTHERWISE, "a",
     "flavors.allow", "flavor.not_allowed"},
    {"the same reason twice", REFUSE(denied, 2), REFUSE(twice, 3), REPLAY_REFUSED_OTHERWISE, "a",
     "flavors.allow", "flavor.not_allowed"},
    {"the same reason once", REFUSE(twice, 3), REFUSE(denied, 2), REPLAY_REFUSED_OTHERWISE, "a",
     "flavors.allow", "flavor.not_allowed"},
    {"the first edit less", REWRITE(others, 2), REWRITE(others + 1, 1), REPLAY_EDITED_DIFFERENTLY,
     "a", "/d", "set"},
    {"another value", REWRITE(&hour, 1), REWRITE(&half, 1), REPLAY_EDITED_DIFFERENTLY, "a", "/d",
     "set"},
    {"an edit more", REWRITE(&hour, 1), REWRITE(others, 2), REPLAY_EDITED_DIFFERENTLY, "b", "/e",
     "set"},
    {"no edit any more", REWRITE(&hour, 1), ALLOW, REPLAY_EDITED_DIFFERENTLY, "a", "/d", "set"},
    {"a new warning", ALLOW, WARN(&flavor, 1), REPLAY_WARNED_DIFFERENTLY, "a", "flavors.allow",
     "flavor.not_allowed"},
    {"no warning any more", WARN(&flavor, 1), ALLOW, REPLAY_WARNED_DIFFERENTLY, "a",
     "flavors.allow", "flavor.not_allowed"},
    {"a warning beside the same refusal", REFUSE(denied, 1), REFUSE_WARN(denied, 1, 2),
     REPLAY_WARNED_DIFFERENTLY, "b", "name.pattern", "name.pattern"},
    {"no warning beside the same refusal", REFUSE_WARN(denied, 1, 2), REFUSE(denied, 1),
     REPLAY_WARNED_DIFFERENTLY, "b", "name.pattern", "name.pattern"},
    {"the same warning", WARN(&flavor, 1), WARN(&flavor_said_otherwise, 1), -1, "", "", ""},
};

static void differences_are_found(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        enum replay_kind kind = REPLAY_KINDS;
        struct replay_reason cause;
        bool differs = replay_differs(&rows[i].before, &rows[i].after, &kind, &cause);

        assert_row(differs == (rows[i].kind >= 0), rows[i].name);
        if (!differs)
            continue;
        assert_row((int)kind == rows[i].kind, rows[i].name);
        assert_row(view_eq(cause.policy, view_str(rows[i].policy)), rows[i].name);
        assert_row(view_eq(cause.rule, view_str(rows[i].rule)), rows[i].name);
        assert_row(view_eq(cause.code, view_str(rows[i].code)), rows[i].name);
    }
}

static void lines_agree_or_not(void **state)
{
    static const struct replay_answer refused = REFUSE(&flavor, 1), more = REFUSE(denied, 2);
    static const struct replay_answer edited = REWRITE(&hour, 1), shorter = REWRITE(&half, 1);
    static const struct replay_answer by_quota = REFUSE(&quota, 1), allowed = ALLOW;
    static const struct replay_answer for_nothing = REFUSE(NULL, 0);

    (void)state;
    assert_true(replay_agrees(&refused.is, &refused.is));
    assert_false(replay_agrees(&refused.is, &more.is));
    assert_false(replay_agrees(&more.is, &refused.is));
    assert_false(replay_agrees(&allowed.is, &edited.is));
    /* What is left of a lease depends on the very moment. */
    assert_true(replay_agrees(&edited.is, &shorter.is));
    assert_true(replay_is_judged(&allowed.is) && replay_is_judged(&refused.is));
    assert_false(replay_is_judged(&by_quota.is) || replay_is_judged(&for_nothing.is));
}

static struct replay_change change_of(const char *user, const struct replay_reason *cause,
                                      const char *id)
{
    return (struct replay_change){.kind = REPLAY_NEWLY_REFUSED,
                                  .id = view_str(id),
                                  .time = view_str(id),
                                  .user = {.name = view_str(user)},
                                  .cause = *cause};
}

static void changes_are_grouped(void **state)
{
    static const struct {
        const char *user;
        const struct replay_reason *cause;
    } changes[] = {{"bob", &flavor},   {"alice", &denied[1]}, {"bob", &flavor_said_otherwise},
                   {"alice", &flavor}, {"carol", &flavor},    {"carol", &flavor},
                   {"bob", &flavor}};
    static struct replay_groups groups;
    const struct replay_group **all;
    struct arena arena;
    char id[] = "1";

    (void)state;
    arena_init(&arena, 4096, 1 << 22);
    replay_groups_init(&groups, &arena, 3);
    for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
        struct replay_change change = change_of(changes[i].user, changes[i].cause, id);

        assert_int_equal(replay_groups_add(&groups, &change), STATUS_OK);
        id[0]++; /* nothing of the change is borrowed */
    }
    all = replay_groups_sorted(&groups, &arena);
    assert_non_null(all);
    assert_int_equal(groups.count, 3);
    assert_int_equal(groups.untold, 2);
    assert_view(all[0]->user.name, "alice");
    assert_view(all[0]->policy, "a");
    assert_view(all[1]->policy, "b");
    assert_view(all[2]->user.name, "bob");
    assert_int_equal(all[2]->count, 3);
    assert_view(all[2]->example, "1");
    assert_view(all[2]->first, "1");
    assert_string_equal(all[2]->last, "7");
    assert_view(all[2]->message, "one text");
    arena_done(&arena);
}

/* Two domains may each have an alice, and an alice may be renamed. */
static void users_of_one_name_are_apart(void **state)
{
    static const struct replay_user users[] = {
        {TEXT("1"), TEXT("alice"), TEXT("x")},  {TEXT("2"), TEXT("alice"), TEXT("y")},
        {TEXT("2"), TEXT("alicia"), TEXT("y")}, {{NULL, 0}, TEXT("alice"), TEXT("y")},
        {{NULL, 0}, TEXT("alice"), TEXT("x")},  {{NULL, 0}, TEXT("alice"), {NULL, 0}},
        {TEXT("alice"), {NULL, 0}, {NULL, 0}},  {{NULL, 0}, {NULL, 0}, {NULL, 0}},
    };
    static const struct {
        const char *name, *domain, *id;
        uint64_t count;
    } want[] = {
        {"", "", "", 2},        {"", "", "alice", 2},   {"alice", "", "", 2},
        {"alice", "x", "", 2},  {"alice", "x", "1", 2}, {"alice", "y", "", 2},
        {"alice", "y", "2", 4},
    };
    static struct replay_groups groups;
    const struct replay_group **all;
    struct arena arena;

    (void)state;
    arena_init(&arena, 4096, 1 << 22);
    replay_groups_init(&groups, &arena, 100);
    for (size_t i = 0; i < 2 * ARRAY_LEN(users); i++) {
        struct replay_change change = change_of("", &flavor, "1");

        change.user = users[i % ARRAY_LEN(users)];
        assert_int_equal(replay_groups_add(&groups, &change), STATUS_OK);
    }
    all = replay_groups_sorted(&groups, &arena);
    assert_non_null(all);
    assert_int_equal(groups.count, ARRAY_LEN(want));
    for (size_t i = 0; i < ARRAY_LEN(want); i++) {
        assert_view_eq(all[i]->user.name, view_str(want[i].name));
        assert_view_eq(all[i]->user.domain, view_str(want[i].domain));
        assert_view_eq(all[i]->user.id, view_str(want[i].id));
        assert_int_equal(all[i]->count, want[i].count);
    }
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(differences_are_found),
        cmocka_unit_test(lines_agree_or_not),
        cmocka_unit_test(changes_are_grouped),
        cmocka_unit_test(users_of_one_name_are_apart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
