/* SPDX-License-Identifier: MIT */
#include "viz/render/assets.h"

/* Compiled from the top of the tree, where the assembler finds the files. */
#define ASSET(name, file)                                                      \
	__asm__(".section .rodata\n"                                           \
		".global " #name "\n" #name ":\n"                              \
		".incbin \"" file "\"\n"                                       \
		".byte 0\n"                                                    \
		".previous\n")

ASSET(asset_report_css, "viz/render/report.css");
ASSET(asset_report_js, "viz/render/report.js");
