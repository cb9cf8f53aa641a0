/* SPDX-License-Identifier: MIT */
#include "disk/nbd_life.h"

#include <unistd.h>

#include "disk/op.h"

int nbd_life_open(struct nbd_life *l)
{
	*l = (struct nbd_life){ .fd = disk_signal_open() };
	pthread_mutex_init(&l->lock, NULL);
	return l->fd < 0 ? l->fd : 0;
}

void nbd_life_close(struct nbd_life *l)
{
	if (l->fd >= 0)
		close(l->fd);
	pthread_mutex_destroy(&l->lock);
}

unsigned nbd_life_join(struct nbd_life *l)
{
	unsigned born;

	pthread_mutex_lock(&l->lock);
	born = atomic_load(&l->ended);
	pthread_mutex_unlock(&l->lock);
	return born;
}

/* Never back: flushes may end in another order than they began. */
static void life_commit(struct nbd_life *l, uint64_t covers)
{
	uint64_t was = atomic_load(&l->committed);

	while (was < covers &&
	       !atomic_compare_exchange_weak(&l->committed, &was, covers))
		;
}

void nbd_life_end(struct nbd_life *l, unsigned born)
{
	uint64_t written;

	pthread_mutex_lock(&l->lock);
	if (nbd_life_old(l, born)) {
		pthread_mutex_unlock(&l->lock);
		return;
	}
	atomic_fetch_add(&l->ended, 1);
	written = atomic_load(&l->written);
	if (atomic_load(&l->committed) < written)
		atomic_fetch_add(&l->debts, 1);
	life_commit(l, written);
	pthread_mutex_unlock(&l->lock);
	disk_signal_raise(l->fd);
}

bool nbd_life_flushed(struct nbd_life *l, unsigned born, uint64_t covers)
{
	if (nbd_life_old(l, born))
		return false;
	life_commit(l, covers);
	return true;
}

unsigned nbd_life_told(struct nbd_life *l)
{
	return atomic_load(&l->told);
}

bool nbd_life_owes(struct nbd_life *l, unsigned *told)
{
	unsigned debts = atomic_load(&l->debts);

	if (*told == debts)
		return false;
	*told = debts;
	atomic_store(&l->told, debts);
	return true;
}
