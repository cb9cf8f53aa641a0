/* SPDX-License-Identifier: MIT */
/*
 * What a disk's server was given and may still forget (RQ-43), over all its
 * connections: a flush on one of them covers what was answered on any.
 *
 * That holds only while they lead to the same server.  It has a life, which
 * ends when a connection is lost: another may be there when one is made anew.
 * So a connection knows the life it was born in, and once that has ended it
 * is old: what is answered on it does not count as success, and whoever has it
 * lets it go.  Without this a queue that comes back first could flush on the
 * new server what another one wrote on the one before it.
 *
 * A life that ends with writes that no flush has covered leaves a debt: the
 * next flush of each queue fails once, since guests may wait at each.  Those
 * that are opened after one has failed owe nothing.
 *
 * Memory order.  A write counts, and looks then whether its life has ended; an
 * end is marked, and looks then at what counts.  All of it is in one order
 * (seq_cst), so either the end sees the write or the write sees the end.  A
 * flush notes what counts before it is sent.  The lock keeps a new life from
 * beginning before the debts of the old one are there.
 */
#ifndef DISK_NBD_LIFE_H
#define DISK_NBD_LIFE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* One of a disk; any thread. */
struct nbd_life {
	_Atomic uint64_t written;   /* writes that were answered with success */
	_Atomic uint64_t committed; /* of these, flushed, or told as a debt */
	atomic_uint ended;	    /* lives that have; the one there is now */
	atomic_uint debts;	    /* as many ended with writes not flushed */
	atomic_uint told;	    /* of these, by a flush that failed */
	pthread_mutex_t lock;
	/* An eventfd, raised when a life ends; nobody reads it, EPOLLET. */
	int fd;
};

/* 0 or -errno; close it in either case. */
int nbd_life_open(struct nbd_life *l);
void nbd_life_close(struct nbd_life *l);

/* The life that a connection is born in; before it is begun. */
unsigned nbd_life_join(struct nbd_life *l);

/* A connection of the life `born` was lost; no-op if that has ended. */
void nbd_life_end(struct nbd_life *l, unsigned born);

static inline bool nbd_life_old(struct nbd_life *l, unsigned born)
{
	return atomic_load(&l->ended) != born;
}

/* A write had success; false if it may not be told. */
static inline bool nbd_life_wrote(struct nbd_life *l, unsigned born)
{
	atomic_fetch_add(&l->written, 1);
	return !nbd_life_old(l, born);
}

/* What a flush that is sent after this will cover. */
static inline uint64_t nbd_life_covers(struct nbd_life *l)
{
	return atomic_load(&l->written);
}

/* It had success; false if it may not be told. */
bool nbd_life_flushed(struct nbd_life *l, unsigned born, uint64_t covers);

/*
 * What a queue that is opened owes: its `told`, by which nbd_life_owes() says
 * true once for each debt that came since.
 */
unsigned nbd_life_told(struct nbd_life *l);
bool nbd_life_owes(struct nbd_life *l, unsigned *told);

#endif
