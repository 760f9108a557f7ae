"""A config as JSON, for copies and notices between processes of this program."""

import msgspec

from balancer.core.configs import CdnConfig

_decoder = msgspec.json.Decoder(CdnConfig)


def dump(config: CdnConfig) -> bytes:
    """Return a config as one line of JSON."""
    return msgspec.json.encode(config)


def load(data: bytes | str | None) -> CdnConfig | None:
    """Return the config in `data`, None when there is none that this version of the program can read."""
    if data is None:
        return None
    try:
        return _decoder.decode(data)
    except msgspec.MsgspecError:
        return None
