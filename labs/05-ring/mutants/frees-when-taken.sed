# killed by: claims
# A slot is free again when its request was taken.
s/prod - r->rsp_prod_pvt > r->entries/prod - r->req_cons > r->entries/
