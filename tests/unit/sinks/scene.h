/* SPDX-License-Identifier: Apache-2.0
 * A journal made by hand, a receiver that does as it is told, and a sink between them on a loop
 * that the test turns. */
#pragma once

#include "support/test.h"

#include "sinks/sink.h"

enum { SCENE_LINES_MAX = 40000, SCENE_BATCHES_MAX = 8192 };

enum conduct {
    CONDUCT_TAKE,       /* all, from within send */
    CONDUCT_TAKE_LATER, /* all, from the loop */
    CONDUCT_PART,       /* some lines, then it is away */
    CONDUCT_AWAY,
    CONDUCT_REFUSE,
    CONDUCT_TOO_BIG, /* more than one line */
    CONDUCT_DEAF,    /* takes all and never says so */
    CONDUCT_HANG,    /* takes nothing and never says so */
};

struct receiver {
    struct transport transport;
    struct event *later;
    const struct transport_batch *batch;
    transport_done *done;
    void *user;
};

struct scene {
    char root[64], journal[96];
    int dir_fd; /* of the positions */
    struct event_base *base;
    struct sink_env env;
    struct sink_settings settings;
    struct sink sink;
    bool open;

    /* the journal */
    uint64_t seq, segment; /* of the last line; the open one */
    char prev[DIGEST_HEX_BYTES + 1];

    /* the receiver: outlives sinks */
    enum conduct conduct;
    size_t part; /* of CONDUCT_PART */
    uint64_t got[SCENE_LINES_MAX];
    size_t got_count;
    struct {
        char id[64];
        uint64_t first, last;
    } ids[SCENE_BATCHES_MAX];
    size_t id_count;
    size_t repeats; /* batches that came with an id of before: their lines aren't in got */
    size_t sends, largest;
};

void scene_begin(struct scene *scene);
void scene_end(struct scene *scene);

/* Lines with a chain; a new segment first if rotate. */
void scene_write(struct scene *scene, unsigned count, bool rotate);
/* Puts so many times the bytes, and LF, in the place of that line of a segment; numbers from 1. */
void scene_replace(struct scene *scene, uint64_t segment, unsigned line, const char *bytes,
                   unsigned times);
/* The number of the line with that seq; 0: no line says so. */
unsigned scene_line_of(const struct scene *scene, uint64_t segment, uint64_t seq);
/* That line says that it has another seq. */
void scene_renumber(struct scene *scene, uint64_t segment, unsigned line, uint64_t seq);
/* Takes all segments away and starts again at that seq. */
void scene_forget_journal(struct scene *scene, uint64_t seq);
void scene_remove_segment(struct scene *scene, uint64_t segment);

void scene_open(struct scene *scene);
void scene_close(struct scene *scene);
/* As kill -9 leaves it. */
void scene_kill(struct scene *scene);
/* Tells of all lines, turns the loop once without waiting. */
void scene_turn(struct scene *scene);
/* Until all is delivered; fails the test after a while. */
void scene_run(struct scene *scene);
/* Until so many batches were sent. */
void scene_run_sends(struct scene *scene, size_t sends);
struct sink_state scene_state(struct scene *scene);
/* got is first..last, each once. */
void scene_expect(const struct scene *scene, uint64_t first, uint64_t last);
