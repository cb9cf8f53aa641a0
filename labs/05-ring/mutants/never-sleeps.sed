# killed by: sleep
# A queue that never sleeps is only a waste.
s/more = ring_back_peek\(r\);/more = true;/
