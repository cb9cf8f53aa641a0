# killed by: slot
# The slot still holds what was taken out of it.
s/^	void \*slot = ring_slot_at\(.*/&\n\n	memcpy(\&id, (char *)slot + (r->abi == RING_ABI_X86_64 ? 8 : 4), 8);/
