/* SPDX-License-Identifier: MIT */
/*
 * The frontend as a plugin of nbdkit: a paravirtual disk of the desk,
 * exported over NBD.  `ringside front DIR --nbd SOCKET` runs it; by hand:
 *
 *	nbdkit -f ./nbdkit-ringside-plugin.so desk=DIR domid=1 vdev=xvda
 *
 * nbdkit's worker threads block in front_bridge_io(); one thread of ours
 * drives the ring.  The disk is connected when the server begins to serve
 * and closed orderly when it ends.  If the disk ends first, so does the
 * server.
 */
#define NBDKIT_API_VERSION 2
#define THREAD_MODEL	   NBDKIT_THREAD_MODEL_PARALLEL

#include <nbdkit-plugin.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "base/log.h"
#include "base/number.h"
#include "frontend/bridge.h"

/* The length field of NBD is 32 bits; blkfront's own limit is the ring's. */
#define BLOCK_SIZE_MAX (32u << 20)

/* Failed operations that are worth a line each. */
#define ERRORS_TOLD 5

static char *desk;
static uint64_t domid = 1;
static uint64_t timeout_s = 30;
static uint64_t status_fd = UINT64_MAX;
static const char *vdev = "xvda";
static uint32_t devid;
static struct front_transport transport = {
	.indirect = FRONT_INDIRECT_DEFAULT,
};
static struct front_bridge *bridge;

/*
 * Tell who started us: "R" ready, "C" closed as it was asked, or "E" and a
 * sentence, each ended by a newline.  Where nobody asked, a failure is nbdkit's
 * to report.
 */
static void status_tell(char kind, const char *text)
{
	char line[600];
	int len;

	if (status_fd == UINT64_MAX) {
		if (kind == 'E')
			nbdkit_error("%s", text);
		return;
	}
	len = snprintf(line, sizeof(line), "%c%s\n", kind, text);
	/* Whoever does not listen any more misses nothing. */
	(void)!send((int)status_fd, line, (size_t)len, MSG_NOSIGNAL);
}

/* ---- configuration --------------------------------------------------------
 */

static int config_number(const char *key, const char *value, uint64_t min,
			 uint64_t max, uint64_t *out)
{
	if (number_parse(value, min, max, out) == 0)
		return 0;
	nbdkit_error("%s=%s: a number from %llu to %llu is needed", key, value,
		     (unsigned long long)min, (unsigned long long)max);
	return -1;
}

/* 1: `key` is none of these. */
static int config_transport(const char *key, const char *value)
{
	uint64_t n = 0;
	int err = 0;

	if (strcmp(key, "ring-order") == 0) {
		err = config_number(key, value, 0, FRONT_RING_ORDER_MAX, &n);
		transport.ring_order = (unsigned)n;
	} else if (strncmp(key, "indirect", 8) == 0) {
		err = config_number(key, value, 0, FRONT_SEGS_MAX, &n);
		transport.indirect = (unsigned)n;
		transport.indirect_must = strcmp(key, "indirect-max") != 0;
	} else if (strcmp(key, "persistent") == 0) {
		err = config_number(key, value, 0, 1, &n);
		transport.persistent = n == 1;
	} else if (strcmp(key, "sector-units") == 0) {
		err = config_number(key, value, 0, 1, &n);
		transport.sector_units = n == 1;
	} else if (strcmp(key, "abi") == 0) {
		if (front_abi_parse(value, &transport.abi))
			return 0;
		nbdkit_error("abi=%s: x86_64, x86_32 or native is needed",
			     value);
		return -1;
	} else {
		return 1;
	}
	return err;
}

static int ringside_config(const char *key, const char *value)
{
	int err = config_transport(key, value);

	if (err <= 0)
		return err;
	if (strcmp(key, "desk") == 0) {
		desk = nbdkit_absolute_path(value);
		return desk ? 0 : -1;
	}
	if (strcmp(key, "vdev") == 0) {
		vdev = nbdkit_strdup_intern(value);
		return vdev ? 0 : -1;
	}
	if (strcmp(key, "domid") == 0)
		return config_number(key, value, 1, 32751, &domid);
	if (strcmp(key, "timeout") == 0)
		return config_number(key, value, 1, 86400, &timeout_s);
	if (strcmp(key, "status-fd") == 0)
		return config_number(key, value, 3, 65535, &status_fd);
	nbdkit_error("unknown parameter '%s'", key);
	return -1;
}

static int ringside_config_complete(void)
{
	struct why why;

	if (!desk) {
		nbdkit_error("desk=DIR is needed: the directory of the desk");
		return -1;
	}
	if (front_vdev_parse(vdev, &devid, &why)) {
		nbdkit_error("%s", why.text);
		return -1;
	}
	return 0;
}

#define ringside_config_help                                                   \
	"desk=DIR         (required) Directory of the desk.\n"                 \
	"domid=N          Domain whose frontend to be, default 1.\n"           \
	"vdev=NAME        Its disk, default xvda.\n"                           \
	"timeout=SECONDS  How long to wait for the backend, default 30.\n"     \
	"ring-order=N     The ring has 2^N pages, default 0.\n"                \
	"indirect=N       Segments of a request at most; 0: none indirect.\n"  \
	"persistent=0|1   Keep grants and use them again, default 0.\n"        \
	"sector-units=0|1 Count in sector-size, not 512 bytes; default 0.\n"   \
	"abi=NAME         x86_64, x86_32 or native, the default."

/* ---- life -----------------------------------------------------------------
 */

/* On the loop's thread. */
static void disk_ended(void *opaque, const struct why *why)
{
	(void)opaque;
	status_tell('E', why->text);
	nbdkit_shutdown();
}

/* On the loop's thread.  The disk is safe: whatever nbdkit does from here. */
static void disk_closed(void *opaque, const struct why *why)
{
	(void)opaque;
	status_tell(why ? 'E' : 'C', why ? why->text : "");
	nbdkit_shutdown();
}

/* A thread does not survive nbdkit's fork, so this is the earliest place. */
static int ringside_after_fork(void)
{
	struct front_bridge_options opt = {
		.program = "nbdkit-ringside-plugin",
		.dir = desk,
		.domid = (uint16_t)domid,
		.device = {
			.devid = devid,
			.timeout_ms = (unsigned)timeout_s * 1000u,
			.transport = transport,
		},
		.stop_fd = status_fd == UINT64_MAX ? -1 : (int)status_fd,
		.ended = disk_ended,
		.closed = disk_closed,
	};
	struct why why;

	log_open("nbdkit-ringside-plugin", LOG_LEVEL_INFO);
	/* Ids only have to look random. */
	(void)!getrandom(&opt.device.id_seed, sizeof(opt.device.id_seed), 0);
	if (front_bridge_start(&opt, &bridge, &why)) {
		status_tell('E', why.text);
		return -1;
	}
	status_tell('R', "");
	return 0;
}

static void ringside_cleanup(void)
{
	struct why why;

	if (bridge && front_bridge_stop(bridge, &why))
		status_tell('E', why.text);
	bridge = NULL;
}

static void ringside_unload(void)
{
	free(desk);
}

/* ---- the disk -------------------------------------------------------------
 */

static void *ringside_open(int readonly)
{
	(void)readonly;
	return NBDKIT_HANDLE_NOT_NEEDED;
}

static int64_t ringside_get_size(void *handle)
{
	(void)handle;
	return (int64_t)front_settled_bytes(front_bridge_settled(bridge));
}

static int ringside_block_size(void *handle, uint32_t *minimum,
			       uint32_t *preferred, uint32_t *maximum)
{
	const struct front_settled *s = front_bridge_settled(bridge);

	(void)handle;
	*minimum = s->sector_bytes;
	/* A page moves without being split or copied twice. */
	*preferred = s->physical_bytes > 4096 ? s->physical_bytes : 4096;
	*maximum = BLOCK_SIZE_MAX;
	return 0;
}

static int ringside_can_write(void *handle)
{
	(void)handle;
	return !(front_bridge_settled(bridge)->info & FRONT_INFO_READONLY);
}

static int ringside_can_flush(void *handle)
{
	(void)handle;
	return front_bridge_settled(bridge)->flush;
}

/* blkif has no FUA: nbdkit follows each such write by a flush. */
static int ringside_can_fua(void *handle)
{
	(void)handle;
	return front_bridge_settled(bridge)->flush ? NBDKIT_FUA_EMULATE
						   : NBDKIT_FUA_NONE;
}

/*
 * All connections share one frontend: a flush on one covers what was
 * written, and answered, on any.
 */
static int ringside_can_multi_conn(void *handle)
{
	(void)handle;
	return 1;
}

static int ringside_is_rotational(void *handle)
{
	(void)handle;
	return 0;
}

/*
 * Why an operation failed, for the server's log.  The end of the disk was
 * told once already, and a disk that fails would fill any log.
 */
static void disk_io_told(enum ring_op op, uint32_t count, uint64_t offset,
			 int err)
{
	static const char *const names[] = { "read", "write", "", "flush" };
	static unsigned told;
	unsigned nth;

	if (err == -ESHUTDOWN || err == -ETIMEDOUT || err == -EPROTO ||
	    err == -ECONNRESET)
		return;
	nth = __atomic_fetch_add(&told, 1, __ATOMIC_RELAXED);
	if (nth < ERRORS_TOLD)
		nbdkit_error("%s of %u bytes at %llu failed: %s", names[op],
			     count, (unsigned long long)offset, strerror(-err));
	else if (nth == ERRORS_TOLD)
		nbdkit_error("more operations failed; each client is told of "
			     "its own");
}

static int disk_io(enum ring_op op, void *buf, uint32_t count, uint64_t offset)
{
	int err = front_bridge_io(bridge, op, buf, count, offset);

	if (!err)
		return 0;
	disk_io_told(op, count, offset, err);
	/* NBD knows few errors; what is not among them is EIO. */
	switch (err) {
	case -EINVAL:
	case -ENOSPC:
	case -EOPNOTSUPP:
	case -ESHUTDOWN:
		nbdkit_set_error(-err);
		break;
	case -EROFS:
		nbdkit_set_error(EPERM);
		break;
	default:
		nbdkit_set_error(EIO);
	}
	return -1;
}

static int ringside_pread(void *handle, void *buf, uint32_t count,
			  uint64_t offset, uint32_t flags)
{
	(void)handle;
	(void)flags;
	return disk_io(RING_OP_READ, buf, count, offset);
}

static int ringside_pwrite(void *handle, const void *buf, uint32_t count,
			   uint64_t offset, uint32_t flags)
{
	(void)handle;
	(void)flags;
	/* The frontend only reads what it writes to the disk. */
	return disk_io(RING_OP_WRITE, (void *)(uintptr_t)buf, count, offset);
}

static int ringside_flush(void *handle, uint32_t flags)
{
	(void)handle;
	(void)flags;
	return disk_io(RING_OP_FLUSH, NULL, 0, 0);
}

static struct nbdkit_plugin plugin = {
	.name = "ringside",
	.version = RINGSIDE_VERSION,
	.longname = "Ringside's blkfront",
	.description = "a paravirtual disk of Ringside's desk",
	.magic_config_key = "desk",
	.config = ringside_config,
	.config_complete = ringside_config_complete,
	.config_help = ringside_config_help,
	.after_fork = ringside_after_fork,
	.cleanup = ringside_cleanup,
	.unload = ringside_unload,
	.open = ringside_open,
	.get_size = ringside_get_size,
	.block_size = ringside_block_size,
	.can_write = ringside_can_write,
	.can_flush = ringside_can_flush,
	.can_fua = ringside_can_fua,
	.can_multi_conn = ringside_can_multi_conn,
	.is_rotational = ringside_is_rotational,
	.pread = ringside_pread,
	.pwrite = ringside_pwrite,
	.flush = ringside_flush,
};

struct nbdkit_plugin *plugin_init(void);

NBDKIT_REGISTER_PLUGIN(plugin)
