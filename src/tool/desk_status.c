/* SPDX-License-Identifier: MIT */
#include "tool/desk_status.h"

#include <stdio.h>

#include <json-c/json.h>

#include "xen/desk/control.h"

int desk_status_print(const char *dir, uint16_t domid, bool json)
{
	struct desk_counters c;
	struct json_object *o;
	struct why why;
	size_t i;

	if (domid ? desk_control_domain_counters(dir, domid, &c, &why)
		  : desk_control_counters(dir, &c, &why)) {
		fprintf(stderr, "ringside desk: %s\n", why.text);
		return 1;
	}

	const struct {
		const char *name;
		uint64_t n;
		bool of_domains; /* each has one of its own */
	} line[] = {
		{ "domains", c.domains, false },
		{ "connections", c.connections, false },
		{ "grants", c.grants, true },
		{ "mappings", c.mappings, true },
		{ "ports_unbound", c.ports_unbound, false },
		{ "ports_bound", c.ports_bound, false },
		{ "watches", c.watches, false },
		{ "transactions", c.transactions, false },
		{ "nodes", c.nodes, false },
		{ "map_calls", c.tally.map_calls, true },
		{ "unmap_calls", c.tally.unmap_calls, true },
		{ "copy_calls", c.tally.copy_calls, true },
		{ "pages_mapped", c.tally.pages_mapped, true },
		{ "pages_writable", c.tally.pages_writable, true },
		{ "pages_unmapped", c.tally.pages_unmapped, true },
		{ "pages_copied", c.tally.pages_copied, true },
	};

	o = json ? json_object_new_object() : NULL;
	for (i = 0; i < sizeof(line) / sizeof(line[0]); i++) {
		if (domid && !line[i].of_domains)
			continue;
		if (json)
			json_object_object_add(
				o, line[i].name,
				json_object_new_uint64(line[i].n));
		else
			printf("%s %llu\n", line[i].name,
			       (unsigned long long)line[i].n);
	}
	if (!json)
		return 0;
	puts(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PRETTY));
	json_object_put(o);
	return 0;
}
