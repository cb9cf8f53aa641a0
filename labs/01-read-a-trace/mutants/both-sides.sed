# killed by: woken
# Each side tells of a notification that it sends; here both are counted.
s/count evtchn_notify actor=frontend/count evtchn_notify/
