# killed by: calls
# One call for each request, when they are given back.
s/^	s->gnttab->unmap\(s->setup\.gnttab, maps, n\);/	for (i = 0; i < n; i++)\
		s->gnttab->unmap(s->setup.gnttab, maps + i, 1);/
