"""How do players fare at each target, and from where? Aggregates of bounded size that add up."""
