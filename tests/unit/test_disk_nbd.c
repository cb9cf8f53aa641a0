/* SPDX-License-Identifier: MIT */
/*
 * NBD storage over a real server: what is refused and its sentence, errors of
 * the server, a server that dies, comes back or falls silent, and what a
 * flush says after that.  That data is right is tested with the other engines
 * in test_disk_engines.c.
 */
#include "nbd_rig.h"

#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/clock.h"
#include "disk/nbd.h"

#define MEMORY "memory 4M"

static const struct disk_options rw, ro = { .readonly = true };

struct rig {
	struct disk *d;
	struct disk_queue *q;
	pid_t server;
};

static void rig_connect(struct rig *r, const char *target, unsigned depth)
{
	struct why why;

	if (disk_open(target, &rw, &r->d, &why) ||
	    r->d->ops->queue_open(r->d, depth, &r->q, &why))
		fail_msg("%s", why.text);
}

static void rig_begin(struct rig *r, const char *name, const char *args)
{
	nbd_need();
	r->server = nbd_start(name, args);
	rig_connect(r, nbd_target(name), 64);
}

static void rig_end(struct rig *r)
{
	if (r->q)
		r->d->ops->queue_close(r->q);
	disk_close(r->d);
	if (r->server)
		nbd_kill(r->server);
	*r = (struct rig){ 0 };
}

static int rig_read(struct rig *r)
{
	char buf[4096];

	return rig_io(r->d, r->q, DISK_READ, 8192, buf, sizeof(buf));
}

static int rig_write(struct rig *r)
{
	static char buf[4096];

	return rig_io(r->d, r->q, DISK_WRITE, 8192, buf, sizeof(buf));
}

static int rig_flush(struct rig *r)
{
	return rig_io(r->d, r->q, DISK_FLUSH, 0, NULL, 0);
}

/* Let the queue do what it has to, for `ms`; it must be quiet mostly. */
static void rig_idle(struct rig *r, unsigned ms)
{
	struct pollfd p = { .fd = r->d->ops->fd(r->q), .events = POLLIN };
	uint64_t end = clock_now_ns() + ms * UINT64_C(1000000), now;
	struct disk_op *done[1];
	unsigned wakes = 0;

	while ((now = clock_now_ns()) < end) {
		poll(&p, 1, (int)((end - now) / 1000000u) + 1);
		assert_int_equal(r->d->ops->reap(r->q, done, 1), 0);
		wakes++;
	}
	assert_true(wakes < 50);
}

/* The server is served again, within some seconds. */
static void rig_wait_back(struct rig *r)
{
	for (int i = 0; i < 100 && rig_read(r); i++)
		rig_idle(r, 100);
	assert_int_equal(rig_read(r), 0);
}

/* ---- opening ------------------------------------------------------------- */

static void refused(const char *target, struct disk_options opt, int err,
		    const char *says)
{
	struct disk *d = NULL;
	struct why why = { "" };
	int got = disk_open(target, &opt, &d, &why);

	if (!got)
		disk_close(d);
	if (got != err || !strstr(why.text, says) ||
	    !strstr(why.text, target) || strchr(why.text, '\n'))
		fail_msg("%s: got %d (%s), wanted %d (...%s...)", target, got,
			 why.text, err, says);
}

static void refused_of(const char *args, struct disk_options opt, int err,
		       const char *says)
{
	pid_t server = nbd_start("refused", args);

	refused(nbd_target("refused"), opt, err, says);
	nbd_kill(server);
}

static void test_no_server(void **state)
{
	pid_t server;

	(void)state;
	refused(nbd_target("none"), rw, -ENOENT, "nobody listens");
	refused("nbd:nbd://127.0.0.1:1/x", rw, -ECONNREFUSED, "nobody listens");
	refused("nbd://127.0.0.1:1", ro, -ECONNREFUSED, "nobody listens");
	refused("nbd:nbd://no.such.host.invalid", rw, -EIO, "no connection");
	nbd_need();
	server = nbd_start("dead", MEMORY);
	nbd_kill(server);
	refused(nbd_target("dead"), rw, -ECONNREFUSED, "nobody listens");
}

static void test_no_uri(void **state)
{
	(void)state;
	refused("nbd:", rw, -EINVAL, "no NBD URI");
	refused("nbd:localhost:10809", rw, -EINVAL, "no NBD URI");
	refused("nbd:http://localhost/", rw, -EINVAL, "no NBD URI");
	refused("nbd:nbd+unix:///x", rw, -EINVAL, "socket");
}

static void test_refused(void **state)
{
	struct disk_options s4k = { .sector_bytes = 4096 };

	(void)state;
	nbd_need();
	refused_of("-r " MEMORY, rw, -EROFS, "attach it read-only");
	refused_of("memory 1000", rw, -EINVAL, "not a multiple");
	refused_of("memory 4608", s4k, -EINVAL, "sector size, 4096");
	refused_of("memory 0", rw, -EINVAL, "no size");
	refused_of("--filter=blocksize-policy " MEMORY
		   " blocksize-minimum=4096 blocksize-preferred=4096",
		   rw, -EINVAL, "blocks of 4096");
	refused_of("--filter=exportname " MEMORY
		   " exportname=real exportname-strict=true",
		   rw, -ENOENT, "no such export");
}

static void test_accepted(void **state)
{
	struct disk_options s4k = { .sector_bytes = 4096 };
	struct rig r = { 0 };
	struct why why;

	(void)state;
	rig_begin(&r, "a",
		  "--filter=blocksize-policy " MEMORY
		  " blocksize-preferred=2M");
	assert_int_equal(r.d->size_bytes, 4 << 20);
	assert_int_equal(r.d->sector_bytes, 512);
	assert_int_equal(r.d->physical_bytes, 4096);
	assert_false(r.d->readonly);
	assert_true(r.d->discard);
	assert_string_equal(r.d->ops->name, "nbd");
	assert_string_equal(r.d->target, nbd_target("a"));
	rig_end(&r);
	r.server = nbd_start("b", "--filter=blocksize-policy -r " MEMORY
				  " blocksize-minimum=4096"
				  " blocksize-preferred=4096");
	s4k.readonly = true;
	assert_int_equal(disk_open(nbd_target("b"), &s4k, &r.d, &why), 0);
	assert_true(r.d->readonly);
	assert_false(r.d->discard);
	rig_end(&r);
}

/* Somebody takes the connection and says nothing. */
static void test_silent(void **state)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	uint64_t begin = clock_now_ns(), took;

	(void)state;
	strcpy(sa.sun_path, rig_path("silent"));
	assert_int_equal(bind(s, (struct sockaddr *)&sa, sizeof(sa)), 0);
	assert_int_equal(listen(s, 1), 0);
	refused(nbd_target("silent"), rw, -ETIMEDOUT, "silent for 5 s");
	took = (clock_now_ns() - begin) / 1000000u;
	assert_in_range(took, DIAL_PATIENCE_MS - 100, DIAL_PATIENCE_MS + 1500);
	close(s);
}

/* The server sees one client, whoever of us uses the connection. */
static void test_one_client(void **state)
{
	struct rig r = { 0 };
	struct why why;

	(void)state;
	rig_begin(&r, "one",
		  "--filter=limit --filter=exitlast " MEMORY " limit=1");
	for (int i = 0; i < 3; i++) {
		assert_int_equal(rig_write(&r), 0);
		r.d->ops->queue_close(r.q);
		assert_int_equal(r.d->ops->queue_open(r.d, 4, &r.q, &why), 0);
	}
	assert_int_equal(rig_read(&r), 0);
	rig_end(&r);
}

static void test_second_queue(void **state)
{
	struct disk_queue *second;
	struct rig r = { 0 };
	struct why why;

	(void)state;
	rig_begin(&r, "alone",
		  "--filter=multi-conn " MEMORY " multi-conn-mode=disable");
	assert_int_equal(r.d->ops->queue_open(r.d, 4, &second, &why), -EBUSY);
	assert_non_null(strstr(why.text, "use one queue"));
	assert_int_equal(rig_read(&r), 0);
	rig_end(&r);
}

/*
 * All queues together hold up whoever opens them for as long as one may; the
 * others are served when their connections are there.
 */
static void test_slow_dials(void **state)
{
	struct rig r[5] = { 0 };
	uint64_t begin, took;

	(void)state;
	rig_begin(&r[0], "dials", "--filter=delay " MEMORY " delay-open=2");
	begin = clock_now_ns();
	for (unsigned i = 1; i < 5; i++) {
		r[i] = r[0];
		assert_int_equal(r->d->ops->queue_open(r->d, 4, &r[i].q, NULL),
				 0);
	}
	took = (clock_now_ns() - begin) / 1000000u;
	assert_in_range(took, DIAL_PATIENCE_MS - 100, DIAL_PATIENCE_MS + 300);
	assert_int_equal(rig_read(&r[2]), 0);
	assert_int_equal(rig_read(&r[4]), -ENOTCONN);
	for (unsigned i = 1; i < 5; i++) {
		rig_wait_back(&r[i]);
		r->d->ops->queue_close(r[i].q);
	}
	rig_end(&r[0]);
}

/* Nobody has to wait for a silent server again and again. */
static void test_silent_again(void **state)
{
	struct rig r = { 0 }, b;
	struct why why;
	uint64_t begin;

	(void)state;
	rig_begin(&r, "again", MEMORY);
	b = r;
	nbd_stop(r.server);
	assert_int_equal(r.d->ops->queue_open(r.d, 4, &b.q, &why), -ETIMEDOUT);
	assert_non_null(strstr(why.text, "silent for 5 s"));
	begin = clock_now_ns();
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(r.d->ops->queue_open(r.d, 4, &b.q, &why), 0);
		assert_int_equal(rig_read(&b), -ENOTCONN);
		if (i < 2)
			r.d->ops->queue_close(b.q);
	}
	assert_true(clock_now_ns() - begin < 500000000u);
	/* What is regained is little. */
	usleep(1000000);
	r.d->ops->queue_close(b.q);
	begin = clock_now_ns();
	assert_int_equal(r.d->ops->queue_open(r.d, 4, &b.q, &why), 0);
	assert_true(clock_now_ns() - begin < 500000000u);
	assert_int_equal(rig_read(&b), -ENOTCONN);
	kill(r.server, SIGCONT);
	rig_wait_back(&b);
	r.d->ops->queue_close(b.q);
	rig_end(&r);
}

/* ---- operations ---------------------------------------------------------- */

static void test_server_errors(void **state)
{
	struct rig r = { 0 };

	(void)state;
	rig_begin(&r, "full",
		  "--filter=error " MEMORY
		  " error-pwrite=ENOSPC error-pwrite-rate=100%"
		  " error-trim=EPERM error-trim-rate=100%");
	for (int i = 0; i < 3; i++) {
		assert_int_equal(rig_write(&r), -ENOSPC);
		assert_int_equal(rig_read(&r), 0);
	}
	assert_int_equal(rig_io(r.d, r.q, DISK_DISCARD, 0, NULL, 4096), -EPERM);
	assert_int_equal(rig_flush(&r), 0);
	rig_end(&r);
	rig_begin(&r, "bad",
		  "eval get_size='echo 1M' can_write='exit 0' "
		  "can_trim='exit 0' can_flush='exit 0' "
		  "pread='head -c $3 /dev/zero' pwrite='cat >/dev/null' "
		  "flush='echo EIO >&2; exit 1' "
		  "trim='echo ENOSPC >&2; exit 1'");
	assert_int_equal(rig_io(r.d, r.q, DISK_DISCARD, 0, NULL, 4096),
			 -ENOSPC);
	assert_int_equal(rig_flush(&r), -EIO);
	assert_int_equal(rig_write(&r), 0);
	rig_end(&r);
}

/* One of several commands fails: no half successes, whichever it is. */
static void test_half(void **state)
{
	static char buf[3][4096];
	struct iovec iov[2] = { { buf[0], 4096 }, { buf[2], 4096 } };
	struct disk_op op = {
		.kind = DISK_READ, .iov = iov, .iov_count = 2, .len_bytes = 8192
	};
	struct rig r = { 0 };

	(void)state;
	rig_begin(&r, "half",
		  "eval get_size='echo 4M' can_write='exit 0' "
		  "pread='if [ $4 -eq 8192 ]; then echo EIO >&2; exit 1; fi; "
		  "head -c $3 /dev/zero'");
	for (unsigned off = 0; off <= 12288; off += 4096) {
		bool bad = off == 4096 || off == 8192;

		op.off_bytes = off;
		op.error = 1;
		assert_int_equal(rig_run(r.d, r.q, &op), bad ? -EIO : 0);
	}
	rig_end(&r);
}

static unsigned log_lines(const char *path, const char *word)
{
	unsigned n = 0;
	char line[512];
	FILE *f = fopen(path, "r");

	assert_non_null(f);
	while (fgets(line, sizeof(line), f))
		n += strstr(line, word) != NULL;
	fclose(f);
	return n;
}

/* Neighbours in memory are one command; what is too long is several. */
static void test_commands(void **state)
{
	static char buf[1 << 20];
	struct iovec iov[8];
	struct disk_op op = { .kind = DISK_WRITE, .iov = iov, .iov_count = 8 };
	struct rig r = { 0 };
	char args[512];

	(void)state;
	snprintf(args, sizeof(args),
		 "--filter=log --filter=blocksize-policy " MEMORY
		 " logfile=%s blocksize-minimum=1 blocksize-preferred=4096"
		 " blocksize-maximum=256K blocksize-error-policy=error",
		 rig_path("log"));
	rig_begin(&r, "log.sock", args);
	for (unsigned i = 0; i < 8; i++)
		iov[i] = (struct iovec){ buf + 4096 * (i < 4 ? i : i + 1),
					 4096 };
	op.len_bytes = 8 * 4096;
	assert_int_equal(rig_run(r.d, r.q, &op), 0);
	assert_int_equal(log_lines(rig_path("log"), " Write id="), 2);
	memset(buf, 0x5a, sizeof(buf));
	assert_int_equal(rig_io(r.d, r.q, DISK_WRITE, 0, buf, sizeof(buf)), 0);
	assert_int_equal(log_lines(rig_path("log"), " Write id="), 6);
	memset(buf, 0, sizeof(buf));
	assert_int_equal(rig_io(r.d, r.q, DISK_READ, 0, buf, sizeof(buf)), 0);
	for (unsigned i = 0; i < sizeof(buf); i++)
		assert_int_equal(buf[i], 0x5a);
	rig_end(&r);
}

/* Of what `word` says, how many the server had at a time, at most. */
static int log_most(const char *path, const char *word)
{
	char line[512], begin[64], end[64];
	FILE *f = fopen(path, "r");
	int n = 0, most = 0;

	assert_non_null(f);
	snprintf(begin, sizeof(begin), " %s id=", word);
	snprintf(end, sizeof(end), " ...%s id=", word);
	while (fgets(line, sizeof(line), f)) {
		n += !!strstr(line, begin) - !!strstr(line, end);
		most = n > most ? n : most;
	}
	fclose(f);
	assert_int_equal(n, 0);
	return most;
}

/* A discard of a large export goes piece by piece, and all of it. */
static void test_discard_pieces(void **state)
{
	const uint64_t size = (5ull << 30) + 8192;
	struct rig r = { 0 };
	char args[512];

	(void)state;
	snprintf(args, sizeof(args), "--filter=log memory %llu logfile=%s",
		 (unsigned long long)size, rig_path("trims"));
	rig_begin(&r, "trims.sock", args);
	assert_int_equal(
		rig_io(r.d, r.q, DISK_DISCARD, 4096, NULL, size - 4096), 0);
	assert_int_equal(rig_read(&r), 0);
	rig_end(&r);
	assert_int_equal(log_lines(rig_path("trims"), " Trim id="), 6);
	assert_int_equal(log_lines(rig_path("trims"),
				   "offset=0x140001000 count=0x1000 "),
			 1);
	assert_int_equal(log_most(rig_path("trims"), "Trim"), 1);
	/* What comes after the piece that failed is not asked for. */
	snprintf(args, sizeof(args),
		 "eval get_size='echo 5G' can_write='exit 0' "
		 "can_trim='exit 0' pread='head -c $3 /dev/zero' "
		 "pwrite='cat >/dev/null' "
		 "trim='echo $4 >>%s; if [ $4 -eq 2147483648 ]; then "
		 "echo ENOSPC >&2; exit 1; fi'",
		 rig_path("tries"));
	rig_begin(&r, "tries.sock", args);
	assert_int_equal(rig_io(r.d, r.q, DISK_DISCARD, 0, NULL, 5ull << 30),
			 -ENOSPC);
	assert_int_equal(rig_read(&r), 0);
	rig_end(&r);
	assert_int_equal(log_lines(rig_path("tries"), "\n"), 3);
}

/* Nor what comes after one that is at the server when nobody wants it. */
static void test_discard_abandoned(void **state)
{
	struct disk_op op = { .kind = DISK_DISCARD, .len_bytes = 5ull << 30 };
	struct disk_op *done[1];
	struct rig r = { 0 };
	char args[512];

	(void)state;
	snprintf(args, sizeof(args),
		 "eval get_size='echo 5G' can_write='exit 0' "
		 "can_trim='exit 0' pread='head -c $3 /dev/zero' "
		 "pwrite='cat >/dev/null' trim='echo $4 >>%s; sleep 0.3'",
		 rig_path("left"));
	rig_begin(&r, "left.sock", args);
	r.d->ops->submit(r.q, &op);
	r.d->ops->kick(r.q);
	r.d->ops->hurry(r.q, true);
	while (!rig_reap(r.d, r.q, done, 1))
		;
	assert_int_equal(op.error, -ECANCELED);
	rig_end(&r);
	assert_int_equal(log_lines(rig_path("left"), "\n"), 1);
}

/* Operations of `len` at n * len; each with a buffer of its own. */
#define MANY 32u
static struct disk_op ops[MANY];
static struct iovec iovs[MANY];
static unsigned char data[MANY][131072];

static void many_submit(struct rig *r, enum disk_op_kind kind, size_t len)
{
	for (unsigned i = 0; i < MANY; i++) {
		iovs[i] = (struct iovec){ data[i], len };
		ops[i] = (struct disk_op){ .kind = kind,
					   .iov = &iovs[i],
					   .iov_count = 1,
					   .off_bytes = i * len,
					   .len_bytes = len,
					   .error = 1 };
		r->d->ops->submit(r->q, &ops[i]);
	}
	r->d->ops->kick(r->q);
}

static void many_reap(struct rig *r, int err)
{
	struct disk_op *done[MANY];
	unsigned n;

	for (unsigned total = 0; total < MANY; total += n) {
		rig_wait(r->d, r->q);
		n = r->d->ops->reap(r->q, done, MANY);
		for (unsigned i = 0; i < n; i++)
			assert_int_equal(done[i]->error, err);
	}
}

/* The socket is full: libnbd then waits until it may write. */
static void test_backpressure(void **state)
{
	struct rig r = { 0 };

	(void)state;
	rig_begin(&r, "slow", MEMORY);
	for (unsigned i = 0; i < MANY; i++)
		memset(data[i], (int)i + 1, sizeof(data[i]));
	nbd_stop(r.server);
	many_submit(&r, DISK_WRITE, sizeof(data[0]));
	rig_idle(&r, 200);
	kill(r.server, SIGCONT);
	many_reap(&r, 0);
	memset(data, 0, sizeof(data));
	many_submit(&r, DISK_READ, sizeof(data[0]));
	many_reap(&r, 0);
	for (unsigned i = 0; i < MANY; i++)
		for (unsigned k = 0; k < sizeof(data[i]); k++)
			assert_int_equal(data[i][k], i + 1);
	rig_idle(&r, 100);
	rig_end(&r);
}

/* ---- a server that dies -------------------------------------------------- */

static void test_lost(void **state)
{
	struct rig r = { 0 };

	(void)state;
	rig_begin(&r, "lost", "--filter=delay " MEMORY " rdelay=60");
	many_submit(&r, DISK_READ, 4096);
	rig_idle(&r, 100);
	nbd_kill(r.server);
	many_reap(&r, -ENOTCONN);
	assert_int_equal(rig_read(&r), -ENOTCONN);
	assert_int_equal(rig_write(&r), -ENOTCONN);
	assert_int_equal(rig_flush(&r), -ENOTCONN);
	rig_idle(&r, 1500);
	r.server = nbd_start("lost", MEMORY);
	rig_wait_back(&r);
	many_submit(&r, DISK_READ, 4096);
	many_reap(&r, 0);
	/* Nothing was written before, so nothing can be gone. */
	assert_int_equal(rig_flush(&r), 0);
	rig_idle(&r, 100);
	rig_end(&r);
}

/* It dies while requests are only half in the socket. */
static void test_lost_sending(void **state)
{
	struct rig r = { 0 };

	(void)state;
	rig_begin(&r, "half-sent", MEMORY);
	nbd_stop(r.server);
	many_submit(&r, DISK_WRITE, sizeof(data[0]));
	nbd_kill(r.server);
	many_reap(&r, -ENOTCONN);
	r.server = 0;
	rig_end(&r);
}

/* RQ-43: what was written and not flushed may be gone, and is told once. */
static void test_lost_writes(void **state)
{
	struct rig r = { 0 };
	struct why why;

	(void)state;
	rig_begin(&r, "cache", MEMORY);
	assert_int_equal(rig_write(&r), 0);
	assert_int_equal(rig_flush(&r), 0);
	nbd_kill(r.server);
	r.server = nbd_start("cache", MEMORY);
	rig_wait_back(&r);
	assert_int_equal(rig_flush(&r), 0);

	assert_int_equal(rig_write(&r), 0);
	nbd_kill(r.server);
	r.server = nbd_start("cache", MEMORY);
	rig_wait_back(&r);
	assert_int_equal(rig_write(&r), 0);
	assert_int_equal(rig_flush(&r), -EIO);
	assert_int_equal(rig_flush(&r), 0);

	/* Also over the time when no queue was open. */
	assert_int_equal(rig_write(&r), 0);
	r.d->ops->queue_close(r.q);
	nbd_kill(r.server);
	r.server = nbd_start("cache", MEMORY);
	assert_int_equal(r.d->ops->queue_open(r.d, 4, &r.q, &why), 0);
	assert_int_equal(rig_flush(&r), -EIO);
	assert_int_equal(rig_flush(&r), 0);

	assert_int_equal(rig_write(&r), 0);
	r.d->ops->queue_close(r.q);
	assert_int_equal(r.d->ops->queue_open(r.d, 4, &r.q, &why), 0);
	nbd_kill(r.server);
	r.server = nbd_start("cache", MEMORY);
	rig_wait_back(&r);
	assert_int_equal(rig_flush(&r), -EIO);
	rig_end(&r);
}

/* What comes back must be what went. */
static void test_other_size(void **state)
{
	struct rig r = { 0 };

	(void)state;
	rig_begin(&r, "size", MEMORY);
	nbd_kill(r.server);
	r.server = nbd_start("size", "memory 8M");
	rig_idle(&r, 2500);
	assert_int_equal(rig_read(&r), -ENOTCONN);
	nbd_kill(r.server);
	r.server = nbd_start("size", MEMORY);
	rig_wait_back(&r);
	rig_end(&r);
}

/* A queue is closed at once, also while its server is called for. */
static void test_close_lost(void **state)
{
	struct rig r = { 0 };
	struct disk_queue *q;
	uint64_t begin;
	struct why why;

	(void)state;
	rig_begin(&r, "gone", MEMORY);
	nbd_kill(r.server);
	r.server = 0;
	rig_wait(r.d, r.q);
	assert_int_equal(rig_read(&r), -ENOTCONN);
	begin = clock_now_ns();
	r.d->ops->queue_close(r.q);
	r.q = NULL;
	assert_int_equal(r.d->ops->queue_open(r.d, 4, &q, &why), -ECONNREFUSED);
	assert_non_null(strstr(why.text, "nobody listens"));
	assert_true(clock_now_ns() - begin < 500000000u);
	rig_end(&r);
}

static void test_silence(void **state)
{
	struct rig r = { 0 };
	uint64_t begin;

	(void)state;
	nbd_need();
	r.server = nbd_start("hang", MEMORY);
	assert_int_equal(disk_open(nbd_target("hang"), &rw, &r.d, NULL), 0);
	((struct disk_nbd *)r.d)->silence_ms = 600;
	assert_int_equal(r.d->ops->queue_open(r.d, 4, &r.q, NULL), 0);
	/* Who was asked nothing may be silent. */
	rig_idle(&r, 1000);
	assert_int_equal(rig_read(&r), 0);
	rig_idle(&r, 1000);
	assert_int_equal(rig_read(&r), 0);
	nbd_stop(r.server);
	begin = clock_now_ns();
	assert_int_equal(rig_read(&r), -ETIMEDOUT);
	assert_true(clock_now_ns() - begin > 500000000u);
	assert_true(clock_now_ns() - begin < 3000000000u);
	kill(r.server, SIGCONT);
	rig_wait_back(&r);
	rig_end(&r);
}

/* RQ-43, RQ-44: no success for what cannot be asked for. */
static void test_no_flush(void **state)
{
	struct rig r = { 0 };
	const char *eval = "eval get_size='echo 1M' can_write='exit 0' "
			   "pread='head -c $3 /dev/zero' "
			   "pwrite='cat >/dev/null'";

	(void)state;
	rig_begin(&r, "no-flush", eval);
	assert_false(r.d->discard);
	assert_int_equal(rig_write(&r), 0);
	assert_int_equal(rig_flush(&r), -EOPNOTSUPP);
	assert_int_equal(rig_io(r.d, r.q, DISK_DISCARD, 0, NULL, 512),
			 -EOPNOTSUPP);
	r.d->ops->queue_close(r.q);
	disk_close(r.d);
	assert_int_equal(disk_open(nbd_target("no-flush"), &ro, &r.d, NULL), 0);
	assert_int_equal(r.d->ops->queue_open(r.d, 4, &r.q, NULL), 0);
	assert_int_equal(rig_flush(&r), 0);
	rig_end(&r);
}

/* ---- two queues, two threads --------------------------------------------- */

struct half {
	struct rig r;
	uint64_t off;
	unsigned good, bad;
	bool back;
};

static void *half_main(void *arg)
{
	struct half *h = arg;
	char buf[4096], back[4096];

	for (unsigned i = 0; h->bad < 1000 && !h->back; i++) {
		int err;

		memset(buf, (int)i, sizeof(buf));
		err = rig_io(h->r.d, h->r.q, DISK_WRITE, h->off, buf, 4096);
		if (!err)
			err = rig_io(h->r.d, h->r.q, DISK_READ, h->off, back,
				     4096);
		if (!err && memcmp(buf, back, 4096))
			break;
		if (err) {
			h->bad++;
			usleep(10000);
		} else if (!h->bad) {
			h->good++;
		} else {
			h->back = true;
		}
	}
	return NULL;
}

static void test_two_queues(void **state)
{
	struct rig r = { 0 };
	struct half half[2] = { 0 };
	pthread_t thread[2];

	(void)state;
	rig_begin(&r, "two", MEMORY);
	for (unsigned i = 0; i < 2; i++) {
		half[i].r = r;
		half[i].off = i * 65536u;
	}
	assert_int_equal(r.d->ops->queue_open(r.d, 4, &half[1].r.q, NULL), 0);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(
			pthread_create(&thread[i], NULL, half_main, &half[i]),
			0);
	usleep(300000);
	nbd_kill(r.server);
	usleep(300000);
	r.server = nbd_start("two", MEMORY);
	for (unsigned i = 0; i < 2; i++) {
		pthread_join(thread[i], NULL);
		assert_true(half[i].good > 0);
		assert_true(half[i].bad > 0);
		assert_true(half[i].back);
	}
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(rig_flush(&half[i].r), -EIO);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(rig_flush(&half[i].r), 0);
	r.d->ops->queue_close(half[1].r.q);
	rig_end(&r);
}

/* Two queues of one disk, in one thread. */
static void pair_begin(struct rig *a, struct rig *b, const char *name)
{
	rig_begin(a, name, MEMORY);
	*b = *a;
	assert_int_equal(a->d->ops->queue_open(a->d, 4, &b->q, NULL), 0);
}

static void pair_end(struct rig *a, struct rig *b)
{
	b->d->ops->queue_close(b->q);
	rig_end(a);
}

static void pair_restart(struct rig *a, const char *name)
{
	nbd_kill(a->server);
	a->server = nbd_start(name, MEMORY);
}

/* RQ-43: what one queue has written is lost, and another one flushes. */
static void test_lost_elsewhere(void **state)
{
	struct rig a, b;

	(void)state;
	pair_begin(&a, &b, "elsewhere");
	assert_int_equal(rig_write(&b), 0);
	pair_restart(&a, "elsewhere");
	rig_wait_back(&a);
	/* b has not even looked. */
	assert_int_equal(rig_flush(&a), -EIO);
	assert_int_equal(rig_flush(&a), 0);
	rig_wait_back(&b);
	/* A guest may have waited there too. */
	assert_int_equal(rig_flush(&b), -EIO);
	assert_int_equal(rig_flush(&b), 0);
	/* That b was late ended nothing new. */
	assert_int_equal(rig_read(&a), 0);

	/* Who comes after it was told owes nothing. */
	assert_int_equal(rig_write(&b), 0);
	pair_restart(&a, "elsewhere");
	rig_wait_back(&a);
	assert_int_equal(rig_flush(&a), -EIO);
	b.d->ops->queue_close(b.q);
	assert_int_equal(b.d->ops->queue_open(b.d, 4, &b.q, NULL), 0);
	assert_int_equal(rig_flush(&b), 0);
	pair_end(&a, &b);
}

/* What one queue has written and another one flushed is not lost. */
static void test_flushed_elsewhere(void **state)
{
	struct rig a, b;

	(void)state;
	pair_begin(&a, &b, "flushed");
	assert_int_equal(rig_write(&b), 0);
	assert_int_equal(rig_write(&a), 0);
	assert_int_equal(rig_flush(&a), 0);
	pair_restart(&a, "flushed");
	rig_wait_back(&b);
	rig_wait_back(&a);
	assert_int_equal(rig_flush(&b), 0);
	assert_int_equal(rig_flush(&a), 0);
	pair_end(&a, &b);
}

/*
 * The reply of a server that is gone is read late, when another queue has
 * flushed on the next one: it is no success, since no flush covers it.
 */
static void test_late_reply(void **state)
{
	static char buf[4096];
	struct iovec iov = { buf, sizeof(buf) };
	struct disk_op op = { .kind = DISK_WRITE,
			      .iov = &iov,
			      .iov_count = 1,
			      .len_bytes = sizeof(buf),
			      .error = 1 };
	struct disk_op *done[2];
	struct rig a, b;

	(void)state;
	pair_begin(&a, &b, "late");
	b.d->ops->submit(b.q, &op);
	b.d->ops->kick(b.q);
	rig_wait(b.d, b.q);
	pair_restart(&a, "late");
	rig_wait_back(&a);
	assert_int_equal(rig_flush(&a), 0);
	assert_int_equal(rig_reap(b.d, b.q, done, 2), 1);
	assert_int_equal(op.error, -ENOTCONN);
	rig_wait_back(&b);
	assert_int_equal(rig_read(&a), 0);
	pair_end(&a, &b);
}

/* Where flushes counted for all they must go on to. */
static void test_other_multi(void **state)
{
	struct rig r = { 0 };

	(void)state;
	rig_begin(&r, "multi", MEMORY);
	nbd_kill(r.server);
	r.server = nbd_start("multi", "--filter=multi-conn " MEMORY
				      " multi-conn-mode=disable");
	rig_idle(&r, 2500);
	assert_int_equal(rig_read(&r), -ENOTCONN);
	pair_restart(&r, "multi");
	rig_wait_back(&r);
	rig_end(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_server),
		cmocka_unit_test(test_no_uri),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_accepted),
		cmocka_unit_test(test_silent),
		cmocka_unit_test(test_one_client),
		cmocka_unit_test(test_second_queue),
		cmocka_unit_test(test_slow_dials),
		cmocka_unit_test(test_silent_again),
		cmocka_unit_test(test_server_errors),
		cmocka_unit_test(test_half),
		cmocka_unit_test(test_commands),
		cmocka_unit_test(test_discard_pieces),
		cmocka_unit_test(test_discard_abandoned),
		cmocka_unit_test(test_backpressure),
		cmocka_unit_test(test_lost),
		cmocka_unit_test(test_lost_sending),
		cmocka_unit_test(test_lost_writes),
		cmocka_unit_test(test_other_size),
		cmocka_unit_test(test_close_lost),
		cmocka_unit_test(test_silence),
		cmocka_unit_test(test_no_flush),
		cmocka_unit_test(test_two_queues),
		cmocka_unit_test(test_lost_elsewhere),
		cmocka_unit_test(test_flushed_elsewhere),
		cmocka_unit_test(test_late_reply),
		cmocka_unit_test(test_other_multi),
	};
	int failed = cmocka_run_group_tests_name("disk nbd", tests, NULL, NULL);

	rig_remove();
	return failed;
}
