/* SPDX-License-Identifier: Apache-2.0
 * Signed requests as clients send them, and their parts. */
#pragma once

#include "support/test.h"

#include "http1/head.h"

#define PROJECT "0123456789abcdef0123456789abcdef"
#define HOST    "modelarts.eu-de.otc.t-systems.com"
#define DATE    "20260102T030405Z"
#define OF_KEY  "Authorization: SDK-HMAC-SHA256 Access=EXAMPLEAK, SignedHeaders="
#define OF_SCOPE \
    "Authorization: SDK-HMAC-SHA256 Credential=EXAMPLEAK/20260102///sdk_request, SignedHeaders="
#define EMPTY_SHA256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define BODY_SHA256  "8e7f75d78b5672bf8549d94264687261f5337dcb65dcd8a1e816b0eca9893d07"

/* DATE in microseconds. */
#define DATE_US (INT64_C(1767323045) * 1000000)

/* Body B: 221 bytes. */
#define BODY                                                                                  \
    "{\"name\":\"nb-1\",\"profile_id\":\"Multi-Engine 1.0 (python3)-cpu\",\"flavor\":"        \
    "\"modelarts.vm.cpu.2u\",\"spec\":{\"storage\":{\"type\":\"obs\",\"location\":{\"path\":" \
    "\"/team-bucket/notebooks/nb-1/\"}},\"auto_stop\":{\"enable\":true,\"duration\":3600}}}"

#define CREATE "POST /v1/" PROJECT "/demanager/instances HTTP/1.1\r\n"
/* A create with the fields of a client that signs its host; more: further lines. */
#define CREATE_OF(more, authorization)                                                     \
    CREATE "Content-Type: application/json\r\nhost: " HOST "\r\nX-Project-Id: " PROJECT    \
           "\r\nX-Sdk-Date: " DATE "\r\n" more authorization "\r\nContent-Length: 221\r\n" \
           "\r\n"
#define SIGNED      "content-type;host;x-project-id;x-sdk-date"
#define CREATE_SIGN "dc7f5eddb31cea6163771234d10c342a36371132f0fc1705dc6decb7ddb27b95"
#define CREATE_HEAD CREATE_OF("", OF_KEY SIGNED ", Signature=" CREATE_SIGN)

/* What the Node SDK sends. */
#define NODE_BODY                                                                             \
    "{\"name\":\"sdk-notebook\",\"description\":\"made through the SDK\",\"profile_id\":"     \
    "\"Multi-Engine 1.0 (python3)-cpu\",\"flavor\":\"modelarts.vm.cpu.2u\",\"spec\":{"        \
    "\"storage\":{\"type\":\"obs\",\"location\":{\"path\":\"/team-bucket/notebooks/sdk/\"}}," \
    "\"auto_stop\":{\"enable\":true,\"duration\":3600}},\"workspace\":{\"id\":\"0\"}}"
#define NODE_SIGN "ea08f3239fb5530f413b67a73f7deddfd45f94f727b38a511f6e75594e641363"
#define NODE_HEAD                                                                         \
    CREATE "Accept: application/json\r\nContent-Type: application/json\r\n"               \
           "User-Agent: huaweicloud-usdk-nodejs/3.0; os/linux#6.1.0#x64 nodejs/v20.20.2 " \
           "meta/C; app/0\r\nX-Project-Id: " PROJECT                                      \
           "\r\nX-Sdk-Date: 20261123T072741Z\r\nhost: 127.0.0.1:32947\r\n" OF_KEY SIGNED  \
           ", Signature=" NODE_SIGN "\r\n"                                                \
           "Content-Length: 288\r\nAccept-Encoding: gzip, compress, deflate, br\r\n"      \
           "Connection: keep-alive\r\n\r\n"
#define NODE_DATE_US (INT64_C(1795418861) * 1000000)

#define SCOPED(scope, names, signature)                                                   \
    "Authorization: SDK-HMAC-SHA256 Credential=EXAMPLEAK/" scope ", SignedHeaders=" names \
    ", Signature=" signature
#define SCOPE_HEAD                                                                               \
    CREATE_OF("", SCOPED("20260102/eu-de/modelarts/sdk_request", "content-type;host;x-sdk-date", \
                         "bdbb218c628352e23108546ac5e69d97b08c299226889f4f7d7920e7178e39fe"))

/* False: it isn't one. */
static inline bool parse_head(struct view head, struct arena *arena, struct http1_request *ret)
{
    static const struct http1_limits limits = {
        .head = 65536, .uri = 8192, .header_value = 32768, .headers = 128};
    struct http1_fault fault;
    size_t scanned = 0;

    return http1_find_head(head, &limits, &scanned, &fault) == head.len &&
           http1_parse_request(head, &limits, arena, ret, &fault) == STATUS_OK;
}
