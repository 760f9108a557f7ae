"""Locust users: players, some of them confused, and an admin. An answer that is not the expected one is a failure.

LOAD_API_KEY=vbk_... locust -f tests/load/locustfile.py --host http://127.0.0.1:8000
LOAD_API_KEY=vbk_... locust -f tests/load/locustfile.py --host http://127.0.0.1:8000 --headless -u 50 -r 25 -t 30s
"""

import os
import random
from urllib.parse import quote

from locust import FastHttpUser, between, constant, task

KEY = os.environ.get("LOAD_API_KEY")
"""The API key of an operator or an admin."""

VIDEOS = 10_000
"""Different videos; few of them make most of the requests."""

INVALID = [
    "http://example.com/video.m3u8",
    "http://s1.origin-cluster/../video.m3u8",
    "http://127.0.0.1/video.m3u8",
    "ftp://s1.origin-cluster/video.m3u8",
    "not a url",
]

REDIRECT = 301
REFUSED = 422
OK = 200


def any_video() -> str:
    """Return the URL of a video, popular ones more often."""
    number = int(VIDEOS ** random.random())
    return f"http://s{number % 8 + 1}.origin-cluster/video/{number}/xcg2djHckad.m3u8"


class Player(FastHttpUser):
    """Asks for videos and does not follow the redirects: the load is on the balancer alone."""

    weight = 20
    wait_time = between(0.01, 0.1)

    @task(4)
    def encoded(self) -> None:
        """Ask as browsers do."""
        self.watch(quote(any_video(), safe=""), "encoded video")

    @task(1)
    def raw(self) -> None:
        """Ask with the URL as it is."""
        self.watch(any_video(), "raw video")

    def watch(self, video: str, name: str) -> None:
        """Ask for a video and expect a redirect."""
        with self.client.get(f"/?video={video}", name=name, allow_redirects=False, catch_response=True) as answer:
            if answer.status_code == REDIRECT and answer.headers.get("location", "").startswith("http"):
                answer.success()
            else:
                answer.failure(f"expected a redirect, got {answer.status_code}")


class ConfusedPlayer(FastHttpUser):
    """Asks for what cannot be had."""

    weight = 1
    wait_time = between(0.05, 0.5)

    @task
    def invalid(self) -> None:
        """Ask for something that may not be redirected."""
        self.expect_refusal(f"/?video={quote(random.choice(INVALID), safe='')}", "invalid video")

    @task
    def missing(self) -> None:
        """Ask for nothing."""
        self.expect_refusal("/", "missing video")

    def expect_refusal(self, path: str, name: str) -> None:
        """Ask and expect a refusal."""
        with self.client.get(path, name=name, allow_redirects=False, catch_response=True) as answer:
            if answer.status_code == REFUSED and "location" not in answer.headers:
                answer.success()
            else:
                answer.failure(f"expected a refusal, got {answer.status_code}")


class Admin(FastHttpUser):
    """Looks at the config, changes the rate now and then, and puts it back in the end."""

    # Without an API key there is nothing that an admin could do.
    abstract = not KEY
    fixed_count = 1
    wait_time = constant(2)

    def on_start(self) -> None:
        """Remember the rate."""
        self.headers = {"Authorization": f"Bearer {KEY}"}
        self.config = self.client.get("/config", name="read config", headers=self.headers).json()

    def on_stop(self) -> None:
        """Put the rate back."""
        self.set_rate(self.config["distribution_rate"])

    @task(3)
    def read(self) -> None:
        """Look at the config."""
        self.client.get("/config", name="read config", headers=self.headers)

    @task(1)
    def change(self) -> None:
        """Set another rate."""
        self.set_rate(random.choice([2, 5, 10, 20, 50]))

    def set_rate(self, rate: int) -> None:
        """Change the rate and expect the answer to have it."""
        change = {"id": self.config["id"], "distribution_rate": rate}
        with self.client.patch(
            "/config", json=change, name="change config", headers=self.headers, catch_response=True
        ) as answer:
            if answer.status_code == OK and answer.json()["distribution_rate"] == rate:
                answer.success()
            else:
                answer.failure(f"the change was answered by {answer.status_code}")
