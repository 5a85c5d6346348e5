/* SPDX-License-Identifier: Apache-2.0
 * How many connections each address has, over all fronts of a gateway. A bucket is found by FNV-1a:
 * even an attacker who chooses addresses makes lists no longer than the connections that the fronts
 * allow. */
#include <pthread.h>
#include <stdlib.h>

#include "front/inner.h"

enum { BUCKETS = 1024 };

/* One peer address and how many connections it has. */
struct address {
    SLIST_ENTRY(address) next;
    unsigned char key[16];
    unsigned count;
};
SLIST_HEAD(address_list, address);

struct front_addresses {
    pthread_mutex_t lock; /* taken when a connection comes or goes */
    struct address_list buckets[BUCKETS];
};

struct front_addresses *front_addresses_new(void)
{
    struct front_addresses *addresses = calloc(1, sizeof *addresses);

    if (addresses != NULL && pthread_mutex_init(&addresses->lock, NULL) != 0) {
        free(addresses);
        return NULL;
    }
    return addresses;
}

void front_addresses_free(struct front_addresses **addresses)
{
    if (*addresses == NULL)
        return;
    (void)pthread_mutex_destroy(&(*addresses)->lock);
    free(*addresses);
    *addresses = NULL;
}

static struct address_list *bucket_of(struct front_addresses *addresses,
                                      const unsigned char key[16])
{
    uint32_t hash = 2166136261U;

    for (size_t i = 0; i < 16; i++)
        hash = (hash ^ key[i]) * 16777619U;
    return &addresses->buckets[hash % BUCKETS];
}

static struct address *find(const struct address_list *bucket, const unsigned char key[16])
{
    struct address *address = SLIST_FIRST(bucket);

    while (address != NULL && memcmp(address->key, key, sizeof address->key) != 0)
        address = SLIST_NEXT(address, next);
    return address;
}

struct address *address_take(struct front_addresses *addresses, const unsigned char key[16],
                             unsigned max)
{
    struct address_list *bucket = bucket_of(addresses, key);
    struct address *address;

    (void)pthread_mutex_lock(&addresses->lock);
    address = find(bucket, key);
    if (address == NULL) {
        address = calloc(1, sizeof *address); /* lives as long as its connections */
        if (address != NULL) {
            memcpy(address->key, key, sizeof address->key);
            SLIST_INSERT_HEAD(bucket, address, next);
        }
    }
    if (address != NULL && address->count < max)
        address->count++;
    else
        address = NULL;
    (void)pthread_mutex_unlock(&addresses->lock);
    return address;
}

static void forget(struct front_addresses *addresses, struct address *address)
{
    SLIST_REMOVE(bucket_of(addresses, address->key), address, address, next);
    free(address);
}

void address_give(struct front_addresses *addresses, struct address *address)
{
    if (address == NULL)
        return;
    (void)pthread_mutex_lock(&addresses->lock);
    if (--address->count == 0)
        forget(addresses, address);
    (void)pthread_mutex_unlock(&addresses->lock);
}
