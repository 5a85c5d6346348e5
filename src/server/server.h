/* SPDX-License-Identifier: Apache-2.0
 * The running gateway: start in order, serve until TERM, drain, end in reverse order. */
#pragma once

/* `postern serve`. Exit status: 0 ended as asked, 1 faults in settings or policies (printed), 2
 * cannot run. With POSTERN_READY_FD=n in the environment, one JSON line with the addresses goes to
 * descriptor n when requests are served; with NOTIFY_SOCKET, systemd is told too. */
int server_run(const char *conf_path);
