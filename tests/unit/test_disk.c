/* SPDX-License-Identifier: MIT */
/* Opening a disk: every kind of target that is refused, and its sentence. */
#include "disk_rig.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/loop.h>
#include <linux/seccomp.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "disk/empty.h"
#include "disk/file.h"

static int open_with(const char *target, struct disk_options opt,
		     struct why *why)
{
	struct disk *d = NULL;
	int err;

	why->text[0] = '\0';
	err = disk_open(target, &opt, &d, why);
	if (!err)
		disk_close(d);
	return err;
}

static void refused(const char *target, struct disk_options opt, int err,
		    const char *says)
{
	struct why why;
	int got = open_with(target, opt, &why);

	if (got != err || !strstr(why.text, says) ||
	    !strstr(why.text, target) || strchr(why.text, '\n'))
		fail_msg("%s: got %d (%s), wanted %d (...%s...)", target, got,
			 why.text, err, says);
}

static void accepted(const char *target, struct disk_options opt)
{
	struct why why;
	int got = open_with(target, opt, &why);

	if (got)
		fail_msg("%s: %d: %s", target, got, why.text);
}

static const struct disk_options rw, ro = { .readonly = true };

static void test_missing(void **state)
{
	(void)state;
	refused(rig_path("none"), rw, -ENOENT, "does not exist");
	refused(rig_path("none"), ro, -ENOENT, "truncate -s");
	refused(rig_path("none/none"), rw, -ENOENT, "does not exist");
	refused("", rw, -ENOENT, "does not exist");
}

static void test_kinds(void **state)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)state;
	refused(rig_dir(), rw, -EISDIR, "is a directory");
	assert_int_equal(mkfifo(rig_path("pipe"), 0600), 0);
	refused(rig_path("pipe"), ro, -ENOTBLK, "is a pipe");
	strcpy(sa.sun_path, rig_path("socket"));
	assert_int_equal(bind(s, (struct sockaddr *)&sa, sizeof(sa)), 0);
	refused(rig_path("socket"), rw, -ENOTBLK, "is a socket");
	close(s);
	refused("/dev/null", rw, -ENOTBLK, "is a character device");
}

static void test_sizes(void **state)
{
	struct disk_options s4k = { .sector_bytes = 4096 };
	struct disk_options bad = { .sector_bytes = 768 };

	(void)state;
	refused(rig_image("empty", 0), rw, -EINVAL, "is empty");
	refused(rig_image("odd", 1000), rw, -EINVAL, "not a multiple");
	refused(rig_image("odd", 1000), rw, -EINVAL, "truncate -s %512");
	accepted(rig_image("one", 512), rw);
	refused(rig_path("one"), s4k, -EINVAL, "sector size, 4096");
	accepted(rig_image("big", 8192), s4k);
	refused(rig_path("big"), bad, -EINVAL, "power of two");
	bad.sector_bytes = 256;
	refused(rig_path("big"), bad, -EINVAL, "power of two");
	bad.sector_bytes = 8192;
	refused(rig_path("big"), bad, -EINVAL, "power of two");
}

static void test_geometry(void **state)
{
	struct disk_options opt = { 0 };
	struct disk *d;
	struct why why;

	(void)state;
	assert_int_equal(disk_open(rig_image("g", 1 << 20), &opt, &d, &why), 0);
	assert_int_equal(d->size_bytes, 1 << 20);
	assert_int_equal(d->sector_bytes, 512);
	assert_int_equal(d->physical_bytes, 4096);
	assert_false(d->readonly);
	assert_false(d->block_device);
	assert_string_equal(d->target, rig_path("g"));
	disk_close(d);
	/* XB-15: the physical sector divides the size, whatever it is. */
	assert_int_equal(disk_open(rig_image("g", 4608), &opt, &d, &why), 0);
	assert_int_equal(d->physical_bytes, 512);
	disk_close(d);
	disk_close(NULL);
}

/* As another user: root may open everything. */
static void test_measure(void **state)
{
	const struct disk_options opt = { 0 };
	const char *path = rig_image("m", 1 << 20);
	uint64_t size = 1;
	struct disk *d;
	struct why why;

	(void)state;
	assert_int_equal(disk_open(path, &opt, &d, &why), 0);
	assert_int_equal(disk_measure(d, 512, &size), 0);
	assert_int_equal(size, 1 << 20);
	assert_int_equal(truncate(path, (2 << 20) + 1000), 0);
	assert_int_equal(disk_measure(d, 4096, &size), 0);
	assert_int_equal(size, 2 << 20);
	assert_int_equal(d->size_bytes, 2 << 20);
	assert_int_equal(disk_measure(d, 512, &size), 0);
	assert_int_equal(size, (2 << 20) + 512);
	/* What was checked before may still come: the bound stays. */
	assert_int_equal(truncate(path, 4095), 0);
	assert_int_equal(disk_measure(d, 4096, &size), 0);
	assert_int_equal(size, 0);
	assert_int_equal(d->size_bytes, (2 << 20) + 512);
	disk_close(d);
	assert_int_equal(disk_open("null:1M", &opt, &d, &why), 0);
	assert_int_equal(disk_measure(d, 512, &size), -EOPNOTSUPP);
	disk_close(d);
}

/* CVE-2010-4238: a drive without a medium is a disk, and fails orderly. */
static void test_empty(void **state)
{
	const struct disk_options opt = { .readonly = true };
	struct disk_queue *q;
	struct disk *d;
	struct why why;

	(void)state;
	assert_int_equal(disk_empty_open(&opt, &d, &why), 0);
	assert_true(disk_is_empty(d));
	assert_int_equal(d->size_bytes, 0);
	assert_int_equal(d->ops->queue_open(d, 4, &q, &why), 0);
	assert_int_equal(rig_io(d, q, DISK_FLUSH, 0, NULL, 0), -ENOMEDIUM);
	assert_int_equal(rig_io(d, q, DISK_READ, 0, NULL, 0), -ENOMEDIUM);
	d->ops->queue_close(q);
	disk_close(d);
	assert_int_equal(disk_open("null:1M", &opt, &d, &why), 0);
	assert_false(disk_is_empty(d));
	disk_close(d);
}

static void test_permission(void **state)
{
	const char *path;
	pid_t pid;
	int status;

	(void)state;
	if (geteuid()) {
		path = rig_image("secret", 512);
		assert_int_equal(chmod(path, 0), 0);
		refused(path, rw, -EACCES, "change its permissions");
		return;
	}
	path = rig_image("secret", 512);
	assert_int_equal(chmod(path, 0444), 0);
	assert_int_equal(chmod(rig_dir(), 0755), 0);
	pid = fork();
	if (!pid) {
		struct why why;
		int err;

		/* By a relative name: what is above need not be readable. */
		if (chdir(rig_dir()) || setresuid(65534, 65534, 65534))
			_exit(10);
		err = open_with("secret", rw, &why);
		if (err != -EACCES || !strstr(why.text, "for writing") ||
		    !strstr(why.text, "or attach it read-only"))
			_exit(11);
		_exit(open_with("secret", ro, &why) ? 12 : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* Two disks never write one image. */
static void test_in_use(void **state)
{
	const char *path = rig_image("shared", 4096);
	struct disk *first;
	struct why why;

	(void)state;
	assert_int_equal(disk_open(path, &rw, &first, &why), 0);
	refused(path, rw, -EBUSY, "in use by another disk");
	refused(path, ro, -EBUSY, "read-only at both places");
	disk_close(first);
	assert_int_equal(disk_open(path, &ro, &first, &why), 0);
	accepted(path, ro);
	refused(path, rw, -EBUSY, "in use by another disk");
	disk_close(first);
	accepted(path, rw);
}

/* A queue that was in use leaves nothing behind that holds the file. */
static void test_free_after_close(void **state)
{
	const char *path = rig_image("again", 1 << 20);
	struct disk_queue *q;
	struct disk *d;
	struct why why;
	char buf[4096];

	(void)state;
	for (int i = 0; i < 50; i++) {
		int fd;

		assert_int_equal(disk_open(path, &rw, &d, &why), 0);
		assert_int_equal(d->ops->queue_open(d, 8, &q, &why), 0);
		assert_int_equal(rig_io(d, q, DISK_READ, 0, buf, 4096), 0);
		d->ops->queue_close(q);
		disk_close(d);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
		close(fd);
	}
}

static void test_made(void **state)
{
	struct disk_options s4k = { .sector_bytes = 4096 };

	(void)state;
	accepted("null:1G", rw);
	accepted("null:8388607T", rw);
	accepted("mem:64k", rw);
	accepted("mem:64k", s4k);
	refused("null:", rw, -EINVAL, "null:1G");
	refused("null:0", rw, -EINVAL, "null:1G");
	refused("null:1x", rw, -EINVAL, "multiple of 512");
	refused("null:1000", rw, -EINVAL, "multiple of 512");
	refused("mem:1k", s4k, -EINVAL, "multiple of 4096");
	refused("mem:-1", rw, -EINVAL, "mem:64M");
	refused("mem:4194304T", rw, -ENOMEM, "choose a smaller disk");
}

/* A loop device, where this user may set one up. */
static int loop_attach(const char *file, char *dev, size_t room)
{
	int ctl = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	int n = ctl < 0 ? -1 : ioctl(ctl, LOOP_CTL_GET_FREE);
	int fd = open(file, O_RDWR | O_CLOEXEC);
	int loop;

	if (ctl >= 0)
		close(ctl);
	snprintf(dev, room, "/dev/loop%d", n);
	loop = n < 0 ? -1 : open(dev, O_RDWR | O_CLOEXEC);
	if (loop >= 0 && ioctl(loop, LOOP_SET_FD, fd)) {
		close(loop);
		loop = -1;
	}
	close(fd);
	return loop;
}

static void test_block_device(void **state)
{
	const char *file = rig_image("loop", 1 << 20);
	struct disk_options s4k = { .sector_bytes = 4096 };
	struct disk_queue *q;
	char dev[64], buf[512], back[512];
	struct disk *d;
	struct why why;
	int loop = loop_attach(file, dev, sizeof(dev));

	(void)state;
	if (loop < 0) {
		print_message("# no loop device may be set up here\n");
		skip();
	}
	memset(buf, 0x5a, sizeof(buf));
	assert_int_equal(disk_open(dev, &rw, &d, &why), 0);
	assert_true(d->block_device);
	assert_int_equal(d->size_bytes, 1 << 20);
	refused(dev, rw, -EBUSY, "in use, perhaps mounted");
	assert_int_equal(d->ops->queue_open(d, 4, &q, &why), 0);
	assert_int_equal(rig_io(d, q, DISK_WRITE, 1024, buf, 512), 0);
	assert_int_equal(rig_io(d, q, DISK_FLUSH, 0, NULL, 0), 0);
	d->ops->queue_close(q);
	disk_close(d);
	assert_int_equal(pread(loop, back, 512, 1024), 512);
	assert_memory_equal(buf, back, 512);
	/* XB-14: the physical sector is never smaller than the sector. */
	assert_int_equal(disk_open(dev, &s4k, &d, &why), 0);
	assert_int_equal(d->physical_bytes, 4096);
	disk_close(d);
	ioctl(loop, LOOP_CLR_FD, 0);
	close(loop);
}

/*
 * A disk with sectors of 512 bytes on a device with blocks of 4096: half a
 * block is written, and its neighbours stay.
 */
static void test_4kn_device(void **state)
{
	const char *file = rig_image("loop4k", 1 << 20);
	struct disk_options direct = { .direct = true };
	struct disk_op some = { .kind = DISK_DISCARD,
				.off_bytes = 512,
				.len_bytes = 8192 };
	char dev[64], buf[4096], back[4096];
	struct disk_queue *q;
	struct disk *d;
	struct why why;
	int loop = loop_attach(file, dev, sizeof(dev));

	(void)state;
	if (loop < 0 || ioctl(loop, LOOP_SET_BLOCK_SIZE, 4096)) {
		print_message("# no loop device may be set up here\n");
		skip();
	}
	memset(buf, 0x5a, sizeof(buf));
	assert_int_equal(pwrite(loop, buf, 4096, 0), 4096);
	assert_int_equal(pwrite(loop, buf, 4096, 4096), 4096);
	assert_int_equal(fsync(loop), 0);
	assert_int_equal(disk_open(dev, &direct, &d, &why), 0);
	assert_int_equal(d->sector_bytes, 512);
	assert_int_equal(d->physical_bytes, 4096);
	assert_int_equal(d->ops->queue_open(d, 4, &q, &why), 0);
	memset(back, 0x11, 512);
	assert_int_equal(rig_io(d, q, DISK_WRITE, 512, back, 512), 0);
	assert_int_equal(rig_io(d, q, DISK_READ, 512, back + 512, 512), 0);
	assert_memory_equal(back, back + 512, 512);
	assert_int_equal(rig_io(d, q, DISK_READ, 0, back, 4096), 0);
	memset(buf + 512, 0x11, 512);
	assert_memory_equal(back, buf, 4096);
	/* Whole blocks are given back; of others nothing. */
	if (d->discard) {
		assert_int_equal(rig_run(d, q, &some), 0);
		assert_int_equal(rig_io(d, q, DISK_READ, 0, back, 4096), 0);
		assert_memory_equal(back, buf, 4096);
		assert_int_equal(rig_io(d, q, DISK_READ, 4096, back, 4096), 0);
		assert_int_equal(back[0], 0);
		some.len_bytes = 512;
		assert_int_equal(rig_run(d, q, &some), 0);
	}
	d->ops->queue_close(q);
	disk_close(d);
	ioctl(loop, LOOP_CLR_FD, 0);
	close(loop);
}

static void test_words(void **state)
{
	uint32_t sector = 0;
	bool units = false;

	(void)state;
	assert_int_equal(disk_sector_parse("4096", &sector), 0);
	assert_int_equal(sector, 4096);
	assert_int_equal(disk_sector_parse("512", &sector), 0);
	assert_int_equal(sector, 512);
	assert_int_equal(disk_sector_parse("1024", &sector), -EINVAL);
	assert_int_equal(disk_sector_parse("4k", &sector), -EINVAL);
	assert_int_equal(disk_units_parse("sector-size", &units), 0);
	assert_true(units);
	assert_int_equal(disk_units_parse("512", &units), 0);
	assert_false(units);
	assert_int_equal(disk_units_parse("4096", &units), -EINVAL);
}

/* Forbid io_uring to this process as a container's filter does. */
static int forbid(long nr)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)nr, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { 4, code };

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog);
}

static int engine_when_forbidden(const char *path, long nr)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		struct disk *d;
		struct why why;

		if (forbid(nr) || disk_open(path, &rw, &d, &why))
			_exit(10);
		_exit(strcmp(d->ops->name, "threads") ? 11 : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

/* First of all tests: whether io_uring works is found out once a process. */
static void test_engine_choice(void **state)
{
	const char *path = rig_image("engine", 4096);
	struct disk_options no_uring = { .no_uring = true };
	struct disk *d;
	struct why why;

	(void)state;
	assert_int_equal(engine_when_forbidden(path, __NR_io_uring_setup), 0);
	assert_int_equal(engine_when_forbidden(path, __NR_io_uring_enter), 0);
	assert_int_equal(disk_open(path, &no_uring, &d, &why), 0);
	assert_string_equal(d->ops->name, "threads");
	disk_close(d);
	/* What this machine lets us do is what must be used. */
	if (syscall(__NR_io_uring_setup, 0, NULL) && errno == EINVAL) {
		assert_int_equal(disk_open(path, &rw, &d, &why), 0);
		assert_string_equal(d->ops->name, "io_uring");
		disk_close(d);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_engine_choice),
		cmocka_unit_test(test_missing),
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_geometry),
		cmocka_unit_test(test_measure),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_permission),
		cmocka_unit_test(test_in_use),
		cmocka_unit_test(test_free_after_close),
		cmocka_unit_test(test_made),
		cmocka_unit_test(test_block_device),
		cmocka_unit_test(test_4kn_device),
		cmocka_unit_test(test_words),
	};
	int failed = cmocka_run_group_tests_name("disk", tests, NULL, NULL);

	rig_remove();
	return failed;
}
