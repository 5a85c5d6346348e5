/* SPDX-License-Identifier: Apache-2.0
 * Owned texts. */
#include "reconcile/secret.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

bool secret_copy(struct view from, struct view *ret)
{
    char *bytes;

    if (from.ptr == NULL) {
        *ret = VIEW_NONE;
        return true;
    }
    bytes = malloc(from.len + 1);
    if (bytes == NULL)
        return false;
    if (from.len > 0)
        memcpy(bytes, from.ptr, from.len);
    bytes[from.len] = '\0';
    *ret = view_of(bytes, from.len);
    return true;
}

void secret_wipe(struct view *text)
{
    /* It is ours, and constant only as a view. NOLINTNEXTLINE(performance-no-int-to-ptr) */
    char *bytes = (char *)(uintptr_t)text->ptr;

    if (bytes != NULL)
        explicit_bzero(bytes, text->len);
    free(bytes);
    *text = VIEW_NONE;
}
