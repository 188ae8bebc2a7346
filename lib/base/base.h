/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * base - what every other module stands on: error values without heap, cleanup
 * by scope, a cursor over foreign bytes, logging by area, file access below a
 * root prefix, units, /proc/iomem, child processes without a shell, CPUs, a JSON writer, SHA-256.
 *
 * Outsiders include this file only. Nothing here knows what a crash is.
 */
#ifndef KD_LIB_BASE_BASE_H
#define KD_LIB_BASE_BASE_H

#include "lib/base/child.h"
#include "lib/base/cleanup.h"
#include "lib/base/cpus.h"
#include "lib/base/cursor.h"
#include "lib/base/digest.h"
#include "lib/base/err.h"
#include "lib/base/hashed_extent.h"
#include "lib/base/io.h"
#include "lib/base/iomem.h"
#include "lib/base/json.h"
#include "lib/base/log.h"
#include "lib/base/root.h"
#include "lib/base/strv.h"
#include "lib/base/units.h"

#endif
