/* SPDX-License-Identifier: MIT */
/* ringside: everything around the backend, as a table of subcommands. */
#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "tool/commands.h"

const char *argp_program_version = "ringside " RINGSIDE_VERSION;

struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *what;
};

static const struct command command_list[] = {
	{ "desk", cmd_desk, "start, stop or ask an emulated Xen host" },
	{ "attach", cmd_attach, "give a guest of a desk a disk" },
	{ "detach", cmd_detach, "take it away again" },
	{ "insert", cmd_insert, "put another medium into a cdrom's drive" },
	{ "eject", cmd_eject, "empty a cdrom's drive" },
	{ "front", cmd_front, "drive a disk as a guest: load, checks, NBD" },
	{ "record", cmd_record, "record the events of backends and frontends" },
	{ "show", cmd_show, "make pictures, tables and reports of a trace" },
	{ "stats", cmd_stats, "what a running backend has counted" },
	{ "top", cmd_top, "the same, live: rings, rates, latency" },
	{ "host", cmd_host, "a real Xen host in QEMU, without hardware" },
	{ "lab", cmd_lab, "labs: write a layer of the backend yourself" },
};

#define COMMANDS (sizeof(command_list) / sizeof(command_list[0]))

static void help_print(FILE *to)
{
	size_t i;

	fprintf(to, "Usage: ringside COMMAND [OPTION...]\n\n"
		    "Watch a Xen virtual disk work.\n\n");
	for (i = 0; i < COMMANDS; i++)
		fprintf(to, "  %-8s %s\n", command_list[i].name,
			command_list[i].what);
	fprintf(to,
		"\n\"ringside COMMAND --help\" tells the options of one; "
		"each has a man page,\n\"man ringside-COMMAND\".  The backend "
		"itself is the program ringsided.\n");
}

int tool_run(int argc, char **argv)
{
	char name[64];
	size_t i;

	if (argc < 2) {
		help_print(stderr);
		return 2;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") ||
	    !strcmp(argv[1], "help")) {
		help_print(stdout);
		return 0;
	}
	if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V")) {
		puts(argp_program_version);
		return 0;
	}
	for (i = 0; i < COMMANDS; i++) {
		if (strcmp(argv[1], command_list[i].name))
			continue;
		snprintf(name, sizeof(name), "ringside %s",
			 command_list[i].name);
		argv[1] = name;
		log_open(name, LOG_LEVEL_INFO);
		return command_list[i].run(argc - 1, argv + 1);
	}
	fprintf(stderr,
		"ringside: there is no command \"%s\"; \"ringside "
		"--help\" lists them\n",
		argv[1]);
	return 2;
}

/* Who closed our stdin or stdout must not find a socket in its place. */
static int std_open(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

int main(int argc, char **argv)
{
	if (std_open())
		return 1;
	argp_err_exit_status = 2;
	log_open("ringside", LOG_LEVEL_INFO);
	return tool_run(argc, argv);
}
