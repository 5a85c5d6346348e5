/* SPDX-License-Identifier: Apache-2.0
 * Reading tokens: CMS SignedData around JSON, Base64 with '-' for '/'. */
#include "caller.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include "cloud.h"
#include "sign.h"
#include "sim.h"

enum { TOKEN_MAX = 32768 };

static const struct caller administrator = {.id = "f3779708b547462dbca12a70555d0690",
                                            .name = "modelarts_manage_admin",
                                            .domain_id = "0f0e0d0c0b0a09080706050403020100",
                                            .domain_name = "domain"};

static json_t *read_der(const unsigned char *der, long size)
{
    CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &der, size);
    ASN1_OCTET_STRING **content = cms == NULL ? NULL : CMS_get0_content(cms);
    json_t *json = NULL;
    if (content != NULL && *content != NULL)
        json = json_loadb((const char *)ASN1_STRING_get0_data(*content),
                          (size_t)ASN1_STRING_length(*content), 0, NULL);
    CMS_ContentInfo_free(cms);
    ERR_clear_error();
    return json;
}

/* NULL: it isn't one. */
static json_t *read_token(const char *token)
{
    size_t size = strlen(token), pads = 0;
    char *text = size < 4 || size > TOKEN_MAX ? NULL : strdup(token);
    unsigned char *der = text == NULL ? NULL : malloc(size);
    json_t *json = NULL;
    int got = -1;
    for (char *at = text; at != NULL && *at != '\0'; at++)
        if (*at == '-')
            *at = '/';
    if (der != NULL)
        got = EVP_DecodeBlock(der, (const unsigned char *)text, (int)size);
    while (got > 0 && pads < 2 && token[size - 1 - pads] == '=')
        pads++;
    if (got > 0)
        json = read_der(der, got - (long)pads);
    free(der);
    free(text);
    return json;
}

static void take(json_t *object, const char *name, char *at, size_t size)
{
    const char *text = json_string_value(json_object_get(object, name));
    if (text != NULL)
        (void)snprintf(at, size, "%s", text);
}

static void take_user(json_t *user, struct caller *ret)
{
    json_t *domain = json_object_get(user, "domain");
    take(user, "id", ret->id, sizeof ret->id);
    take(user, "name", ret->name, sizeof ret->name);
    take(domain, "id", ret->domain_id, sizeof ret->domain_id);
    take(domain, "name", ret->domain_name, sizeof ret->domain_name);
}

bool caller_find(struct call *call, struct evhttp_request *request)
{
    struct evkeyvalq *headers = evhttp_request_get_input_headers(request);
    const char *token = evhttp_find_header(headers, "X-Auth-Token");
    json_t *json;
    call->caller = administrator;
    if (token == NULL)
        return call->sim->access_key.key == NULL || sign_is_right(call, request);
    json = read_token(token);
    take_user(json_object_get(json_object_get(json, "token"), "user"), &call->caller);
    json_decref(json);
    return true;
}

json_t *caller_user(const struct caller *caller, bool domain)
{
    json_t *user = json_pack("{s:s,s:s}", "id", caller->id, "name", caller->name);
    if (domain)
        json_object_set_new(
            user, "domain",
            json_pack("{s:s,s:s}", "id", caller->domain_id, "name", caller->domain_name));
    return user;
}
