# killed by: publish
# What was taken may be published.
/^bool ring_back_push/,/^}/s/uint32_t prod = r->rsp_prod_pvt;/uint32_t prod = r->req_cons;/
