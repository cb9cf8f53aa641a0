# killed by: pages
# A ring is a page.
s/ring_entries\(abi, npages\)/ring_entries(abi, npages \/ npages)/
