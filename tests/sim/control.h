/* SPDX-License-Identifier: Apache-2.0
 * The API by which a test sees and steers the stand-in cloud: plain HTTP on a port of its own. */
#pragma once

#include <event2/http.h>

/* evhttp's callback for every request to the control port; arg: struct sim. */
void control_serve(struct evhttp_request *request, void *arg);
