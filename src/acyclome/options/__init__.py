"""What options are made of, and the texts that are made from them."""
