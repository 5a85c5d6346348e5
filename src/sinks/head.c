/* SPDX-License-Identifier: Apache-2.0 */
#include "sinks/head.h"

#include "base/clock.h"
#include "base/digest.h"
#include "base/number.h"

/* Takes what stands up to `end`, and `end` itself, from the front. */
static bool take_up_to(struct view *rest, char end, struct view *ret)
{
    const size_t len = view_find(*rest, end);

    if (len == rest->len)
        return false;
    *ret = view_of(rest->ptr, len);
    *rest = view_from(*rest, len + 1);
    return true;
}

static bool take(struct view *rest, struct view prefix)
{
    if (!view_starts(*rest, prefix))
        return false;
    *rest = view_from(*rest, prefix.len);
    return true;
}

bool line_head_read(struct view line, struct line_head *ret)
{
    struct view rest = line, seq, time;
    struct line_head head;

    if (!view_ends(line, VIEW("}")) || !take(&rest, VIEW("{\"v\":1,\"seq\":")) ||
        !take_up_to(&rest, ',', &seq) || !num_parse_digits(seq, &head.seq) || head.seq == 0)
        return false;
    if (!take(&rest, VIEW("\"prev\":\"")) || !take_up_to(&rest, '"', &head.prev) ||
        head.prev.len != DIGEST_HEX_BYTES)
        return false;
    if (!take(&rest, VIEW(",\"time\":\"")) || !take_up_to(&rest, '"', &time) ||
        !clock_parse(time, &head.time_us))
        return false;
    if (!take(&rest, VIEW(",\"event\":\"")) || !take_up_to(&rest, '"', &head.event))
        return false;
    *ret = head;
    return true;
}
