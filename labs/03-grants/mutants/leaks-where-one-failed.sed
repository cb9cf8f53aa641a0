# killed by: bad
# The call says that one failed: nothing is kept of any, not even its map.
/^static void use_answer/,/^}/s/^	u->map = \*m;/	u->map = *m;\
	if (err > 0) {\
		u->map.addr = NULL;\
		u->error = -EFAULT;\
		return;\
	}/
