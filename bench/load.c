/* SPDX-License-Identifier: Apache-2.0
 * A load generator for HTTP/1.1 proxies: one thread, a closed loop (each connection sends its next
 * request when it has the answer), as many requests as asked for. It reads whole answers, counts
 * what isn't 2xx, and prints one JSON line. Only answers with a Content-Length are understood,
 * which is all that the comparison needs. A run that hangs is ended by --timeout. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    CONNECTIONS_MAX = 4000,
    REQUESTS_MAX = 10000000,
    TEMPLATES_MAX = 8,
    HEAD_MAX = 16384,
    READ_BYTES = 262144,
    EVENTS = 256,
    MARK_DIGITS = 12
};

/* Twelve of these in a request become a number that no other request of the run has. */
static const char mark[] = "@@@@@@@@@@@@";

struct template
{
    char *bytes;
    size_t len;
    char *digits; /* within bytes; NULL: every request is the same */
};

struct conn {
    int fd;
    uint64_t sent_ns;
    struct template *request; /* NULL: idle */
    char head[HEAD_MAX];
    size_t head_len;
    bool in_body;
    uint64_t body_left;
};

struct load {
    struct sockaddr_in to;
    struct template templates[TEMPLATES_MAX];
    size_t template_count;
    struct conn *conns;
    unsigned long connections, requests, first;
    bool hold;
    int epoll;
    unsigned long started, finished, bad;
    uint64_t bytes;
    uint32_t *latency_ns; /* of each request */
};

static char read_buffer[READ_BYTES];

static _Noreturn void give_up(const char *what)
{
    (void)fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
    exit(1);
}

static uint64_t now_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

static void template_read(struct template *t, const char *path)
{
    struct stat info;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0 || fstat(fd, &info) != 0)
        give_up(path);
    t->len = (size_t)info.st_size;
    t->bytes = malloc(t->len + 1);
    if (t->bytes == NULL || read(fd, t->bytes, t->len) != info.st_size)
        give_up(path);
    t->bytes[t->len] = '\0';
    t->digits = strstr(t->bytes, mark);
    (void)close(fd);
}

static void conn_open(struct load *l, struct conn *c)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    int one = 1;

    memset(c, 0, sizeof *c);
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&l->to, sizeof l->to) != 0)
        give_up("connect");
    if (fcntl(c->fd, F_SETFL, O_NONBLOCK) != 0 ||
        setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) != 0 ||
        epoll_ctl(l->epoll, EPOLL_CTL_ADD, c->fd, &event) != 0)
        give_up("connection");
}

static void put_number(char *digits, unsigned long number)
{
    static const char hex[] = "0123456789abcdef";

    for (int i = MARK_DIGITS; i-- > 0; number >>= 4)
        digits[i] = hex[number & 15];
}

/* Loopback takes a whole request at once; one that doesn't fit is a fault of the set-up. */
static void conn_send(struct load *l, struct conn *c)
{
    struct template *t = &l->templates[l->started % l->template_count];

    if (t->digits != NULL)
        put_number(t->digits, l->first + l->started);
    l->started++;
    c->request = t;
    c->head_len = 0;
    c->in_body = false;
    c->sent_ns = now_ns();
    if (send(c->fd, t->bytes, t->len, MSG_NOSIGNAL) != (ssize_t)t->len)
        give_up("send");
}

static void conn_lost(struct load *l, struct conn *c)
{
    bool waited = c->request != NULL;

    (void)close(c->fd);
    if (l->hold)
        give_up("a connection was closed");
    conn_open(l, c);
    if (!waited)
        return;
    l->bad++;
    l->latency_ns[l->finished++] = UINT32_MAX;
    if (l->started < l->requests)
        conn_send(l, c);
}

static void conn_finish(struct load *l, struct conn *c)
{
    uint64_t took = now_ns() - c->sent_ns;

    l->latency_ns[l->finished++] = took < UINT32_MAX ? (uint32_t)took : UINT32_MAX;
    c->request = NULL;
    if (l->started == l->requests)
        return;
    /* Connections that are to idle afterwards have one request each, one after the other: so that
     * the proxy needs no crowd of connections to its upstream, which would count as theirs. */
    conn_send(l, l->hold ? &l->conns[l->started % l->connections] : c);
}

/* Status and length; false: not an answer that this program understands. */
static bool parse_head(struct load *l, struct conn *c)
{
    const char *length;
    char *end;

    if (c->head_len < 12 || memcmp(c->head, "HTTP/1.", 7) != 0)
        return false;
    if (c->head[9] != '2') {
        if (l->bad++ == 0)
            (void)fprintf(stderr, "load: first answer that isn't 2xx: %.*s\n", 600, c->head);
    }
    length = strcasestr(c->head, "\r\ncontent-length:");
    if (length == NULL)
        return false;
    c->body_left = strtoul(length + 17, &end, 10);
    c->in_body = true;
    return *end == '\r';
}

/* Takes bytes of a head; gives how many of them were. */
static size_t take_head(struct load *l, struct conn *c, const char *bytes, size_t len)
{
    size_t before = c->head_len, room = HEAD_MAX - 1 - before;
    size_t taken = len < room ? len : room;
    char *end;

    memcpy(c->head + before, bytes, taken);
    c->head_len += taken;
    c->head[c->head_len] = '\0';
    end = strstr(c->head + (before > 3 ? before - 3 : 0), "\r\n\r\n");
    if (end == NULL) {
        if (c->head_len == HEAD_MAX - 1)
            give_up("an answer's head is too long");
        return taken;
    }
    end[2] = '\0';
    taken = (size_t)(end + 4 - c->head) - before;
    c->head_len = (size_t)(end + 2 - c->head);
    if (!parse_head(l, c)) {
        (void)fprintf(stderr, "load: an answer that isn't understood: %.600s\n", c->head);
        exit(1);
    }
    return taken;
}

static void take(struct load *l, struct conn *c, size_t len)
{
    size_t at = 0;

    l->bytes += len;
    while (at < len && c->request != NULL) {
        if (!c->in_body) {
            at += take_head(l, c, read_buffer + at, len - at);
        } else {
            size_t part = len - at < c->body_left ? len - at : (size_t)c->body_left;

            at += part;
            c->body_left -= part;
        }
        if (c->in_body && c->body_left == 0)
            conn_finish(l, c);
    }
    if (at < len)
        give_up("bytes that nobody asked for");
}

static void on_readable(struct load *l, struct conn *c)
{
    ssize_t got = recv(c->fd, read_buffer, sizeof read_buffer, 0);

    if (got > 0)
        take(l, c, (size_t)got);
    else if (got == 0 || (errno != EAGAIN && errno != EINTR))
        conn_lost(l, c);
}

static void run(struct load *l)
{
    struct epoll_event events[EVENTS];

    unsigned long at_once = l->hold ? 1 : l->connections;

    for (unsigned long i = 0; i < at_once && l->started < l->requests; i++)
        conn_send(l, &l->conns[i]);
    while (l->finished < l->requests) {
        int count = epoll_wait(l->epoll, events, EVENTS, -1);

        for (int i = 0; i < count; i++)
            on_readable(l, events[i].data.ptr);
    }
}

static int compare(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;

    return (left > right) - (left < right);
}

static double percentile_us(const struct load *l, unsigned permille)
{
    return l->latency_ns[(l->finished - 1) * permille / 1000] / 1e3;
}

static void report(struct load *l, uint64_t took_ns)
{
    qsort(l->latency_ns, l->finished, sizeof *l->latency_ns, compare);
    (void)printf("{\"requests\":%lu,\"bad\":%lu,\"seconds\":%.6f,\"rate\":%.1f,\"bytes\":%llu,"
                 "\"p50_us\":%.1f,\"p99_us\":%.1f,\"max_us\":%.1f}\n",
                 l->finished, l->bad, (double)took_ns / 1e9,
                 (double)l->finished * 1e9 / (double)took_ns, (unsigned long long)l->bytes,
                 percentile_us(l, 500), percentile_us(l, 990), percentile_us(l, 1000));
    (void)fflush(stdout);
}

/* Idle connections stay open until the caller closes our standard input. */
static void hold(void)
{
    char byte;

    while (read(STDIN_FILENO, &byte, 1) > 0)
        continue;
}

static unsigned long number(const char *text, unsigned long max)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);

    if (*text == '\0' || *end != '\0' || value > max) {
        (void)fprintf(stderr, "load: '%s' is not a number up to %lu\n", text, max);
        exit(2);
    }
    return value;
}

static void parse(struct load *l, int argc, char **argv)
{
    static const struct option options[] = {{"port", required_argument, NULL, 'p'},
                                            {"connections", required_argument, NULL, 'c'},
                                            {"requests", required_argument, NULL, 'n'},
                                            {"first", required_argument, NULL, 'f'},
                                            {"timeout", required_argument, NULL, 't'},
                                            {"hold", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    unsigned long port = 0, timeout = 120;
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 'p':
            port = number(optarg, 65535);
            break;
        case 'c':
            l->connections = number(optarg, CONNECTIONS_MAX);
            break;
        case 'n':
            l->requests = number(optarg, REQUESTS_MAX);
            break;
        case 'f':
            l->first = number(optarg, (unsigned long)1 << 47);
            break;
        case 't':
            timeout = number(optarg, 3600);
            break;
        case 'h':
            l->hold = true;
            break;
        default:
            exit(2);
        }
    }
    for (; optind < argc && l->template_count < TEMPLATES_MAX; optind++)
        template_read(&l->templates[l->template_count++], argv[optind]);
    if (port == 0 || l->template_count == 0 || l->connections == 0 || l->requests == 0) {
        (void)fprintf(stderr, "usage: postern-load --port N [--connections N] [--requests N] "
                              "[--first N] [--timeout S] [--hold] REQUEST...\n");
        exit(2);
    }
    l->to = (struct sockaddr_in){.sin_family = AF_INET,
                                 .sin_port = htons((uint16_t)port),
                                 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    (void)alarm((unsigned)timeout);
}

int main(int argc, char **argv)
{
    static struct load l = {.connections = 32, .requests = 1000};
    uint64_t began;

    parse(&l, argc, argv);
    l.conns = calloc(l.connections, sizeof *l.conns);
    l.latency_ns = calloc(l.requests, sizeof *l.latency_ns);
    l.epoll = epoll_create1(EPOLL_CLOEXEC);
    if (l.conns == NULL || l.latency_ns == NULL || l.epoll < 0)
        give_up("start");
    for (unsigned long i = 0; i < l.connections; i++)
        conn_open(&l, &l.conns[i]);
    began = now_ns();
    run(&l);
    report(&l, now_ns() - began);
    if (l.hold)
        hold();
    return 0;
}
