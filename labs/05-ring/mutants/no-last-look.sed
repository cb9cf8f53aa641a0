# killed by: wake
# by chance: the window is short, so a test may have to try again.
# I have just looked; to ask to be woken is enough.
s/more = ring_back_peek\(r\);/more = false;/
