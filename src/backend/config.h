/* SPDX-License-Identifier: MIT */
/*
 * The configuration file of ringsided(8): options by their long names, and
 * below [features] the switches of backend/features.h.
 */
#ifndef BACKEND_CONFIG_H
#define BACKEND_CONFIG_H

#include "backend/options.h"

#define CONFIG_FILE "/etc/ringside/ringsided.conf"

/*
 * Set what the file says.  -ENOENT if it is not there; -EINVAL for what it
 * says; with a sentence that begins with the file's name and the line's number.
 */
int config_read(const char *path, struct options *o, struct why *why);

#endif
