/* SPDX-License-Identifier: Apache-2.0
 * System calls that fail on demand; the test is linked with --wrap for each. All off at first, and
 * after faults_clear. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct call_fault {
    _Atomic int skip;  /* calls that go well before */
    _Atomic int times; /* calls that then fail; -1: all */
    _Atomic int error;
};

struct faults {
    struct call_fault write, fdatasync, fallocate, ftruncate, openat, unlinkat, fsync;
    _Atomic size_t write_most;   /* 0, or bytes that one write takes at most */
    _Atomic size_t write_before; /* bytes that a failing write still takes, in a call of its own */
    _Atomic int64_t free_bytes;  /* -1: what the disk says */
    _Atomic int hang;            /* fdatasync waits for faults_release */
    _Atomic int hanging;         /* calls that wait now */
    _Atomic int writes, syncs;   /* calls on segments */
    _Atomic int segment;         /* descriptor of the segment that was opened last */
    _Atomic int dirty;           /* it was written since its last sync */
    _Atomic int left_dirty;      /* segments made while the one before was so */
};
extern struct faults faults;

void faults_clear(void);
void fault_set(struct call_fault *fault, int skip, int times, int error);
/* The next fdatasync hangs. */
void faults_hang(void);
/* Returns once an fdatasync hangs. */
void faults_wait_hanging(void);
void faults_release(void);
/* Until faults.syncs has come to `syncs`; false after 30 s. */
bool faults_wait_syncs(int syncs);
