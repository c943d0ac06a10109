"""一个湖:observations, their history and their latest values. Does not judge them."""
