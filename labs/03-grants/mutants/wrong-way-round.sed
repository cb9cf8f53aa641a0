# killed by: data
# Writable for writes, read-only for reads: the disk faults, or says EFAULT.
s/m\.writable = u->to_guest;/m.writable = !u->to_guest;/
