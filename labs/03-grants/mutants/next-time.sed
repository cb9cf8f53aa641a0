# killed by: release
# Unmapped when the next batch comes: late, and the last one never.
/^static void map_release/,/^}/{
	s/^	unsigned i, pages = 0;/	static struct xen_map late[64];\
	static unsigned lates;\
	unsigned i, pages = 0;/
	s/^	s->gnttab->unmap\(s->setup\.gnttab, maps, n\);/	s->gnttab->unmap(s->setup.gnttab, late, lates);\
	for (i = lates = 0; i < n \&\& i < 64; i++)\
		late[lates++] = maps[i];/
}
