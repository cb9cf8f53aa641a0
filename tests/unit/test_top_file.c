/* SPDX-License-Identifier: MIT */
/* Files of statistics: of older and later daemons, of dead ones, and none. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "top/sample.h"

/* In a directory of its own. */
static char dir[] = "top-XXXXXX";
static int fd;

static int dir_make(void **state)
{
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	fd = open(dir, O_RDONLY | O_DIRECTORY);
	return fd < 0 ? -1 : 0;
}

static int dir_remove(void **state)
{
	char command[64];

	(void)state;
	close(fd);
	snprintf(command, sizeof(command), "rm -r %s", dir);
	return system(command);
}

static void write_file(const char *name, const void *bytes, size_t len)
{
	int f = openat(fd, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(f >= 0);
	assert_int_equal(write(f, bytes, len), len);
	close(f);
}

/* A process that has ended. */
static uint32_t dead_pid(void)
{
	pid_t pid = fork();

	if (!pid)
		_exit(0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	return (uint32_t)pid;
}

static struct stats_header header(uint32_t domid, uint32_t queues)
{
	struct stats_header h = { .magic = STATS_MAGIC,
				  .header_bytes = sizeof(h),
				  .queue_bytes = sizeof(struct stats_queue),
				  .queues = queues,
				  .pid = (uint32_t)getpid(),
				  .domid = domid,
				  .devid = 51712 };

	return h;
}

/* The file of a daemon with such sizes; each number tells its queue. */
static void write_sizes(struct stats_header h, unsigned queues)
{
	char *bytes = calloc(1, 65536), *to = bytes + h.header_bytes;
	unsigned i;

	assert_non_null(bytes);
	memcpy(bytes, &h, sizeof(h));
	for (i = 0; i < queues; i++, to += h.queue_bytes) {
		struct stats_queue q = { .requests = { i + 21 },
					 .kept_pages = i + 1,
					 .pending = i + 11 };

		memcpy(to, &q,
		       h.queue_bytes < sizeof(q) ? h.queue_bytes : sizeof(q));
	}
	write_file("vbd", bytes, (size_t)(to - bytes));
	free(bytes);
}

static void sizes_are_those_of_the_header(void **state)
{
	struct stats_header h = header(1, 3);
	struct stats_queue sum;
	struct top_file f;

	(void)state;
	write_sizes(h, 3);
	assert_int_equal(top_file_read(fd, "vbd", &f), 1);
	assert_int_equal(f.queue[2].pending, 13);
	top_file_sum(&f, &sum);
	assert_int_equal(sum.kept_pages, 6);
	top_file_free(&f);
	/* A later one. */
	h.header_bytes += 64;
	h.queue_bytes += 128;
	write_sizes(h, 3);
	assert_int_equal(top_file_read(fd, "vbd", &f), 1);
	assert_int_equal(f.queue[2].pending, 13);
	top_file_free(&f);
	/* An older one: what it does not count is 0. */
	h = header(1, 3);
	h.queue_bytes = offsetof(struct stats_queue, pending);
	write_sizes(h, 3);
	assert_int_equal(top_file_read(fd, "vbd", &f), 1);
	assert_int_equal(f.queue[2].kept_pages, 3);
	assert_int_equal(f.queue[2].pending, 0);
	assert_int_equal(f.queue[0].pending, 0);
	top_file_free(&f);
}

static void refused(struct stats_header h, unsigned queues)
{
	struct top_file f;

	write_sizes(h, queues);
	assert_int_equal(top_file_read(fd, "vbd", &f), -EINVAL);
}

static void what_is_no_statistics_is_refused(void **state)
{
	struct stats_header h = header(1, 1);
	struct top_file f;

	(void)state;
	refused(header(1, 2), 1); /* fewer than it says */
	refused(header(1, UINT32_MAX), 1);
	h.queue_bytes = 8;
	refused(h, 1);
	h = header(1, 1);
	h.header_bytes = 60000;
	write_file("vbd", &h, sizeof(h));
	assert_int_equal(top_file_read(fd, "vbd", &f), -EINVAL);
	h = header(1, 1);
	h.magic[0] = 'X';
	refused(h, 1);
	write_file("vbd", &h, 20);
	assert_int_equal(top_file_read(fd, "vbd", &f), -EINVAL);
	/* Nothing that one could wait for, or be led away by. */
	assert_int_equal(mkfifoat(fd, "fifo", 0600), 0);
	assert_int_equal(top_file_read(fd, "fifo", &f), -EINVAL);
	write_sizes(header(1, 1), 1);
	assert_int_equal(symlinkat("vbd", fd, "link"), 0);
	assert_int_equal(top_file_read(fd, "link", &f), -EINVAL);
}

static void a_dead_daemon_has_no_disks(void **state)
{
	struct stats_daemon d = { .magic = STATS_MAGIC,
				  .daemon_bytes = sizeof(d) };
	struct stats_header h = header(1, 1);
	struct top_file f;

	(void)state;
	assert_int_equal(top_file_read(fd, "nothing", &f), 0);
	h.pid = dead_pid();
	write_sizes(h, 1);
	assert_int_equal(top_file_read(fd, "vbd", &f), 0);

	assert_int_equal(top_daemon_pid(fd), 0);
	d.pid = (uint32_t)getpid();
	write_file(STATS_DAEMON, &d, sizeof(d));
	assert_int_equal(top_daemon_pid(fd), getpid());
	d.pid = h.pid;
	write_file(STATS_DAEMON, &d, sizeof(d));
	assert_int_equal(top_daemon_pid(fd), 0);
	write_file(STATS_DAEMON, "12345678901234567890", 20);
	assert_int_equal(top_daemon_pid(fd), 0);
}

static void put_disk(const char *name, uint32_t domid)
{
	char bytes[sizeof(struct stats_header) + sizeof(struct stats_queue)] = {
		0
	};
	struct stats_header h = header(domid, 1);

	memcpy(bytes, &h, sizeof(h));
	write_file(name, bytes, sizeof(bytes));
}

static void a_sample_has_all_disks_in_their_order(void **state)
{
	struct top_sample s;

	(void)state;
	assert_int_equal(top_sample_read("nowhere", &s), 0);
	assert_int_equal(s.ndisks, 0);
	assert_int_equal(s.daemon_pid, 0);
	top_sample_free(&s);

	put_disk("vbd-10-51712", 10);
	put_disk("vbd-2-51712", 2);
	put_disk("vbd-1-51712", 1);
	put_disk("vbd-3-51712.part", 3);
	put_disk("other", 4);
	write_file("vbd-7-51712", "nonsense", 8);
	assert_int_equal(top_sample_read(dir, &s), 0);
	assert_int_equal(s.ndisks, 3);
	assert_int_equal(s.broken, 1);
	assert_int_equal(s.disks[0].file.header.domid, 1);
	assert_int_equal(s.disks[1].file.header.domid, 2);
	assert_int_equal(s.disks[2].file.header.domid, 10);
	assert_string_equal(s.disks[2].name, "xvda");
	/* Of a daemon that tells its process there alone. */
	assert_int_equal(s.daemon_pid, getpid());
	assert_false(s.stopped);
	top_sample_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes_are_those_of_the_header),
		cmocka_unit_test(what_is_no_statistics_is_refused),
		cmocka_unit_test(a_dead_daemon_has_no_disks),
		cmocka_unit_test(a_sample_has_all_disks_in_their_order),
	};

	return cmocka_run_group_tests_name("top_file", tests, dir_make,
					   dir_remove);
}
