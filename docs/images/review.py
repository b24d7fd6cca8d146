"""The pictures of docs/review.md: every page of a running review room.

HERITAGE_PASSWORD=... python docs/images/review.py http://localhost:8040 NAME
"""

import os
import shutil
import sys
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

HERE = Path(__file__).parent
QUALITY = 72


def main(address: str, name: str) -> None:
    """Log in, open the riskiest restoration, and photograph what there is."""
    with sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        context = browser.new_context(
            base_url=address, viewport={"width": 1400, "height": 900}, color_scheme="light"
        )
        page = context.new_page()
        page.goto("/login")
        take(page, "login")
        page.fill("#name", name)
        page.fill("#password", os.environ["HERITAGE_PASSWORD"])
        page.click("main button.primary")
        page.wait_for_url("**/worklist")
        take(page, "worklist")
        table = page.locator("ul.cards h2 a").first.get_attribute("href")
        for part in ("restorations", "masters", "numbers", "accounts", "me"):
            page.goto(f"/{part}")
            take(page, part)
        page.goto("/masters")
        page.goto(page.locator("ul.cards h2 a").first.get_attribute("href"))
        take(page, "master")
        page.goto(table)
        page.wait_for_selector("#light-table[data-ready]")
        take(page, "light-table")
        page.keyboard.press("z")
        page.keyboard.press("t")
        take(page, "tratteggio")
        page.goto(f"{table}/report")
        take(page, "report")
        page.set_viewport_size({"width": 390, "height": 844})
        page.goto(table)
        page.wait_for_selector("#light-table[data-ready]")
        take(page, "phone")
        browser.close()


def take(page: Page, name: str) -> None:
    """Write one picture, once everything in it has come."""
    page.wait_for_timeout(1500)
    page.screenshot(path=HERE / f"review-{name}.jpg", type="jpeg", quality=QUALITY)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
