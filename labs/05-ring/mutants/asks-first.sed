# killed by: ask
# Ask whether anyone sleeps, then publish.
/^bool ring_back_push/,/^}/{
	s/^	ring_store_release/	event = ring_load(\&r->shared->rsp_event);\n&/
	/^	event = ring_load\(&r->shared->rsp_event\);$/d
}
