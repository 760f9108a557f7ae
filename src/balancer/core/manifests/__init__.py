"""Manifests, which list the parts of a video, and how they get content steering."""
