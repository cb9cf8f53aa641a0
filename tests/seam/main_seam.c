/* SPDX-License-Identifier: MIT */
/* seam HOST PART... : see seam.h. */
#include <stdio.h>
#include <string.h>

#include "seam.h"

void say(const char *what, const char *answer)
{
	printf("%s: %s\n", what, answer);
	fflush(stdout);
}

void say_result(const char *what, int r)
{
	say(what, r < 0 ? strerrorname_np(-r) : "ok");
}

static const struct {
	const char *name;
	void (*run)(struct seam *s);
} parts[] = {
	{ "store", seam_store },
	{ "watches", seam_watches },
	{ "transactions", seam_transactions },
	{ "guest", seam_guest },
	{ "ports", seam_ports },
	{ "grants", seam_grants },
};

static bool open_host(const char *spec, uint16_t domid, struct xen_host **out)
{
	struct why why = { 0 };

	if (!xen_host_open(spec, domid, out, &why))
		return true;
	fprintf(stderr, "seam: %s\n", why.text);
	return false;
}

int main(int argc, char **argv)
{
	struct seam s = { 0 };
	unsigned j;
	int i;

	if (argc < 3) {
		fputs("usage: seam HOST PART...\n", stderr);
		return 2;
	}
	s.desk = strcmp(argv[1], "xen") != 0;
	if (!open_host(argv[1], 0, &s.own) || !open_host(argv[1], 1, &s.peer))
		return 1;
	for (i = 2; i < argc; i++) {
		for (j = 0; j < sizeof(parts) / sizeof(parts[0]); j++)
			if (!strcmp(argv[i], parts[j].name))
				break;
		if (j == sizeof(parts) / sizeof(parts[0])) {
			fprintf(stderr, "seam: no part %s\n", argv[i]);
			return 2;
		}
		printf("-- %s\n", argv[i]);
		parts[j].run(&s);
	}
	xen_host_close(s.peer);
	xen_host_close(s.own);
	return 0;
}
