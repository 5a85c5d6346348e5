/* SPDX-License-Identifier: Apache-2.0
 * OBS locations: "/bucket/dir/" (demanager) and "obs://bucket/dir/" (notebooks), read strictly into
 * bucket and whole segments. Compared by segments, byte for byte. Refused: empty, "." and ".."
 * segments, percent escapes, '\', control and format characters (zero width, bidirectional),
 * whatever compatibility folding turns into '/', '.' or '\', invalid UTF-8, over 1,023 bytes, a
 * bucket name that OBS doesn't allow. Blanks, letters of any script and a lone '%' pass. */
#pragma once

#include "base/error.h"
#include "base/view.h"

enum { OBS_PATH_MAX = 1023 };

struct obs_path {
    struct view bucket;
    struct view
        key; /* behind "/bucket/"; "" for the root, else ends with '/' if the location did */
};

enum obs_fault {
    OBS_OK,
    OBS_EMPTY,
    OBS_NO_LEADING_SLASH,
    OBS_NO_TRAILING_SLASH,
    OBS_BUCKET_ROOT,
    OBS_BUCKET_NAME,
    OBS_EMPTY_SEGMENT,
    OBS_DOT_SEGMENT,
    OBS_ESCAPE,
    OBS_BACKSLASH,
    OBS_CONTROL,
    OBS_LOOKALIKE,
    OBS_ENCODING,
    OBS_TOO_LONG,
    OBS_NO_SCHEME, /* not "obs://..." where that is due */
    OBS_URI_END,   /* '?' or '#' in a URI */
    OBS_FAULT_COUNT,
};

/* "/bucket/dir/.../" */
MUST_CHECK enum obs_fault obs_parse_path(struct view text, struct obs_path *ret);
/* "obs://bucket/dir/"; the root of a bucket and no final '/' are fine, as the notebooks family
 * takes them. '?' and '#' are not: some readers end the path of a URI there. */
MUST_CHECK enum obs_fault obs_parse_uri(struct view text, struct obs_path *ret);
/* A bare bucket name, as the demanager family names a parallel file system (obsfs). */
MUST_CHECK enum obs_fault obs_parse_bucket(struct view text, struct obs_path *ret);
/* One sentence's end: "needs to end with '/' (ModelArts.6318)"; the cloud's code where it has one.
 */
const char *obs_fault_text(enum obs_fault fault);
/* A prefix as policies write it: "/bucket/" or "/bucket/dir/", final '/' optional; same strictness.
 */
MUST_CHECK enum obs_fault obs_parse_prefix(struct view text, struct obs_path *ret);
/* Whether path lies at or below prefix, by whole segments. */
bool obs_below(const struct obs_path *path, const struct obs_path *prefix);
