/* SPDX-License-Identifier: Apache-2.0 */
#include "proof/links.h"

#include <string.h>

#define U(value) ((unsigned long long)(value))

void links_start(struct links *links, struct fault_list *faults)
{
    *links = (struct links){.faults = faults, .unread = -1, .twin_fault = -1, .gap_fault = -1};
}

static bool is_hash(struct view prev, const char *hash)
{
    return view_eq(prev, view_of(hash, DIGEST_HEX_BYTES));
}

static void set_link(struct link *link, struct fault_place at, const char *hash)
{
    link->at = at;
    memcpy(link->hash, hash, DIGEST_HEX_BYTES);
}

static void stand_behind(struct links *links, struct fault_place at, const char *hash)
{
    memcpy(links->before, links->last.hash, sizeof links->before);
    set_link(&links->last, at, hash);
    links->started = true;
    links->unsure = links->torn = links->twin = false;
    links->unread = -1;
}

/* The very first line. */
static enum links_found begin(struct links *links, const struct links_line *line)
{
    char zeros[DIGEST_HEX_BYTES];
    enum links_found found = LINKS_BROKEN;

    memset(zeros, '0', sizeof zeros);
    if (line->at.seq > line->at.segment && line->first)
        (void)verify_fault(links->faults, FAULT_DROPPED, line->at,
                           "missing in front of it: seq %llu to %llu", U(line->at.segment),
                           U(line->at.seq - 1));
    else if (line->at.seq != line->at.segment && line->first)
        (void)verify_fault(links->faults, FAULT_REPLAYED, line->at,
                           "the segment is named after seq %llu, but begins with %llu",
                           U(line->at.segment), U(line->at.seq));
    else if (line->at.seq == 1 && !is_hash(line->prev, zeros))
        (void)verify_fault(links->faults, FAULT_CHANGED, line->at,
                           "its `prev` isn't 64 zeros, as in the first line of a journal");
    else
        found = LINKS_WELL;
    stand_behind(links, line->at, line->hash);
    return found;
}

/* The seq follows, but prev isn't the hash of the line before. */
static enum links_found follow_broken(struct links *links, const struct links_line *line)
{
    const struct fault_place last = links->last.at;
    bool well = false;

    if (links->twin && is_hash(line->prev, links->other.hash)) {
        well = true; /* the second of the two was inserted, as was said */
    } else if (!links->unsure) {
        (void)verify_fault(links->faults, FAULT_CHANGED, last,
                           "its hash isn't the `prev` of the line behind it (segment %020llu, line "
                           "%llu)",
                           U(line->at.segment), U(line->at.line));
    }
    stand_behind(links, line->at, line->hash);
    return well ? LINKS_WELL : LINKS_BROKEN;
}

static enum links_found follow(struct links *links, const struct links_line *line)
{
    if (!is_hash(line->prev, links->last.hash))
        return follow_broken(links, line);
    if (links->twin)
        verify_amend(links->faults, links->twin_fault, FAULT_INSERTED, links->other.at,
                     "seq %llu stands twice, and the other line is the one that the chain goes on "
                     "from",
                     U(links->other.at.seq));
    if (links->gap)
        links->mains++;
    stand_behind(links, line->at, line->hash);
    return LINKS_WELL;
}

/* Lines are missing in front of it, or stand elsewhere. */
static enum links_found leap(struct links *links, const struct links_line *line)
{
    uint64_t from = links->last.at.seq + 1, to = line->at.seq - 1;
    int moved = from == to ? verify_find(links->faults, FAULT_INSERTED, from) : -1;
    bool half = links->torn && from == to;

    links->gap = false;
    if (moved >= 0) {
        verify_amend(links->faults, moved, FAULT_SWAPPED, links->faults->list[moved].at,
                     "seq %llu belongs in front of segment %020llu, line %llu", U(from),
                     U(line->at.segment), U(line->at.line));
    } else if (!half) {
        bool within = !line->first || line->at.segment != line->at.seq;
        enum fault_kind kind = within ? FAULT_DROPPED : line->cut ? FAULT_CUT : FAULT_MISSING;

        links->gap_fault = verify_fault(links->faults, kind, line->at,
                                        "missing in front of it: seq %llu to %llu", U(from), U(to));
        links->gap = true;
        links->aside = links->last;
        links->gap_to = to;
        links->asides = 0;
        links->mains = 1;
        links->odd = line->at;
    }
    stand_behind(links, line->at, line->hash);
    return LINKS_BROKEN;
}

/* A line out of the gap, behind it: lines were swapped. Two of them behind a single one: that one
 * stands where it doesn't belong, and the gap is none. */
static enum links_found fill_gap(struct links *links, const struct links_line *line)
{
    if (links->asides == 0) {
        links->lost_from = links->aside.at.seq + 1;
        links->lost_to = line->at.seq - 1;
    }
    set_link(&links->aside, line->at, line->hash);
    links->asides++;
    verify_amend(links->faults, links->gap_fault, FAULT_SWAPPED, links->odd,
                 "seq %llu stands behind it (segment %020llu, line %llu)", U(line->at.seq),
                 U(line->at.segment), U(line->at.line));
    if (links->mains > 1 || links->asides < 2)
        return LINKS_ODD;
    verify_amend(links->faults, links->gap_fault, FAULT_INSERTED, links->odd,
                 "seq %llu stands among lines of seq %llu", U(links->odd.seq), U(line->at.seq));
    links->gap = false;
    stand_behind(links, line->at, line->hash);
    return LINKS_BROKEN;
}

static enum links_found replay(struct links *links, const struct links_line *line)
{
    (void)verify_fault(
        links->faults, FAULT_REPLAYED, line->at,
        "the segment is named after seq %llu and begins with seq %llu, but the lines up "
        "to seq %llu were there already",
        U(line->at.segment), U(line->at.seq), U(links->last.at.seq));
    return LINKS_REPLAY;
}

/* Its seq was there already. */
static enum links_found fall_back(struct links *links, const struct links_line *line)
{
    uint64_t seq = line->at.seq;
    bool same = seq == links->last.at.seq && is_hash(line->prev, links->before);

    if (line->first)
        return replay(links, line);
    if (same && links->unread >= 0) {
        verify_amend(links->faults, links->unread, FAULT_INSERTED, links->last.at,
                     "it can't be read, and the line behind it has its seq");
        memcpy(links->last.hash, links->before, sizeof links->last.hash);
        stand_behind(links, line->at, line->hash);
        return LINKS_BROKEN;
    }
    if (links->gap && seq > links->aside.at.seq && seq <= links->gap_to)
        return fill_gap(links, line);
    if (seq >= links->lost_from && seq <= links->lost_to && seq != 0) {
        (void)verify_fault(links->faults, FAULT_SWAPPED, line->at,
                           "seq %llu stands behind seq %llu", U(seq), U(links->last.at.seq));
        return LINKS_ODD;
    }
    if (!same || links->twin) {
        (void)verify_fault(links->faults, FAULT_INSERTED, line->at,
                           "its seq %llu was there already, the line before it has %llu", U(seq),
                           U(links->last.at.seq));
        return LINKS_ODD;
    }
    links->other = links->last;
    links->twin_fault = verify_fault(links->faults, FAULT_INSERTED, line->at,
                                     "seq %llu stands twice, the first time in line %llu", U(seq),
                                     U(links->last.at.line));
    memcpy(links->last.hash, links->before, sizeof links->last.hash);
    stand_behind(links, line->at, line->hash);
    links->twin = true;
    return LINKS_BROKEN;
}

enum links_found links_add(struct links *links, const struct links_line *line)
{
    enum links_found found;

    if (!links->started)
        return begin(links, line);
    if (line->at.seq <= links->last.at.seq)
        return fall_back(links, line);
    found = line->at.seq == links->last.at.seq + 1 ? follow(links, line) : leap(links, line);
    if (line->first && line->at.seq != line->at.segment && found == LINKS_WELL) {
        (void)verify_fault(links->faults, FAULT_CHANGED, line->at,
                           "the segment is named after seq %llu, but begins with %llu",
                           U(line->at.segment), U(line->at.seq));
        found = LINKS_BROKEN;
    }
    return found;
}

void links_add_unread(struct links *links, struct fault_place at, const char *hash, int fault)
{
    stand_behind(links, at, hash);
    links->unsure = true;
    links->unread = fault;
}

void links_add_torn(struct links *links, struct fault_place at)
{
    (void)verify_fault(links->faults, FAULT_CUT, at,
                       "it is half a line, though another segment follows");
    links->unsure = true;
    links->torn = true;
}
