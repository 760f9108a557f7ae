"""Where a service is and by which key it is asked: options, the environment, or a file of profiles."""

import os
import stat
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import click
import yaml

from balancer.cli.remote.remedies import CannotDo

URL, API_KEY, PROFILE = "BALANCER_URL", "BALANCER_API_KEY", "BALANCER_PROFILE"

MAX_FILE = 256 * 1024
"""Bytes of a file of profiles."""


class Service(NamedTuple):
    """A service to ask.

    Attributes:
        url: Where it is.
        api_key: Who asks.
    """

    url: str
    api_key: str


class Profiles:
    """The file in which `balancer login` keeps services, readable by its owner alone.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def of_user(cls) -> "Profiles":
        """Return those of whoever runs the command."""
        return cls(Path(click.get_app_dir("balancer")) / "profiles.yaml")

    def get(self, name: str | None) -> Service | None:
        """Return a service by its name, or the usual one; None when there is none of that name.

        Raises:
            CannotDo: When the file cannot be trusted or read.
        """
        kept = self._read()
        found = kept["profiles"].get(name or kept["default"])
        return Service(found["url"], found["api_key"]) if found else None

    def names(self) -> list[str]:
        """Return the names of all services."""
        return sorted(self._read()["profiles"])

    def keep(self, name: str, service: Service) -> None:
        """Keep a service; it is the usual one from now on.

        Raises:
            CannotDo: When the file that is there cannot be trusted or read.
        """
        kept = self._read()
        kept["profiles"][name] = service._asdict()
        kept["default"] = name
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Made for its owner alone, and put in its place when it is whole.
        file, made = tempfile.mkstemp(dir=self.path.parent, prefix=".profiles")
        try:
            with os.fdopen(file, "w", encoding="utf-8") as opened:
                yaml.safe_dump(kept, opened, allow_unicode=True)
            Path(made).replace(self.path)
        except BaseException:
            Path(made).unlink(missing_ok=True)
            raise

    def _read(self) -> dict[str, Any]:
        try:
            with self.path.open("rb") as opened:
                mode = stat.S_IMODE(os.fstat(opened.fileno()).st_mode)
                data = opened.read(MAX_FILE)
        except FileNotFoundError:
            return {"default": None, "profiles": {}}
        if mode & 0o077:
            raise CannotDo(f"Others may read the keys in {self.path}. Take that from them: chmod 600 '{self.path}'")
        try:
            kept = yaml.safe_load(data)
        except (yaml.YAMLError, RecursionError):
            kept = None
        if not _is_sound(kept):
            raise CannotDo(f"{self.path} is not what 'balancer login' writes. Delete it, and log in again.")
        return dict(kept)


def _is_sound(kept: Any) -> bool:
    if not isinstance(kept, dict) or not isinstance(kept.get("profiles"), dict) or "default" not in kept:
        return False
    return all(
        isinstance(one, dict) and isinstance(one.get("url"), str) and isinstance(one.get("api_key"), str)
        for one in kept["profiles"].values()
    )


def find(
    url: str | None, profile: str | None, environment: Mapping[str, str], profiles: Profiles | None = None
) -> Service | None:
    """Return the service that a command is to ask, None when none is named.

    A URL and its key come from the same place, so that no key is sent to another service: from the options (with the
    key of the environment), the environment, or a profile.

    Args:
        url: By option.
        profile: The name of a profile, by option.
        environment: Variables.
        profiles: Where profiles are kept.

    Raises:
        CannotDo: When what is named is incomplete, or not there.
    """
    if url and profile:
        raise CannotDo("--url and --profile each name a service. Leave one of them out.")
    profile = profile or (None if url or environment.get(URL) else environment.get(PROFILE))
    if not profile and (address := url or environment.get(URL)):
        key = environment.get(API_KEY)
        if not key:
            raise CannotDo(f"There is no key for {address}. Set {API_KEY}, or use 'balancer login' and --profile.")
        return Service(address, key)
    kept = profiles or Profiles.of_user()
    found = kept.get(profile)
    if profile and not found:
        names = ", ".join(kept.names()) or "none"
        raise CannotDo(f"There is no profile '{profile}' (there are: {names}). Make it by 'balancer login'.")
    return found
