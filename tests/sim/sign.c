/* SPDX-License-Identifier: Apache-2.0
 * The signature of a request, made again from what arrived. */
#include "sign.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <event2/buffer.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "cloud.h"
#include "record.h"
#include "sim.h"

enum { HEX_BYTES = 65, PAIRS_MAX = 64, NAMES_BYTES = 1024, WINDOW_S = 15 * 60 };

/* The parts of the Authorization field. */
struct claim {
    char key[128], names[NAMES_BYTES], signature[HEX_BYTES];
};

/* What follows `label` up to the end or `stop`; false: it isn't there, or doesn't fit. */
static bool take_part(const char **at, const char *label, char stop, char *out, size_t size)
{
    size_t length;
    if (strncmp(*at, label, strlen(label)) != 0)
        return false;
    *at += strlen(label);
    length = stop == '\0' ? strlen(*at) : strcspn(*at, ",");
    if (length >= size || (*at)[length] != stop)
        return false;
    memcpy(out, *at, length);
    out[length] = '\0';
    *at += length;
    return true;
}

static bool read_claim(const char *authorization, struct claim *ret)
{
    const char *at = authorization;
    return at != NULL &&
           take_part(&at, "SDK-HMAC-SHA256 Access=", ',', ret->key, sizeof ret->key) &&
           take_part(&at, ", SignedHeaders=", ',', ret->names, sizeof ret->names) &&
           take_part(&at, ", Signature=", '\0', ret->signature, sizeof ret->signature);
}

static void to_hex(const unsigned char *bytes, size_t size, char *out)
{
    for (size_t i = 0; i < size; i++)
        (void)snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

static void add_encoded(struct evbuffer *out, const char *text)
{
    char *encoded = evhttp_uriencode(text, -1, 0); /* all but letters, digits and -._~ */
    evbuffer_add_printf(out, "%s", encoded == NULL ? "" : encoded);
    free(encoded);
}

static void add_path(struct evbuffer *out, const char *uri)
{
    char *path = strdup(uri), *rest = path, *part;
    size_t length;
    if (path == NULL)
        return;
    path[strcspn(path, "?")] = '\0';
    length = strlen(path);
    for (bool first = true; (part = strsep(&rest, "/")) != NULL; first = false) {
        char *decoded = evhttp_uridecode(part, 0, NULL);
        if (!first)
            evbuffer_add_printf(out, "/");
        add_encoded(out, decoded == NULL ? "" : decoded);
        free(decoded);
    }
    if (length == 0 || uri[length - 1] != '/')
        evbuffer_add_printf(out, "/");
    free(path);
}

static int compare_rows(const void *a, const void *b)
{
    const struct evkeyval *left = *(struct evkeyval *const *)a;
    const struct evkeyval *right = *(struct evkeyval *const *)b;
    int order = strcmp(left->key, right->key);
    return order != 0 ? order : strcmp(left->value, right->value);
}

static void add_query(struct evbuffer *out, const struct call *call)
{
    struct evkeyval *rows[PAIRS_MAX] = {NULL}, *row;
    size_t count = 0;
    for (row = TAILQ_FIRST(&call->query); row != NULL && count < PAIRS_MAX;
         row = TAILQ_NEXT(row, next))
        rows[count++] = row;
    qsort(rows, count, sizeof(struct evkeyval *), compare_rows);
    for (size_t i = 0; i < count; i++) {
        evbuffer_add_printf(out, "%s", i > 0 ? "&" : "");
        add_encoded(out, rows[i]->key);
        evbuffer_add_printf(out, "=");
        add_encoded(out, rows[i]->value);
    }
}

/* False: a field that was signed isn't there. */
static bool add_headers(struct evbuffer *out, struct evkeyvalq *headers, const char *names)
{
    char list[NAMES_BYTES], *rest = list, *name;
    (void)snprintf(list, sizeof list, "%s", names);
    while ((name = strsep(&rest, ";")) != NULL) {
        const char *value = evhttp_find_header(headers, name);
        if (value == NULL)
            return false;
        evbuffer_add_printf(out, "%s:%s\n", name, value);
    }
    evbuffer_add_printf(out, "\n%s\n", names);
    return true;
}

static const char *method_of(const struct call *call)
{
    switch (call->method) {
    case EVHTTP_REQ_HEAD:
        return "HEAD";
    case EVHTTP_REQ_POST:
        return "POST";
    case EVHTTP_REQ_PUT:
        return "PUT";
    case EVHTTP_REQ_DELETE:
        return "DELETE";
    case EVHTTP_REQ_PATCH:
        return "PATCH";
    default:
        return "GET";
    }
}

static bool add_canonical(struct evbuffer *out, const struct call *call,
                          struct evhttp_request *request, const char *names)
{
    struct evkeyvalq *headers = evhttp_request_get_input_headers(request);
    const char *digest = evhttp_find_header(headers, "X-Sdk-Content-Sha256");
    evbuffer_add_printf(out, "%s\n", method_of(call));
    add_path(out, evhttp_request_get_uri(request));
    evbuffer_add_printf(out, "\n");
    add_query(out, call);
    evbuffer_add_printf(out, "\n");
    if (!add_headers(out, headers, names))
        return false;
    evbuffer_add_printf(
        out, "%s",
        digest != NULL ? digest : record_digest(evhttp_request_get_input_buffer(request)).hex);
    return true;
}

static bool is_recent(const char *date)
{
    struct tm then = {0};
    const char *end = date == NULL ? NULL : strptime(date, "%Y%m%dT%H%M%SZ", &then);
    struct timeval now;
    evutil_gettimeofday(&now, NULL);
    return end != NULL && *end == '\0' && timegm(&then) >= now.tv_sec - WINDOW_S &&
           timegm(&then) <= now.tv_sec + WINDOW_S;
}

static bool sign(const struct access_key *key, const char *date, struct evbuffer *canonical,
                 char hex[HEX_BYTES])
{
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    char text[256];
    int length =
        snprintf(text, sizeof text, "SDK-HMAC-SHA256\n%s\n%s", date, record_digest(canonical).hex);
    if (length < 0 || (size_t)length >= sizeof text ||
        HMAC(EVP_sha256(), key->secret, (int)strlen(key->secret), (const unsigned char *)text,
             (size_t)length, mac, &size) == NULL)
        return false;
    to_hex(mac, size, hex);
    return true;
}

/* What must be signed, whatever else is. */
static bool signs_enough(const char *names, bool temporary)
{
    char list[NAMES_BYTES + 2];
    (void)snprintf(list, sizeof list, ";%s;", names);
    return strstr(list, ";x-sdk-date;") != NULL && strstr(list, ";host;") != NULL &&
           (!temporary || strstr(list, ";x-security-token;") != NULL);
}

bool sign_is_right(const struct call *call, struct evhttp_request *request)
{
    const struct access_key *key = &call->sim->access_key;
    struct evkeyvalq *headers = evhttp_request_get_input_headers(request);
    const char *date = evhttp_find_header(headers, "X-Sdk-Date");
    const char *token = evhttp_find_header(headers, "X-Security-Token");
    struct claim claim;
    struct evbuffer *canonical;
    char hex[HEX_BYTES] = "";
    bool well;
    if (!read_claim(evhttp_find_header(headers, "Authorization"), &claim) || !is_recent(date) ||
        strcmp(claim.key, key->key) != 0 || !signs_enough(claim.names, key->security_token != NULL))
        return false;
    if (key->security_token != NULL && (token == NULL || strcmp(token, key->security_token) != 0))
        return false;
    canonical = evbuffer_new();
    well = canonical != NULL && add_canonical(canonical, call, request, claim.names) &&
           sign(key, date, canonical, hex) && strcmp(hex, claim.signature) == 0;
    if (canonical != NULL)
        evbuffer_free(canonical);
    return well;
}
