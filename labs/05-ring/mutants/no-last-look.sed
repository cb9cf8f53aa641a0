# killed by: wake
# I have just looked; to ask to be woken is enough.
s/more = ring_back_peek\(r\);/more = false;/
