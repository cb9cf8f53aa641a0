/* SPDX-License-Identifier: MIT */
/*
 * Names in the store (xenstore.txt, "Paths"): what a client writes becomes
 * one absolute path, or is refused.
 */
#ifndef DESK_STORE_PATH_H
#define DESK_STORE_PATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STORE_PATH_MAX	    3073u /* XENSTORE_ABS_PATH_MAX and its NUL */
#define STORE_SPECIAL_INTRO "@introduceDomain"
#define STORE_SPECIAL_REL   "@releaseDomain"

/*
 * `name` as domain `domid` means it: absolute, or below /local/domain/N.
 * *base is how much of `out` is not the client's own (0 where it was
 * absolute).  -EINVAL: a forbidden character, a doubled or trailing slash,
 * empty, too long; or a special name ("@...") unless `special`.
 */
int store_path_absolute(const char *name, uint16_t domid, bool special,
			char out[STORE_PATH_MAX], size_t *base);

/* `path` is `parent` or below it. */
bool store_path_is_below(const char *path, const char *parent);

/* Length of the parent's path: "/a/b" gives 2, "/a" gives 1 ("/"). */
size_t store_path_parent_len(const char *path);

#endif
