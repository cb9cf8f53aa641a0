/* SPDX-License-Identifier: MIT */
#include "host/copy.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/remote.h"

/* Starts tar here with one end of a pipe at `fd` of it; the other, or -errno.
 */
static int tar_start(char **argv, int fd, pid_t *pid)
{
	int p[2], ours = fd == STDOUT_FILENO ? 0 : 1, err;

	if (pipe2(p, O_CLOEXEC))
		return -errno;
	*pid = fork();
	err = -errno;
	if (*pid == 0) {
		dup2(p[!ours], fd);
		execvp(argv[0], argv);
		fprintf(stderr, "%s: %s\n", argv[0], strerror(errno));
		_exit(127);
	}
	close(p[!ours]);
	if (*pid > 0)
		return p[ours];
	close(p[ours]);
	return err;
}

/*
 * "-C DIR --add-file=NAME" for each, so that what is in a directory keeps its
 * place.  Each -C counts from the one before, so they are absolute: `base`
 * goes before a relative name.  All words are the caller's, also on -ENOMEM.
 */
static int tar_names(char **argv, const char *base, char *const *files,
		     int count)
{
	char *name, *slash, *add;

	for (; count; count--, files++, argv += 3) {
		if (asprintf(&name, "%s%s%s", **files == '/' ? "" : base,
			     **files == '/' ? "" : "/", *files) < 0)
			return -ENOMEM;
		while ((slash = strrchr(name, '/')) > name && !slash[1])
			*slash = '\0';
		if (asprintf(&add, "--add-file=%s",
			     slash[1] ? slash + 1 : ".") < 0)
			add = NULL;
		slash[slash == name] = '\0';
		argv[0] = strdup("-C");
		argv[1] = name;
		argv[2] = add;
		if (!argv[0] || !argv[2])
			return -ENOMEM;
	}
	return 0;
}

/* The words of the tar that packs, or NULL. */
static char **tar_pack(const char *base, char *const *files, int count)
{
	char **argv = calloc((size_t)count * 3 + 4, sizeof(*argv));

	if (!argv)
		return NULL;
	argv[0] = (char *)"tar";
	argv[1] = (char *)"-cf";
	argv[2] = (char *)"-";
	if (!tar_names(argv + 3, base, files, count))
		return argv;
	while (count--) {
		free(argv[3 + 3 * count]);
		free(argv[4 + 3 * count]);
		free(argv[5 + 3 * count]);
	}
	free(argv);
	return NULL;
}

int copy_files(struct link *l, bool put, char *const *files, int count,
	       const char *to, struct why *why)
{
	char *unpack[] = { (char *)"tar", (char *)"-xf",
			   (char *)"-",	  (char *)"--no-same-owner",
			   (char *)"-C",  (char *)(uintptr_t)to,
			   NULL };
	struct remote_command c = { .in_fd = -1,
				    .out_fd = STDOUT_FILENO,
				    .err_fd = STDERR_FILENO };
	char here[PATH_MAX], **pack;
	int i, fd, err, far = 0, near = 0;
	pid_t pid = 0;

	if (!getcwd(here, sizeof(here)))
		return why_set(why, -errno, "the current directory is gone");
	pack = tar_pack(put ? here : "/root", files, count);
	if (!pack)
		return why_set(why, -ENOMEM, "no memory");
	fd = tar_start(put ? pack : unpack, put ? STDOUT_FILENO : STDIN_FILENO,
		       &pid);
	if (fd < 0) {
		err = why_set(why, fd, "no process can be started: %s",
			      strerror(-fd));
		goto out;
	}
	c.argv = put ? unpack : pack;
	*(put ? &c.in_fd : &c.out_fd) = fd;
	err = remote_run(l, &c, &far, why);
	/* An archive that stops in the middle would only be complained of. */
	if (err && !put)
		kill(pid, SIGTERM);
	close(fd);
	while (waitpid(pid, &near, 0) < 0 && errno == EINTR)
		;
	if (!err && far == 128 + SIGINT)
		err = why_set(why, -EINTR, "interrupted");
	else if (!err && (far || near))
		err = why_set(why, -EIO, "not everything was copied");
out:
	for (i = 3; i < 3 + 3 * count; i++)
		free(pack[i]);
	free(pack);
	return err;
}
