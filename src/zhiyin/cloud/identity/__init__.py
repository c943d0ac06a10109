"""Who acts, and what they may do where: the one place in which rights are decided."""
