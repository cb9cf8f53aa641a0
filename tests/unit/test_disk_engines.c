/* SPDX-License-Identifier: MIT */
/*
 * One suite over each storage engine: what is written is read back whatever
 * the vectors, and each failure of what lies below comes back as -errno.
 *
 * preadv, pwritev and io_uring_submit are replaced here by ones that can be
 * told to move less than they were asked to, as the real ones may.
 */
#include "nbd_rig.h"

#include <dlfcn.h>
#include <errno.h>
#include <liburing.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "disk/file.h"

#define SIZE  (4u << 20)
#define DEPTH 64u

/* ---- transfers made short ---- */

static bool shorten;
static unsigned shortened; /* how many were */

static bool shorten_this(void)
{
	if (!__atomic_load_n(&shorten, __ATOMIC_RELAXED))
		return false;
	/* Every second one, so that there is progress of both kinds. */
	return __atomic_fetch_add(&shortened, 1, __ATOMIC_RELAXED) % 2 == 0;
}

/* Half of a single vector (whole sectors), or all but the last of many. */
static void shorten_iov(struct iovec *one, const struct iovec **iov, int *n)
{
	if (*n > 1) {
		*n -= 1;
	} else {
		*one = **iov;
		if (one->iov_len >= 1024)
			one->iov_len = one->iov_len / 1024 * 512;
		*iov = one;
	}
}

ssize_t preadv(int fd, const struct iovec *iov, int n, off_t off)
{
	struct iovec one;

	if (shorten_this())
		shorten_iov(&one, &iov, &n);
	return syscall(SYS_preadv, fd, iov, (long)n, off, 0L);
}

ssize_t pwritev(int fd, const struct iovec *iov, int n, off_t off)
{
	struct iovec one;

	if (shorten_this())
		shorten_iov(&one, &iov, &n);
	return syscall(SYS_pwritev, fd, iov, (long)n, off, 0L);
}

int io_uring_submit(struct io_uring *ring)
{
	static int (*real)(struct io_uring *);
	unsigned i;

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "io_uring_submit");
	for (i = ring->sq.sqe_head; i != ring->sq.sqe_tail; i++) {
		struct io_uring_sqe *s = ring->sq.sqes;

		s += i & (ring->sq.ring_entries - 1);
		if (s->opcode != IORING_OP_READ &&
		    s->opcode != IORING_OP_WRITE &&
		    s->opcode != IORING_OP_READV &&
		    s->opcode != IORING_OP_WRITEV)
			continue;
		if (!shorten_this())
			continue;
		if (s->opcode == IORING_OP_READV ||
		    s->opcode == IORING_OP_WRITEV)
			s->len = s->len > 1 ? s->len - 1 : 1;
		else if (s->len >= 1024)
			s->len = s->len / 1024 * 512;
	}
	return real(ring);
}

/* ---- the engines ---- */

struct rig {
	const char *name;
	const char *target; /* or NULL: a file */
	bool no_uring;
	bool direct;
	bool in_memory; /* the file is */
	/* while a test runs: */
	const char *path;
	struct disk *d;
	struct disk_queue *q;
};

static struct rig rigs[] = {
	{ .name = "io_uring" },
	{ .name = "io_uring direct", .direct = true },
	{ .name = "inline", .in_memory = true },
	{ .name = "threads", .no_uring = true },
	{ .name = "threads direct", .no_uring = true, .direct = true },
	{ .name = "mem", .target = "mem:4M" },
	{ .name = "nbd" }, /* its target is known when its server runs */
};
#define RIGS (sizeof(rigs) / sizeof(rigs[0]))
#define NBD  (&rigs[RIGS - 1])

static pid_t server; /* of NBD; 0 if there is none */

static void rig_open(struct rig *r, const char *target, unsigned depth)
{
	struct disk_options opt = { .no_uring = r->no_uring,
				    .direct = r->direct };
	struct why why;

	if (disk_open(target, &opt, &r->d, &why))
		fail_msg("%s", why.text);
	if (!r->target && !strstr(target, "/small/"))
		assert_string_equal(r->d->ops->name, r->no_uring ? "threads"
						     : r->in_memory
							     ? "inline"
							     : "io_uring");
	if (r->d->ops->queue_open(r->d, depth, &r->q, &why))
		fail_msg("%s", why.text);
}

static void rig_close(struct rig *r)
{
	if (r->q)
		r->d->ops->queue_close(r->q);
	r->q = NULL;
	disk_close(r->d);
	r->d = NULL;
}

/* Its file is gone with the process that has it open. */
static const char *memory_image(off_t bytes)
{
	static char path[64];
	int fd = memfd_create("image", 0);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, bytes), 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return path;
}

static int setup(void **state)
{
	struct rig *r = *state;

	r->path = r->target	 ? r->target
		  : r->in_memory ? memory_image(SIZE)
				 : rig_image("image", SIZE);
	rig_open(r, r->path, DEPTH);
	return 0;
}

static int teardown(void **state)
{
	shorten = false;
	rig_close(*state);
	return 0;
}

/* ---- data ---- */

static uint32_t random_next(void)
{
	static uint64_t x = 88172645463325252u;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return (uint32_t)(x >> 16);
}

/* One operation in flight on its own stretch of the disk. */
struct flight {
	struct disk_op op;
	struct iovec iov[32];
	unsigned char *buf; /* room for STRETCH bytes and gaps */
	uint64_t off;	    /* of the stretch */
	bool busy;
};

#define STRETCH (SIZE / DEPTH)
#define GAP	64u
#define BUF	(STRETCH + 32 * GAP + 4096)

/*
 * A random operation inside the stretch: sectors on the disk, any cut into
 * vectors in memory.  `sectors`: cut at whole, aligned sectors, as a guest.
 */
static void flight_shape(struct flight *f, bool sectors)
{
	uint32_t n = STRETCH / 512, first, count, left, part;
	unsigned char *at = f->buf;

	first = random_next() % n;
	count = 1 + random_next() % (n - first);
	f->op.off_bytes = f->off + first * 512u;
	f->op.len_bytes = left = count * 512u;
	f->op.iov = f->iov;
	f->op.iov_count = 0;
	f->op.error = 1;
	if (!sectors)
		at += random_next() % 512;
	while (left) {
		part = 1 + random_next() % left;
		if (sectors)
			part = (part + 511) / 512 * 512;
		if (part > left || f->op.iov_count == 31)
			part = left;
		f->iov[f->op.iov_count].iov_base = at;
		f->iov[f->op.iov_count++].iov_len = part;
		at += part + (sectors ? 0 : random_next() % GAP);
		left -= part;
	}
}

static void flight_fill(struct flight *f, unsigned char *shadow)
{
	unsigned char *to = shadow + f->op.off_bytes;

	for (unsigned i = 0; i < f->op.iov_count; i++) {
		unsigned char *b = f->iov[i].iov_base;

		for (size_t k = 0; k < f->iov[i].iov_len; k++)
			*to++ = b[k] = (unsigned char)random_next();
	}
}

static void flight_compare(struct flight *f, const unsigned char *shadow)
{
	const unsigned char *from = shadow + f->op.off_bytes;

	for (unsigned i = 0; i < f->op.iov_count; i++) {
		if (memcmp(f->iov[i].iov_base, from, f->iov[i].iov_len))
			fail_msg("other data at %llu, vector %u",
				 (unsigned long long)f->op.off_bytes, i);
		from += f->iov[i].iov_len;
	}
}

/* `rounds` random operations, up to DEPTH at once, checked by a shadow. */
static void run_random(struct rig *r, unsigned rounds, bool sectors)
{
	static struct flight flights[DEPTH];
	unsigned char *shadow = calloc(1, SIZE), *now = malloc(SIZE);
	struct disk_op *done[DEPTH];
	unsigned started = 0, in_flight = 0, n, i;
	struct iovec all = { now, SIZE };
	struct disk_op whole = { .kind = DISK_READ,
				 .iov = &all,
				 .iov_count = 1,
				 .len_bytes = SIZE };

	for (i = 0; i < DEPTH; i++) {
		flights[i].off = (uint64_t)i * STRETCH;
		flights[i].buf = aligned_alloc(4096, BUF / 4096 * 4096 + 4096);
	}
	/* What earlier tests left on the disk. */
	assert_int_equal(rig_run(r->d, r->q, &whole), 0);
	memcpy(shadow, now, SIZE);
	while (started < rounds || in_flight) {
		unsigned burst = 1 + random_next() % DEPTH;

		for (i = 0; i < DEPTH && burst && started < rounds; i++) {
			struct flight *f = &flights[i];

			if (f->busy)
				continue;
			flight_shape(f, sectors);
			f->op.kind = random_next() % 16 == 0  ? DISK_FLUSH
				     : random_next() % 2 == 0 ? DISK_READ
							      : DISK_WRITE;
			if (f->op.kind == DISK_WRITE)
				flight_fill(f, shadow);
			if (f->op.kind == DISK_FLUSH)
				f->op.len_bytes = f->op.iov_count = 0;
			f->busy = true;
			r->d->ops->submit(r->q, &f->op);
			started++;
			in_flight++;
			burst--;
		}
		r->d->ops->kick(r->q);
		n = rig_reap(r->d, r->q, done, 1 + random_next() % DEPTH);
		for (i = 0; i < n; i++) {
			struct flight *f = (struct flight *)done[i];

			assert_int_equal(done[i]->error, 0);
			assert_true(f->busy);
			if (done[i]->kind == DISK_READ)
				flight_compare(f, shadow);
			f->busy = false;
		}
		in_flight -= n;
	}
	assert_int_equal(r->d->ops->reap(r->q, done, DEPTH), 0);
	assert_int_equal(rig_run(r->d, r->q, &whole), 0);
	assert_memory_equal(now, shadow, SIZE);
	for (i = 0; i < DEPTH; i++)
		free(flights[i].buf);
	free(shadow);
	free(now);
}

static void test_random(void **state)
{
	run_random(*state, 3000, true);
}

/* Addresses and lengths that direct I/O cannot take are bounced. */
static void test_random_unaligned(void **state)
{
	struct rig *r = *state;
	struct disk_file *f = (struct disk_file *)r->d;
	char odd[3];
	struct iovec iov = { odd + 1, 1 };
	struct disk_op op = { .iov = &iov, .iov_count = 1 };

	if (!r->target) {
		if (f->direct != r->direct) {
			print_message("# the file system of %s takes no "
				      "direct I/O of 512 bytes\n",
				      rig_dir());
			skip();
		}
		assert_int_equal(disk_file_must_bounce(f, &op), r->direct);
	}
	run_random(r, 2000, false);
}

static void test_random_short(void **state)
{
	struct rig *r = *state;

	shortened = 0;
	shorten = true;
	run_random(r, 1000, true);
	run_random(r, 500, false);
	assert_true(shortened > 100);
}

/* What one open disk wrote, another reads: it is in the file. */
static void test_reopen(void **state)
{
	struct rig *r = *state;
	char buf[1024], back[1024];

	memset(buf, 0xa5, sizeof(buf));
	assert_int_equal(rig_io(r->d, r->q, DISK_WRITE, 512, buf, 1024), 0);
	assert_int_equal(rig_io(r->d, r->q, DISK_FLUSH, 0, NULL, 0), 0);
	rig_close(r);
	rig_open(r, r->path, 1);
	assert_int_equal(rig_io(r->d, r->q, DISK_READ, 512, back, 1024), 0);
	assert_memory_equal(buf, back, 1024);
}

/* More at once than a submission queue holds. */
static void test_deep(void **state)
{
	enum { DEEP = 2000 };
	static struct disk_op ops[DEEP];
	static struct iovec iov[DEEP];
	static unsigned char data[DEEP][512];
	struct disk_op *done[DEEP];
	struct rig *r = *state;
	unsigned n, total = 0;

	rig_close(r);
	rig_open(r, r->path, DEEP);
	for (int pass = 0; pass < 2; pass++) {
		for (unsigned i = 0; i < DEEP; i++) {
			if (!pass)
				memset(data[i], (int)(i * 7), 512);
			else
				memset(data[i], 0, 512);
			iov[i] = (struct iovec){ data[i], 512 };
			ops[i] = (struct disk_op){
				.kind = pass ? DISK_READ : DISK_WRITE,
				.iov = &iov[i],
				.iov_count = 1,
				.off_bytes = i * 512u,
				.len_bytes = 512,
			};
			r->d->ops->submit(r->q, &ops[i]);
		}
		r->d->ops->kick(r->q);
		for (total = 0; total < DEEP; total += n) {
			n = rig_reap(r->d, r->q, done, DEEP);
			for (unsigned i = 0; i < n; i++)
				assert_int_equal(done[i]->error, 0);
		}
	}
	for (unsigned i = 0; i < DEEP; i++)
		for (unsigned k = 0; k < 512; k++)
			assert_int_equal(data[i][k], (unsigned char)(i * 7));
}

/* reap gives `max` and keeps the fd readable for the rest. */
static void test_reap_in_parts(void **state)
{
	struct rig *r = *state;
	struct disk_op ops[9] = { 0 };
	struct disk_op *done[2];
	unsigned n, total = 0;

	for (int i = 0; i < 9; i++) {
		ops[i].kind = DISK_FLUSH;
		ops[i].error = 1;
		r->d->ops->submit(r->q, &ops[i]);
	}
	r->d->ops->kick(r->q);
	while (total < 9) {
		n = rig_reap(r->d, r->q, done, 2);
		assert_true(n <= 2);
		for (unsigned i = 0; i < n; i++)
			assert_int_equal(done[i]->error, 0);
		total += n;
	}
	/* And then it is quiet: nothing keeps the caller awake. */
	struct pollfd p = { .fd = r->d->ops->fd(r->q), .events = POLLIN };

	assert_int_equal(r->d->ops->reap(r->q, done, 2), 0);
	assert_int_equal(poll(&p, 1, 0), 0);
}

static void test_discard(void **state)
{
	struct rig *r = *state;
	char buf[16384], back[16384], zero[8192] = { 0 };

	if (!r->d->discard)
		fail_msg("the file system under %s has no discard", rig_dir());
	memset(buf, 0x77, sizeof(buf));
	assert_int_equal(rig_io(r->d, r->q, DISK_WRITE, 0, buf, 16384), 0);
	assert_int_equal(rig_io(r->d, r->q, DISK_DISCARD, 2048, NULL, 8192), 0);
	assert_int_equal(rig_io(r->d, r->q, DISK_READ, 0, back, 16384), 0);
	assert_memory_equal(back, buf, 2048);
	assert_memory_equal(back + 2048, zero, 8192);
	assert_memory_equal(back + 10240, buf, 16384 - 10240);
}

/* ---- errors ---- */

static void test_readonly(void **state)
{
	struct rig *r = *state;
	struct disk_options opt = { .no_uring = r->no_uring,
				    .direct = r->direct,
				    .readonly = true };
	struct why why;
	char buf[512];

	rig_close(r);
	assert_int_equal(disk_open(r->path, &opt, &r->d, &why), 0);
	assert_int_equal(r->d->ops->queue_open(r->d, 4, &r->q, &why), 0);
	assert_true(r->d->readonly);
	assert_false(r->d->discard);
	assert_int_equal(rig_io(r->d, r->q, DISK_READ, 0, buf, 512), 0);
	assert_int_equal(rig_io(r->d, r->q, DISK_FLUSH, 0, NULL, 0), 0);
	assert_int_equal(rig_io(r->d, r->q, DISK_WRITE, 0, buf, 512), -EROFS);
	assert_int_equal(rig_io(r->d, r->q, DISK_DISCARD, 0, NULL, 512),
			 -EROFS);
}

static void test_nothing(void **state)
{
	struct rig *r = *state;

	assert_int_equal(rig_io(r->d, r->q, DISK_READ, SIZE, NULL, 0), 0);
	assert_int_equal(rig_io(r->d, r->q, DISK_DISCARD, 0, NULL, 0), 0);
}

/* The file became shorter under us: that part of the disk is gone. */
static void test_truncated(void **state)
{
	struct rig *r = *state;
	struct disk_op op = { .kind = DISK_READ, .iov_count = 2 };
	struct iovec iov[2];
	static char buf[2][4096] __attribute__((aligned(4096)));

	assert_int_equal(truncate(r->path, 12288), 0);
	assert_int_equal(rig_io(r->d, r->q, DISK_READ, 65536, buf, 4096), -EIO);
	assert_int_equal(rig_io(r->d, r->q, DISK_READ, 8192, buf, 4096), 0);
	/* Half of it is still there: no half successes. */
	iov[0] = (struct iovec){ buf[0], 4096 };
	iov[1] = (struct iovec){ buf[1], 4096 };
	op.iov = iov;
	op.off_bytes = 8192;
	op.len_bytes = 8192;
	assert_int_equal(rig_run(r->d, r->q, &op), -EIO);
}

/* Memory that is not there, after a part that is. */
static void test_bad_memory(void **state)
{
	struct rig *r = *state;
	struct disk_op op = { .iov_count = 2, .len_bytes = 8192 };
	struct iovec iov[2];
	char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_true(page != MAP_FAILED);
	assert_int_equal(mprotect(page + 4096, 4096, PROT_NONE), 0);
	iov[0] = (struct iovec){ page, 4096 };
	iov[1] = (struct iovec){ page + 4096, 4096 };
	op.iov = iov;
	for (int i = 0; i < 2; i++) {
		op.kind = i ? DISK_WRITE : DISK_READ;
		assert_int_equal(rig_run(r->d, r->q, &op), -EFAULT);
	}
	munmap(page, 8192);
}

/* Run `body` in a child that may change its limits; its exit code. */
static int in_child(struct rig *r, int (*body)(struct rig *))
{
	int status;
	pid_t pid;

	rig_close(r);
	pid = fork();
	if (!pid)
		_exit(body(r));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static bool child_open(struct rig *r, const char *path)
{
	struct disk_options opt = { .no_uring = r->no_uring,
				    .direct = r->direct };

	return !disk_open(path, &opt, &r->d, NULL) &&
	       !r->d->ops->queue_open(r->d, 4, &r->q, NULL);
}

/* A write reaches up to the limit and fails beyond it. */
static int body_fbig(struct rig *r)
{
	struct rlimit limit = { 65536, 65536 };
	static char buf[8192] __attribute__((aligned(4096)));

	signal(SIGXFSZ, SIG_IGN);
	if (!child_open(r, r->path) || setrlimit(RLIMIT_FSIZE, &limit))
		return 10;
	if (rig_io(r->d, r->q, DISK_WRITE, 65536, buf, 4096) != -EFBIG)
		return 11;
	if (rig_io(r->d, r->q, DISK_WRITE, 61440, buf, 8192) != -EFBIG)
		return 12;
	if (rig_io(r->d, r->q, DISK_WRITE, 61440, buf, 4096) != 0)
		return 13;
	rig_close(r);
	return 0;
}

static void test_too_big(void **state)
{
	struct rig *r = *state;

	assert_int_equal(in_child(r, body_fbig), 0);
}

/* A sparse image on a file system that has no room for it. */
static int body_full(struct rig *r)
{
	static char buf[65536] __attribute__((aligned(4096)));
	char dir[128], path[160];
	int err = 0, fd;

	snprintf(dir, sizeof(dir), "%s/small", rig_dir());
	snprintf(path, sizeof(path), "%s/image", dir);
	if (unshare(CLONE_NEWNS | (geteuid() ? CLONE_NEWUSER : 0)) ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    (mkdir(dir, 0700) && errno != EEXIST) ||
	    mount("small", dir, "tmpfs", 0, "size=128k"))
		return 77;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || ftruncate(fd, 1 << 20))
		return 10;
	close(fd);
	if (!child_open(r, path))
		return 11;
	memset(buf, 1, sizeof(buf));
	for (int i = 0; i < 16 && !err; i++)
		err = rig_io(r->d, r->q, DISK_WRITE, i * 65536u, buf, 65536);
	if (err != -ENOSPC)
		return 12;
	/* The disk lives on: what is there can be read. */
	if (rig_io(r->d, r->q, DISK_READ, 0, buf, 65536) || buf[65535] != 1)
		return 13;
	rig_close(r);
	return 0;
}

static void test_full(void **state)
{
	struct rig *r = *state;
	int code;

	code = in_child(r, body_full);
	if (code == 77) {
		print_message("# no file system may be mounted here\n");
		skip();
	}
	assert_int_equal(code, 0);
}

/* ---- null, which keeps nothing ---- */

static void test_null(void **state)
{
	struct rig r = { .name = "null", .target = "null:1T" };
	static char buf[4096], zero[4096];

	(void)state;
	rig_open(&r, r.target, 4);
	memset(buf, 1, sizeof(buf));
	assert_int_equal(rig_io(r.d, r.q, DISK_WRITE, 1u << 30, buf, 4096), 0);
	assert_int_equal(rig_io(r.d, r.q, DISK_READ, 1u << 30, buf, 4096), 0);
	assert_memory_equal(buf, zero, 4096);
	assert_int_equal(rig_io(r.d, r.q, DISK_FLUSH, 0, NULL, 0), 0);
	assert_int_equal(rig_io(r.d, r.q, DISK_DISCARD, 0, NULL, 4096), 0);
	rig_close(&r);
}

/* In the place of its tests, since a setup cannot skip. */
static void test_nbd_missing(void **state)
{
	(void)state;
	nbd_need();
}

int main(void)
{
	static const struct {
		const char *name;
		CMUnitTestFunction run;
		bool file_only; /* memory knows no such thing */
	} suite[] = {
		{ "random", test_random, false },
		{ "random, unaligned", test_random_unaligned, false },
		{ "random, cut short", test_random_short, true },
		{ "reopen", test_reopen, true },
		{ "deep", test_deep, false },
		{ "reap in parts", test_reap_in_parts, false },
		{ "discard", test_discard, false },
		{ "read-only", test_readonly, false },
		{ "nothing", test_nothing, false },
		{ "truncated", test_truncated, true },
		{ "bad memory", test_bad_memory, true },
		{ "too big", test_too_big, true },
		{ "full", test_full, true },
	};
	enum { CASES = sizeof(suite) / sizeof(suite[0]) };
	static char names[RIGS * CASES][64];
	static struct CMUnitTest tests[RIGS * CASES + 2];
	unsigned n = 0;
	char *name;
	int failed;

	NBD->target = nbd_target("server");
	if (nbd_there())
		server = nbd_start("server", "memory 4M");
	for (unsigned i = 0; i < RIGS; i++)
		for (unsigned k = 0; k < CASES; k++) {
			if (suite[k].file_only && rigs[i].target)
				continue;
			if (&rigs[i] == NBD && !server)
				continue;
			name = names[n];
			snprintf(name, sizeof(names[n]), "%s: %s", rigs[i].name,
				 suite[k].name);
			tests[n++] = (struct CMUnitTest){
				name, suite[k].run, setup, teardown, &rigs[i],
			};
		}
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_null);
	if (!server)
		tests[n++] =
			(struct CMUnitTest)cmocka_unit_test(test_nbd_missing);
	failed = _cmocka_run_group_tests("disk engines", tests, n, NULL, NULL);
	if (server)
		nbd_kill(server);
	rig_remove();
	return failed;
}
