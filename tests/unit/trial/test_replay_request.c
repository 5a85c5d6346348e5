/* SPDX-License-Identifier: Apache-2.0
 * What the journal wrote of a request, made again: the subject above all, in which unknown and
 * empty are two things. */
#include "support/test.h"

#include "base/buffer.h"
#include "journal/record.h"
#include "trial/replay_request.h"

#define TEXT(literal)                   \
    {                                   \
        "" literal, sizeof(literal) - 1 \
    }
#define PROJECT "0123456789abcdef0123456789abcdef"

static const struct view names[] = {TEXT("a"), TEXT("b \xc3\xa4\"")};

static const struct {
    const char *name;
    struct subject user;
} subjects[] = {
    {"nobody", {.known = 0}},
    {"user", {.known = SUBJECT_USER, .user_id = TEXT("u1"), .user_name = TEXT("alice")}},
    {"user without an id", {.known = SUBJECT_USER, .user_name = TEXT("alice")}},
    {"user with an empty name",
     {.known = SUBJECT_USER, .user_id = TEXT("u1"), .user_name = TEXT("")}},
    {"domain", {.known = SUBJECT_DOMAIN, .domain_id = TEXT("d1"), .domain_name = TEXT("acme")}},
    {"domain without an id", {.known = SUBJECT_DOMAIN, .domain_name = TEXT("acme")}},
    {"domain without a name", {.known = SUBJECT_DOMAIN, .domain_id = TEXT("d1")}},
    {"project",
     {.known = SUBJECT_PROJECT, .project_id = TEXT(PROJECT), .project_name = TEXT("eu-de")}},
    {"no roles", {.known = SUBJECT_ROLES}},
    {"no groups", {.known = SUBJECT_GROUPS}},
    {"roles", {.known = SUBJECT_ROLES, .roles = names, .role_count = 2}},
    {"groups", {.known = SUBJECT_GROUPS, .groups = names, .group_count = 1}},
    {"all",
     {.known = SUBJECT_USER | SUBJECT_DOMAIN | SUBJECT_PROJECT | SUBJECT_ROLES | SUBJECT_GROUPS,
      .user_id = TEXT("u1"),
      .user_name = TEXT("alice"),
      .domain_id = TEXT("d1"),
      .domain_name = TEXT("acme"),
      .project_id = TEXT(PROJECT),
      .project_name = TEXT("eu-de"),
      .roles = names,
      .role_count = 2,
      .groups = names,
      .group_count = 2}},
};

static bool same_view(struct view a, struct view b)
{
    return (a.ptr == NULL) == (b.ptr == NULL) && view_eq(a, b);
}

static bool same_list(const struct view *a, size_t a_count, const struct view *b, size_t b_count)
{
    if (a_count != b_count)
        return false;
    for (size_t i = 0; i < a_count; i++) {
        if (!view_eq(a[i], b[i]))
            return false;
    }
    return true;
}

static bool same(const struct subject *a, const struct subject *b)
{
    return a->known == b->known && same_view(a->user_id, b->user_id) &&
           same_view(a->user_name, b->user_name) && same_view(a->domain_id, b->domain_id) &&
           same_view(a->domain_name, b->domain_name) && same_view(a->project_id, b->project_id) &&
           same_view(a->project_name, b->project_name) &&
           same_list(a->roles, a->role_count, b->roles, b->role_count) &&
           same_list(a->groups, a->group_count, b->groups, b->group_count);
}

static struct view line_of(const struct journal_facts *facts, struct arena *arena)
{
    struct view line;
    struct buf out;

    buf_init(&out, 1 << 20);
    buf_add(&out, VIEW("{\"v\":1,\"seq\":1,\"prev\":\"\","));
    journal_format(facts, &out);
    assert_int_equal(out.failed, STATUS_OK);
    line = arena_copy(arena, buf_view(&out));
    buf_done(&out);
    return line;
}

static void read_line(struct view line, struct arena *arena, struct row *ret)
{
    const char *why;

    assert_int_equal(row_read(line, arena, ret, &why), STATUS_OK);
}

static struct journal_facts create(const struct subject *user, const struct journal_kept *kept)
{
    return (struct journal_facts){.time_us = 1767323045123456,
                                  .event = JOURNAL_INTENT,
                                  .operation = &operations[OP_DEMANAGER_CREATE],
                                  .method = VIEW("POST"),
                                  .path = VIEW("/v1/" PROJECT "/demanager/instances"),
                                  .project = VIEW(PROJECT),
                                  .user = user,
                                  .duration_us = -1,
                                  .kept = kept};
}

static void subjects_come_back(void **state)
{
    const struct journal_kept kept = {.request = VIEW("{}")};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(subjects); i++) {
        const struct journal_facts facts = create(&subjects[i].user, &kept);
        struct replay_request request;
        struct arena arena;
        struct row row;

        arena_init(&arena, 4096, 1 << 22);
        read_line(line_of(&facts, &arena), &arena, &row);
        assert_true(replay_is_kept(&row));
        assert_row(replay_request_of(&row, &request) == STATUS_OK, subjects[i].name);
        assert_row(same(&request.subject, &subjects[i].user), subjects[i].name);
        arena_done(&arena);
    }
}

static void the_request_comes_back(void **state)
{
    const struct journal_kept kept = {.query = VIEW("duration=3600000"),
                                      .stored = VIEW("{\"id\": \"i1\"}")};
    struct journal_facts facts = create(&subjects[1].user, &kept);
    struct replay_request request;
    struct arena arena;
    struct row row;

    (void)state;
    arena_init(&arena, 4096, 1 << 22);
    facts.operation = &operations[OP_NOTEBOOKS_START_GET];
    facts.method = VIEW("GET");
    facts.path = VIEW("/v1/" PROJECT "/notebooks/i1/start");
    read_line(line_of(&facts, &arena), &arena, &row);
    assert_int_equal(replay_request_of(&row, &request), STATUS_OK);
    assert_ptr_equal(request.route.op, &operations[OP_NOTEBOOKS_START_GET]);
    assert_view(request.route.project, PROJECT);
    assert_view(request.route.instance, "i1");
    assert_view(request.query, "duration=3600000");
    assert_view(request.body, "");
    assert_view(request.stored, "{\"id\":\"i1\"}");
    assert_int_equal(request.time_us, facts.time_us);
    arena_done(&arena);
}

static void what_is_missing_is_said(void **state)
{
    static const char *const lines[] = {
        "{\"v\":1,\"seq\":1,\"event\":\"intent\",\"request\":{}}",
        "{\"v\":1,\"seq\":1,\"time\":\"2026-01-02T03:04:05Z\",\"event\":\"intent\",\"request\":{},"
        "\"operation\":\"demanager.create\",\"method\":\"POST\"}",
        "{\"v\":1,\"seq\":1,\"time\":\"2026-01-02T03:04:05Z\",\"event\":\"intent\",\"request\":{},"
        "\"operation\":\"demanager.create\",\"method\":\"POST\",\"path\":\"//x\"}",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        struct replay_request request;
        struct arena arena;
        struct row row;

        arena_init(&arena, 4096, 1 << 22);
        read_line(view_str(lines[i]), &arena, &row);
        assert_row(replay_request_of(&row, &request) == STATUS_INVALID, lines[i]);
        arena_done(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(subjects_come_back),
        cmocka_unit_test(the_request_comes_back),
        cmocka_unit_test(what_is_missing_is_said),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
