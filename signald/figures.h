/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * figures: what signald counts, for the operator: /metrics, and the same as
 * JSON. What an app counts bears its name where there are several.
 * Owns: nothing.  Thread: the admin server's.
 */
#ifndef FLOE_SIGNALD_FIGURES_H
#define FLOE_SIGNALD_FIGURES_H

#include "lib/http/http.h"

http_fn figures_metrics, figures_stats, figures_apps;

#endif
