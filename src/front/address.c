/* SPDX-License-Identifier: Apache-2.0
 * How many connections each address has. A bucket is found by FNV-1a: even an attacker who chooses
 * addresses makes lists no longer than the connections that the front allows. */
#include <stdlib.h>

#include "front/inner.h"

static struct address_list *bucket_of(struct front *front, const unsigned char key[16])
{
    uint32_t hash = 2166136261U;

    for (size_t i = 0; i < 16; i++)
        hash = (hash ^ key[i]) * 16777619U;
    return &front->addresses[hash % FRONT_ADDRESS_BUCKETS];
}

struct address *address_take(struct front *front, const unsigned char key[16])
{
    struct address_list *bucket = bucket_of(front, key);
    struct address *address;

    for (address = SLIST_FIRST(bucket); address != NULL; address = SLIST_NEXT(address, next)) {
        if (memcmp(address->key, key, sizeof address->key) == 0) {
            address->count++;
            return address;
        }
    }
    address = calloc(1, sizeof *address); /* lives as long as its connections */
    if (address == NULL)
        return NULL;
    memcpy(address->key, key, sizeof address->key);
    address->count = 1;
    SLIST_INSERT_HEAD(bucket, address, next);
    return address;
}

void address_give(struct front *front, struct address *address)
{
    if (address == NULL || --address->count > 0)
        return;
    SLIST_REMOVE(bucket_of(front, address->key), address, address, next);
    free(address);
}
