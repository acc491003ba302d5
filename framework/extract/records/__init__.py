"""Records of a page: which fields are read of them, and what steps make of them."""
