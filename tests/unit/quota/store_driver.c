/* SPDX-License-Identifier: Apache-2.0
 * One gateway's store of quotas, driven by lines on stdin, for tests that let several of them share
 * one database:
 *   store_driver URL NAME LIMIT TIMEOUT_MS LEASE_MS DEADLINE_MS MUST_SCAN
 *   store_driver init URL
 * Commands: reserve ID USER NAME, free ID USER NAME (no enforced quota), abandon ID,
 * settle ID FATE [INSTANCE], scanned, state, list, end. Each answer is one line; those of reserve
 * come when they come. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "quota/store.h"

enum { ASKS_MAX = 4096, WORDS_MAX = 8, LINE_BYTES = 4096 };

struct asking {
    char id[64], user[64], name[64];
    struct ledger_ask ask;
    struct arena arena;
    struct quota_ticket *ticket; /* while it waits */
};

struct driver {
    struct quota_store *store;
    struct quota_mailbox *mailbox;
    struct policy_set *set;
    struct quota_demand demands[2];
    size_t demand_count;
    int wake_fd;
    struct asking *asks[ASKS_MAX];
    size_t ask_count;
    bool ends;
};

static void wake(void *user)
{
    const struct driver *driver = user;
    uint64_t one = 1;

    if (write(driver->wake_fd, &one, sizeof one) < 0)
        abort();
}

static void say(const char *id, enum quota_answer answer, const struct reason *reasons,
                size_t count)
{
    if (answer == QUOTA_GRANTED)
        (void)printf("granted %s\n", id);
    else
        (void)printf("refused %s %s\n", id, count == 0 ? "?" : reasons[0].row->code);
}

static void answered(void *user, enum quota_answer answer, const struct reason *reasons,
                     size_t count)
{
    struct asking *asking = user;

    asking->ticket = NULL;
    say(asking->id, answer, reasons, count);
}

static void foreign(void *user, const struct ledger_item *item, bool gone)
{
    (void)user;
    (void)printf("foreign %.*s %s\n", VIEW_ARGS(item->id),
                 gone ? "gone" : ledger_state_name(item->state));
}

static void reserve(struct driver *driver, char **words, bool checked)
{
    struct asking *asking = calloc(1, sizeof *asking);
    const struct reason *reasons = NULL;
    enum quota_answer answer;
    size_t count = 0;

    if (asking == NULL || driver->ask_count == ASKS_MAX)
        abort();
    driver->asks[driver->ask_count++] = asking;
    (void)snprintf(asking->id, sizeof asking->id, "%s", words[1]);
    (void)snprintf(asking->user, sizeof asking->user, "%s", words[2]);
    (void)snprintf(asking->name, sizeof asking->name, "%s", words[3]);
    arena_init(&asking->arena, 1024, 65536);
    asking->ask = (struct ledger_ask){
        .item = {.id = view_str(asking->id),
                 .op = &operations[OP_DEMANAGER_CREATE],
                 .time_us = clock_now_us(),
                 .settle_after_us = clock_now_us() + 1000000,
                 .project = VIEW("p"),
                 .user_id = view_str(asking->user),
                 .flavor = VIEW("f"),
                 .name = view_str(asking->name),
                 .run_s = -1,
                 .running = true,
                 .claimed = true},
        .demands = driver->demands,
        .demand_count = checked ? driver->demand_count : 0,
        .enforced = true,
        .take = true,
    };
    answer = quota_reserve(driver->mailbox, &asking->ask, asking, &asking->arena, &reasons, &count,
                           &asking->ticket);
    if (answer != QUOTA_WAITS)
        say(asking->id, answer, reasons, count);
}

static void abandon(struct driver *driver, const char *id)
{
    for (size_t i = 0; i < driver->ask_count; i++) {
        struct asking *asking = driver->asks[i];

        if (strcmp(asking->id, id) != 0 || asking->ticket == NULL)
            continue;
        quota_abandon(asking->ticket);
        asking->ticket = NULL;
    }
    (void)printf("abandoned %s\n", id);
}

static void settle(struct driver *driver, char **words)
{
    static const char *const names[] = {"created", "done", "nothing", "held"};

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (strcmp(words[2], names[i]) == 0)
            quota_settle(driver->store, view_str(words[1]), (enum ledger_fate)i,
                         view_str(words[3]));
    }
    (void)printf("settled %s\n", words[1]);
}

static void state(struct driver *driver)
{
    struct quota_state s;

    quota_get_state(driver->store, &s);
    (void)printf("state {\"kind\": \"%s\", \"available\": %s, \"waits\": %s, \"reserved\": %llu, "
                 "\"unknown\": %llu, \"existing\": %llu, \"granted\": %llu, \"refused\": %llu, "
                 "\"unavailable\": %llu, \"retries\": %llu, \"lease\": %s}\n",
                 s.kind, s.available ? "true" : "false", s.waits_for_scan ? "true" : "false",
                 (unsigned long long)s.counts.reserved, (unsigned long long)s.counts.unknown,
                 (unsigned long long)s.counts.existing, (unsigned long long)s.granted,
                 (unsigned long long)s.refused, (unsigned long long)s.unavailable,
                 (unsigned long long)s.retries,
                 quota_send_before_us(driver->store) > 0 ? "true" : "false");
}

static bool list_one(void *user, const struct ledger_item *item)
{
    (void)user;
    (void)printf(" %.*s=%s@%.*s", VIEW_ARGS(item->id), ledger_state_name(item->state),
                 VIEW_ARGS(item->gateway));
    return true;
}

static void obey(struct driver *driver, char *line)
{
    char *words[WORDS_MAX] = {0}, *rest = line;

    for (size_t i = 0; i < WORDS_MAX && (words[i] = strtok_r(i == 0 ? line : NULL, " \n", &rest));
         i++)
        ;
    if (words[0] == NULL)
        return;
    if (strcmp(words[0], "end") == 0) {
        driver->ends = true;
    } else if (strcmp(words[0], "reserve") == 0 || strcmp(words[0], "free") == 0) {
        reserve(driver, words, words[0][0] == 'r');
    } else if (strcmp(words[0], "abandon") == 0 && words[1] != NULL) {
        abandon(driver, words[1]);
    } else if (strcmp(words[0], "settle") == 0 && words[1] != NULL && words[2] != NULL) {
        settle(driver, words);
    } else if (strcmp(words[0], "scanned") == 0) {
        quota_scanned(driver->store);
        (void)printf("scanned\n");
    } else if (strcmp(words[0], "state") == 0) {
        state(driver);
    } else if (strcmp(words[0], "list") == 0) {
        (void)printf("list");
        quota_each(driver->store, list_one, NULL);
        (void)printf("\n");
    }
}

static void read_lines(struct driver *driver)
{
    static char pending[LINE_BYTES];
    static size_t len;
    ssize_t got = read(STDIN_FILENO, pending + len, sizeof pending - len - 1);
    char *end;

    if (got <= 0) {
        driver->ends = true;
        return;
    }
    len += (size_t)got;
    while ((end = memchr(pending, '\n', len)) != NULL) {
        size_t used = (size_t)(end - pending) + 1;
        char line[LINE_BYTES];

        memcpy(line, pending, used);
        line[used] = '\0';
        obey(driver, line);
        len -= used;
        memmove(pending, pending + used, len);
    }
}

static void load_policies(struct driver *driver, const char *limit)
{
    static struct diag diag;
    struct arena arena;
    struct buf text;
    const struct quota *const *quotas;
    size_t count;

    buf_init(&text, 4096);
    buf_printf(&text,
               "version: 1\npolicies:\n  - name: a\n    quotas:\n      - {name: q, limit: %s}\n",
               limit);
    arena_init(&arena, 4096, 1 << 20);
    diag_init(&diag, &arena);
    if (policy_set_load(&(struct policy_file){"p.yaml", buf_view(&text)}, 1,
                        &(struct policy_options){0}, &diag, &driver->set) != STATUS_OK)
        abort();
    buf_done(&text);
    arena_done(&arena);
    quotas = policy_set_quotas(driver->set, &count);
    for (size_t i = 0; i < count; i++)
        driver->demands[driver->demand_count++] =
            (struct quota_demand){.quota = quotas[i], .enforced = true};
}

static int run_init(const char *url)
{
    struct buf what;
    struct err err;
    enum status status;

    buf_init(&what, 4096);
    status = quota_store_init(url, &what, &err);
    if (status == STATUS_OK)
        (void)printf("%.*s", VIEW_ARGS(buf_view(&what)));
    else
        (void)printf("error %s\n", err.text);
    buf_done(&what);
    return status == STATUS_OK ? 0 : 1;
}

static void serve(struct driver *driver)
{
    while (!driver->ends) {
        struct pollfd fds[] = {{.fd = STDIN_FILENO, .events = POLLIN},
                               {.fd = driver->wake_fd, .events = POLLIN}};
        uint64_t count;

        (void)fflush(stdout);
        if (poll(fds, ARRAY_LEN(fds), -1) < 0)
            continue;
        if (fds[1].revents != 0 && read(driver->wake_fd, &count, sizeof count) > 0)
            quota_collect(driver->mailbox, answered);
        if (fds[0].revents != 0)
            read_lines(driver);
    }
}

int main(int argc, char **argv)
{
    static struct driver driver;
    struct quota_settings settings = {.count_orphans = true};
    struct err err;

    if (argc == 3)
        return run_init(argv[2]);
    if (argc != 8)
        return 2;
    settings.url = strcmp(argv[1], "local") == 0 ? NULL : argv[1];
    settings.gateway = argv[2];
    load_policies(&driver, argv[3]);
    settings.timeout_ms = strtol(argv[4], NULL, 10);
    settings.lease_ms = strtol(argv[5], NULL, 10);
    settings.deadline_ms = strtol(argv[6], NULL, 10);
    settings.must_scan = strcmp(argv[7], "1") == 0;
    driver.wake_fd = eventfd(0, EFD_NONBLOCK);
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    if (quota_store_open(&settings, driver.set, &driver.store, &err) != STATUS_OK) {
        (void)printf("error %s\n", err.text);
        return 1;
    }
    quota_on_foreign(driver.store, foreign, NULL);
    driver.mailbox = quota_mailbox_new(driver.store, wake, &driver);
    if (driver.mailbox == NULL)
        return 1;
    serve(&driver);
    quota_mailbox_free(&driver.mailbox);
    quota_store_close(&driver.store);
    for (size_t i = 0; i < driver.ask_count; i++) {
        arena_done(&driver.asks[i]->arena);
        free(driver.asks[i]);
    }
    policy_set_unref(&driver.set);
    (void)close(driver.wake_fd);
    (void)printf("ended\n");
    return 0;
}
