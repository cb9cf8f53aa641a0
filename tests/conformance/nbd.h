/* SPDX-License-Identifier: MIT */
/*
 * Storage that does what a case tells it: a small NBD server in a thread of
 * the case.  It writes down what it is asked, in order, and holds its answers
 * back as long as the case wants.
 */
#ifndef TESTS_CONFORMANCE_NBD_H
#define TESTS_CONFORMANCE_NBD_H

#include <pthread.h>

#include "tests/conformance/peer.h"

enum nbd_type { NBD_READ, NBD_WRITE, NBD_DISC, NBD_FLUSH, NBD_TRIM };

#define NBD_BYTES (1u << 20)
#define NBD_LOG	  4096u

struct nbd_asked {
	enum nbd_type type;
	uint64_t off;
	uint32_t len;
	char cookie[8];
	bool answered;
};

struct nbd {
	char target[400];
	int listen, wake;
	pthread_t thread;
	pthread_mutex_t lock; /* of what follows */
	uint8_t data[NBD_BYTES];
	struct nbd_asked log[NBD_LOG];
	unsigned asked;
	unsigned hold;	   /* bits of types that are not answered now */
	uint32_t error[5]; /* what a type is answered with */
	bool stop;
};

/* A server; and a peer with a disk on it, at state 2. */
struct nbd *nbd_begin(struct peer *p, uint32_t devid);
/* Ends the peer's disk, then the server. */
void nbd_end(struct nbd *n, struct peer *p);

/* Hold answers back: bits 1 << type; 0 gives all that are held. */
void nbd_hold(struct nbd *n, unsigned types);
/* Answer a type with this errno of NBD's from now on; 0 with success. */
void nbd_error(struct nbd *n, enum nbd_type type, uint32_t error);
/* How many commands came; wait until there are so many. */
unsigned nbd_asked(struct nbd *n);
void nbd_wait(struct nbd *n, unsigned count);
/* The i-th has to be this one. */
void nbd_expect(struct nbd *n, unsigned i, enum nbd_type type, uint64_t off,
		uint32_t len);

#endif
