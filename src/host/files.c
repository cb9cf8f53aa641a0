/* SPDX-License-Identifier: MIT */
#include "host/files.h"

/* Compiled from the top of the tree, where the assembler finds the file. */
__asm__(".section .rodata\n"
	".global host_file_build\n"
	"host_file_build:\n"
	".incbin \"src/host/files/build\"\n"
	".byte 0\n"
	".previous\n");
