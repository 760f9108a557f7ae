"""What do players say about their playback? CMCD (CTA-5004 and CTA-5004-B), read strictly and in linear time."""
