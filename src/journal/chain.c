/* SPDX-License-Identifier: Apache-2.0
 * seq and prev in front of a line. What is hashed is the line without its LF, as sha256sum sees it
 * in `head -n N | tail -n 1 | tr -d '\n'`. */
#include "journal/chain.h"

void chain_start(struct chain *chain)
{
    chain->seq = 0;
    memset(chain->hash, '0', sizeof chain->hash);
}

void chain_begin(const struct chain *chain, struct buf *out)
{
    buf_add(out, VIEW("{\"v\":1,\"seq\":"));
    buf_add_i64(out, (int64_t)(chain->seq + 1));
    buf_add(out, VIEW(",\"prev\":\""));
    buf_add(out, view_of(chain->hash, sizeof chain->hash));
    buf_add(out, VIEW("\","));
}

void chain_end(struct chain *chain, struct digest *digest, size_t from, struct buf *out)
{
    unsigned char hash[DIGEST_BYTES];

    if (!buf_reserve(out, 1))
        return;
    digest_start(digest);
    digest_add(digest, view_from(buf_view(out), from));
    digest_finish(digest, hash);
    digest_hex(hash, chain->hash);
    chain->seq++;
    buf_add_byte(out, '\n');
}

void chain_add(struct chain *chain, struct digest *digest, struct view members, struct buf *out)
{
    size_t from = out->len;

    if (!buf_reserve(out, CHAIN_PREFIX_BYTES + members.len))
        return;
    chain_begin(chain, out);
    buf_add(out, members);
    chain_end(chain, digest, from, out);
}

void chain_set(struct chain *chain, uint64_t seq, struct view line)
{
    chain->seq = seq;
    digest_sha256_hex(line, chain->hash);
}
