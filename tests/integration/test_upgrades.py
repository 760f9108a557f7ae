"""From one release to the next and back, in the order of docs/operating.md."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from balancer.adapters.sql.engines import make_engine
from balancer.adapters.sql.migrations import AlembicSchema
from tests.factories import BEARER, VIDEO
from tests.integration.conftest import Start
from tests.processes import Balancer, Postgres, run_balancer

ROOT = Path(__file__).parents[2]

MIGRATION = '''"""What the next release adds: a note for each config.

Revision: next
Revises: {present}
"""

import sqlalchemy as sa
from alembic import op

revision = "next"
down_revision = "{present}"
branch_labels = None
depends_on = None

LOSES = [("column cdn_configs.note", "SELECT count(*) FROM cdn_configs WHERE note IS NOT NULL")]


def upgrade() -> None:
    """Add the column."""
    op.add_column("cdn_configs", sa.Column("note", sa.String(10)))
    op.execute("UPDATE cdn_configs SET note = 'new'")


def downgrade() -> None:
    """Drop it."""
    op.drop_column("cdn_configs", "note")
'''


def present_revision() -> str:
    """Return the schema revision of this release."""
    return AlembicSchema("sqlite://", make_engine("sqlite://")).newest


@pytest.fixture
def following(tmp_path: Path) -> dict[str, str]:
    """Return the environment in which the commands are those of the next release, which has one more migration."""
    site = tmp_path / "site"
    shutil.copytree(ROOT / "src" / "balancer", site / "balancer")
    shutil.copytree(ROOT / "alembic", site / "balancer" / "migrations")
    migration = site / "balancer" / "migrations" / "versions" / "next.py"
    migration.write_text(MIGRATION.format(present=present_revision()))
    return {"PYTHONPATH": str(site)}


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """Return what ends with the test."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def shared() -> Iterator[dict[str, Any]]:
    """Return the settings of a fleet on a server of its own, which a test that fails may leave at any schema."""
    with Postgres("upgrades") as postgres:
        AlembicSchema(postgres.url, make_engine(postgres.url)).upgrade()
        yield {"DATABASE_URL": postgres.url}


@pytest.mark.long
def test_upgrade_and_rollback(
    start: Start, stack: ExitStack, shared: dict[str, Any], following: dict[str, str], tmp_path: Path
) -> None:
    """A database is backed up and migrated under the running service, which the next release joins; and back again."""
    present = present_revision()

    def change(balancer: Balancer, rate: int) -> None:
        body = {"id": 1, "distribution_rate": rate}
        assert 200 == httpx.patch(f"{balancer.url}/config", json=body, headers=BEARER).status_code
        assert 301 == httpx.get(f"{balancer.url}/?video={VIDEO}").status_code

    old = start(**shared)
    change(old, 2)
    run_balancer(tmp_path, "backup", "before.jsonl", **shared)
    run_balancer(tmp_path, "migrate", environment=following, **shared)
    run_balancer(tmp_path, "backup", "after.jsonl", environment=following, **shared)
    # What serves goes on with the newer schema, and can be changed; what starts is told that it is too old.
    change(old, 3)
    refused = run_balancer(tmp_path, "serve", check=False, **shared)
    assert (1, True) == (refused.returncode, f"is older and knows schemas up to {present}" in refused.stderr)
    new = stack.enter_context(Balancer(tmp_path, following, **shared))
    change(new, 4)
    old.stop()
    change(new, 5)
    refused = run_balancer(tmp_path, "restore", "after.jsonl", check=False, DATA_DIR="other")
    assert (1, True) == (refused.returncode, "is of schema next" in refused.stderr)
    assert not (tmp_path / "other").exists()

    # Only the next release knows the way back.
    lost = run_balancer(tmp_path, "migrate", f"--to={present}", "--yes", check=False, **shared)
    assert (1, True) == (lost.returncode, f"'balancer migrate --to={present}'" in lost.stderr)
    asked = run_balancer(tmp_path, "migrate", f"--to={present}", check=False, environment=following, **shared)
    assert (1, True) == (asked.returncode, "column cdn_configs.note: 1 row" in asked.stderr)
    run_balancer(tmp_path, "migrate", f"--to={present}", "--yes", environment=following, **shared)
    # A backup of this release comes into the next one.
    other: dict[str, Any] = {"environment": following, "DATA_DIR": "next"}
    run_balancer(tmp_path, "restore", "before.jsonl", **other)
    assert '"distribution_rate": 2' in run_balancer(tmp_path, "config", "show", **other).stdout
    again = start(**shared)
    assert 301 == httpx.get(f"{new.url}/?video={VIDEO}").status_code
    new.stop()
    assert 5 == httpx.get(f"{again.url}/config", headers=BEARER).json()["distribution_rate"]
    change(again, 6)
