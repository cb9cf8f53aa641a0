/* SPDX-License-Identifier: MIT */
/*
 * The same questions to Xen and to the desk, at the table of operations of
 * xen.h: each answer is one line.  Both hosts have to print what stands in
 * the file "expected".
 *
 * Two parties: `peer` grants pages and allocates ports, `own` maps and binds
 * as a backend does.  On Xen both are the domain where this runs; on the desk
 * they are domain 1 and domain 0.
 */
#ifndef SEAM_SEAM_H
#define SEAM_SEAM_H

#include "xen/xen.h"

struct seam {
	struct xen_host *own, *peer;
	bool desk;
};

/* One line: `what`, and `r` as "ok", "ok N" or the name of an errno. */
void say_result(const char *what, int r);
void say(const char *what, const char *answer);

void seam_store(struct seam *s);
void seam_watches(struct seam *s);
void seam_transactions(struct seam *s);
/* The store as a guest, who has rights below data/ only. */
void seam_guest(struct seam *s);
void seam_ports(struct seam *s);
void seam_grants(struct seam *s);

#endif
