/* SPDX-License-Identifier: Apache-2.0
 * From a query to what the index is asked, and from what it says to an answer. The index is the
 * test's own. */
#include "support/test.h"

#include <stdlib.h>

#include "audit/story.h"
#include "audit/summary.h"
#include "json/write.h"
#include "server/answer.h"

struct audit_index {
    unsigned opened, closed;
};

static struct {
    struct audit_index index;
    enum status open, query; /* what they give the first time */
    const char *lines;
    uint64_t next;
    bool anew;
    char user[64], operation[64], outcome[64], by[64], subject[64];
    struct audit_filter filter;
    struct audit_page page;
    size_t groups;
    bool stop;
} fake;

#ifdef POSTERN_TEST_HOOKS
#include "gateway/hook.h"

void hook_hold(const _Atomic bool *stop)
{
    (void)stop;
}
#endif

struct audit_filter audit_filter_all(void)
{
    return (struct audit_filter){.period = period_always()};
}

enum status audit_index_open(const struct audit_index_settings *settings, struct audit_index **ret,
                             struct err *err)
{
    enum status status = fake.open;

    fake.anew = settings->anew;
    fake.open = STATUS_OK;
    fake.stop = settings->patience.stop(settings->patience.user);
    assert_string_equal(settings->directory, "/j");
    assert_true(settings->patience.deadline_us > 0);
    if (status != STATUS_OK)
        return err_set(err, status, "no index");
    fake.index.opened++;
    *ret = &fake.index;
    return STATUS_OK;
}

void audit_index_close(struct audit_index **index)
{
    (*index)->closed++;
    *index = NULL;
}

const char *audit_index_note(const struct audit_index *index)
{
    (void)index;
    return "a note";
}

uint64_t audit_index_damaged(const struct audit_index *index)
{
    (void)index;
    return 2;
}

uint64_t audit_index_seq(const struct audit_index *index)
{
    (void)index;
    return 7;
}

static void keep(char *to, size_t size, struct view text)
{
    (void)snprintf(to, size, "%.*s", VIEW_ARGS(text));
}

enum status audit_query_json(struct audit_index *index, const struct audit_filter *filter,
                             const struct audit_page *page, struct buf *out, uint64_t *ret_next,
                             struct err *err)
{
    enum status status = fake.query;

    (void)index;
    fake.query = STATUS_OK;
    fake.filter = *filter;
    fake.page = *page;
    if (filter->subject != NULL)
        keep(fake.subject, sizeof fake.subject, filter->subject->name);
    keep(fake.user, sizeof fake.user, filter->user);
    keep(fake.operation, sizeof fake.operation, filter->operation);
    keep(fake.outcome, sizeof fake.outcome, filter->outcome);
    buf_add_str(out, fake.lines);
    if (status != STATUS_OK)
        return err_set(err, status, "no answer");
    *ret_next = fake.next;
    return STATUS_OK;
}

const char *audit_by_name(enum audit_by by)
{
    return by == BY_USER ? "user" : "flavor";
}

enum status audit_by_parse(struct view text, enum audit_by ret[BY_COUNT], size_t *ret_count,
                           struct err *err)
{
    keep(fake.by, sizeof fake.by, text);
    if (view_eq(text, VIEW("nothing")))
        return err_set(err, STATUS_INVALID, "expected another word");
    ret[0] = BY_USER;
    *ret_count = 1;
    return STATUS_OK;
}

enum status audit_summarize(struct audit_index *index, const struct audit_filter *filter,
                            const struct audit_grouping *grouping, struct arena *arena,
                            struct audit_summary *ret, struct err *err)
{
    struct audit_group *groups = arena_array(arena, fake.groups + 1, sizeof *groups);

    (void)index;
    (void)filter;
    (void)grouping;
    (void)err;
    assert_non_null(groups);
    for (size_t i = 0; i < fake.groups; i++)
        groups[i] = (struct audit_group){.keys = {VIEW("u1")}, .user_name = VIEW("alice")};
    *ret = (struct audit_summary){groups, fake.groups, {.asked = 3, .run_s = 3600}};
    return STATUS_OK;
}

const char *open_state_name(enum open_state state)
{
    return state == OPEN_UNKNOWN ? "unknown" : "existing";
}

enum status open_collect(const char *directory, const struct audit_filter *filter,
                         struct arena *arena, struct open_list *ret, struct err *err)
{
    (void)arena;
    (void)err;
    assert_string_equal(directory, "/j");
    keep(fake.user, sizeof fake.user, filter->user);
    ret->list = calloc(fake.groups + 1, sizeof *ret->list);
    assert_non_null(ret->list);
    for (size_t i = 0; i < fake.groups; i++)
        ret->list[i] = (struct open_instance){.id = VIEW("x"),
                                              .user_name = VIEW("alice"),
                                              .since_us = 86400LL * 1000000,
                                              .state = OPEN_UNKNOWN,
                                              .orphan = i == 1};
    ret->count = fake.groups;
    (void)snprintf(ret->damage, sizeof ret->damage, "half a line");
    return STATUS_OK;
}

enum status audit_story_find(struct audit_index *index, const char *directory, struct view who,
                             struct arena *arena, struct audit_story *ret, struct err *err)
{
    (void)index;
    (void)err;
    *ret = (struct audit_story){
        .directory = directory, .arena = arena, .subject = {.name = who}, .more = true};
    return STATUS_OK;
}

enum status audit_story_look(struct audit_story *story, struct err *err)
{
    const struct audit_filter all = audit_filter_all();

    return open_collect(story->directory, &all, story->arena, &story->now, err);
}

void audit_story_done(struct audit_story *story)
{
    free(story->now.list);
}

static struct buf out;

static int set_up(void **state)
{
    (void)state;
    memset(&fake, 0, sizeof fake);
    fake.lines = "";
    buf_init(&out, 1 << 20);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    assert_int_equal(fake.index.opened, fake.index.closed);
    buf_done(&out);
    return 0;
}

static int ask(const char *action, const char *query)
{
    const struct answer_question question = {.action = action,
                                             .query = view_str(query),
                                             .directory = "/j",
                                             .now_us = 100LL * 86400 * 1000000};
    _Atomic bool stop = true;

    buf_clear(&out);
    return answer_question(&question, &stop, &out);
}

static void exchanges_become_one_object(void **state)
{
    (void)state;
    fake.lines = "{\"request\":{\"a\":\"x\\ny\"}}\n{\"request\":{}}\n";
    fake.next = 5;
    assert_int_equal(ask("query", NULL), 200);
    assert_view(buf_view(&out), "{\"seq\":7,\"damaged\":2,\"note\":\"a note\",\"exchanges\":["
                                "{\"request\":{\"a\":\"x\\ny\"}},{\"request\":{}}],\"next\":5}\n");
    fake.lines = "";
    fake.next = 0;
    assert_int_equal(ask("query", ""), 200);
    assert_view(buf_view(&out), "{\"seq\":7,\"damaged\":2,\"note\":\"a note\",\"exchanges\":[]}\n");
    assert_true(fake.stop);
}

static void keys_become_a_filter(void **state)
{
    (void)state;
    assert_int_equal(ask("query",
                         "user=a%20b&operation=notebooks.*&outcome=created&limit=3&before=9&since="
                         "1d&until=1970-04-30"),
                     200);
    assert_string_equal(fake.user, "a b");
    assert_string_equal(fake.operation, "notebooks.*");
    assert_string_equal(fake.outcome, "created");
    assert_int_equal(fake.page.limit, 3);
    assert_int_equal(fake.page.before, 9);
    assert_false(fake.page.oldest_first);
    assert_int_equal(fake.filter.period.from_us, 99LL * 86400 * 1000000);
    assert_int_equal(fake.filter.period.until_us, 119LL * 86400 * 1000000);
    assert_int_equal(ask("query", "behind=4"), 200);
    assert_true(fake.page.oldest_first);
    assert_int_equal(fake.page.before, 4);
    assert_int_equal(fake.page.limit, ANSWER_ROWS);
    assert_null(fake.filter.user.ptr);
}

/* The exchanges of whom it stands for, and what of that exists. */
static void a_story_is_told_oldest_first(void **state)
{
    (void)state;
    fake.groups = 1;
    fake.lines = "{\"request\":{}}\n";
    assert_int_equal(ask("who-created", "instance=i&user=a&behind=4"), 200);
    assert_string_equal(fake.subject, "i");
    assert_string_equal(fake.user, "a");
    assert_null(fake.filter.instance.ptr);
    assert_true(fake.page.oldest_first);
    assert_int_equal(fake.page.before, 4);
    assert_view(
        buf_view(&out),
        "{\"seq\":7,\"damaged\":2,\"note\":\"a note\",\"damage\":\"half a line\",\"instances\":[{"
        "\"since\":\"1970-01-02T00:00:00.000000Z\",\"user_name\":\"alice\",\"state\":"
        "\"unknown\",\"id\":\"x\"}],\"more\":true,\"exchanges\":[{\"request\":{}}]}\n");
    fake.query = STATUS_SYNTAX;
    assert_int_equal(ask("who-created", "instance=i"), 200);
    assert_true(fake.anew);
    assert_string_equal(fake.subject, "i");
}

/* That needs no index. */
static void what_exists_is_listed(void **state)
{
    (void)state;
    fake.groups = 2;
    assert_int_equal(ask("open", "user=alice"), 200);
    assert_string_equal(fake.user, "alice");
    assert_int_equal(fake.index.opened, 0);
    assert_view(buf_view(&out),
                "{\"note\":\"half a line\",\"instances\":[{\"since\":\"1970-01-02T00:00:00."
                "000000Z\",\"user_name\":\"alice\",\"state\":\"unknown\",\"id\":\"x\"},{"
                "\"since\":\"1970-01-02T00:00:00.000000Z\",\"user_name\":\"alice\",\"state\":"
                "\"orphan\",\"id\":\"x\"}],\"more\":false}\n");
    assert_int_equal(ask("open", "limit=1"), 200);
    assert_true(view_ends(buf_view(&out), VIEW("\"id\":\"x\"}],\"more\":true}\n")));
}

static const struct {
    const char *action, *query, *why;
} faults[] = {
    {"query", "by=user",
     "\"by\" is not known here; known are: from, until, since, user, project, flavor, instance, "
     "operation, class, decision, outcome, reason, policy, limit, before, behind"},
    {"query", "limit=0", "\"limit\": expected a number from 1 to 1000"},
    {"query", "limit=01", "\"limit\": expected a number from 1 to 1000"},
    {"query", "from=today",
     "\"from\": expected a time such as 2026-12-31 or 2026-12-31T12:00:00Z (UTC)"},
    {"query", "until=2026-02-30",
     "\"until\": expected a time such as 2026-12-31 or 2026-12-31T12:00:00Z (UTC)"},
    {"query", "from=1970-02-01&until=1970-02-01", "the period ends before it begins"},
    {"query", "class=creat",
     "\"class\": expected one of: create change start mount release read other"},
    {"summary", "by=nothing", "expected another word"},
    {"summary", "before=1",
     "\"before\" is not known here; known are: from, until, since, user, project, flavor, "
     "instance, operation, class, decision, outcome, reason, policy, by, limit"},
    {"who-created", NULL, "\"instance\" is missing"},
};

static void what_is_wrong_is_a_400(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
        struct buf wanted;
        struct jwriter w;

        buf_init(&wanted, 4096);
        jwriter_init(&w, &wanted);
        jwriter_open_object(&w);
        jwriter_member_text(&w, "why", view_str(faults[i].why));
        jwriter_close_object(&w);
        buf_add_byte(&wanted, '\n');
        assert_int_equal(ask(faults[i].action, faults[i].query), 400);
        assert_view_eq(buf_view(&out), buf_view(&wanted));
        buf_done(&wanted);
    }
}

static void a_corrupt_index_is_made_anew_once(void **state)
{
    (void)state;
    fake.query = STATUS_SYNTAX;
    fake.lines = "{}";
    assert_int_equal(ask("query", NULL), 200);
    assert_true(fake.anew);
    assert_int_equal(fake.index.opened, 2);
    assert_view(buf_view(&out),
                "{\"seq\":7,\"damaged\":2,\"note\":\"a note\",\"exchanges\":[{}]}\n");
    fake.open = STATUS_SYNTAX;
    assert_int_equal(ask("query", NULL), 200);
    assert_int_equal(fake.index.opened, 3);
}

static void what_may_go_well_later_is_a_503(void **state)
{
    static const struct {
        enum status status;
        int answer;
    } rows[] = {{STATUS_TIMEOUT, 503}, {STATUS_IO, 503},    {STATUS_NOMEM, 503},
                {STATUS_INVALID, 400}, {STATUS_LIMIT, 400}, {STATUS_PEER, 500}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        fake.query = rows[i].status;
        fake.lines = "half of an answer";
        assert_int_equal(ask("query", NULL), rows[i].answer);
        assert_view(buf_view(&out), "{\"why\":\"no answer\"}\n");
    }
}

static void groups_are_cut_at_the_limit(void **state)
{
    (void)state;
    fake.groups = 3;
    assert_int_equal(ask("summary", "limit=2"), 200);
    assert_string_equal(fake.by, "user");
    assert_view(buf_view(&out),
                "{\"seq\":7,\"damaged\":2,\"note\":\"a note\",\"groups\":[{\"user\":\"u1\",\"user_"
                "name\":\"alice\",\"asked\":0,\"allowed\":0,\"rewritten\":0,\"refused\":0,"
                "\"created\":0,\"run_s\":0},{\"user\":\"u1\",\"user_name\":\"alice\",\"asked\":0,"
                "\"allowed\":0,\"rewritten\":0,\"refused\":0,\"created\":0,\"run_s\":0}],\"more\":"
                "true,\"total\":{\"asked\":3,\"allowed\":0,\"rewritten\":0,\"refused\":0,"
                "\"created\":0,\"run_s\":3600}}\n");
    /* Also where they would not fit: what is said stays one object. */
    buf_done(&out);
    buf_init(&out, 80 << 10);
    fake.groups = 1000;
    assert_int_equal(ask("summary", "limit=1000"), 200);
    assert_true(view_ends(buf_view(&out), VIEW("\"run_s\":3600}}\n")));
    buf_add_byte(&out, '\0');
    assert_non_null(strstr(out.ptr, "\"more\":true"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(exchanges_become_one_object, set_up, tear_down),
        cmocka_unit_test_setup_teardown(keys_become_a_filter, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_story_is_told_oldest_first, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_exists_is_listed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_wrong_is_a_400, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_corrupt_index_is_made_anew_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_may_go_well_later_is_a_503, set_up, tear_down),
        cmocka_unit_test_setup_teardown(groups_are_cut_at_the_limit, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
