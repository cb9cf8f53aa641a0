/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "seam.h"

/* All of these are of the host that a part works on. */
static struct xen_host *h;
static const struct xen_store_ops *st;
static const char *root; /* the directory that the part may use */

static const char *at(const char *name)
{
	static char path[8][4096];
	static unsigned turn;
	char *p = path[turn++ % 8];

	snprintf(p, sizeof(path[0]), "%s%s%s", root, *name ? "/" : "", name);
	return p;
}

static void begin(struct xen_host *host, const char *dir)
{
	h = host;
	st = &h->ops->store;
	root = dir;
	st->rm(h, 0, root);
	st->mkdir(h, 0, root);
}

static int put(xen_xbt t, const char *name, const char *value)
{
	return st->write(h, t, at(name), value);
}

static int get_path(xen_xbt t, const char *path)
{
	char *v = st->read(h, t, path, NULL);

	if (!v)
		return -errno;
	free(v);
	return 0;
}

static void say_value(const char *what, xen_xbt t, const char *name)
{
	char *v = st->read(h, t, at(name), NULL), line[128];

	snprintf(line, sizeof(line), "\"%.100s\"",
		 v ? v : strerrorname_np(errno));
	say(what, line);
	free(v);
}

static void say_names(const char *what, xen_xbt t, const char *path)
{
	char line[512] = "", **names;
	unsigned n, i;

	names = st->directory(h, t, path, &n);
	if (!names) {
		say(what, strerrorname_np(errno));
		return;
	}
	for (i = 0; i < n; i++) {
		strncat(line, i ? " " : "", sizeof(line) - strlen(line) - 1);
		strncat(line, names[i], sizeof(line) - strlen(line) - 1);
	}
	say(what, *line ? line : "none");
	free(names);
}

static const char *repeated(char c, size_t n)
{
	static char text[2][8192];
	static unsigned turn;
	char *p = text[turn++ % 2];

	memset(p, c, n);
	p[n] = 0;
	return p;
}

void seam_store(struct seam *s)
{
	begin(s->own, "/seam");
	say_result("read of a missing node", get_path(0, at("no")));
	say_names("directory of a missing node", 0, at("no"));
	say_result("rm of a missing node", st->rm(h, 0, at("no")));
	say_result("rm without a parent", st->rm(h, 0, at("no/no")));
	say_result("permit of a missing node",
		   st->permit(h, 0, at("no"), 0, 0, 'r'));
	say_result("mkdir", st->mkdir(h, 0, at("dir")));
	say_result("mkdir again", st->mkdir(h, 0, at("dir")));
	say_value("its value", 0, "dir");
	say_names("its children", 0, at("dir"));
	say_result("write without parents", put(0, "a/b/c", "1"));
	say_value("a parent's value", 0, "a/b");
	say_result("write of a parent", put(0, "a/b", "2"));
	say_value("its child", 0, "a/b/c");
	say_result("write of nothing", put(0, "a/b", ""));
	say_value("its value", 0, "a/b");
	put(0, "order/z", "");
	put(0, "order/a", "");
	put(0, "order/m", "");
	put(0, "order/a", "again");
	say_names("order of children", 0, at("order"));
	st->rm(h, 0, at("order/z"));
	put(0, "order/z", "");
	say_names("and after one came again", 0, at("order"));
	say_result("rm of a parent", st->rm(h, 0, at("a")));
	say_value("its grandchild", 0, "a/b/c");
	say_result("rm of the root", st->rm(h, 0, "/"));
	say_result("two slashes", put(0, "/x", "1"));
	say_result("a slash at the end", put(0, "x/", "1"));
	say_result("a space", put(0, "x y", "1"));
	say_result("a dot", put(0, "x.y", "1"));
	say_result("an at sign", put(0, "x@y_z-0", "1"));
	say_result("an empty path", get_path(0, ""));
	say_result("a special one", get_path(0, "@releaseDomain"));
	say_result("a relative path", get_path(0, "seam-none"));
	say_result("a path of 2049", get_path(0, at(repeated('p', 2049 - 6))));
	say_result("a path of 2048", get_path(0, at(repeated('p', 2048 - 6))));
	say_result("a value of 2000", put(0, "v", repeated('v', 2000)));
	say_result("a value of 4000", put(0, "v", repeated('v', 4000)));
	say_result("a value of 4097", put(0, "v", repeated('v', 4097)));
	say_result("permit to a domain that is not",
		   st->permit(h, 0, at("dir"), 0, 999, 'r'));
	say_result("permit of a domain that is not",
		   st->permit(h, 0, at("dir"), 999, 0, 'r'));
	st->rm(h, 0, root);
}

/* ---- watches ----------------------------------------------------------- */

#define LAST_MS 10000
#define LAST	"last"

/* The next event, which is waited for; NULL: none came. */
static char **event_next(void)
{
	struct pollfd p = { .fd = st->fd(h), .events = POLLIN };
	char **event;

	while (st->next(h, &event))
		if (poll(&p, 1, LAST_MS) <= 0)
			return NULL;
	return event;
}

/*
 * What fired until now.  An event may come later than the answer to what was
 * asked after it, but not later than another event: so one more is made.
 */
static void fired(const char *what)
{
	char line[1024] = "", **event;
	bool last = false;
	const char *path;
	size_t used = 0;

	st->watch(h, "seam-last", LAST);
	while (!last && used <= 900 && (event = event_next())) {
		path = event[0];
		last = !strcmp(event[1], LAST);
		if (!strncmp(path, root, strlen(root)))
			path += strlen(root);
		if (!last)
			used += (size_t)snprintf(
				line + used, sizeof(line) - used, "%s%s(%s)",
				used ? " " : "", path, event[1]);
		free(event);
	}
	st->unwatch(h, "seam-last", LAST);
	if (!last)
		say(what, "the last one never came");
	say(what, used ? line : "nothing");
}

void seam_watches(struct seam *s)
{
	xen_xbt t;

	begin(s->own, "/seam");
	put(0, "d/x", "1");
	say_result("watch", st->watch(h, at("d"), "t"));
	fired("a new watch");
	say_result("the same again", st->watch(h, at("d"), "t"));
	say_result("with another token", st->watch(h, at("d"), "u"));
	fired("that one");
	say_result("unwatch", st->unwatch(h, at("d"), "u"));
	say_result("unwatch again", st->unwatch(h, at("d"), "u"));
	say_result("unwatch with a wrong token", st->unwatch(h, at("d"), "v"));
	put(0, "d/x", "1");
	fired("the same value");
	put(0, "d", "1");
	fired("the node itself");
	put(0, "e", "1");
	fired("a sibling");
	put(0, "dd", "1");
	fired("a node that begins alike");
	put(0, "d/a/b/c", "1");
	fired("a node with new parents");
	st->mkdir(h, 0, at("d/m"));
	fired("mkdir");
	st->mkdir(h, 0, at("d/m"));
	fired("mkdir of what is there");
	st->permit(h, 0, at("d/m"), 0, 0, 'r');
	fired("permit");
	st->rm(h, 0, at("d/no"));
	fired("rm of a missing node");
	st->rm(h, 0, at("d/a"));
	fired("rm of a subtree");
	st->watch(h, at("d/x"), "x");
	st->watch(h, at("d/missing/deep"), "m");
	fired("two below, one of them missing");
	put(0, "d/x", "2");
	fired("both above and on it");
	put(0, "d/missing", "2");
	fired("the parent of a watched node");
	put(0, "d/x/y/z", "1");
	st->watch(h, at("d/x/y/z"), "z");
	fired("one more");
	st->rm(h, 0, at("d"));
	fired("rm of all of them");
	st->rm(h, 0, root);
	fired("rm above the watches");
	st->mkdir(h, 0, root);
	fired("mkdir above them");
	put(0, "d/x", "1");
	fired("the node comes again");
	st->transaction_start(h, &t);
	put(t, "d/x", "1");
	put(t, "d/x", "2");
	put(t, "d/k", "2");
	fired("in a transaction");
	say_result("commit", st->transaction_end(h, t, false));
	fired("after it");
	st->transaction_start(h, &t);
	put(t, "d/x", "3");
	st->transaction_end(h, t, true);
	fired("after one that was aborted");
	st->transaction_start(h, &t);
	put(t, "d/tmp", "3");
	st->rm(h, t, at("d/tmp"));
	st->transaction_end(h, t, false);
	fired("made and removed in one");
	st->transaction_start(h, &t);
	st->rm(h, t, at("d/x"));
	put(t, "d/x", "9");
	st->transaction_end(h, t, false);
	fired("removed and made in one");
	say_result("watch of a bad path", st->watch(h, at("d "), "t"));
	say_result("watch of a special one",
		   st->watch(h, "@introduceDomain", "i"));
	fired("it");
	say_result("watch of an unknown one", st->watch(h, "@seam", "i"));
	fired("that");
	say_result("a relative watch", st->watch(h, "seam-r", "r"));
	fired("of it");
	st->unwatch(h, "seam-r", "r");
	st->unwatch(h, "@introduceDomain", "i");
	st->unwatch(h, "@seam", "i");
	put(0, "d/x", "3");
	st->unwatch(h, at("d"), "t");
	fired("unwatched with an event on its way");
	st->unwatch(h, at("d/x"), "x");
	st->unwatch(h, at("d/missing/deep"), "m");
	st->unwatch(h, at("d/x/y/z"), "z");
	st->rm(h, 0, root);
}

/* ---- transactions ------------------------------------------------------ */

static xen_xbt start(void)
{
	xen_xbt t = 0;

	st->rm(h, 0, root);
	put(0, "a", "1");
	put(0, "b", "1");
	put(0, "d/x", "1");
	st->transaction_start(h, &t);
	return t;
}

static void commit(const char *what, xen_xbt t)
{
	say_result(what, st->transaction_end(h, t, false));
}

void seam_transactions(struct seam *s)
{
	xen_xbt t, u;
	unsigned n;

	begin(s->own, "/seam");
	t = start();
	put(t, "a", "2");
	say_value("inside", t, "a");
	say_value("outside", 0, "a");
	commit("commit", t);
	say_value("afterwards", 0, "a");
	say_result("once more", st->transaction_end(h, t, false));
	say_result("a write in it", put(t, "a", "3"));
	t = start();
	put(t, "a", "2");
	say_result("abort", st->transaction_end(h, t, true));
	say_value("after abort", 0, "a");
	t = start();
	put(t, "a", "2");
	put(0, "a", "3");
	commit("both wrote one node", t);
	say_value("its value", 0, "a");
	t = start();
	put(t, "a", "2");
	put(0, "b", "3");
	commit("each wrote another", t);
	t = start();
	get_path(t, at("a"));
	put(0, "a", "1");
	commit("it read what was written, the same", t);
	t = start();
	get_path(t, at("a"));
	put(t, "b", "2");
	put(0, "a", "3");
	commit("it read one and wrote another", t);
	t = start();
	get_path(t, at("new"));
	put(0, "new", "3");
	commit("it saw nothing, and there is", t);
	t = start();
	free(st->directory(h, t, at("d"), &n));
	put(0, "d/y", "3");
	commit("it listed what got a child", t);
	t = start();
	free(st->directory(h, t, at("d"), &n));
	put(0, "d/x", "3");
	commit("it listed where a child changed", t);
	t = start();
	put(t, "d/x", "2");
	put(0, "d/y", "3");
	commit("it changed a node, and one came beside it", t);
	t = start();
	put(t, "d/z", "2");
	put(0, "d/y", "3");
	commit("it made a node, and one came beside it", t);
	t = start();
	put(t, "d/z", "2");
	put(0, "d/x", "3");
	commit("it made a node, and one changed beside it", t);
	t = start();
	st->rm(h, t, at("d"));
	put(0, "d/x", "3");
	commit("it removed a tree, and one changed in it", t);
	t = start();
	put(t, "d/x", "2");
	st->rm(h, 0, at("d"));
	commit("it changed what was removed", t);
	t = start();
	put(t, "a", "2");
	st->permit(h, 0, at("a"), 0, 0, 'r');
	commit("it wrote what got other rights", t);
	t = start();
	st->transaction_start(h, &u);
	put(t, "a", "2");
	put(u, "b", "2");
	commit("two at once, of two nodes", t);
	commit("the second", u);
	t = start();
	st->transaction_start(h, &u);
	put(t, "a", "2");
	put(u, "a", "3");
	commit("two at once, of one node", t);
	commit("the second", u);
	t = start();
	say_value("before the first look", 0, "a");
	put(0, "a", "5");
	say_value("a first look after a change", t, "a");
	commit("and its commit", t);
	t = start();
	put(0, "a", "5");
	put(t, "b", "2");
	commit("what it never looked at changed", t);
	t = start();
	st->rm(h, t, at("no"));
	commit("rm of a missing node", t);
	say_result("end of one that never was",
		   st->transaction_end(h, 0x7fffffff, false));
	say_result("a read in it", get_path(0x7fffffff, at("a")));
	st->rm(h, 0, root);
}

/* ---- a guest ----------------------------------------------------------- */

void seam_guest(struct seam *s)
{
	char name[32];
	xen_xbt t;
	int i, err;

	begin(s->peer, "data/seam");
	free(st->read(h, 0, "domid", NULL));
	say_result("a node of its own", put(0, "a", "1"));
	say_value("its value", 0, "a");
	say_result("its own directory, read", get_path(0, "name"));
	say_result("and written", st->write(h, 0, "name", "x"));
	say_result("a new node there", st->write(h, 0, "seam-new", "x"));
	say_result("read of a missing node there", get_path(0, "seam-new"));
	say_result("domain 0's, read", get_path(0, "/local/domain/0/name"));
	say_result("domain 0's, written",
		   st->write(h, 0, "/local/domain/0/name", "x"));
	say_result("a missing one of domain 0",
		   get_path(0, "/local/domain/0/seam-none"));
	say_result("a new one of domain 0",
		   st->write(h, 0, "/local/domain/0/seam-new", "x"));
	say_result("rm there", st->rm(h, 0, "/local/domain/0/name"));
	say_result("a new one at the root", st->write(h, 0, "/seam-new", "x"));
	say_names("the list of domains", 0, "/local/domain/0");
	say_result("rm of a missing node", st->rm(h, 0, at("no")));
	say_result("permit to another",
		   st->permit(h, 0, at("a"), s->peer->domid, 0, 'r'));
	say_result("permit: given away", st->permit(h, 0, at("a"), 0, 0, 'r'));
	say_result("watch of its own", st->watch(h, at("a"), "t"));
	say_result("of what it may not read",
		   st->watch(h, "/local/domain/0/name", "n"));
	fired("both");
	put(0, "a", "2");
	fired("its own changed");
	st->unwatch(h, at("a"), "t");
	st->unwatch(h, "/local/domain/0/name", "n");
	fired("unwatched");
	say_result("a value of 1900", put(0, "v", repeated('v', 1900)));
	say_result("a value of 2048", put(0, "v", repeated('v', 2048)));
	st->rm(h, 0, at("v"));
	for (i = 0, err = 0; !err && i < 20; i++)
		err = st->transaction_start(h, &t);
	say_result("20 transactions", err);
	snprintf(name, sizeof(name), "%d", i - 1);
	say("of which there were", name);
	/* They end with the connection, which is the part's last. */
	say_result("rm of all", st->rm(h, 0, root));
}
