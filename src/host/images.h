/* SPDX-License-Identifier: MIT */
/*
 * What a Xen host boots from: made once of Debian packages by the script
 * files/build, and kept in a cache.
 */
#ifndef HOST_IMAGES_H
#define HOST_IMAGES_H

#include "base/why.h"

struct images {
	char dir[480]; /* holds xen, vmlinuz, initrd, root.img */
};

/*
 * Find them in the cache directory `cache` (NULL: the user's), and make them
 * if they are missing or were made by another version of the script.  That
 * takes minutes; progress goes to stderr.  0 or -errno with a sentence;
 * -ENOENT without mmdebstrap; -EINTR after a signal that ends programs, with
 * nothing left behind but the log.
 */
int images_get(const char *cache, struct images *out, struct why *why);

#endif
