/* SPDX-License-Identifier: MIT */
#include "disk/file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "disk/discard.h"
#include "disk/inline.h"
#include "disk/threads.h"
#include "disk/uring.h"

#define FILE_PAGE	 4096u
#define LOCK_PATIENCE_MS 300
#define LOCK_PAUSE_MS	 10

/* Is this a thing that can hold a disk? */
static int file_check_kind(const char *path, mode_t mode, struct why *why)
{
	const char *what;

	if (S_ISREG(mode) || S_ISBLK(mode))
		return 0;
	if (S_ISDIR(mode))
		return why_set(why, -EISDIR,
			       "%s is a directory; name an image file or a "
			       "block device",
			       path);
	what = S_ISFIFO(mode)	? "a pipe"
	       : S_ISSOCK(mode) ? "a socket"
	       : S_ISCHR(mode)	? "a character device"
				: "a special file";
	return why_set(why, -ENOTBLK,
		       "%s is %s; name an image file or a block device", path,
		       what);
}

/* The sentence for an open(2) or stat(2) that failed with `err`. */
static int file_open_failed(const char *path, bool readonly, int err,
			    struct why *why)
{
	switch (err) {
	case ENOENT:
	case ENOTDIR:
		return why_set(why, -err,
			       "%s does not exist; make an image with "
			       "'truncate -s 1G FILE', or correct the path",
			       path);
	case EACCES:
	case EPERM:
		return why_set(why, -err,
			       "%s may not be opened for %s by this user; "
			       "change its permissions%s",
			       path, readonly ? "reading" : "writing",
			       readonly ? "" : " or attach it read-only");
	case EROFS:
		return why_set(why, -err,
			       "%s can only be read; attach it read-only",
			       path);
	case EBUSY:
		return why_set(why, -err,
			       "%s is in use, perhaps mounted; unmount it or "
			       "detach it there first",
			       path);
	case ENOMEDIUM:
	case ENXIO:
		return why_set(why, -err,
			       "%s has no device or medium behind it; insert "
			       "one or name another disk",
			       path);
	default:
		return why_set(why, -err,
			       "%s cannot be opened: %s; name another file "
			       "or mend it",
			       path, strerror(err));
	}
}

/*
 * Nobody else writes what we serve.  A daemon that was just killed holds its
 * lock until the kernel has finished its last I/O, hence the patience; to
 * wait for that is also what a successor needs.
 */
static int file_lock(const char *path, int fd, bool readonly, struct why *why)
{
	const struct timespec pause = { 0, LOCK_PAUSE_MS * 1000000L };
	int how = (readonly ? LOCK_SH : LOCK_EX) | LOCK_NB;

	for (int ms = 0;; ms += LOCK_PAUSE_MS) {
		if (!flock(fd, how))
			return 0;
		if (errno == EINTR)
			continue;
		if (errno != EWOULDBLOCK)
			return 0; /* a file system without locks */
		if (ms >= LOCK_PATIENCE_MS)
			return why_set(why, -EBUSY,
				       "%s is in use by another disk; detach "
				       "it there first, or attach it "
				       "read-only at both places",
				       path);
		nanosleep(&pause, NULL);
	}
}

int disk_file_measure(struct disk *d, uint64_t *bytes)
{
	const struct disk_file *f = (const struct disk_file *)d;
	struct statx st;

	if (d->block_device)
		return ioctl(f->fd, BLKGETSIZE64, bytes) ? -errno : 0;
	/* As it is known here: a file server that is away must not be asked. */
	if (statx(f->fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_SIZE,
		  &st))
		return -errno;
	*bytes = st.stx_size;
	return 0;
}

/* Size and physical sector size. */
static int file_look(const char *path, struct disk_file *f,
		     const struct stat *st, struct why *why)
{
	struct disk *d = &f->d;
	unsigned physical;
	uint64_t bytes;
	int only_read, err;

	if (S_ISBLK(st->st_mode)) {
		d->block_device = true;
		/* Linux opens it for writing all the same. */
		if (!d->readonly && !ioctl(f->fd, BLKROGET, &only_read) &&
		    only_read)
			return file_open_failed(path, false, EROFS, why);
		if (ioctl(f->fd, BLKPBSZGET, &physical))
			physical = 0;
		if (ioctl(f->fd, BLKSSZGET, &f->block_bytes))
			f->block_bytes = d->sector_bytes;
	} else {
		physical = FILE_PAGE; /* the page cache's unit */
	}
	err = disk_file_measure(d, &bytes);
	if (err)
		return why_set(why, err,
			       "%s does not tell its size: %s; name another "
			       "file or block device",
			       path, strerror(-err));
	d->size_bytes = bytes;
	if (!bytes)
		return why_set(why, -EINVAL,
			       "%s is empty; give it a size, for example with "
			       "'truncate -s 1G FILE'",
			       path);
	if (bytes % d->sector_bytes)
		return why_set(why, -EINVAL,
			       "the size of %s, %llu bytes, is not a multiple "
			       "of its sector size, %u; extend it with "
			       "'truncate -s %%%u FILE'",
			       path, (unsigned long long)bytes, d->sector_bytes,
			       d->sector_bytes);
	/* XB-14, XB-15: a multiple of the sector, and it divides the size. */
	if (physical < d->sector_bytes || physical % d->sector_bytes ||
	    bytes % physical)
		physical = d->sector_bytes;
	d->physical_bytes = physical;
	return 0;
}

/* Switch to direct I/O, or say in the log why not. */
static void file_try_direct(const char *path, struct disk_file *f)
{
	uint32_t mem = FILE_PAGE, off = FILE_PAGE; /* if nothing is known */
	struct statx sx;

	if (!statx(f->fd, "", AT_EMPTY_PATH, STATX_DIOALIGN, &sx) &&
	    sx.stx_mask & STATX_DIOALIGN) {
		mem = sx.stx_dio_mem_align;
		off = sx.stx_dio_offset_align;
	} else if (f->d.block_device) {
		mem = off = f->block_bytes;
	}
	if (!off || !mem ||
	    fcntl(f->fd, F_SETFL, fcntl(f->fd, F_GETFL) | O_DIRECT)) {
		log_info("%s: direct I/O is not possible here; the page "
			 "cache is used",
			 path);
		return;
	}
	if (off > f->d.sector_bytes || mem > FILE_PAGE) {
		fcntl(f->fd, F_SETFL, fcntl(f->fd, F_GETFL) & ~O_DIRECT);
		log_info("%s: direct I/O needs blocks of %u bytes and the "
			 "disk has sectors of %u; the page cache is used",
			 path, off, f->d.sector_bytes);
		return;
	}
	f->direct = true;
	f->mem_align = mem;
	f->len_align = off;
}

static const struct disk_ops *
file_choose_engine(const struct disk_file *f, const char *path, bool no_uring)
{
	struct why why;

	if (no_uring)
		return &disk_threads_ops;
	if (disk_inline_suits(f))
		return &disk_inline_ops;
	if (!disk_uring_usable(&why))
		return &disk_uring_ops;
	log_info("%s: %s; threads are used", path, why.text);
	return &disk_threads_ops;
}

int disk_file_open(const char *path, const struct disk_options *opt,
		   struct disk **out, struct why *why)
{
	int flags = (opt->readonly ? O_RDONLY : O_RDWR) | O_CLOEXEC;
	struct disk_file *f = calloc(1, sizeof(*f));
	struct stat st;
	int err;

	if (!f)
		return why_set(why, -ENOMEM, "%s: no memory", path);
	f->fd = -1;
	f->d.sector_bytes = opt->sector_bytes;
	f->d.readonly = opt->readonly;
	/* Looked at before it is opened: opening a pipe or tape has effects. */
	if (stat(path, &st)) {
		err = file_open_failed(path, opt->readonly, errno, why);
		goto fail;
	}
	err = file_check_kind(path, st.st_mode, why);
	if (err)
		goto fail;
	if (S_ISBLK(st.st_mode) && !opt->readonly)
		flags |= O_EXCL;
	f->fd = open(path, flags);
	if (f->fd < 0 || fstat(f->fd, &st)) {
		err = file_open_failed(path, opt->readonly, errno, why);
		goto fail;
	}
	err = file_check_kind(path, st.st_mode, why);
	if (!err && S_ISREG(st.st_mode))
		err = file_lock(path, f->fd, opt->readonly, why);
	/* Now, and not before: it may have grown while we waited. */
	if (!err)
		err = file_look(path, f, &st, why);
	if (err)
		goto fail;
	if (opt->direct)
		file_try_direct(path, f);
	disk_discard_find(f, &st);
	f->d.ops = file_choose_engine(f, path, opt->no_uring);
	*out = &f->d;
	return 0;
fail:
	if (f->fd >= 0)
		close(f->fd);
	free(f);
	return err;
}

void disk_file_close(struct disk *d)
{
	struct disk_file *f = (struct disk_file *)d;

	assert(!atomic_load(&f->queues));
	close(f->fd);
	free(f);
}

bool disk_file_must_bounce(const struct disk_file *f, const struct disk_op *op)
{
	uintptr_t off = 0;
	size_t len = 0;

	if (!f->direct)
		return false;
	for (unsigned i = 0; i < op->iov_count; i++) {
		off |= (uintptr_t)op->iov[i].iov_base;
		len |= op->iov[i].iov_len;
	}
	return (off & (f->mem_align - 1)) || (len & (f->len_align - 1));
}

int disk_file_bounce_alloc(const struct disk_file *f, void **out)
{
	*out = NULL;
	return f->direct ? -posix_memalign(out, FILE_PAGE, DISK_BOUNCE_BYTES)
			 : 0;
}
