# killed by: response
# Bytes between the fields are nobody's business: here is what the stack held.
s/\.operation = op,/.operation = op, .pad0 = (uint8_t)(0x80 | idx),/
