/* SPDX-License-Identifier: Apache-2.0
 * What counts as a rule at work, and that memory does not grow with the journal. */
#include "support/test.h"

#include <stdlib.h>
#include <unistd.h>

#include "audit/coverage.h"

static const char policies[] =
    "version: 1\n"
    "policies:\n"
    "  - name: a\n"
    "    flavors: {allow: [x], deny: [z]}\n"
    "    auto_stop: {required: true, default: 1h, max: 4h}\n"
    "    quotas: [{name: q, limit: 1}]\n"
    "  - name: try\n"
    "    mode: observe\n"
    "    flavors: {deny: [w]}\n"
    "exceptions:\n"
    "  - {name: e, policy: a, match: {users: [u]}, lift: [quotas], expires: 2099-12-31}\n";

struct fixture {
    struct arena arena, scratch;
    struct policy_set *set;
    struct inventory inventory;
    struct coverage coverage;
    unsigned seq;
};

static void begin_in(struct fixture *f, struct period period)
{
    const struct policy_file file = {"p.yaml", view_str(policies)};
    const struct policy_options options = {0};
    struct diag diag;

    *f = (struct fixture){0};
    arena_init(&f->arena, 65536, 1 << 20);
    arena_init(&f->scratch, 65536, 1 << 20);
    diag_init(&diag, &f->arena);
    assert_int_equal(policy_set_load(&file, 1, &options, &diag, &f->set), STATUS_OK);
    assert_int_equal(inventory_make(f->set, &f->arena, &f->inventory), STATUS_OK);
    assert_int_equal(coverage_init(&f->coverage, &f->inventory, &period, &f->arena), STATUS_OK);
}

static void begin(struct fixture *f)
{
    begin_in(f, period_always());
}

static void end(struct fixture *f)
{
    policy_set_unref(&f->set);
    arena_done(&f->arena);
    arena_done(&f->scratch);
}

static void add_text(struct fixture *f, const char *text)
{
    assert_int_equal(coverage_add(&f->coverage, view_str(text), &f->scratch), STATUS_OK);
}

/* The next line, of that minute of a day. */
static void add(struct fixture *f, unsigned minute, const char *event, const char *members)
{
    char line[4096];

    (void)snprintf(line, sizeof line,
                   "{\"v\":1,\"seq\":%u,\"prev\":\"0\",\"time\":\"2026-01-02T03:%02u:00.000000Z\","
                   "\"event\":\"%s\",\"id\":\"i\"%s%s}",
                   ++f->seq, minute, event, members[0] == '\0' ? "" : ",", members);
    add_text(f, line);
}

static const struct coverage_hit *hit_of(const struct fixture *f, const char *policy,
                                         const char *rule)
{
    const struct inventory_item *item =
        strcmp(rule, "exception") == 0
            ? inventory_find_exception(&f->inventory, view_str(policy))
            : inventory_find(&f->inventory, view_str(policy), view_str(rule));

    assert_non_null(item);
    return &f->coverage.hits[item - f->inventory.items];
}

#define assert_hits(f, policy, rule, count, would_count)               \
    do {                                                               \
        assert_int_equal(hit_of(f, policy, rule)->fired, count);       \
        assert_int_equal(hit_of(f, policy, rule)->would, would_count); \
    } while (false)

static void a_rule_counts_once_for_a_request(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f);
    add(&f, 1, "refusal",
        "\"decision\":\"refuse\",\"policies\":[\"a\",\"try\"],\"reasons\":[{\"code\":\"c\","
        "\"policy\":\"a\","
        "\"rule\":\"flavors.allow\"},{\"code\":\"c\",\"policy\":\"a\",\"rule\":\"flavors.allow\"},"
        "{\"code\":\"quota.exceeded\",\"policy\":\"a\",\"rule\":\"quotas.q\"}]");
    add(&f, 2, "intent",
        "\"policies\":[\"a\"],\"exceptions\":[\"e\"],\"edits\":[{\"op\":\"cap\",\"path\":\"/spec/"
        "auto_stop/duration\",\"old\":9,\"new\":8,\"policy\":\"a\"},{\"op\":\"cap\",\"path\":\"/"
        "auto_stop/duration\",\"policy\":\"a\"}]");
    add(&f, 3, "outcome", "\"outcome\":\"created\"");
    add(&f, 3, "checkpoint", "\"open\":[]");
    assert_hits(&f, "a", "flavors.allow", 1, 0);
    assert_hits(&f, "a", "flavors.deny", 0, 0);
    assert_hits(&f, "a", "quotas.q", 1, 0);
    assert_hits(&f, "a", "match", 2, 0);
    assert_hits(&f, "try", "match", 1, 0);
    assert_hits(&f, "a", "auto_stop.max", 1, 0);
    assert_hits(&f, "a", "auto_stop.default", 0, 0);
    assert_hits(&f, "e", "exception", 1, 0);
    assert_int_equal(f.coverage.judged, 2);
    assert_int_equal(f.coverage.gone_count, 0);
    assert_true(hit_of(&f, "a", "match")->last_us - hit_of(&f, "a", "flavors.allow")->last_us ==
                60000000);
    end(&f);
}

/* `would` repeats what the decision says. */
static void what_would_have_been_is_apart(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f);
    add(&f, 1, "refusal",
        "\"would\":{\"decision\":\"refuse\",\"reasons\":[{\"policy\":\"a\",\"rule\":\"flavors."
        "deny\"},{"
        "\"policy\":\"try\",\"rule\":\"flavors.deny\"}]},\"policies\":[\"a\",\"try\"],\"reasons\":["
        "{"
        "\"policy\":\"a\",\"rule\":\"flavors.deny\"}]");
    add(&f, 2, "intent",
        "\"would\":{\"decision\":\"refuse\",\"reasons\":[{\"policy\":\"try\",\"rule\":\"flavors."
        "deny\"}]}");
    assert_hits(&f, "a", "flavors.deny", 1, 0);
    assert_hits(&f, "try", "flavors.deny", 0, 2);
    assert_int_equal(hit_of(&f, "try", "flavors.deny")->last_us, 0);
    assert_true(hit_of(&f, "try", "flavors.deny")->would_last_us != 0);
    end(&f);
}

static void what_is_no_longer_there_is_listed_apart(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f);
    for (unsigned i = 0; i < 3; i++)
        add(&f, i, "refusal",
            "\"policies\":[\"old\"],\"exceptions\":[\"gone\"],\"reasons\":[{\"policy\":\"a\","
            "\"rule\":"
            "\"hooks\"},{\"code\":\"quota.pending\",\"message\":\"no rule\"}]");
    assert_int_equal(f.coverage.gone_count, 3);
    assert_view(f.coverage.gone[0].policy, "a");
    assert_view(f.coverage.gone[0].rule, "hooks");
    assert_int_equal(f.coverage.gone[0].hit.fired, 3);
    assert_view(f.coverage.gone[1].policy, "old");
    assert_view(f.coverage.gone[2].name, "gone");
    end(&f);
}

static void the_default_is_of_no_policy(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f);
    add(&f, 1, "refusal", "\"reasons\":[{\"code\":\"policy.no_match\",\"rule\":\"default\"}]");
    assert_int_equal(f.coverage.gone_count, 0);
    assert_int_equal(f.coverage.hits[0].fired, 1);
    end(&f);
}

static void only_the_period_counts(void **state)
{
    struct period period = period_always();
    struct fixture f;

    (void)state;
    assert_true(period_parse_time(VIEW("2026-01-02T03:05:00Z"), &period.from_us));
    begin_in(&f, period);
    add(&f, 4, "intent", "\"policies\":[\"a\"]");
    add(&f, 5, "intent", "\"policies\":[\"a\"]");
    assert_hits(&f, "a", "match", 1, 0);
    end(&f);
}

static void what_cannot_be_read_is_counted(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f);
    add_text(&f, "");
    add_text(&f, "{\"v\":1,\"seq\":2,\"event\":\"inte");
    add_text(&f, "{\"v\":2,\"seq\":1,\"event\":\"intent\"}");
    add_text(
        &f, "{\"v\":1,\"seq\":1,\"event\":\"intent\",\"policies\":[1,{}],\"would\":[1],\"reasons\":"
            "{\"x\":1},\"edits\":[null]}");
    add(&f, 1, "refusal", "\"count\":12");
    assert_int_equal(f.coverage.unreadable, 3);
    assert_int_equal(f.coverage.summed, 12);
    assert_int_equal(f.coverage.judged, 1);
    end(&f);
}

/* Names that anybody could have made up fill neither memory nor the list. */
static void names_over_the_limit_are_only_counted(void **state)
{
    char members[COVERAGE_NAME_MAX + 64];
    struct fixture f;
    size_t used;

    (void)state;
    begin(&f);
    for (unsigned i = 0; i < COVERAGE_GONE_MAX + 5; i++) {
        (void)snprintf(members, sizeof members, "\"policies\":[\"p%u\"]", i);
        add(&f, 1, "intent", members);
    }
    assert_int_equal(f.coverage.gone_count, COVERAGE_GONE_MAX);
    assert_int_equal(f.coverage.gone_more, 5);
    used = f.arena.used_bytes;
    for (unsigned i = 0; i < 10000; i++)
        add(&f, 1, "intent", members);
    assert_int_equal(f.arena.used_bytes, used);
    assert_true(f.scratch.used_bytes <= 1 << 20);
    end(&f);
    begin(&f);
    (void)snprintf(members, sizeof members, "\"policies\":[\"%0*d\"]", COVERAGE_NAME_MAX + 1, 7);
    add(&f, 1, "intent", members);
    assert_int_equal(f.coverage.gone_more, 1);
    end(&f);
}

static void write_segment(const char *folder, unsigned first, const char *day, unsigned lines)
{
    char path[256];
    FILE *file;

    (void)snprintf(path, sizeof path, "%s/%020u.jsonl", folder, first);
    file = fopen(path, "wb");
    assert_non_null(file);
    for (unsigned i = 0; i < lines; i++)
        (void)fprintf(file,
                      "{\"v\":1,\"seq\":%u,\"prev\":\"0\",\"time\":\"2026-01-%sT00:00:00.000000Z\","
                      "\"event\":\"%s\",\"policies\":[\"a\"]}\n",
                      first + i, day, i == 0 ? "checkpoint" : "intent");
    (void)fclose(file);
}

/* Whatever segment the period begins in, the lines before it in that segment don't count, and those
 * in it do. */
static void a_period_may_begin_in_any_segment(void **state)
{
    static const struct {
        const char *from;
        unsigned judged;
    } rows[] = {{"2026-01-01", 4}, {"2026-01-02", 3}, {"2026-01-04", 1}, {"2026-01-05", 0}};
    char folder[] = "/tmp/postern-coverage-XXXXXX";
    struct err err = {0};
    struct fixture f;

    (void)state;
    assert_non_null(mkdtemp(folder));
    for (unsigned i = 0; i < 4; i++) {
        const char *const days[] = {"01", "02", "03", "04"};

        write_segment(folder, 1 + 2 * i, days[i], 2);
    }
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct period period = period_always();

        assert_true(period_parse_time(view_str(rows[i].from), &period.from_us));
        begin_in(&f, period);
        assert_int_equal(coverage_read(&f.coverage, folder, &err), STATUS_OK);
        assert_int_equal(f.coverage.judged, rows[i].judged);
        end(&f);
    }
    begin(&f);
    assert_int_equal(coverage_read(&f.coverage, "/nonexistent", &err), STATUS_IO);
    end(&f);
    for (unsigned i = 0; i < 4; i++) {
        char path[256];

        (void)snprintf(path, sizeof path, "%s/%020u.jsonl", folder, 1 + 2 * i);
        assert_int_equal(unlink(path), 0);
    }
    assert_int_equal(rmdir(folder), 0);
}

/* Two workers took their times before one of them began a segment. */
static void lines_out_of_order_count_in_their_period(void **state)
{
    static const struct {
        unsigned first;
        const char *times[2];
    } segments[] = {{1, {"00:00:00.0", "01:00:00.5"}}, {3, {"01:00:00.2", "01:00:01.0"}}};
    char folder[] = "/tmp/postern-coverage-XXXXXX", path[256];
    struct period period = period_always();
    struct err err = {0};
    struct fixture f;

    (void)state;
    assert_non_null(mkdtemp(folder));
    for (size_t i = 0; i < ARRAY_LEN(segments); i++) {
        FILE *file;

        (void)snprintf(path, sizeof path, "%s/%020u.jsonl", folder, segments[i].first);
        file = fopen(path, "wb");
        assert_non_null(file);
        for (unsigned k = 0; k < 2; k++)
            (void)fprintf(file,
                          "{\"v\":1,\"seq\":%u,\"prev\":\"0\",\"time\":\"2026-01-01T%s00000Z\","
                          "\"event\":\"%s\",\"policies\":[\"a\"]}\n",
                          segments[i].first + k, segments[i].times[k],
                          k == 0 ? "checkpoint" : "intent");
        (void)fclose(file);
    }
    assert_true(period_parse_time(VIEW("2026-01-01T01:00:00.3Z"), &period.from_us));
    begin_in(&f, period);
    assert_int_equal(coverage_read(&f.coverage, folder, &err), STATUS_OK);
    assert_int_equal(f.coverage.judged, 2);
    end(&f);
    for (size_t i = 0; i < ARRAY_LEN(segments); i++) {
        (void)snprintf(path, sizeof path, "%s/%020u.jsonl", folder, segments[i].first);
        assert_int_equal(unlink(path), 0);
    }
    assert_int_equal(rmdir(folder), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rule_counts_once_for_a_request),
        cmocka_unit_test(what_would_have_been_is_apart),
        cmocka_unit_test(what_is_no_longer_there_is_listed_apart),
        cmocka_unit_test(the_default_is_of_no_policy),
        cmocka_unit_test(only_the_period_counts),
        cmocka_unit_test(what_cannot_be_read_is_counted),
        cmocka_unit_test(names_over_the_limit_are_only_counted),
        cmocka_unit_test(a_period_may_begin_in_any_segment),
        cmocka_unit_test(lines_out_of_order_count_in_their_period),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
