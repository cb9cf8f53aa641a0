/* SPDX-License-Identifier: MIT */
#include "desk/store/path.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <xen/io/xs_wire.h>

static bool chars_allowed(const char *s)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789-/_@";

	return s[strspn(s, allowed)] == 0;
}

/* Paths of a domain's own are limited without their common beginning. */
static size_t limit_of(const char *path)
{
	unsigned domid;
	int n = 0;

	if (sscanf(path, "/local/domain/%5u/%n", &domid, &n) == 1 && n > 0)
		return (size_t)n + XENSTORE_REL_PATH_MAX;
	return XENSTORE_REL_PATH_MAX;
}

int store_path_absolute(const char *name, uint16_t domid, bool special,
			char out[STORE_PATH_MAX], size_t *base)
{
	size_t len;
	int n = 0;

	*base = 0;
	if (!name[0] || !chars_allowed(name))
		return -EINVAL;
	if (name[0] == '@') {
		if (!special || strlen(name) > XENSTORE_REL_PATH_MAX)
			return -EINVAL;
		strcpy(out, name);
		return 0;
	}
	if (name[0] != '/') {
		n = snprintf(out, STORE_PATH_MAX, "/local/domain/%u/", domid);
		*base = (size_t)n;
	}
	len = strlen(name);
	if ((size_t)n + len >= STORE_PATH_MAX)
		return -EINVAL;
	memcpy(out + n, name, len + 1);
	len += (size_t)n;
	if (len > 1 && out[len - 1] == '/')
		return -EINVAL;
	if (strstr(out, "//") || len > limit_of(out))
		return -EINVAL;
	return 0;
}

bool store_path_is_below(const char *path, const char *parent)
{
	size_t len = strlen(parent);

	if (len == 1 && parent[0] == '/')
		return path[0] == '/';
	return !strncmp(path, parent, len) &&
	       (path[len] == 0 || path[len] == '/');
}

size_t store_path_parent_len(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == path || !slash ? 1 : (size_t)(slash - path);
}
