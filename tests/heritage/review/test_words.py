"""Every language says everything, and what is compiled is what was written."""

import io
import re
from pathlib import Path

import pytest

from heritage import history
from heritage.review import report, web
from heritage.review.words import DOMAIN, LANGUAGES, LOCALES, spoken, translations

babel = pytest.importorskip("babel.messages")
OTHERS = [code for code in LANGUAGES if code != "en"]
GAP = re.compile(r"%\(\w+\)[ds]|\{\w+\}|%%")


def written():
    """All texts of the templates, and of histories."""
    from babel.messages.extract import extract_from_dir

    found = set()
    for room in (web, report):
        folder = Path(room.__file__).parent / "templates"
        method = [("**.html", "jinja2"), ("**.j2", "jinja2")]
        options = {pattern: {"newstyle_gettext": "true"} for pattern, _ in method}
        for _, _, text, *_ in extract_from_dir(folder, method, options):
            found.add(text if isinstance(text, str) else text[0])
    source = Path(history.__file__)
    for _, _, text, *_ in extract_from_dir(source.parent, [(source.name, "python")]):
        found.add(text)
    return found


def catalogue(code):
    from babel.messages.pofile import read_po

    with (LOCALES / code / "LC_MESSAGES" / f"{DOMAIN}.po").open("rb") as file:
        return read_po(file, locale=code, domain=DOMAIN)


@pytest.mark.parametrize("code", OTHERS)
def test_nothing_is_missing_and_nothing_is_left_over(code):
    known = {m.id if isinstance(m.id, str) else m.id[0] for m in catalogue(code) if m.id}
    wanted = written() | set(spoken())
    assert len(wanted) > 200
    assert wanted - known == set()
    assert known - wanted == set()


@pytest.mark.parametrize("code", OTHERS)
def test_every_gap_is_filled_in_every_language(code):
    for message in catalogue(code):
        if not message.id:
            continue
        said = [message.string] if isinstance(message.string, str) else message.string
        source = message.id if isinstance(message.id, str) else message.id[1]
        for text in said:
            assert text, message.id
            assert sorted(GAP.findall(text)) == sorted(GAP.findall(source)), message.id


@pytest.mark.parametrize("code", OTHERS)
def test_what_is_compiled_is_what_was_written(code):
    from babel.messages.mofile import write_mo

    fresh = io.BytesIO()
    write_mo(fresh, catalogue(code))
    assert (LOCALES / code / "LC_MESSAGES" / f"{DOMAIN}.mo").read_bytes() == fresh.getvalue()


def test_english_is_what_the_templates_say():
    assert translations("en").gettext("Worklist") == "Worklist"
    assert translations("zh").gettext("Worklist") == "待办"
