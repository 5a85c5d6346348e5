/* SPDX-License-Identifier: Apache-2.0
 * The command line (contract, design section 10). */
#pragma once

/* Exit status: 0 well, 1 the answer is no (refused, faults found), 2 wrong usage or cannot run. */
int commands_run(int argc, char **argv);
