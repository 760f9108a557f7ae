"""Content steering: which target each session of a player uses, for as long as it plays."""
