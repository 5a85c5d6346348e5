/* SPDX-License-Identifier: Apache-2.0
 * Who calls: the user of the token, or of the access key that signed. */
#pragma once

#include <stdbool.h>

#include <event2/http.h>
#include <jansson.h>

struct call;

/* Whoever sends a token that can't be read is the administrator of the documented example. */
struct caller {
    char id[65], name[65], domain_id[65], domain_name[65];
};

/* What --access-key names; key NULL: signatures are not looked at. */
struct access_key {
    const char *key, *secret, *security_token; /* security_token NULL: not a temporary key */
};

/* Fills call->caller. False: the signature is wrong. */
bool caller_find(struct call *call, struct evhttp_request *request);
/* The `user` of an instance of the old family, and of the new one. */
json_t *caller_user(const struct caller *caller, bool domain);
