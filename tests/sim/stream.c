/* SPDX-License-Identifier: Apache-2.0
 * Streams a pattern through evhttp, a block whenever the one before has left. */
#include "stream.h"

#include <stdio.h>

#include <openssl/evp.h>

#include "exchange.h"

enum { BLOCK = 16384 };

/* The bytes from `at` on, up to a block of them; how many there are. */
static size_t pattern(unsigned char *block, size_t at, size_t size)
{
    size_t n = 0;
    for (; n < BLOCK && at < size; n++, at++)
        block[n] = (unsigned char)(at ^ (at >> 8) ^ (at >> 16));
    return n;
}

static void on_room(struct evhttp_connection *evcon, void *arg)
{
    struct exchange *exchange = arg;
    unsigned char block[BLOCK];
    struct evbuffer *bytes;
    size_t n = pattern(block, exchange->streamed, exchange->stream_size);
    (void)evcon;
    if (n == 0) {
        evhttp_send_reply_end(exchange->request);
        exchange_end(exchange);
        return;
    }
    bytes = evbuffer_new();
    evbuffer_add(bytes, block, n);
    exchange->streamed += n;
    evhttp_send_reply_chunk_with_cb(exchange->request, bytes, on_room, exchange);
    evbuffer_free(bytes);
}

static void pattern_digest(size_t size, char hex[65])
{
    unsigned char block[BLOCK], digest[EVP_MAX_MD_SIZE];
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_DigestInit_ex(context, EVP_sha256(), NULL);
    for (size_t at = 0, n; at < size; at += n) {
        n = pattern(block, at, size);
        EVP_DigestUpdate(context, block, n);
    }
    EVP_DigestFinal_ex(context, digest, NULL);
    EVP_MD_CTX_free(context);
    for (size_t i = 0; i < 32; i++)
        (void)snprintf(hex + 2 * i, 3, "%02x", digest[i]);
}

void stream_start(struct exchange *exchange, size_t size, bool chunked)
{
    struct evkeyvalq *headers = evhttp_request_get_output_headers(exchange->request);
    char digest[65], length[24];
    pattern_digest(size, digest);
    evhttp_add_header(headers, "X-Body-Sha256", digest);
    evhttp_add_header(headers, "Content-Type", "application/octet-stream");
    (void)snprintf(length, sizeof length, "%zu", size);
    if (!chunked)
        evhttp_add_header(headers, "Content-Length", length);
    exchange->stream_size = size;
    evhttp_send_reply_start(exchange->request, 200, "OK");
    on_room(NULL, exchange);
}
