/* SPDX-License-Identifier: MIT */
/*
 * A probe is a note of type 3 and name "stapsdt" in the section
 * .note.stapsdt: three addresses, and then three strings, the provider, the
 * probe's name and where its arguments are.  The file is not trusted.
 */
#include "trace/probe/note.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define PROVIDER  "ringside"
#define NOTE_TYPE 3
#define ADDRESSES (3 * sizeof(uint64_t))

struct image {
	const uint8_t *of;
	size_t size;
};

static const void *at(const struct image *im, uint64_t off, uint64_t len)
{
	return off <= im->size && len <= im->size - off ? im->of + off : NULL;
}

static void note_kind(const char *desc, size_t len, struct probe_kinds *kinds)
{
	const char *end = desc + len, *provider = desc + ADDRESSES, *name;
	int kind;

	if (len <= ADDRESSES)
		return;
	name = memchr(provider, '\0', (size_t)(end - provider));
	if (!name || strcmp(provider, PROVIDER))
		return;
	name++;
	if (!memchr(name, '\0', (size_t)(end - name)))
		return;
	kind = ev_kind_find(name);
	if (kind < 0 || kinds->has[kind])
		return;
	kinds->has[kind] = true;
	kinds->count++;
}

static void notes_walk(const uint8_t *notes, size_t size,
		       struct probe_kinds *kinds)
{
	Elf64_Nhdr head;
	size_t off = 0;

	while (size - off >= sizeof(head)) {
		uint64_t name, desc;

		memcpy(&head, notes + off, sizeof(head));
		off += sizeof(head);
		name = ((uint64_t)head.n_namesz + 3) & ~(uint64_t)3;
		desc = ((uint64_t)head.n_descsz + 3) & ~(uint64_t)3;
		if (name + desc > size - off)
			return;
		if (head.n_type == NOTE_TYPE && head.n_namesz == 8 &&
		    !memcmp(notes + off, "stapsdt", 8))
			note_kind((const char *)notes + off + name,
				  head.n_descsz, kinds);
		off += name + desc;
	}
}

static int sections_walk(const struct image *im, struct probe_kinds *kinds)
{
	const Elf64_Ehdr *head = at(im, 0, sizeof(*head));
	const Elf64_Shdr *section, *names;

	if (!head || memcmp(head->e_ident, ELFMAG, SELFMAG))
		return -ENOEXEC;
	if (head->e_ident[EI_CLASS] != ELFCLASS64 ||
	    head->e_shentsize != sizeof(*section))
		return 0;
	section = at(im, head->e_shoff,
		     (uint64_t)head->e_shnum * sizeof(*section));
	if (!section || head->e_shstrndx >= head->e_shnum ||
	    head->e_shoff % sizeof(uint64_t))
		return 0;
	names = &section[head->e_shstrndx];
	for (unsigned i = 0; i < head->e_shnum; i++) {
		static const char wanted[] = ".note.stapsdt";
		const void *notes =
			at(im, section[i].sh_offset, section[i].sh_size);
		const char *name;

		if (section[i].sh_type != SHT_NOTE || !notes ||
		    section[i].sh_name > im->size)
			continue;
		name = at(im, names->sh_offset + section[i].sh_name,
			  sizeof(wanted));
		if (name && !memcmp(name, wanted, sizeof(wanted)))
			notes_walk(notes, section[i].sh_size, kinds);
	}
	return (int)kinds->count;
}

int probe_notes_read(const char *path, struct probe_kinds *kinds)
{
	struct image im = { NULL, 0 };
	struct stat st;
	int fd, rc = 0;
	void *map;

	memset(kinds, 0, sizeof(*kinds));
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st))
		rc = -errno;
	else if (!S_ISREG(st.st_mode) || st.st_size < (off_t)SELFMAG)
		rc = -ENOEXEC;
	if (!rc) {
		map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd,
			   0);
		if (map == MAP_FAILED) {
			rc = -errno;
		} else {
			im.of = map;
			im.size = (size_t)st.st_size;
			rc = sections_walk(&im, kinds);
			munmap(map, im.size);
		}
	}
	close(fd);
	return rc;
}
