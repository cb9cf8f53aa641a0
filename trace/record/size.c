/* SPDX-License-Identifier: MIT */
#include "trace/record/size.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/sysinfo.h>

#include "trace/record/dir.h"

#define SUBBUF_MIN 65536u
#define SHM_DIR	   "/dev/shm" /* where LTTng has its buffers */

static uint64_t power_of_two_below(uint64_t n)
{
	uint64_t p = 1;

	while (p * 2 <= n)
		p *= 2;
	return p;
}

struct record_size record_size(const struct record_options *opt)
{
	struct record_size size = { .cpus = (uint64_t)get_nprocs_conf() };
	uint64_t bytes =
		opt->flight ? RECORD_FLIGHT_BYTES : RECORD_PROCESS_BYTES;

	size.num_subbuf = opt->num_subbuf ? opt->num_subbuf : RECORD_SUBBUFS;
	size.subbuf_bytes = opt->subbuf_bytes;
	if (!size.subbuf_bytes)
		size.subbuf_bytes =
			power_of_two_below(bytes / size.cpus / size.num_subbuf);
	if (!opt->subbuf_bytes && size.subbuf_bytes < SUBBUF_MIN)
		size.subbuf_bytes = SUBBUF_MIN;
	/* Who reads what is overwritten needs a sub-buffer of his own. */
	size.bytes =
		size.cpus * size.subbuf_bytes * (size.num_subbuf + opt->flight);
	return size;
}

static uint64_t memory_available(void)
{
	FILE *f = fopen("/proc/meminfo", "re");
	uint64_t kib = 0, found = UINT64_MAX;
	char line[128];

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "MemAvailable: %" SCNu64, &kib) == 1)
			found = kib << 10;
	if (f)
		fclose(f);
	return found;
}

uint64_t record_size_memory(const char **where)
{
	uint64_t shm = record_dir_room(SHM_DIR), all = memory_available();

	*where = shm < all ? SHM_DIR : "the memory";
	return shm < all ? shm : all;
}
