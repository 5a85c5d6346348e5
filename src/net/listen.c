/* SPDX-License-Identifier: Apache-2.0
 * Addresses, listening sockets and accepting. */
#include "net/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event_struct.h>

#include "base/number.h"
#include "base/require.h"

enum { ACCEPT_AT_ONCE = 64, PAUSE_US = 100 * 1000 };

/* ---- addresses ---- */

static enum status bad_address(struct view text, struct err *err)
{
    return err_set(err, STATUS_INVALID,
                   "\"%.*s\" is not an address: expected a numeric IP and a port, as in "
                   "127.0.0.1:8080 or [::1]:8443",
                   text.len > 64 ? 64 : (int)text.len, text.ptr == NULL ? "" : text.ptr);
}

/* Splits at the last colon; brackets must stand around an IPv6 address, and only there. */
static bool split(struct view text, struct view *ret_host, struct view *ret_port, bool *ret_v6)
{
    size_t at = text.len;

    while (at > 0 && text.ptr[at - 1] != ':')
        at--;
    if (at < 2)
        return false;
    *ret_host = view_of(text.ptr, at - 1);
    *ret_port = view_from(text, at);
    *ret_v6 = ret_host->ptr[0] == '[';
    if (*ret_v6) {
        if (!view_ends(*ret_host, VIEW("]")))
            return false;
        *ret_host = view_of(ret_host->ptr + 1, ret_host->len - 2);
    }
    return true;
}

enum status net_address_parse(struct view text, struct net_address *ret, struct err *err)
{
    struct net_address address = {.port = 0};
    unsigned char bytes[sizeof(struct in6_addr)];
    struct view host = VIEW_NONE, port_text = VIEW_NONE;
    int64_t port = 0;
    bool v6 = false;

    if (text.len >= sizeof address.text || !split(text, &host, &port_text, &v6) ||
        host.len >= sizeof address.host || !num_parse_i64(port_text, 0, UINT16_MAX, &port))
        return bad_address(text, err);
    memcpy(address.text, text.ptr, text.len);
    memcpy(address.host, host.ptr, host.len);
    address.port = (uint16_t)port;
    if (strlen(address.host) != host.len ||
        inet_pton(v6 ? AF_INET6 : AF_INET, address.host, bytes) != 1)
        return bad_address(text, err);
    *ret = address;
    return STATUS_OK;
}

static socklen_t to_sockaddr(const struct net_address *address, struct sockaddr_storage *ret)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(address->port)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(address->port)};

    *ret = (struct sockaddr_storage){.ss_family = AF_UNSPEC};
    if (inet_pton(AF_INET, address->host, &v4.sin_addr) == 1) {
        memcpy(ret, &v4, sizeof v4);
        return sizeof v4;
    }
    REQUIRE(inet_pton(AF_INET6, address->host, &v6.sin6_addr) == 1);
    memcpy(ret, &v6, sizeof v6);
    return sizeof v6;
}

bool net_address_is_loopback(const struct net_address *address)
{
    struct in_addr v4;
    struct in6_addr v6;

    if (inet_pton(AF_INET, address->host, &v4) == 1)
        return ntohl(v4.s_addr) >> 24 == 127;
    if (inet_pton(AF_INET6, address->host, &v6) != 1)
        return false;
    return IN6_IS_ADDR_LOOPBACK(&v6) || (IN6_IS_ADDR_V4MAPPED(&v6) && v6.s6_addr[12] == 127);
}

/* ---- listening ---- */

static int set_flag(int fd, int level, int name)
{
    const int on = 1;

    return setsockopt(fd, level, name, &on, sizeof on);
}

/* The exclusive one is bound without SO_REUSEPORT, which fails if anybody is bound there with or
 * without it, and joins the group afterwards: no moment in which two gateways share a port. */
static int bind_and_listen(int fd, const struct sockaddr_storage *address, socklen_t len,
                           bool exclusive)
{
    if (set_flag(fd, SOL_SOCKET, SO_REUSEADDR) != 0)
        return -1;
    if (address->ss_family == AF_INET6 && set_flag(fd, IPPROTO_IPV6, IPV6_V6ONLY) != 0)
        return -1;
    if (!exclusive && set_flag(fd, SOL_SOCKET, SO_REUSEPORT) != 0)
        return -1;
    if (bind(fd, (const struct sockaddr *)address, len) != 0)
        return -1;
    if (exclusive && set_flag(fd, SOL_SOCKET, SO_REUSEPORT) != 0)
        return -1;
    return listen(fd, SOMAXCONN);
}

int net_listen(const struct net_address *address, bool exclusive, struct err *err)
{
    struct sockaddr_storage sockaddr;
    const socklen_t len = to_sockaddr(address, &sockaddr);
    const int fd = socket(sockaddr.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd >= 0 && bind_and_listen(fd, &sockaddr, len, exclusive) == 0)
        return fd;
    (void)err_set_errno(err, errno, "listening on %s", address->text);
    if (fd >= 0)
        (void)close(fd);
    return -1;
}

uint16_t net_listen_port(int fd)
{
    struct sockaddr_storage address = {.ss_family = AF_UNSPEC};
    socklen_t len = sizeof address;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;

    if (getsockname(fd, (struct sockaddr *)&address, &len) != 0)
        return 0;
    if (address.ss_family == AF_INET6) {
        memcpy(&v6, &address, sizeof v6);
        return ntohs(v6.sin6_port);
    }
    memcpy(&v4, &address, sizeof v4);
    return ntohs(v4.sin_port);
}

/* ---- accepting ---- */

struct net_acceptor {
    struct event reading, timer;
    int fd; /* -1: freed, only the memory is left */
    void (*on_accept)(void *user, int fd);
    void *user;
    bool paused; /* by the owner */
    uint64_t exhausted;
};

/* Out of descriptors or memory: the socket stays readable, so waiting for it again at once would
 * spin. */
static void rest(struct net_acceptor *a)
{
    const struct timeval pause = {.tv_usec = PAUSE_US};

    a->exhausted++;
    (void)event_del(&a->reading);
    REQUIRE(evtimer_add(&a->timer, &pause) == 0);
}

static bool is_passing(int errno_value)
{
    switch (errno_value) {
    case EINTR:
    case ECONNABORTED: /* these are troubles of one connection (accept(2)) */
    case EPROTO:
    case ENOPROTOOPT:
    case ENETDOWN:
    case ENETUNREACH:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case ENONET:
    case EOPNOTSUPP:
    case EPERM: /* a firewall's */
        return true;
    default:
        return false;
    }
}

static void on_connections(evutil_socket_t fd, short what, void *arg)
{
    struct net_acceptor *const a = arg;
    int i, accepted;

    (void)fd;
    (void)what;
    for (i = 0; i < ACCEPT_AT_ONCE && a->fd >= 0 && !a->paused; i++) {
        accepted = accept4(a->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (accepted >= 0) {
            a->on_accept(a->user, accepted);
        } else if (errno == EAGAIN) {
            return;
        } else if (!is_passing(errno)) {
            rest(a);
            return;
        }
    }
}

static void on_rested(evutil_socket_t fd, short what, void *arg)
{
    struct net_acceptor *const a = arg;

    (void)fd;
    (void)what;
    if (!a->paused)
        REQUIRE(event_add(&a->reading, NULL) == 0);
}

struct net_acceptor *net_acceptor_new(struct event_base *base, int fd,
                                      void (*on_accept)(void *user, int fd), void *user)
{
    struct net_acceptor *const a = calloc(1, sizeof *a); /* heap: freed by the loop */

    if (a == NULL || event_assign(&a->reading, base, fd, EV_READ | EV_PERSIST, on_connections, a) ||
        event_assign(&a->timer, base, -1, 0, on_rested, a) || event_add(&a->reading, NULL) != 0) {
        free(a);
        (void)close(fd);
        return NULL;
    }
    a->fd = fd;
    a->on_accept = on_accept;
    a->user = user;
    return a;
}

void net_acceptor_pause(struct net_acceptor *acceptor, bool paused)
{
    if (acceptor->paused == paused)
        return;
    acceptor->paused = paused;
    if (paused)
        (void)event_del(&acceptor->reading);
    else if (!evtimer_pending(&acceptor->timer, NULL))
        REQUIRE(event_add(&acceptor->reading, NULL) == 0);
}

uint64_t net_acceptor_exhausted(const struct net_acceptor *acceptor)
{
    return acceptor->exhausted;
}

static void free_acceptor(struct event *event, void *arg)
{
    (void)event;
    free(arg);
}

void net_acceptor_free(struct net_acceptor **acceptor)
{
    struct net_acceptor *const a = acceptor == NULL ? NULL : *acceptor;

    if (a == NULL)
        return;
    *acceptor = NULL;
    (void)event_del(&a->timer);
    /* on_accept may be on the stack: the loop frees the memory when it isn't. */
    REQUIRE(event_finalize(0, &a->reading, free_acceptor) == 0);
    (void)close(a->fd);
    a->fd = -1;
}
