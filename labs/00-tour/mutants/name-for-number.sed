# killed by: disk
# xvda is a name; the protocol knows a number.
s/\{last request_push.devid\}/xvda/
