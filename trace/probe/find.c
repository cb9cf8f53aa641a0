/* SPDX-License-Identifier: MIT */
#include "trace/probe/find.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "trace/record/proc.h"

#define DAEMON "ringsided"
#define TOOL   "ringside"
#define PLUGIN "nbdkit-ringside-plugin.so"

/* A file to be opened by `path`; people know it as `name`. */
static int file_add(struct probe_files *files, const char *path,
		    const char *name, int pid)
{
	struct probe_file *file, **more;
	struct probe_kinds kinds;
	struct stat st;

	if (stat(path, &st))
		return 0; /* it has ended */
	for (unsigned i = 0; i < files->count; i++)
		if (files->file[i]->dev == st.st_dev &&
		    files->file[i]->ino == st.st_ino)
			return 0;
	if (probe_notes_read(path, &kinds) <= 0 && !pid)
		return 0;
	file = calloc(1, sizeof(*file));
	more = reallocarray(files->file, files->count + 1, sizeof(*more));
	if (more)
		files->file = more;
	if (!file || !more) {
		free(file);
		return -ENOMEM;
	}
	file->dev = st.st_dev;
	file->ino = st.st_ino;
	file->pid = pid;
	file->kinds = kinds;
	snprintf(file->path, sizeof(file->path), "%s", path);
	snprintf(file->name, sizeof(file->name), "%s", name);
	files->file[files->count++] = file;
	return 0;
}

/* The program's name without its folders, and its first argument. */
static bool command_line(int pid, char name[64], char argument[64])
{
	char path[64], text[4096], *slash;
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/cmdline", pid);
	f = fopen(path, "re");
	if (!f)
		return false;
	n = fread(text, 1, sizeof(text) - 2, f);
	fclose(f);
	text[n] = text[n + 1] = '\0';
	slash = strrchr(text, '/');
	snprintf(name, 64, "%.63s", slash ? slash + 1 : text);
	snprintf(argument, 64, "%.63s", text + strlen(text) + 1);
	return n > 0;
}

static int exe_add(struct probe_files *files, int pid)
{
	char path[64], name[PATH_MAX] = "";

	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	if (readlink(path, name, sizeof(name) - 1) < 0) {
		if (errno != ENOENT && errno != ESRCH)
			files->closed = pid;
		return 0; /* else it has ended */
	}
	files->running++;
	return file_add(files, path, name, pid);
}

/* Our plugin, in a process of nbdkit. */
static int plugin_add(struct probe_files *files, int pid)
{
	char path[PATH_MAX], *line = NULL, *name;
	size_t size = 0;
	int err = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	f = fopen(path, "re");
	while (f && getline(&line, &size, f) > 0) {
		line[strcspn(line, "\n")] = '\0';
		name = strchr(line, '/');
		if (!name || !strstr(name, "/" PLUGIN))
			continue;
		files->running++;
		if (snprintf(path, sizeof(path), "/proc/%d/root%s", pid, name) <
		    (int)sizeof(path))
			err = file_add(files, path, name, pid);
		break;
	}
	free(line);
	if (f)
		fclose(f);
	return err;
}

struct search {
	struct probe_files *files;
	int only, err;
};

static void process_look(int pid, void *data)
{
	struct search *search = data;
	char name[64], argument[64];

	if (search->err || pid == getpid() ||
	    (search->only && pid != search->only) ||
	    !command_line(pid, name, argument))
		return;
	if (!strcmp(name, DAEMON) ||
	    (!strcmp(name, TOOL) && !strcmp(argument, "front")))
		search->err = exe_add(search->files, pid);
	else if (!strcmp(name, "nbdkit"))
		search->err = plugin_add(search->files, pid);
}

int probe_files_running(struct probe_files *files, int only)
{
	struct search search = { files, only, 0 };
	int err;

	files->running = 0;
	files->closed = 0;
	err = record_proc_each(process_look, &search);
	return err ? err : search.err;
}

int probe_files_ours(struct probe_files *files)
{
	/* From this program's folder; built, or installed. */
	static const char *const beside[] = {
		"/" TOOL,
		"/" DAEMON,
		"/../sbin/" DAEMON,
		"/" PLUGIN,
		"/../lib/ringside/" PLUGIN,
	};
	char folder[PATH_MAX] = "", path[PATH_MAX + 64], real[PATH_MAX];
	int err = 0;

	if (readlink("/proc/self/exe", folder, sizeof(folder) - 1) < 0)
		return 0;
	*strrchr(folder, '/') = '\0';
	for (size_t i = 0; !err && i < sizeof(beside) / sizeof(*beside); i++) {
		snprintf(path, sizeof(path), "%s%s", folder, beside[i]);
		if (realpath(path, real))
			err = file_add(files, real, real, 0);
	}
	return err;
}

void probe_files_free(struct probe_files *files)
{
	for (unsigned i = 0; i < files->count; i++)
		free(files->file[i]);
	free(files->file);
	memset(files, 0, sizeof(*files));
}
