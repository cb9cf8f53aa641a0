# killed by: abi
# All guests are compiled as I am.
s/ring_slot_at\(r->shared, r->abi,/ring_slot_at(r->shared, RING_ABI_X86_64,/
