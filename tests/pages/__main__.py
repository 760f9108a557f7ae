"""`make docs`: write the pages that are drawn from the code; with `sizing`, measure what docs/sizing.md tells."""

import sys

from tests.pages import settings, sizing

if __name__ == "__main__":
    settings.PAGE.write_text(settings.page())
    sizing.PAGE.write_text(sizing.with_figures(sizing.PAGE.read_text(), sizing.BENCHMARKS.read_text()))
    if "sizing" in sys.argv[1:]:
        sizing.write()
