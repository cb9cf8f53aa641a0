# killed by: readonly
# A write needs writable pages, does it not?
s/m\.writable = u->to_guest;/m.writable = true;/
