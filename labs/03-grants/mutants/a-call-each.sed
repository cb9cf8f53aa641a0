# killed by: calls
# One call for each request.
/^static int batch_map/,/^}/s/^	return s->gnttab->map.*/	int failed = 0;\
	for (unsigned i = 0; i < n; i++)\
		failed += s->gnttab->map(s->setup.gnttab, maps + i, 1);\
	return failed;/
