/* SPDX-License-Identifier: MIT */
/*
 * The desk's store, by its wire protocol: two guests and domain 0 send any
 * requests and any bytes.  Each request is answered once, with its own number
 * and a known word; what was written stands; a guest reads and changes nothing
 * that is not its own, and leaves nothing behind.
 *
 * Input: one step after the other.  A byte tells whose: bits 0 and 1 choose a
 * client; with bit 2 raw bytes follow (a length, bytes); with bit 3 the client
 * goes away and comes again.  Else a request follows: type, transaction (0:
 * none, 255: one that is not there, else the last begun), the length of the
 * payload (16 times that with bit 4), and the payload.
 */
#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "desk/loop.h"
#include "desk/store/path.h"
#include "desk/store/quota.h"
#include "desk/store/store.h"
#include "desk/store/wire.h"
#include "fuzz.h"

#define CLIENTS 4u
#define DOMAINS 3u

static struct desk_loop loop;
static struct store *store;
static struct sockaddr_un listening[DOMAINS];
static socklen_t listening_len[DOMAINS];

static struct client {
	uint16_t domid;
	int fd;
	bool raw;    /* it sent bytes of its own choice */
	bool closed; /* the store closed it */
	bool spoke;
	uint32_t transaction; /* the last one it began */
	size_t got;
	char bytes[65536]; /* received, not looked at yet */
} client[CLIENTS] = { { .domid = 1 }, { .domid = 1 }, { .domid = 2 }, { 0 } };

/* The last answer, not an event. */
static struct {
	unsigned count;
	struct xsd_sockmsg hdr;
	char data[XENSTORE_PAYLOAD_MAX + 1];
} answer;

/* ---- clients ------------------------------------------------------------ */

static void client_connect(struct client *c)
{
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	fuzz_check(c->fd >= 0 && !connect(c->fd, (void *)&listening[c->domid],
					  listening_len[c->domid]),
		   "a connection");
	c->raw = c->closed = false;
	c->transaction = 0;
	c->got = 0;
}

static void error_check(const char *word, size_t len)
{
	size_t i;

	for (i = 0; i < sizeof(xsd_errors) / sizeof(xsd_errors[0]); i++)
		if (len == strlen(xsd_errors[i].errstring) + 1 &&
		    !memcmp(word, xsd_errors[i].errstring, len))
			return;
	fuzz_check(false, "an error is one of the words there are");
}

/* A whole frame: an event, or an answer. */
static void frame_look(const struct xsd_sockmsg *hdr, const char *data)
{
	const char *nul;

	if (hdr->type == XS_WATCH_EVENT) {
		nul = memchr(data, 0, hdr->len);
		fuzz_check(nul && nul > data &&
				   strnlen(nul + 1, (size_t)(data + hdr->len -
							     nul - 1)) ==
					   (size_t)(data + hdr->len - nul - 2),
			   "an event is a path and a token");
		return;
	}
	if (hdr->type == XS_ERROR)
		error_check(data, hdr->len);
	answer.count++;
	answer.hdr = *hdr;
	memcpy(answer.data, data, hdr->len);
	answer.data[hdr->len] = 0;
}

static void client_read(struct client *c)
{
	struct xsd_sockmsg hdr;
	ssize_t n;

	while (!c->closed) {
		n = recv(c->fd, c->bytes + c->got, sizeof(c->bytes) - c->got,
			 0);
		if (n < 0 && errno == EAGAIN)
			break;
		c->closed = n <= 0;
		c->got += n > 0 ? (size_t)n : 0;
		while (c->got >= sizeof(hdr)) {
			memcpy(&hdr, c->bytes, sizeof(hdr));
			fuzz_check(hdr.len <= XENSTORE_PAYLOAD_MAX,
				   "a frame that a client can take");
			if (c->got < sizeof(hdr) + hdr.len)
				break;
			frame_look(&hdr, c->bytes + sizeof(hdr));
			c->got -= sizeof(hdr) + hdr.len;
			memmove(c->bytes, c->bytes + sizeof(hdr) + hdr.len,
				c->got);
		}
	}
	fuzz_check(!c->closed || c->raw, "nobody is cut off for a request");
}

/* The store does what there is to do, and everybody reads. */
static void settle(void)
{
	unsigned round, i;

	for (round = 0; round < 3; round++) {
		fuzz_check(!desk_loop_once(&loop, 0), "the loop");
		for (i = 0; i < CLIENTS; i++)
			client_read(&client[i]);
	}
}

static void client_send(struct client *c, const void *bytes, size_t len)
{
	if (c->closed)
		return;
	if (send(c->fd, bytes, len, MSG_NOSIGNAL) != (ssize_t)len)
		fuzz_check(c->raw, "a request is taken");
}

/* ---- requests ----------------------------------------------------------- */

/* What an answered request must have done. */
static void effect_check(const struct client *c, const struct xsd_sockmsg *hdr,
			 const char *payload)
{
	const struct store_node *n;
	char path[STORE_PATH_MAX];
	size_t base, len;

	if (hdr->type == XS_TRANSACTION_START) {
		fuzz_check(atoi(answer.data) > 0, "a transaction has a number");
		return;
	}
	if (hdr->tx_id || (hdr->type != XS_READ && hdr->type != XS_WRITE &&
			   hdr->type != XS_MKDIR && hdr->type != XS_RM))
		return;
	fuzz_check(!store_path_absolute(payload, c->domid, false, path, &base),
		   "only what is a path is answered");
	n = store_tree_find(&store->tree, path);
	switch (hdr->type) {
	case XS_WRITE:
		len = hdr->len - strlen(payload) - 1;
		fuzz_check(n && n->value_len == len &&
				   (!len ||
				    !memcmp(n->value, payload + hdr->len - len,
					    len)),
			   "what was written stands");
		break;
	case XS_READ:
		fuzz_check(
			n && n->value_len == answer.hdr.len &&
				(!n->value_len ||
				 !memcmp(n->value, answer.data, n->value_len)),
			"what is read stands there");
		fuzz_check(!c->domid || strncmp(path, "/secret", 7),
			   "a guest reads no secret");
		break;
	case XS_MKDIR:
		fuzz_check(n, "what was made is there");
		break;
	default:
		fuzz_check(!n, "what was removed is gone");
	}
}

static void request_run(struct client *c, struct fuzz_input *in, bool large)
{
	static uint32_t number;
	struct xsd_sockmsg hdr = { .type = fuzz_byte(in) % (XS_TYPE_COUNT + 2),
				   .req_id = ++number };
	uint8_t transaction = fuzz_byte(in);
	uint8_t len = fuzz_byte(in);
	char frame[sizeof(hdr) + 16 * 255 + 1];
	char *payload = frame + sizeof(hdr);

	hdr.len = large ? len * 16u : len;
	hdr.tx_id = !transaction	 ? 0
		    : transaction == 255 ? 12345
					 : c->transaction;
	memcpy(frame, &hdr, sizeof(hdr));
	fuzz_bytes(in, payload, hdr.len);
	payload[hdr.len] = 0;
	answer.count = 0;
	client_send(c, frame, sizeof(hdr) + hdr.len);
	settle();
	if (c->raw)
		return; /* nobody knows where its frames begin */
	fuzz_check(answer.count == 1, "one answer");
	fuzz_check(answer.hdr.req_id == hdr.req_id &&
			   answer.hdr.tx_id == hdr.tx_id,
		   "an answer has the request's numbers");
	if (answer.hdr.type == XS_ERROR)
		return;
	fuzz_check(answer.hdr.type == hdr.type, "and its type");
	effect_check(c, &hdr, payload);
	if (hdr.type == XS_TRANSACTION_START)
		c->transaction = (uint32_t)atoi(answer.data);
}

static void step_run(struct fuzz_input *in)
{
	uint8_t what = fuzz_byte(in);
	struct client *c = &client[what & (CLIENTS - 1)];
	uint8_t raw[255], len;

	if (what & 8) {
		close(c->fd);
		client_connect(c);
		settle();
		return;
	}
	c->spoke = true;
	if (!(what & 4)) {
		request_run(c, in, what & 16);
		return;
	}
	c->raw = true;
	len = fuzz_byte(in);
	fuzz_bytes(in, raw, len);
	client_send(c, raw, len);
	settle();
}

/* ---- the store ---------------------------------------------------------- */

static void owned_by(const char *path, const char *perms)
{
	struct store_perms *p;

	fuzz_check(!store_perms_parse(perms, strlen(perms) + 1, &p) &&
			   !store_tree_set_perms(&store->tree, path, p),
		   "permissions");
	store_perms_put(p);
}

static void world_open(void)
{
	uint16_t d;
	unsigned i;
	int fd;

	fuzz_check(!desk_loop_open(&loop) && !store_open(&store, &loop),
		   "a store");
	for (d = 0; d < DOMAINS; d++) {
		listening[d].sun_family = AF_UNIX;
		listening_len[d] = sizeof(sa_family_t);
		fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
		/* The kernel finds a name for it. */
		fuzz_check(!bind(fd, (void *)&listening[d], listening_len[d]) &&
				   !listen(fd, 16),
			   "a socket");
		listening_len[d] = sizeof(listening[d]);
		getsockname(fd, (void *)&listening[d], &listening_len[d]);
		fuzz_check(!store_domain_add(store, d, fd), "a domain");
	}
	store_write(store, "/secret", "do not tell");
	store_write(store, "/local/domain/1/data", "one");
	store_write(store, "/local/domain/2/data", "two");
	owned_by("/local/domain/1", "n1");
	owned_by("/local/domain/1/data", "n1");
	owned_by("/local/domain/2", "n2");
	owned_by("/local/domain/2/data", "n2");
	for (i = 0; i < CLIENTS; i++) {
		client[i].spoke = false;
		client_connect(&client[i]);
	}
	settle();
}

static int count_nodes(void *arg, const char *path, const struct store_node *n)
{
	(void)path;
	(void)n;
	(*(unsigned *)arg)++;
	return 0;
}

static void world_close(void)
{
	char value[64] = "";
	unsigned nodes = 0, i;

	if (!client[3].spoke) {
		fuzz_check(
			!store_read(store, "/secret", value, sizeof(value)) &&
				!strcmp(value, "do not tell"),
			"a guest changes nothing of domain 0");
		for (i = 1; i < DOMAINS; i++)
			fuzz_check(
				store_tree_owned(&store->tree, (uint16_t)i) <=
					STORE_QUOTA_NODES,
				"a guest keeps to its quota");
		if (!client[2].spoke)
			fuzz_check(!store_read(store, "/local/domain/2/data",
					       value, sizeof(value)) &&
					   !strcmp(value, "two"),
				   "nor of another guest");
	}
	store_tree_walk(&store->tree, "/", count_nodes, &nodes);
	fuzz_check(nodes == store->tree.nodes, "the nodes are counted");
	for (i = 0; i < CLIENTS; i++)
		close(client[i].fd);
	for (i = 0; i < 3; i++)
		desk_loop_once(&loop, 0);
	fuzz_check(!store->transactions && !store->watches &&
			   LIST_EMPTY(&store->conns),
		   "who goes leaves nothing");
	store_close(store);
	desk_loop_close(&loop);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	log_open("fuzz_store", LOG_LEVEL_ERROR);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { data, size };
	unsigned steps = 0;

	world_open();
	while (in.left && steps++ < 64)
		step_run(&in);
	world_close();
	return 0;
}
