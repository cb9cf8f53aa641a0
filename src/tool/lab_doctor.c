/* SPDX-License-Identifier: MIT */
/* ringside lab doctor: is this machine ready for the labs? */
#include <stdio.h>

#include "labs/engine/doctor.h"
#include "tool/lab_commands.h"
#include "tool/lab_tool.h"

static const struct argp argp = {
	.doc = "Try what the labs need, and say how to mend what is missing.\v"
	       "The exit status is 0 if all is well, and 1 if not.",
};

int lab_cmd_doctor(int argc, char **argv)
{
	struct lab_root *root = NULL;
	struct why why_none, why;
	int unwell;

	argp_parse(&argp, argc, argv, 0, NULL, NULL);
	if (lab_root_find(&root, &why_none))
		root = NULL;
	unwell = lab_doctor(root, &why_none, stdout, &why);
	lab_root_free(root);
	if (unwell < 0) {
		lab_tool_complain(argv[0], &why);
		return 3;
	}
	if (unwell)
		printf("\n%d thing%s to mend.\n", unwell,
		       unwell == 1 ? "" : "s");
	else
		printf("\nAll is well: \"ringside lab list\" has the labs.\n");
	return unwell != 0;
}
