/* SPDX-License-Identifier: MIT */
#include "frontend/transport.h"

#include <string.h>

#include <xen/io/protocols.h>

static const struct {
	const char *name, *protocol;
} abis[] = {
	[RING_ABI_X86_64] = { "x86_64", XEN_IO_PROTO_ABI_X86_64 },
	[RING_ABI_X86_32] = { "x86_32", XEN_IO_PROTO_ABI_X86_32 },
};

bool front_abi_parse(const char *text, enum ring_abi *abi)
{
	unsigned i;

	for (i = 0; i < sizeof(abis) / sizeof(abis[0]); i++) {
		if (strcmp(text, abis[i].name) &&
		    (strcmp(text, "native") ||
		     strcmp(XEN_IO_PROTO_ABI_NATIVE, abis[i].protocol)))
			continue;
		*abi = (enum ring_abi)i;
		return true;
	}
	return false;
}

const char *front_abi_protocol(enum ring_abi abi)
{
	return abis[abi].protocol;
}

const char *front_abi_name(enum ring_abi abi)
{
	return abis[abi].name;
}
