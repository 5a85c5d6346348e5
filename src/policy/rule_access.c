/* SPDX-License-Identifier: Apache-2.0
 * Ways into a notebook, and what runs in it: hooks, and the addresses that its endpoints let in. An
 * endpoint for SSH that names no address lets every one in. */
#include "policy/judge.h"

bool load_hooks(struct loader *ld, const struct doc_policy *doc, struct policy *policy)
{
    policy->refuse_hooks = doc->hooks.set && doc->hooks.value == 0;
    policy->hooks_at = load_place(ld, doc->hooks.at);
    return doc->hooks.set;
}

void judge_hooks(struct hearing *h)
{
    static const char rule[] = "hooks";

    if (!h->judge->request->has_hooks)
        hearing_skip(h, rule, h->policy->hooks_at, "the request has none");
    else if (h->policy->refuse_hooks)
        hearing_refuse(h, &(struct finding){POLICY_HOOKS, rule, h->policy->hooks_at},
                       "hooks are not allowed; leave them out, they run scripts in the container");
    else
        hearing_accept(h, rule, h->policy->hooks_at, "hooks are allowed");
}

bool load_access_ips(struct loader *ld, const struct doc_policy *doc, struct policy *policy)
{
    const struct doc_access_ips *from = &doc->access_ips;

    load_networks(ld, &from->allow, &policy->networks);
    policy->open_ssh = from->required.set && from->required.value == 0;
    policy->implied |= from->required.set ? 0 : IMPLIED_SSH;
    policy->access_at = load_place(ld, from->required.set ? from->required.at : from->self.at);
    return from->self.set;
}

static bool is_within(const struct networks *networks, const struct network *network)
{
    for (size_t i = 0; i < networks->count; i++) {
        if (network_holds(&networks->items[i], network))
            return true;
    }
    return false;
}

/* False: it was refused. */
static bool judge_address(struct hearing *h, const struct endpoint_request *endpoint,
                          struct view text)
{
    static const char rule[] = "allowed_access_ips.allow";
    const struct networks *networks = &h->policy->networks;
    struct network network;
    enum network_fault fault = network_parse(text, &network);

    if (fault != NETWORK_OK) {
        hearing_refuse(
            h, &(struct finding){POLICY_ACCESS_IPS_UNREADABLE, rule, networks->values.at},
            "address %s of %s %s; allowed within: %s", judge_say(h->judge, text), endpoint->pointer,
            network_fault_text(fault), judge_list(h->judge, &networks->values));
        return false;
    }
    if (is_within(networks, &network) ||
        (h->exception != NULL && is_within(&h->exception->networks, &network)))
        return true;
    hearing_refuse(h, &(struct finding){POLICY_ACCESS_IPS, rule, networks->values.at},
                   "address %s of %s is not allowed; allowed within: %s", judge_say(h->judge, text),
                   endpoint->pointer, judge_list(h->judge, &networks->values));
    return false;
}

/* The first address that is refused speaks for all of its endpoint. */
static void judge_endpoint(struct hearing *h, const struct endpoint_request *endpoint)
{
    const struct policy *policy = h->policy;

    for (size_t i = 0; i < endpoint->ip_count; i++) {
        if (!judge_address(h, endpoint, endpoint->ips[i]))
            return;
    }
    if (endpoint->ip_count > 0)
        hearing_accept(h, "allowed_access_ips.allow", policy->networks.values.at,
                       "every address lies within an allowed network");
    else if (!endpoint->ssh || policy->open_ssh)
        hearing_accept(h, "allowed_access_ips.required", policy->access_at,
                       "it may stand without addresses");
    else
        hearing_refuse(h,
                       &(struct finding){POLICY_ACCESS_IPS_MISSING, "allowed_access_ips.required",
                                         policy->access_at},
                       "%s names no allowed_access_ips, so every address could come in over SSH; "
                       "allowed within: %s",
                       endpoint->pointer, judge_list(h->judge, &policy->networks.values));
}

void judge_access_ips(struct hearing *h)
{
    const struct instance_request *request = h->judge->request;

    if (request->endpoint_count == 0)
        hearing_skip(h, "allowed_access_ips", h->policy->access_at, "the request has no endpoint");
    for (size_t i = 0; i < request->endpoint_count; i++)
        judge_endpoint(h, &request->endpoints[i]);
}
