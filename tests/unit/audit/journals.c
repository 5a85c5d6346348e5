/* SPDX-License-Identifier: Apache-2.0 */
#include "journals.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/digest.h"
#include "journal/segment.h"

static const int64_t start_us = 1750000000000000;

uint64_t made_draw(struct made *m, uint64_t below)
{
    m->random ^= m->random << 13;
    m->random ^= m->random >> 7;
    m->random ^= m->random << 17;
    return m->random % below;
}

static void path_of(const struct made *m, uint64_t segment, char out[160])
{
    char name[SEGMENT_NAME_BYTES];

    segment_name_format(segment, name);
    (void)snprintf(out, 160, "%s/%s", m->directory, name);
}

void made_bytes(struct made *m, const char *bytes)
{
    char path[160];
    int fd;

    path_of(m, m->segment, path);
    fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, strlen(bytes)), strlen(bytes));
    (void)close(fd);
}

void made_line(struct made *m, const char *members)
{
    char line[4096], time[CLOCK_TEXT_BYTES];
    int64_t jitter = (int64_t)made_draw(m, 20000000); /* lines are a little out of order */
    int len;

    m->seq++;
    (void)clock_format(start_us + (int64_t)(m->seq % 1000000) * 60000000 + jitter, time);
    len =
        snprintf(line, sizeof line, "{\"v\":1,\"seq\":%llu,\"prev\":\"%.64s\",\"time\":\"%s\",%s\n",
                 (unsigned long long)m->seq, m->prev, time, members);
    assert_true(len > 0 && (size_t)len < sizeof line);
    digest_sha256_hex(view_of(line, (size_t)len - 1), m->prev);
    made_bytes(m, line);
}

void made_rotate(struct made *m)
{
    assert_true(m->segment_count < ARRAY_LEN(m->segments));
    m->segment = m->seq + 1;
    m->segments[m->segment_count++] = m->segment;
    made_line(m, "\"event\":\"checkpoint\",\"open\":[]}");
}

void made_retire(struct made *m)
{
    char path[160];

    if (m->segment_count < 2)
        return;
    path_of(m, m->segments[0], path);
    assert_int_equal(unlink(path), 0);
    m->segment_count--;
    memmove(m->segments, m->segments + 1, m->segment_count * sizeof m->segments[0]);
}

void made_cut(struct made *m, size_t bytes)
{
    struct stat stat_of;
    char path[160];

    path_of(m, m->segment, path);
    assert_int_equal(stat(path, &stat_of), 0);
    assert_int_equal(
        truncate(path, (size_t)stat_of.st_size > bytes ? stat_of.st_size - (off_t)bytes : 0), 0);
}

void made_new(struct made *m, uint64_t seed)
{
    *m = (struct made){.random = seed * 0x9e3779b97f4a7c15u + 1};
    (void)snprintf(m->root, sizeof m->root, "/tmp/audit-test-XXXXXX");
    assert_non_null(mkdtemp(m->root));
    (void)snprintf(m->directory, sizeof m->directory, "%s/journal", m->root);
    (void)snprintf(m->index, sizeof m->index, "%s.index", m->directory);
    assert_int_equal(mkdir(m->directory, 0700), 0);
    m->ids = 100; /* digests of ids are 64 bits: 0 and 1 have the same */
    memset(m->prev, '0', 64);
    made_rotate(m);
}

/* Everything below the folder and itself; each gets the path. */
static void walk(const char *path, void (*each)(const char *path, bool folder, void *user),
                 void *user)
{
    DIR *folder = opendir(path);
    const struct dirent *entry;

    assert_non_null(folder);
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): a folder of its own */
    while ((entry = readdir(folder)) != NULL) {
        char below[320];

        if (entry->d_name[0] == '.')
            continue;
        (void)snprintf(below, sizeof below, "%.60s/%.250s", path, entry->d_name);
        if (entry->d_type == DT_DIR)
            walk(below, each, user);
        else
            each(below, false, user);
    }
    (void)closedir(folder);
    each(path, true, user);
}

static void remove_one(const char *path, bool folder, void *user)
{
    (void)user;
    assert_int_equal(folder ? rmdir(path) : unlink(path), 0);
}

void made_remove(struct made *m)
{
    walk(m->root, remove_one, NULL);
}

static void set_mode(const char *path, bool folder, void *user)
{
    const bool *writable = user;

    assert_int_equal(chmod(path, (folder ? 0555 : 0444) | (*writable ? 0200 : 0)), 0);
}

void made_set_writable(struct made *m, bool writable)
{
    walk(m->root, set_mode, &writable);
}

static const char *pick(struct made *m, const char *const *list, size_t count)
{
    return list[made_draw(m, count)];
}
#define PICK(m, list) pick((m), (list), ARRAY_LEN(list))

static const char *const users[] = {"\"user\":{\"id\":\"u1\",\"name\":\"ann\"},",
                                    "\"user\":{\"id\":\"u2\",\"name\":\"bob\"},",
                                    "\"user\":{\"id\":\"u3\",\"name\":\"ann\"},",
                                    "\"user\":{\"name\":\"b\\u00f6rge\"},",
                                    "\"user\":{\"id\":\"u2\"},",
                                    ""};
static const char *const operations_of[] = {
    "\"operation\":\"demanager.create\",\"class\":\"create\",",
    "\"operation\":\"notebooks.create\",\"class\":\"create\",",
    "\"operation\":\"notebooks.start\",\"class\":\"start\",",
    "\"operation\":\"notebooks.lease\",\"class\":\"change\",", ""};
static const char *const flavors[] = {"v100.1", "v100.8", "cpu.2u", "a*b"};
static const char *const policies[] = {"[\"gpu\"]", "[\"gpu\",\"cpu\"]", "[]",
                                       "[\"base\",\"gpu\"]"};
static const char *const reasons[] = {"[{\"code\":\"flavor.denied\"}]",
                                      "[{\"code\":\"quota.full\"},{\"code\":\"flavor.denied\"}]",
                                      "[{\"code\":\"hours.capped\",\"policy\":\"gpu\"}]"};
static const char *const outcomes[] = {"created", "done", "failed", "unknown", "refused"};

static void request_line(struct made *m, const char *event, unsigned id)
{
    char line[2048], instance[256] = "", flavor[64] = "";
    bool refusal = strcmp(event, "refusal") == 0;

    if (made_draw(m, 3) > 0)
        (void)snprintf(flavor, sizeof flavor, ",\"flavor\":\"%s\"", PICK(m, flavors));
    if (made_draw(m, 4) > 0)
        (void)snprintf(instance, sizeof instance,
                       "\"instance\":{\"name\":\"n%u\"%s,\"auto_stop_s\":%u},",
                       (unsigned)made_draw(m, 8), flavor, 600 * (unsigned)made_draw(m, 9));
    if (strcmp(event, "orphan") == 0)
        (void)snprintf(instance, sizeof instance, "\"instance\":{\"id\":\"i%u\"},",
                       (unsigned)made_draw(m, 20));
    (void)snprintf(
        line, sizeof line,
        "\"event\":\"%s\",\"id\":\"%032x\",%s\"project\":\"p%u\",%s%s\"decision\":\"%s\","
        "\"policies\":%s,\"reasons\":%s}",
        event, id, PICK(m, operations_of), (unsigned)made_draw(m, 3), PICK(m, users), instance,
        refusal           ? "refuse"
        : made_draw(m, 2) ? "allow"
                          : "rewrite",
        PICK(m, policies), refusal ? PICK(m, reasons) : "[]");
    made_line(m, line);
}

static void later_line(struct made *m, const char *event, unsigned id)
{
    char line[1024], flavor[64] = "";

    if (made_draw(m, 3) == 0)
        (void)snprintf(flavor, sizeof flavor, ",\"flavor\":\"%s\"", PICK(m, flavors));
    (void)snprintf(line, sizeof line,
                   "\"event\":\"%s\",\"id\":\"%032x\",%s%s\"instance\":{\"id\":\"i%u\"%s},"
                   "\"outcome\":\"%s\"%s}",
                   event, id, PICK(m, operations_of), PICK(m, users), (unsigned)made_draw(m, 20),
                   flavor, PICK(m, outcomes), made_draw(m, 9) == 0 ? ",\"error\":\"gone\"" : "");
    made_line(m, line);
}

/* Ids come back for a while, as outcomes and what settles them do. */
static unsigned recent(struct made *m)
{
    return m->ids - (unsigned)made_draw(m, m->ids < 40 ? m->ids + 1 : 40);
}

void made_lines(struct made *m, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        switch (made_draw(m, 12)) {
        case 0:
            request_line(m, "refusal", ++m->ids);
            break;
        case 1:
            request_line(m, "orphan", ++m->ids);
            break;
        case 2:
            made_line(m, "\"event\":\"refusal\",\"count\":7}");
            break;
        case 3:
            made_line(m, "\"event\":\"admin\",\"id\":\"x\",\"actor\":\"uid:0\"}");
            break;
        case 4:
        case 5:
            later_line(m, "settled", recent(m));
            break;
        case 6:
        case 7:
        case 8:
            later_line(m, "outcome", recent(m));
            break;
        default:
            request_line(m, "intent", ++m->ids);
            break;
        }
        if (made_draw(m, 60) == 0 && m->segment_count < 30)
            made_rotate(m);
    }
}

void made_leaps(struct made *m, size_t count, uint64_t more)
{
    for (size_t i = 0; i < count; i++) {
        m->seq += more;
        request_line(m, "refusal", ++m->ids);
        m->seq -= more;
    }
}

void made_random_filter(struct made *m, struct audit_filter *ret)
{
    static const char *const wanted_users[] = {"ann", "u2", "b*", "*", "none"};
    static const char *const wanted_flavors[] = {"v100.*", "cpu.2u", "a*b", "*8", "x"};
    static const char *const wanted_reasons[] = {"flavor.denied", "*.full", "h*", "flavor.*"};
    static const char *const wanted_policies[] = {"gpu", "*pu", "base", "b*e"};
    static const char *const wanted_instances[] = {"n3", "i7", "n*", "*", "i1", "n[0-9]*", "?*"};
    static const char *const wanted_operations[] = {"notebooks.*", "demanager.create"};
    int64_t width = (int64_t)m->seq * 60000000;

    *ret = audit_filter_all();
    if (made_draw(m, 3) == 0)
        ret->user = view_str(PICK(m, wanted_users));
    if (made_draw(m, 4) == 0)
        ret->flavor = view_str(PICK(m, wanted_flavors));
    if (made_draw(m, 5) == 0)
        ret->reason = view_str(PICK(m, wanted_reasons));
    if (made_draw(m, 5) == 0)
        ret->policy = view_str(PICK(m, wanted_policies));
    if (made_draw(m, 4) == 0)
        ret->instance = view_str(PICK(m, wanted_instances));
    if (made_draw(m, 6) == 0)
        ret->operation = view_str(PICK(m, wanted_operations));
    if (made_draw(m, 6) == 0)
        ret->outcome = view_str(PICK(m, outcomes));
    if (made_draw(m, 6) == 0)
        ret->decision = VIEW("allow");
    if (made_draw(m, 9) == 0)
        ret->project = VIEW("p1");
    if (made_draw(m, 9) == 0)
        ret->class = VIEW("create");
    if (made_draw(m, 3) == 0)
        ret->period.from_us = start_us + (int64_t)made_draw(m, (uint64_t)width + 1);
    if (made_draw(m, 3) == 0)
        ret->period.until_us = start_us + (int64_t)made_draw(m, (uint64_t)width + 1);
}

/* ---- the same without an index ---- */

enum { BEHIND = 8, LINES = 60000 };

/* seq 0: it can't be read. */
struct scan_lines {
    struct audit_line list[LINES];
    size_t count;
};

static void scan_line(struct scan *s, const struct audit_line *line)
{
    struct audit_line kept = *line;
    struct view event, id;
    struct row row;
    const char *why;
    size_t at = s->count;

    assert_int_equal(row_read(line->text, &s->arena, &row, &why), STATUS_OK);
    event = row_text(&row, ROW_EVENT);
    id = row_text(&row, ROW_ID);
    if (view_eq(event, VIEW("outcome")) || view_eq(event, VIEW("settled"))) {
        while (at > 0 && (id.len == 0 || !view_eq(view_str(s->ids[at - 1]), id)))
            at--;
        at = at > 0 ? at - 1 : s->count;
    } else if (!view_eq(event, VIEW("intent")) && !view_eq(event, VIEW("refusal")) &&
               !view_eq(event, VIEW("orphan"))) {
        return;
    }
    if (at == s->count) {
        assert_true(s->count < ARRAY_LEN(s->list));
        s->list[at] = (struct audit_exchange){.seq = row.seq, .settled = s->settled[at]};
        (void)snprintf(s->ids[at], sizeof s->ids[at], "%.*s", VIEW_ARGS(id));
        s->count++;
    }
    if (view_eq(event, VIEW("outcome")) && s->list[at].outcome.text.ptr == NULL)
        s->list[at].outcome = kept;
    else if (view_eq(event, VIEW("outcome")) || view_eq(event, VIEW("settled")))
        s->settled[at][s->list[at].settled_count++] = kept;
    else
        s->list[at].request = kept;
    assert_true(s->list[at].settled_count < SETTLED);
}

/* Whether taking that line loses one of those behind it in its segment, or it belongs elsewhere. */
static bool is_out_of_order(const struct scan_lines *lines, size_t at, uint64_t last, uint64_t next)
{
    uint64_t seq = lines->list[at].seq, segment = lines->list[at].at.segment;

    if (seq <= last || seq >= next)
        return true;
    for (size_t i = at + 1; i < lines->count && i <= at + BEHIND && seq > last + 1; i++) {
        if (lines->list[i].at.segment == segment && lines->list[i].seq > last &&
            lines->list[i].seq <= seq)
            return true;
    }
    return false;
}

static void scan_lines(const struct made *m, struct scan *s, struct scan_lines *ret)
{
    struct trail *trail;
    struct trail_line line;
    struct err err;

    ret->count = 0;
    assert_int_equal(trail_open(m->directory, &trail, &err), STATUS_OK);
    while (trail_next(trail, &line, &err) == TRAIL_LINE) {
        struct row row;
        const char *why;
        bool read = line.whole && row_read(line.text, &s->arena, &row, &why) == STATUS_OK;

        assert_true(ret->count < LINES);
        ret->list[ret->count++] =
            (struct audit_line){arena_copy(&s->arena, line.text), line.at, read ? row.seq : 0};
    }
    trail_close(&trail);
}

static uint64_t segment_behind(const struct made *m, uint64_t segment)
{
    for (size_t i = 0; i < m->segment_count; i++) {
        if (m->segments[i] > segment)
            return m->segments[i];
    }
    return UINT64_MAX;
}

void scan_read(const struct made *m, struct scan *ret)
{
    static struct scan_lines lines;
    uint64_t segment = 0, last = 0;

    ret->count = ret->damaged = 0;
    arena_init(&ret->arena, 1 << 20, (size_t)1 << 30);
    scan_lines(m, ret, &lines);
    for (size_t i = 0; i < lines.count; i++) {
        const struct audit_line *line = &lines.list[i];

        if (line->at.segment != segment)
            last = line->at.segment - 1;
        segment = line->at.segment;
        if (is_out_of_order(&lines, i, last, segment_behind(m, segment))) {
            ret->damaged++;
            continue;
        }
        last = line->seq;
        scan_line(ret, line);
    }
}

void scan_done(struct scan *scan)
{
    arena_done(&scan->arena);
}

static bool passes(struct view wanted, struct view text)
{
    return wanted.ptr == NULL || (text.len > 0 && audit_matches(wanted, text));
}

static bool list_passes(struct view wanted, struct view list)
{
    struct view element;

    while (audit_list_next(&list, &element)) {
        if (passes(wanted, element))
            return true;
    }
    return wanted.ptr == NULL;
}

bool scan_passes(const struct audit_exchange *exchange, const struct audit_filter *f)
{
    struct audit_told told;
    struct arena arena;
    bool star = f->instance.ptr != NULL && memchr(f->instance.ptr, '*', f->instance.len) != NULL;
    bool result;

    arena_init(&arena, 4096, 1 << 20);
    assert_int_equal(audit_tell(exchange, &arena, &told), STATUS_OK);
    result = (passes(f->user, told.user_id) || passes(f->user, told.user_name)) &&
             passes(f->project, told.project) && passes(f->flavor, told.flavor) &&
             (passes(f->instance, told.name) || (!star && passes(f->instance, told.instance))) &&
             passes(f->operation, told.operation) && passes(f->class, told.class) &&
             passes(f->decision, told.decision) && passes(f->outcome, told.outcome) &&
             list_passes(f->reason, told.reasons) && list_passes(f->policy, told.policies) &&
             period_has(&f->period, told.time_us);
    arena_done(&arena);
    return result;
}

struct audit_index *made_open(const struct made *m)
{
    const struct audit_index_settings settings = {.directory = m->directory};
    struct audit_index *index = NULL;
    struct err err;

    if (audit_index_open(&settings, &index, &err) != STATUS_OK)
        fail_msg("%s", err.text);
    assert_string_equal(audit_index_note(index), "");
    return index;
}

struct checking {
    const struct scan *scan;
    const struct audit_filter *filter;
    bool oldest_first;
    size_t looked, taken; /* exchanges of the scan, and of the page */
};

/* The next exchange that has to come; NULL: none. */
static const struct audit_exchange *next_wanted(struct checking *c)
{
    while (c->looked < c->scan->count) {
        size_t at = c->oldest_first ? c->looked : c->scan->count - 1 - c->looked;

        c->looked++;
        if (scan_passes(&c->scan->list[at], c->filter))
            return &c->scan->list[at];
    }
    return NULL;
}

static void check_line(const struct audit_line *got, const struct audit_line *want)
{
    assert_view_eq(got->text, want->text);
    assert_int_equal(got->seq, want->seq);
    assert_int_equal(got->at.segment, want->at.segment);
    assert_int_equal(got->at.offset, want->at.offset);
}

static bool check(void *user, const struct audit_exchange *got)
{
    struct checking *c = user;
    const struct audit_exchange *want = next_wanted(c);

    assert_non_null(want);
    c->taken++;
    assert_int_equal(got->seq, want->seq);
    check_line(&got->request, &want->request);
    check_line(&got->outcome, &want->outcome);
    assert_int_equal(got->settled_count, want->settled_count);
    for (size_t i = 0; i < want->settled_count; i++)
        check_line(&got->settled[i], &want->settled[i]);
    return true;
}

static void check_filter(struct made *m, struct audit_index *index, const struct scan *scan,
                         const struct audit_filter *filter)
{
    struct checking checking = {.scan = scan, .filter = filter, .oldest_first = made_draw(m, 2)};
    const struct audit_taker taker = {check, &checking};
    struct audit_page page = {.limit = 1 + made_draw(m, 150),
                              .oldest_first = checking.oldest_first};
    struct err err;

    do {
        uint64_t next = 1;

        checking.taken = 0;
        if (audit_query(index, filter, &page, &taker, &next, &err) != STATUS_OK)
            fail_msg("%s", err.text);
        assert_true(next == 0 || checking.taken == page.limit);
        page.before = next;
    } while (page.before != 0);
    assert_null(next_wanted(&checking));
}

void made_compare(struct made *m, unsigned filters)
{
    static struct scan scan;
    struct audit_index *index = made_open(m);

    scan_read(m, &scan);
    assert_int_equal(audit_index_damaged(index), scan.damaged);
    for (unsigned i = 0; i < filters; i++) {
        struct audit_filter filter = audit_filter_all();

        if (i > 0)
            made_random_filter(m, &filter);
        check_filter(m, index, &scan, &filter);
    }
    scan_done(&scan);
    audit_index_close(&index);
}
