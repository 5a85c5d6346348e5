/* SPDX-License-Identifier: Apache-2.0
 * Facts about the tables of a shared store that readers and writers share. */
#pragma once

enum { SCHEMA_VERSION = 1 };
