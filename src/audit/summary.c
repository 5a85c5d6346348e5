/* SPDX-License-Identifier: Apache-2.0
 * SQLite counts per combination of the columns; lists are spread over their elements here, and what
 * has the same texts becomes one group. */
#include "audit/summary.h"

#include <stdlib.h>

#include "audit/internal.h"
#include "audit/where.h"
#include "base/clock.h"
#include "base/nearest.h"

enum {
    SQL_BYTES = 1 << 16,
    BUCKETS = 1 << 14,
    DAY_BYTES = 10, /* of the text of a time */
};

static const struct {
    const char *name, *select;
    bool list;
} rows[BY_COUNT] = {
    [BY_USER] = {"user", "(SELECT text FROM word WHERE key = user)", false},
    [BY_FLAVOR] = {"flavor", "(SELECT text FROM word WHERE key = flavor)", false},
    [BY_PROJECT] = {"project", "(SELECT text FROM word WHERE key = project)", false},
    [BY_OPERATION] = {"operation", "(SELECT text FROM word WHERE key = operation)", false},
    [BY_POLICY] = {"policy", "(SELECT text FROM word WHERE key = policies)", true},
    [BY_REASON] = {"reason", "(SELECT text FROM word WHERE key = reasons)", true},
    [BY_DAY] = {"day", "time / 86400000000", false},
};
/* What is grouped by, in the order of the rows. */
static const char *const columns[BY_COUNT] = {
    "user", "flavor", "project", "operation", "policies", "reasons", "time / 86400000000"};

const char *audit_by_name(enum audit_by by)
{
    return rows[by].name;
}

static enum status parse_one(struct view word, enum audit_by ret[BY_COUNT], size_t *count,
                             struct err *err)
{
    const char *names[BY_COUNT + 1] = {NULL};
    const char *near;

    for (size_t i = 0; i < BY_COUNT; i++) {
        names[i] = rows[i].name;
        if (!view_eq(word, view_str(rows[i].name)))
            continue;
        for (size_t j = 0; j < *count; j++) {
            if (ret[j] == (enum audit_by)i)
                return err_set(err, STATUS_INVALID, "\"%s\" stands there twice", rows[i].name);
        }
        ret[(*count)++] = (enum audit_by)i;
        return STATUS_OK;
    }
    near = nearest_name(word, names);
    return err_set(err, STATUS_INVALID,
                   "\"%.*s\" is nothing to group by: user, flavor, project, operation, policy, "
                   "reason or day%s%s%s",
                   VIEW_ARGS(word), near == NULL ? "" : "; did you mean \"",
                   near == NULL ? "" : near, near == NULL ? "" : "\"?");
}

enum status audit_by_parse(struct view text, enum audit_by ret[BY_COUNT], size_t *ret_count,
                           struct err *err)
{
    enum audit_by found[BY_COUNT];
    size_t count = 0;

    for (;;) {
        size_t end = view_find(text, ',');
        enum status status = parse_one(view_of(text.ptr, end), found, &count, err);

        if (status != STATUS_OK)
            return status;
        if (end == text.len)
            break;
        text = view_from(text, end + 1);
    }
    memcpy(ret, found, count * sizeof *ret);
    *ret_count = count;
    return STATUS_OK;
}

struct node {
    struct audit_group group;
    int64_t seen; /* the seq of the exchange that said user_name */
    struct node *next;
};

struct gathering {
    struct audit_index *index;
    const enum audit_by *by;
    size_t by_count, count;
    struct arena *arena;
    struct node **buckets;
    struct audit_counts total;
};

static void add_counts(struct audit_counts *into, const struct audit_counts *more)
{
    into->asked += more->asked;
    into->allowed += more->allowed;
    into->rewritten += more->rewritten;
    into->refused += more->refused;
    into->created += more->created;
    into->run_s += more->run_s;
}

static size_t bucket_of(const struct audit_group *group, size_t by_count)
{
    uint64_t hash = 14695981039346656037U; /* FNV-1a */

    for (size_t i = 0; i < by_count; i++) {
        for (size_t j = 0; j < group->keys[i].len; j++)
            hash = (hash ^ (unsigned char)group->keys[i].ptr[j]) * 1099511628211U;
        hash = (hash ^ 0xff) * 1099511628211U;
    }
    return (hash ^ hash >> 32) % BUCKETS;
}

static bool same_group(const struct audit_group *a, const struct audit_group *b, size_t by_count)
{
    for (size_t i = 0; i < by_count; i++) {
        if ((a->keys[i].ptr == NULL) != (b->keys[i].ptr == NULL))
            return false;
        if (a->keys[i].ptr != NULL && !view_eq(a->keys[i], b->keys[i]))
            return false;
    }
    return view_eq(a->user_domain, b->user_domain);
}

static struct node *new_node(struct gathering *g, const struct audit_group *group)
{
    struct node *node = ARENA_NEW(g->arena, struct node);

    if (node == NULL)
        return NULL;
    node->seen = 0;
    for (size_t i = 0; i < g->by_count; i++) {
        if (group->keys[i].ptr == NULL)
            continue;
        node->group.keys[i] = arena_copy(g->arena, group->keys[i]);
        if (node->group.keys[i].ptr == NULL)
            return NULL;
    }
    if (group->user_domain.len > 0)
        node->group.user_domain = arena_copy(g->arena, group->user_domain);
    return group->user_domain.len > 0 && node->group.user_domain.ptr == NULL ? NULL : node;
}

static enum status add_group(struct gathering *g, const struct audit_group *group, int64_t seen,
                             struct err *err)
{
    struct node **at = &g->buckets[bucket_of(group, g->by_count)], *node = *at;

    while (node != NULL && !same_group(&node->group, group, g->by_count))
        node = node->next;
    if (node == NULL) {
        if (g->count == AUDIT_GROUPS_MAX)
            return err_set(err, STATUS_LIMIT, "more than %d groups: ask for less time, or filter",
                           AUDIT_GROUPS_MAX);
        node = new_node(g, group);
        if (node == NULL)
            return err_set(err, STATUS_LIMIT, "more groups than fit into memory");
        node->next = *at;
        *at = node;
        g->count++;
    }
    if (group->user_name.len > 0 && seen > node->seen) {
        node->group.user_name = arena_copy(g->arena, group->user_name);
        node->seen = seen;
    }
    add_counts(&node->group.counts, &group->counts);
    return STATUS_OK;
}

static enum status spread(struct gathering *g, const struct view *texts, size_t at,
                          struct audit_group *group, int64_t seen, struct err *err);

/* Once for each different element. */
static enum status spread_list(struct gathering *g, const struct view *texts, size_t at,
                               struct audit_group *group, int64_t seen, struct err *err)
{
    struct view list = texts[at], element;

    while (words_next(&list, &element)) {
        struct view rest = list, other;
        bool again = false;
        enum status status;

        while (!again && words_next(&rest, &other))
            again = view_eq(element, other);
        if (again)
            continue;
        group->keys[at] = element;
        status = spread(g, texts, at + 1, group, seen, err);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

static void set_user(struct view text, struct audit_group *group, size_t at)
{
    struct view id = VIEW_NONE, name = VIEW_NONE, domain = VIEW_NONE;

    if (!words_next(&text, &id) || !words_next(&text, &name))
        return;
    group->keys[at] = id.len > 0 ? id : name;
    group->user_name = name.len > 0 ? name : VIEW_NONE;
    group->user_domain = words_next(&text, &domain) && domain.len > 0 ? domain : VIEW_NONE;
}

/* Not deeper than there are columns. NOLINTNEXTLINE(misc-no-recursion) */
static enum status spread(struct gathering *g, const struct view *texts, size_t at,
                          struct audit_group *group, int64_t seen, struct err *err)
{
    for (; at < g->by_count; at++) {
        if (rows[g->by[at]].list && texts[at].len > 0)
            return spread_list(g, texts, at, group, seen, err);
        if (g->by[at] == BY_USER && texts[at].ptr != NULL)
            set_user(texts[at], group, at);
        else
            group->keys[at] = texts[at];
    }
    return add_group(g, group, seen, err);
}

/* The number of a text, which SQLite looks up once: NULL where no line has it, which equals nothing
 * (but IS what an open intent has for its outcome). The kinds are those of enum word_kind. */
#define WORD(kind, text)   "(SELECT key FROM word WHERE kind = " kind " AND text = '" text "')"
#define OPERATION_IS(text) "operation = " WORD("4", text)
#define CLASS_IS(text)     "class = " WORD("5", text)
#define DECISION_IS(text)  "decision = " WORD("6", text)
#define OUTCOME_IS(text)   "outcome = " WORD("7", text)
_Static_assert(WORD_OPERATION == 4 && WORD_CLASS == 5 && WORD_DECISION == 6 && WORD_OUTCOME == 7,
               "the numbers in the text");
#define CAME_TO_SOMETHING "(" OUTCOME_IS("created") " OR " OUTCOME_IS("done") ")"
#define CLASS_RUNS        CLASS_IS("create") " OR " CLASS_IS("start")
#define RUNS              "(" CLASS_RUNS " OR " OPERATION_IS("notebooks.lease") ")"

/* The counts, then the last seq, then the texts. */
static const char *const counts_sql[] = {
    " sum(CASE WHEN decision IS NOT NULL THEN max(coalesce(count, 1), 1)",
    " ELSE coalesce(count, 0) END),",
    " sum(" DECISION_IS("allow") "), sum(" DECISION_IS("rewrite") "),",
    " sum(CASE WHEN " DECISION_IS("refuse") " THEN max(coalesce(count, 1), 1)",
    " WHEN decision IS NULL THEN coalesce(count, 0) ELSE 0 END),",
    " sum(" OUTCOME_IS("created") "),",
    " sum(CASE WHEN " CAME_TO_SOMETHING " AND " RUNS " THEN coalesce(run_s, 0) ELSE 0 END),",
    " max(seq)",
};

static void build(const struct gathering *g, const char *where, struct buf *sql)
{
    buf_add_str(sql, "SELECT");
    for (size_t i = 0; i < ARRAY_LEN(counts_sql); i++)
        buf_add_str(sql, counts_sql[i]);
    for (size_t i = 0; i < g->by_count; i++)
        buf_printf(sql, ", %s", rows[g->by[i]].select);
    buf_add_str(sql, " FROM exchange");
    buf_add_str(sql, where);
    buf_add_str(sql, " GROUP BY ");
    for (size_t i = 0; i < g->by_count; i++)
        buf_printf(sql, "%s%s", i == 0 ? "" : ", ", columns[g->by[i]]);
    buf_add_byte(sql, '\0');
}

static enum status take_row(struct gathering *g, sqlite3_stmt *stmt, struct err *err)
{
    struct view texts[BY_COUNT] = {VIEW_NONE};
    struct audit_group group = {.counts = {
                                    .asked = sqlite3_column_int64(stmt, 0),
                                    .allowed = sqlite3_column_int64(stmt, 1),
                                    .rewritten = sqlite3_column_int64(stmt, 2),
                                    .refused = sqlite3_column_int64(stmt, 3),
                                    .created = sqlite3_column_int64(stmt, 4),
                                    .run_s = sqlite3_column_int64(stmt, 5),
                                }};
    char day[CLOCK_TEXT_BYTES];

    for (size_t i = 0; i < g->by_count; i++) {
        int column = (int)i + 7;

        if (g->by[i] == BY_DAY)
            texts[i] = view_of(
                clock_format(sqlite3_column_int64(stmt, column) * 86400000000, day).ptr, DAY_BYTES);
        else
            texts[i] = sql_text(stmt, column);
    }
    add_counts(&g->total, &group.counts);
    return spread(g, texts, 0, &group, sqlite3_column_int64(stmt, 6), err);
}

static enum status gather(struct gathering *g, const struct audit_filter *filter, struct err *err)
{
    struct buf where, sql;
    sqlite3_stmt *stmt = NULL;
    int step = SQLITE_DONE;
    enum status status;

    buf_init(&where, SQL_BYTES);
    buf_init(&sql, (size_t)SQL_BYTES * 2);
    status = where_build(g->index->db, filter, &where, err);
    buf_add_byte(&where, '\0');
    if (status == STATUS_OK && where.failed == STATUS_OK)
        build(g, where.ptr, &sql);
    if (status == STATUS_OK && (where.failed != STATUS_OK || sql.failed != STATUS_OK))
        status = err_set(err, STATUS_NOMEM, "memory is out");
    if (status == STATUS_OK)
        status = sql_prepare(g->index->db, sql.ptr, &stmt, err);
    if (status == STATUS_OK)
        where_bind(stmt, filter);
    while (status == STATUS_OK && (step = sqlite3_step(stmt)) == SQLITE_ROW)
        status = take_row(g, stmt, err);
    if (status == STATUS_OK && step != SQLITE_DONE)
        status = sql_failed(g->index->db, "answer", err);
    (void)sqlite3_finalize(stmt);
    buf_done(&where);
    buf_done(&sql);
    return status;
}

static int by_weight(const void *left, const void *right)
{
    const struct audit_group *a = left, *b = right;
    int order = (a->counts.run_s < b->counts.run_s) - (a->counts.run_s > b->counts.run_s);

    if (order == 0)
        order = (a->counts.asked < b->counts.asked) - (a->counts.asked > b->counts.asked);
    for (size_t i = 0; i < BY_COUNT && order == 0; i++)
        order = view_cmp(a->keys[i], b->keys[i]);
    return order != 0 ? order : view_cmp(a->user_domain, b->user_domain);
}

static enum status sorted(const struct gathering *g, struct audit_summary *ret, struct err *err)
{
    struct audit_group *groups = arena_array(g->arena, g->count + 1, sizeof *groups);
    size_t count = 0;

    if (groups == NULL)
        return err_set(err, STATUS_LIMIT, "more groups than fit into memory");
    for (size_t i = 0; i < BUCKETS; i++) {
        for (const struct node *node = g->buckets[i]; node != NULL; node = node->next)
            groups[count++] = node->group;
    }
    qsort(groups, count, sizeof *groups, by_weight);
    *ret = (struct audit_summary){groups, count, g->total};
    return STATUS_OK;
}

/* NOLINTNEXTLINE(readability-function-size): seven parameters */
enum status audit_summarize(struct audit_index *index, const struct audit_filter *filter,
                            const struct audit_grouping *grouping, struct arena *arena,
                            struct audit_summary *ret, struct err *err)
{
    struct gathering g = {
        .index = index, .by = grouping->by, .by_count = grouping->count, .arena = arena};
    enum status status;

    /* NOLINTNEXTLINE(bugprone-sizeof-expression): an array of pointers */
    g.buckets = arena_array(arena, BUCKETS, sizeof *g.buckets);
    if (g.buckets == NULL)
        return err_set(err, STATUS_NOMEM, "memory is out");
    status = gather(&g, filter, err);
    return status == STATUS_OK ? sorted(&g, ret, err) : status;
}
