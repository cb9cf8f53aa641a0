# killed by: quiet
# A grant that was used once counts as used for ever.
s/^\ts->uses--;/\t(void)s;/
