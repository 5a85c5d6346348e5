/* SPDX-License-Identifier: Apache-2.0
 * The ways in which the stand-in cloud can fail. */
#pragma once

struct exchange;
struct sim;

/* Answers as the exchange's fault says. */
void misbehave(struct exchange *exchange);
/* Reads on where a `stall` fault has stopped; how many connections. */
unsigned misbehave_unstall(struct sim *sim);
