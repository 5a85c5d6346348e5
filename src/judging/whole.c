/* SPDX-License-Identifier: Apache-2.0
 * See whole.h. */
#include "judging/whole.h"

#include "modelarts/answer.h"

/* The id that the path would name. */
static struct view id_of(const struct judging *j, struct view stored)
{
    struct answer_facts facts = {0};
    struct jfault fault;
    struct jdoc doc;

    if (jdoc_read(stored, &j->settings->answer, j->arena, &doc, &fault) == STATUS_OK)
        modelarts_read_answer(&doc, j->arena, &facts);
    return facts.id;
}

enum judging_flow judging_whole(struct judging *j, const struct judging_whole *whole)
{
    enum judging_flow flow = judging_body(j, whole->received);

    if (whole->stored.ptr != NULL)
        j->instance = id_of(j, whole->stored);
    if (flow == JUDGING_GOES_ON)
        flow = judging_read(j);
    if (flow == JUDGING_GOES_ON && whole->stored.ptr != NULL)
        flow = judging_stored(j, whole->stored, whole->at_us);
    if (flow == JUDGING_GOES_ON)
        flow = judging_decide(j, whole->set, whole->subject, whole->at_us, whole->with_trace);
    return flow;
}
