# killed by: response
# A variable that nobody has zeroed is 0 anyway.
s/rsp = \{ \.id = id,/rsp;\n\n		rsp.id = id;/
s/^[	 ]+\.operation = op,/		rsp.operation = op;/
s/^[	 ]+\.status = \(int16_t\)status \};/		rsp.status = (int16_t)status;/
