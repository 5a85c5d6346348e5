/* SPDX-License-Identifier: Apache-2.0
 * The status page for probes and Prometheus, over our own front: GET /healthz, /readyz, /metrics.
 */
#pragma once

#include "admin/ops.h"
#include "front/front.h"

struct status_page;

/* Takes the listening socket over. ops is copied. */
MUST_CHECK enum status status_page_new(struct event_base *base, int fd, const struct admin_ops *ops,
                                       struct status_page **ret, struct err *err);
void status_page_free(struct status_page **page);
