/* SPDX-License-Identifier: MIT */
/* In the place of reader.c where the build had no clang or no libbpf. */
#include "trace/probe/reader.h"

#include <errno.h>

int probe_reader_open(struct probe_reader **reader, uint64_t ring_bytes,
		      probe_event_fn each, void *user, struct why *why)
{
	(void)reader;
	(void)ring_bytes;
	(void)each;
	(void)user;
	return why_set(why, -ENOSYS,
		       "this ringside was built without clang or libbpf-dev "
		       "and cannot read probes; install both and build "
		       "again, or record by LTTng, without --probes");
}

int probe_reader_attach(struct probe_reader *reader,
			const struct probe_file *file, int only,
			enum ev_kind kind, struct why *why)
{
	(void)reader;
	(void)file;
	(void)only;
	(void)kind;
	(void)why;
	return -ENOSYS;
}

int probe_reader_begin(struct probe_reader *reader, struct why *why)
{
	(void)reader;
	(void)why;
	return -ENOSYS;
}

void probe_reader_detach(struct probe_reader *reader)
{
	(void)reader;
}

int probe_reader_poll(struct probe_reader *reader, int ms)
{
	(void)reader;
	(void)ms;
	return -ENOSYS;
}

uint64_t probe_reader_forget(struct probe_reader *reader, int pid, int tid)
{
	(void)reader;
	(void)pid;
	(void)tid;
	return 0;
}

void probe_reader_threads(struct probe_reader *reader,
			  void (*each)(int pid, int tid, uint64_t emitted,
				       void *user),
			  void *user)
{
	(void)reader;
	(void)each;
	(void)user;
}

uint64_t probe_reader_uncounted(struct probe_reader *reader)
{
	(void)reader;
	return 0;
}

void probe_reader_close(struct probe_reader *reader)
{
	(void)reader;
}
