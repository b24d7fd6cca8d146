"""The rooms of pictures stand on their own."""

from __future__ import annotations

import subprocess
import sys


def test_pictures_need_no_web_no_catalogue_no_orchestration_and_no_network():
    code = (
        "import heritage.review.pictures, heritage.review.iiif, sys;"
        "print([m for m in ('fastapi', 'sqlalchemy', 'prefect', 'torch', 'db', 'flows')"
        " if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
