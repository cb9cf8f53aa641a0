/* SPDX-License-Identifier: MIT */
#include "desk/store/tree.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "desk/store/path.h"

/* ---- nodes ----------------------------------------------------------------
 */

static struct store_node *node_new(const char *name, size_t len,
				   struct store_perms *perms)
{
	struct store_node *n = calloc(1, sizeof(*n) + len + 1);

	if (!n)
		return NULL;
	n->refs = 1;
	n->perms = store_perms_get(perms);
	memcpy(n->name, name, len);
	return n;
}

static void node_put(struct store_node *n)
{
	unsigned i;

	if (!n || --n->refs)
		return;
	for (i = 0; i < n->children; i++)
		node_put(n->child[i]);
	free(n->child);
	free(n->value);
	store_perms_put(n->perms);
	free(n);
}

/* The node in `slot`, nobody else's: copied if it was shared. */
static struct store_node *node_own(struct store_node **slot)
{
	struct store_node *old = *slot, *n;
	unsigned i;

	if (old->refs == 1)
		return old;
	n = node_new(old->name, strlen(old->name), old->perms);
	if (!n)
		return NULL;
	n->generation = old->generation;
	if (old->value_len) {
		n->value = malloc(old->value_len);
		if (!n->value)
			goto fail;
		memcpy(n->value, old->value, old->value_len);
		n->value_len = old->value_len;
	}
	if (old->children) {
		n->child = malloc(old->children * sizeof(*n->child));
		if (!n->child)
			goto fail;
		n->room = n->children = old->children;
		for (i = 0; i < n->children; i++) {
			n->child[i] = old->child[i];
			n->child[i]->refs++;
		}
	}
	old->refs--;
	*slot = n;
	return n;
fail:
	node_put(n);
	return NULL;
}

static struct store_node **node_child(const struct store_node *n,
				      const char *name, size_t len)
{
	unsigned i;

	for (i = 0; i < n->children; i++)
		if (!strncmp(n->child[i]->name, name, len) &&
		    !n->child[i]->name[len])
			return &n->child[i];
	return NULL;
}

/* `child` is taken over also where it fails. */
static int node_append(struct store_node *n, struct store_node *child)
{
	struct store_node **list;
	unsigned room;

	if (n->children == n->room) {
		room = n->room ? n->room * 2 : 4;
		list = realloc(n->child, room * sizeof(*list));
		if (!list) {
			node_put(child);
			return -ENOMEM;
		}
		n->child = list;
		n->room = room;
	}
	n->child[n->children++] = child;
	return 0;
}

/* ---- who owns how many ------------------------------------------------------
 */

static int owner_add(struct store_tree *t, uint16_t domid, int delta)
{
	struct store_owner *list;
	unsigned i;

	t->nodes += (unsigned)delta;
	for (i = 0; i < t->owners; i++) {
		if (t->owner[i].domid == domid) {
			t->owner[i].nodes += (unsigned)delta;
			return 0;
		}
	}
	assert(delta > 0);
	list = realloc(t->owner, (t->owners + 1) * sizeof(*list));
	if (!list)
		return -ENOMEM;
	list[t->owners] = (struct store_owner){ domid, (unsigned)delta };
	t->owner = list;
	t->owners++;
	return 0;
}

unsigned store_tree_owned(const struct store_tree *t, uint16_t domid)
{
	unsigned i;

	for (i = 0; i < t->owners; i++)
		if (t->owner[i].domid == domid)
			return t->owner[i].nodes;
	return 0;
}

/* ---- trees ------------------------------------------------------------------
 */

int store_tree_init(struct store_tree *t, uint64_t *clock)
{
	struct store_perms *p = store_perms_new(1);

	memset(t, 0, sizeof(*t));
	t->clock = clock;
	if (!p)
		return -ENOMEM;
	t->root = node_new("", 0, p);
	store_perms_put(p);
	if (!t->root || owner_add(t, 0, 1)) {
		store_tree_free(t);
		return -ENOMEM;
	}
	t->root->generation = ++*clock;
	return 0;
}

int store_tree_copy(struct store_tree *to, const struct store_tree *from)
{
	*to = *from;
	to->owner = malloc(from->owners * sizeof(*to->owner));
	if (!to->owner) {
		to->root = NULL;
		return -ENOMEM;
	}
	memcpy(to->owner, from->owner, from->owners * sizeof(*to->owner));
	to->root->refs++;
	return 0;
}

void store_tree_free(struct store_tree *t)
{
	node_put(t->root);
	free(t->owner);
	t->root = NULL;
	t->owner = NULL;
	t->owners = 0;
}

/* The next name in a path: *name moves past it.  0 at the end. */
static size_t next_name(const char **name)
{
	while (**name == '/')
		(*name)++;
	return strcspn(*name, "/");
}

const struct store_node *store_tree_find(const struct store_tree *t,
					 const char *path)
{
	const struct store_node *n = t->root;
	struct store_node **slot;
	size_t len;

	while ((len = next_name(&path))) {
		slot = node_child(n, path, len);
		if (!slot)
			return NULL;
		n = *slot;
		path += len;
	}
	return n;
}

uint64_t store_tree_generation(const struct store_tree *t, const char *path)
{
	const struct store_node *n = store_tree_find(t, path);

	return n ? n->generation : 0;
}

/* The node at the first `plen` bytes of `path`, for changing. */
static struct store_node *find_own(struct store_tree *t, const char *path,
				   size_t plen)
{
	const char *end = path + plen;
	struct store_node *n = node_own(&t->root);
	struct store_node **slot;
	size_t len;

	while (n && (len = next_name(&path)) && path < end) {
		slot = node_child(n, path, len);
		assert(slot);
		n = node_own(slot);
		path += len;
	}
	return n;
}

int store_tree_make(struct store_tree *t, const char *path, uint16_t creator)
{
	struct store_node *n, *child, **slot;
	struct store_perms *perms;
	size_t len;
	int made = 0;

	if (store_tree_find(t, path))
		return 0;
	n = node_own(&t->root);
	while (n && (len = next_name(&path))) {
		slot = node_child(n, path, len);
		if (slot) {
			n = node_own(slot);
			path += len;
			continue;
		}
		perms = creator ? store_perms_owned_by(n->perms, creator)
				: store_perms_get(n->perms);
		if (!perms)
			return -ENOMEM;
		child = node_new(path, len, perms);
		store_perms_put(perms);
		if (!child || node_append(n, child) ||
		    owner_add(t, child->perms->entry[0].domid, 1))
			return -ENOMEM;
		if (!made)
			n->generation = ++*t->clock;
		child->generation = ++*t->clock;
		made = 1;
		n = child;
		path += len;
	}
	return n ? made : -ENOMEM;
}

int store_tree_set_value(struct store_tree *t, const char *path,
			 const void *value, size_t len)
{
	struct store_node *n = find_own(t, path, strlen(path));
	char *copy = NULL;

	if (!n)
		return -ENOMEM;
	if (len) {
		copy = malloc(len);
		if (!copy)
			return -ENOMEM;
		memcpy(copy, value, len);
	}
	free(n->value);
	n->value = copy;
	n->value_len = (uint32_t)len;
	n->generation = ++*t->clock;
	return 0;
}

int store_tree_set_perms(struct store_tree *t, const char *path,
			 struct store_perms *perms)
{
	struct store_node *n = find_own(t, path, strlen(path));

	if (!n || owner_add(t, perms->entry[0].domid, 1))
		return -ENOMEM;
	owner_add(t, n->perms->entry[0].domid, -1);
	store_perms_get(perms);
	store_perms_put(n->perms);
	n->perms = perms;
	n->generation = ++*t->clock;
	return 0;
}

static int count_down(void *arg, const char *path, const struct store_node *n)
{
	(void)path;
	return owner_add(arg, n->perms->entry[0].domid, -1);
}

int store_tree_remove(struct store_tree *t, const char *path)
{
	size_t parent_len = store_path_parent_len(path);
	struct store_node *n, **slot;
	const char *name;

	store_tree_walk(t, path, count_down, t);
	n = find_own(t, path, parent_len);
	if (!n)
		return -ENOMEM;
	name = path + parent_len;
	name += *name == '/';
	slot = node_child(n, name, strlen(name));
	assert(slot);
	node_put(*slot);
	n->children--;
	memmove(slot, slot + 1,
		(size_t)(n->child + n->children - slot) * sizeof(*slot));
	n->generation = ++*t->clock;
	return 0;
}

static int
walk(char path[STORE_PATH_MAX], size_t used, const struct store_node *n,
     int (*each)(void *arg, const char *path, const struct store_node *n),
     void *arg)
{
	size_t len, base = used == 1 ? 0 : used; /* "/" and then a name */
	unsigned i;
	int err;

	for (i = 0; i < n->children; i++) {
		len = strlen(n->child[i]->name);
		assert(base + 1 + len < STORE_PATH_MAX);
		path[base] = '/';
		memcpy(path + base + 1, n->child[i]->name, len + 1);
		err = walk(path, base + 1 + len, n->child[i], each, arg);
		path[used] = 0;
		if (err)
			return err;
	}
	return each(arg, path, n);
}

int store_tree_walk(const struct store_tree *t, const char *path,
		    int (*each)(void *arg, const char *path,
				const struct store_node *n),
		    void *arg)
{
	char buf[STORE_PATH_MAX];
	const struct store_node *n = store_tree_find(t, path);

	if (!n)
		return -ENOENT;
	strcpy(buf, path);
	return walk(buf, strlen(buf), n, each, arg);
}
