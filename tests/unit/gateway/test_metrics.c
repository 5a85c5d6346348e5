/* SPDX-License-Identifier: Apache-2.0
 * Counts of several workers add up, and the text is what Prometheus reads. */
#include "support/test.h"

#include <stdlib.h>

#include "gateway/metrics.h"

static void end_one(struct metrics *m, enum operation_id op, const char *decision,
                    const char *reason, int status)
{
    const struct metrics_exchange exchange = {.op = op == OP_COUNT ? NULL : &operations[op],
                                              .decision = decision,
                                              .reason = reason,
                                              .status = status,
                                              .duration_us = 700};

    metrics_end(m, &exchange);
}

static char *print(struct metrics *const *all, size_t count)
{
    struct buf out;

    buf_init(&out, 4 << 20);
    metrics_print(all, count, &out);
    buf_add_byte(&out, '\0');
    assert_int_equal(out.failed, STATUS_OK);
    return out.ptr;
}

static void has(const char *text, const char *line)
{
    char want[512];

    (void)snprintf(want, sizeof want, "\n%s\n", line);
    if (strstr(text, want) == NULL) {
        print_error("no line \"%s\" in:\n%s\n", line, text);
        fail();
    }
}

static void test_workers_add_up(void **state)
{
    struct metrics *a = calloc(1, sizeof *a), *b = calloc(1, sizeof *b);
    struct metrics *const all[] = {a, b};
    static const char allow[] = "allow", refuse[] = "refuse", none[] = "",
                      code[] = "flavor.not_allowed";
    char *text;

    (void)state;
    metrics_init(a);
    metrics_init(b);
    end_one(a, OP_DEMANAGER_CREATE, allow, none, 200);
    end_one(b, OP_DEMANAGER_CREATE, allow, none, 200);
    end_one(b, OP_DEMANAGER_CREATE, refuse, code, 403);
    end_one(b, OP_COUNT, refuse, code, 400);
    metrics_step(a, STEP_JUDGE, 50);
    metrics_step(b, STEP_JUDGE, 51);
    metrics_step(b, STEP_JUDGE, 3600000000);
    metrics_unrecorded(a);
    text = print(all, 2);
    has(text, "postern_exchanges_total{operation=\"demanager.create\",decision=\"allow\",reason="
              "\"\",status=\"200\"} 2");
    has(text, "postern_exchanges_total{operation=\"demanager.create\",decision=\"refuse\",reason="
              "\"flavor.not_allowed\","
              "status=\"403\"} 1");
    has(text, "postern_exchanges_total{operation=\"none\",decision=\"refuse\",reason=\"flavor.not_"
              "allowed\",status=\"400\"} 1");
    has(text, "postern_step_duration_seconds_bucket{step=\"judge\",le=\"0.00005\"} 1");
    has(text, "postern_step_duration_seconds_bucket{step=\"judge\",le=\"0.0001\"} 2");
    has(text, "postern_step_duration_seconds_bucket{step=\"judge\",le=\"60\"} 2");
    has(text, "postern_step_duration_seconds_bucket{step=\"judge\",le=\"+Inf\"} 3");
    has(text, "postern_step_duration_seconds_sum{step=\"judge\",} 3600.000101");
    has(text, "postern_exchange_duration_seconds_count{class=\"create\",} 3");
    has(text, "postern_unrecorded_total 1");
    free(text);
    metrics_done(a);
    metrics_done(b);
    free(a);
    free(b);
}

/* A table that is full counts on under one name instead of growing or forgetting. */
static void test_overflow(void **state)
{
    struct metrics *m = calloc(1, sizeof *m);
    struct metrics *const all[] = {m};
    char *text;

    (void)state;
    metrics_init(m);
    for (int status = 0; status < METRICS_SERIES; status++)
        end_one(m, OP_DEMANAGER_LIST, "none", "", status);
    assert_true(m->series_count <= METRICS_SERIES / 4 * 3 + 1);
    text = print(all, 1);
    has(text, "postern_exchanges_total{operation=\"overflow\",decision=\"none\",reason=\"\",status="
              "\"0\"} 512");
    free(text);
    metrics_done(m);
    free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_workers_add_up),
        cmocka_unit_test(test_overflow),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
