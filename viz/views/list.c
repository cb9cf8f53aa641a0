/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stddef.h>

#include "viz/views/view.h"

const struct view *const view_list[] = {
	&view_sequence, &view_handshake, &view_request,
	&view_latency,	&view_report,	 NULL,
};

const char *view_format_name(enum view_format f)
{
	static const char *const name[VIEW_FORMATS] = {
		[VIEW_TEXT] = "text", [VIEW_SVG] = "svg", [VIEW_PNG] = "png",
		[VIEW_PDF] = "pdf",   [VIEW_DOT] = "dot", [VIEW_HTML] = "html",
		[VIEW_JSON] = "json",
	};

	return name[f];
}

int view_device(const struct model *m, const struct view_options *o,
		uint32_t *device, struct why *why)
{
	const struct model_device *d;
	uint32_t i;

	if (!m->devices)
		return why_set(why, -ENOENT,
			       "the trace holds no event of any device");
	if (o->device_given) {
		d = model_device_find(m, o->domid, o->devid);
		if (!d)
			return why_set(why, -EINVAL,
				       "the trace holds no device %u of domain "
				       "%u; the first it holds is %u/%u",
				       o->devid, o->domid, m->device[0].domid,
				       m->device[0].devid);
		*device = (uint32_t)(d - m->device);
		return 0;
	}
	*device = 0;
	for (i = 1; i < m->devices; i++)
		if (m->device[i].requests > m->device[*device].requests)
			*device = i;
	return 0;
}

int view_one_request(const struct model *m, const struct view_options *o,
		     uint32_t device, const struct request **r, struct why *why)
{
	size_t i;

	*r = NULL;
	for (i = 0; i < m->requests; i++) {
		const struct request *q = &m->request[i];

		if (m->queue[q->queue].device != device)
			continue;
		if (o->request_given) {
			if (request_seq(q) != o->request)
				continue;
			*r = q;
			return 0;
		}
		if (!*r || request_total(q) > request_total(*r))
			*r = q;
	}
	if (*r)
		return 0;
	if (!o->request_given)
		return why_set(why, -ENOENT, "the trace holds no request");
	return why_set(why, -EINVAL,
		       "device %u of domain %u has no request %llu in this "
		       "trace",
		       m->device[device].devid, m->device[device].domid,
		       (unsigned long long)o->request);
}
