/* SPDX-License-Identifier: Apache-2.0
 * How long an instance runs at most, by what a request says. */
#include "modelarts/request.h"

enum { MS_PER_S = 1000 };

static bool is_timed(const struct instance_request *request)
{
    return !request->stop_type.set || view_eq_nocase(request->stop_type.value, VIEW("TIMING"));
}

int64_t modelarts_run_s(const struct instance_request *request)
{
    int64_t longest_ms = 0;

    /* The first is the one at the documented place, if there is one. */
    if (!is_timed(request) || request->stop_count == 0 || request->stops[0].misplaced)
        return -1;
    for (size_t i = 0; i < request->stop_count; i++) {
        const struct stop_request *stop = &request->stops[i];

        if (!stop->enable || !stop->has_duration || stop->duration_ms <= 0)
            return -1;
        if (stop->duration_ms > longest_ms)
            longest_ms = stop->duration_ms;
    }
    return longest_ms / MS_PER_S + (longest_ms % MS_PER_S != 0);
}
