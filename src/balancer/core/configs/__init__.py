"""What admins decide: configs, their targets, and every revision of them."""
