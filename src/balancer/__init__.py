"""A self-hosted balancer of video requests between an origin cluster and a CDN."""

__version__ = "0.1.0"
