# killed by: claims
# Nobody claims more than there is room for.
s/prod - r->rsp_prod_pvt > r->entries/false/
