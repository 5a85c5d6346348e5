/* SPDX-License-Identifier: Apache-2.0
 * What the files of the room share. A line is a node: filled by the submitting thread, queued under
 * the lock, written by the writer thread, and used again. */
#pragma once

#include <pthread.h>

#include "base/arena.h"
#include "journal/chain.h"
#include "journal/journal.h"
#include "journal/open.h"
#include "journal/segment.h"
#include "journal/witness.h"

enum {
    LINE_MAX_BYTES = 1 << 20,    /* a longer line is written short, a longer intent refused */
    OUTCOME_ROOM_BYTES = 4096,   /* room that an intent takes for its outcome */
    QUEUE_MAX_LINES = 4096,      /* of lines that may be refused or folded */
    QUEUE_MAX_BYTES = 8 << 20,   /* the same */
    INTENTS_MAX = 16384,         /* open at one time */
    OPEN_MAX = 1000000,          /* instances, reservations, unknown outcomes and what is spent */
    OWN_MAX_LINES = 4096,        /* settled and orphan lines that wait for the disk */
    SPENT_FIRST = 1024,          /* the fewest spent entries that are pruned between checkpoints */
    SPARE_MAX_NODES = 256,       /* kept for the next lines */
    SPARE_MAX_BYTES = 16 * 1024, /* of a spare node's text */
    RETRY_US = 100000,           /* between looks at the space, and between tries to mend */
    IDLE_LOOK_US = 1000000,      /* between looks at the space that only probes ask for */
    MEASURE_BYTES = 1 << 20,     /* written, after which the space is looked at earlier */
    FOLD_US = 1000000,           /* between lines of folded refusals */
    SYNC_US = 1000000,           /* for which a line that nobody waits for stays unsynced */
    SEAL_LINE_BYTES = 640,       /* at most, of a seal with its LF */
    SYNC_GAP_US = 1000,          /* from the end of a sync that was shared to the next one */
};

struct node {
    struct node *next;
    struct buf text;                 /* members from "time" on */
    struct open_step step;           /* for the fold */
    struct open_entry *entry;        /* brought by intents and orphans */
    struct journal_mailbox *mailbox; /* NULL: nobody waits */
    uint64_t cookie;
    enum journal_wait wait;
    bool keep;   /* tried again until it is written */
    bool folded; /* stands for `count` refusals */
    /* The writer's, while it is in a batch: */
    size_t end;        /* behind its LF, in the batch */
    struct chain then; /* the chain behind it */
};

struct list {
    struct node *first, *last;
};

enum trouble {
    TROUBLE_NONE,
    TROUBLE_LOW,    /* less space than low_space */
    TROUBLE_FULL,   /* the disk had no space for a line or a segment */
    TROUBLE_DISK,   /* a write, sync or open failed */
    TROUBLE_DAMAGE, /* for an operator */
};

struct journal {
    /* Set by open. */
    struct arena texts; /* of the two below */
    const char *directory, *sets;
    enum journal_durability durability;
    uint64_t segment_bytes, low_space_bytes, warn_space_bytes;
    int64_t keep_us;
    int dir_fd, lock_fd;
    pthread_t thread;

    pthread_mutex_t open_lock;
    pthread_mutex_t lock; /* for what follows, up to the writer's own */
    pthread_cond_t work, done;
    struct list queue;
    size_t queued_bytes;
    struct node *spare;
    unsigned spares;
    uint64_t promised; /* intents that were taken and have no outcome on disk */
    int64_t spent_us;  /* how long what is spent is kept; INT64_MAX: nobody has said it yet */
    uint64_t folding;  /* refusals that wait for their line */
    int64_t fold_due_us, poked_us, looked_us;
    bool idle; /* the writer waits, and nobody has woken it yet */
    bool poked, closing, ended, abandoned, has_next_key;
    struct ed25519_private next_key; /* of seals, if has_next_key */
    enum trouble trouble;
    char damage[512]; /* written once, before trouble says so */
    uint64_t durable_seq, hold_seq;
    struct journal_state state;

    /* Held while watch_wake is called, so that none comes once a watch has ended. Of no other lock
     * is it taken inside. */
    pthread_mutex_t watch_lock;
    void (*watch_wake)(void *user); /* NULL: nobody watches */
    void *watch_user;

    /* The writer's own. */
    struct segment segment;
    struct chain chain;
    struct digest *digest;
    struct open_table *open; /* under open_lock where another thread looks (journal_knows) */
    struct buf batch;
    struct list backlog;  /* kept lines that could not be written yet */
    uint64_t prune_at;    /* spent entries at which they are looked through again */
    enum trouble stuck;   /* FULL or DISK until a try succeeds */
    int stuck_error;      /* errno of the last failure */
    unsigned own_waiting; /* settled and orphan lines in the backlog */
    bool rotate_due;      /* the segment is used up, and there was no new one */
    bool dirty;           /* the segment has lines that were not synced */
    bool sealing, sealed; /* sealed: the last line is a seal, or there is none */
    bool begun;           /* all behind the last seal is this run's own: it may seal */
    bool witness_due;     /* it has a seal that was not synced */
    bool seal_soon;       /* the last seal is of another key */
    bool shared;          /* more than one waited for the last sync */
    struct ed25519_private seal_key;
    int64_t sync_due_us;  /* if dirty: when they must be */
    int64_t synced_us;    /* when the last sync ended */
    struct list unsynced; /* written nodes whose senders wait for the sync */
    int64_t seal_every_us, seal_due_us, seal_time_us;
    struct witness *witness; /* NULL: none */
    uint64_t free_bytes;     /* as last measured; others see what is published (state) */
    int64_t measured_us, retried_us;
    uint64_t since_bytes;
};

/* Lists of nodes. */
void list_add(struct list *list, struct node *node);
struct node *list_take(struct list *list); /* the first, or NULL */
void list_append(struct list *list, struct list *more);

/* node.c: without the lock */
MUST_CHECK struct node *node_new(void);
void node_free(struct node **node);
/* The same line as without `journal.requests: full`. */
struct journal_facts journal_without_request(const struct journal_facts *facts);
/* Formats the line, without its request if that makes it too long, and what the fold needs of it.
 * STATUS_LIMIT: too long, STATUS_NOMEM. */
MUST_CHECK enum status node_fill(struct node *node, const struct journal_facts *facts);
size_t node_bytes(const struct node *node); /* at most, in the file */
bool node_is_intent(const struct node *node);
/* with the lock */
struct node *node_spare(struct journal *journal); /* NULL: none */
void node_recycle(struct journal *journal, struct node *node);
/* without the lock again */
void nodes_recycle(struct journal *journal, struct list *list);
/* The writer: the result for whoever waits for the line, once. *touched as in mailbox_post. */
void node_post(struct node *node, enum status status, struct journal_mailbox **touched);

/* mailbox.c. A reserved place keeps the mailbox alive until its result was posted. */
bool mailbox_is_lazy(const struct journal_mailbox *mailbox);
MUST_CHECK enum status mailbox_reserve(struct journal_mailbox *mailbox);
void mailbox_release(struct journal_mailbox *mailbox);
/* The writer: posts, remembers in *touched whom to wake. */
void mailbox_post(struct journal_mailbox *mailbox, uint64_t cookie, enum status status,
                  struct journal_mailbox **touched);
void mailbox_wake_all(struct journal_mailbox **touched);

/* sync.c */
/* Takes those nodes out of the written ones whose senders wait for a sync, and sees to it that one
 * comes: pressing lines at once or, in a crowd, SYNC_GAP_US after the last one, others wait
 * up to SYNC_US for it. False: lines aren't synced, or no segment is open. */
bool sync_take(struct journal *journal, struct list *written);
/* Syncs what was written, if anything was, and tells those who wait. 0, or the errno of a sync that
 * failed and closed the segment. */
int sync_now(struct journal *journal);
/* The same if its time has come, or at once. */
void sync_if_due(struct journal *journal, bool now);

/* writer.c */
void *writer_main(void *user); /* a struct journal */
/* Writes the list now; only while no writer thread runs, or on it. */
void writer_write(struct journal *journal, struct list *list);
/* Writes as many lines as the caller says, in one write. */
void writer_write_batch(struct journal *journal, struct list *list);
/* Bytes that the segment takes beside the outcomes that were promised their room, and the seal. */
uint64_t writer_fit(struct journal *journal);
/* What those outcomes may take. */
uint64_t writer_open_room(struct journal *journal);
/* A new segment, with room for `more` bytes beside its share. */
bool writer_begin_segment(struct journal *journal, size_t more);
/* How things stand. Space is low when not even one more intent would be taken. */
enum trouble writer_judge(struct journal *journal);
/* Looks at the space, tries to mend what is stuck. */
void writer_look(struct journal *journal);
void writer_publish(struct journal *journal);
/* Says that the journal can't be written, and publishes it. */
void writer_set_stuck(struct journal *journal, int error, const char *what);

/* folder.c */
MUST_CHECK enum status folder_make(const char *path, struct err *err);
/* Opens and locks the journal's folder. */
MUST_CHECK enum status folder_lock(const char *path, int *ret_dir, int *ret_lock, struct err *err);

/* journal.c */
void journal_destroy(struct journal *journal);
