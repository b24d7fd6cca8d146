"""A whole sitting over a real connection, and what must not get through."""

import re
import threading

import httpx
import numpy as np
import pytest
from PIL import Image

from db.votes import TRUTH, Answer, VoterRole
from heritage.evaluate.blind import pairs
from heritage.evaluate.blind.ballots import read_ballots
from heritage.evaluate.blind.booth import Booth
from heritage.evaluate.blind.layout import read_evaluation
from heritage.evaluate.blind.page import create_page


@pytest.fixture
def page(folder, catalogue, served):
    """The address of a page that is served."""
    booth = Booth(read_evaluation(folder), catalogue, "A. Suggested", truth_share=0.2)
    with served(create_page(booth)) as address:
        yield address


@pytest.fixture
def browser(page):
    with httpx.Client(base_url=page, follow_redirects=True) as client:
        yield client


def field(html, name):
    return re.search(rf'name="{name}" value="([^"]*)"', html)[1]


def sit_down(browser, voter="Žofie", role="curator"):
    first = browser.get("/").text
    answer = browser.post(
        "/begin", data={"form": field(first, "form"), "voter": voter, "role": role}
    )
    assert answer.status_code == 200
    return answer.text


def answer(browser, html, said="left"):
    data = {"form": field(html, "form"), "ticket": field(html, "ticket"), "answer": said}
    return browser.post("/answer", data=data)


def sources(html):
    """Addresses of the damaged picture, A, B."""
    return re.findall(r'<img src="([^"]+)"', html)


def test_a_whole_sitting_is_in_the_catalogue(browser, catalogue, folder):
    html = sit_down(browser)
    total = len(pairs.comparisons(read_evaluation(folder)))
    words = list(Answer)
    shown = 0
    while 'name="ticket"' in html:
        assert len(read_ballots(catalogue)) == shown  # each is stored at once
        html = answer(browser, html, words[shown % 4].value).text
        shown += 1
    assert shown == total
    assert f"You have judged everything there is: {total} answers" in html
    cast = read_ballots(catalogue)
    assert [ballot.answer for ballot in cast] == [words[n % 4] for n in range(total)]
    assert {(b.voter, b.role) for b in cast} == {("Žofie", VoterRole.CURATOR)}
    assert len({(b.family, b.picture, pairs.pair_of(b)) for b in cast}) == total
    assert {b.evaluation for b in cast} == {read_evaluation(folder).identifier}
    assert all(0 <= b.seconds < 60 for b in cast)
    weights = {m.name: m.weights for b in cast for m in (b.left, b.right)}
    assert weights == {"art": "a" * 64, "art-small": "b" * 64, "opencv-telea": "", TRUTH: ""}


def test_what_is_seen_on_the_left_is_on_record_as_left(browser, catalogue, folder):
    html = sit_down(browser)
    for _ in range(12):
        seen = [browser.get(source).content for source in sources(html)[1:]]
        html = answer(browser, html, "left").text
        ballot = read_ballots(catalogue)[-1]
        place = folder / "fills" / ballot.family / ballot.picture
        for content, model in zip(seen, (ballot.left, ballot.right), strict=True):
            assert (pixels(content) == np.asarray(Image.open(place / f"{model.name}.png"))).all()


def pixels(content):
    import io

    return np.asarray(Image.open(io.BytesIO(content)))


def test_nothing_that_is_sent_tells_whose_a_fill_is(browser):
    html = sit_down(browser, "V")
    secrets = ("art", "opencv", "telea", "truth", "losses", "hairlines", "sk-a", "fills", "a" * 8)
    for _ in range(8):
        answers = [browser.get("/compare"), *(browser.get(s) for s in sources(html))]
        for sent in answers:
            told = str(sent.headers).lower() + (
                sent.text.lower() if "html" in sent.headers["content-type"] else ""
            )
            assert not any(re.search(rf"\b{secret}", told) for secret in secrets)
        sizes = {len(sent.content) for sent in answers[1:]}
        assert len(sizes) == 1
        assert not any({"etag", "last-modified"} & set(sent.headers) for sent in answers)
        html = answer(browser, html).text


def test_a_new_turn_has_new_addresses_and_the_old_ones_are_over(browser):
    html = sit_down(browser)
    before = sources(html)
    assert len(set(before)) == 3
    html = answer(browser, html).text
    assert not set(before) & set(sources(html))
    assert [browser.get(source).status_code for source in before] == [404] * 3


def test_reloading_shows_the_same_pair(browser):
    html = sit_down(browser)
    assert browser.get("/compare").text == html


def test_an_answer_counts_once_though_sent_twice(browser, catalogue):
    html = sit_down(browser)
    first = answer(browser, html, "left")
    again = answer(browser, html, "right")
    assert again.text == first.text
    assert [ballot.answer for ballot in read_ballots(catalogue)] == [Answer.LEFT]


def test_who_stops_continues_later_in_another_browser(browser, page, catalogue):
    html = sit_down(browser)
    for _ in range(3):
        html = answer(browser, html).text
    left = browser.post("/leave", data={"form": field(html, "form")}).text
    assert "3 of your answers are stored" in left
    assert browser.get("/compare").url.path == "/"
    with httpx.Client(base_url=page, follow_redirects=True) as elsewhere:
        html = sit_down(elsewhere, "  Žofie\u200b ")
        assert "3 of your answers stored" in html
        answer(elsewhere, html)
    assert {ballot.voter for ballot in read_ballots(catalogue)} == {"Žofie"}
    assert len(read_ballots(catalogue)) == 4


def test_two_people_at_once_do_not_get_in_each_others_way(page, catalogue):
    def vote(name):
        with httpx.Client(base_url=page, follow_redirects=True) as client:
            html = sit_down(client, name)
            for _ in range(10):
                html = answer(client, html).text

    people = [threading.Thread(target=vote, args=(name,)) for name in ("A", "B", "C")]
    for person in people:
        person.start()
    for person in people:
        person.join()
    voters = sorted(ballot.voter for ballot in read_ballots(catalogue))
    assert voters == ["A"] * 10 + ["B"] * 10 + ["C"] * 10


def test_the_same_person_in_two_windows_judges_no_pair_twice(browser, page, catalogue):
    html = sit_down(browser)
    with httpx.Client(base_url=page, follow_redirects=True) as second:
        other = sit_down(second)
        answer(browser, html, "left")
        assert answer(second, other, "right").status_code == 200
    assert [ballot.answer for ballot in read_ballots(catalogue)] == [Answer.LEFT]


@pytest.mark.parametrize("forged", [{}, {"form": ""}, {"form": "x" * 43}, {"form": "ž"}])
def test_a_form_from_elsewhere_is_refused(browser, catalogue, forged):
    html = sit_down(browser)
    sent = {"ticket": field(html, "ticket"), "answer": "left", "voter": "X", "role": "other"}
    for path in ("/answer", "/begin", "/leave"):
        assert browser.post(path, data=sent | forged).status_code == 403
    assert read_ballots(catalogue) == []


def test_another_browsers_form_is_refused(browser, page, catalogue):
    html = sit_down(browser)
    with httpx.Client(base_url=page) as thief:
        assert answer(thief, html).status_code == 403
        thief.get("/")
        assert answer(thief, html).status_code == 403
        assert [thief.get(source).status_code for source in sources(html)] == [404] * 3
    assert read_ballots(catalogue) == []


def test_no_picture_is_sent_to_who_was_not_here(page, browser):
    html = sit_down(browser)
    assert httpx.get(page + sources(html)[0]).status_code == 403


@pytest.mark.parametrize(
    "path",
    [
        *("/picture/truth", "/picture/..%2f..%2fevaluation.json", "/static/page.py"),
        *("/static/..%2fpage.py", "/static/compare.html", "/picture/%00", "/docs", "/openapi.json"),
    ],
)
def test_no_path_leads_to_a_file(browser, path):
    sit_down(browser)
    assert browser.get(path).status_code == 404


@pytest.mark.parametrize("host", ["heritage.example", "127.0.0.1.evil.example", ""])
def test_only_this_machines_own_names_are_answered(browser, host):
    assert browser.get("/", headers={"Host": host}).status_code == 400


def test_the_browser_may_load_nothing_from_elsewhere(browser):
    html = sit_down(browser)
    for sent in (browser.get("/"), browser.get("/static/page.js"), browser.get("/nowhere")):
        policy = sent.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'")
        assert "unsafe" not in policy
        assert sent.headers["cache-control"] == "no-store"
    assert "http" not in html.replace("http-equiv", "")
    assert not re.search(r"\s(style|on\w+)=", html)
    cookie = browser.get("/").headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie


def test_a_name_is_shown_as_text(browser):
    html = sit_down(browser, '<script>alert("x")</script>')
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert" in html


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"voter": "   "}, "Please enter a name"),
        ({"voter": "\u200b\u202e"}, "Please enter a name"),
        ({"role": "king"}, "Please choose a role"),
    ],
)
def test_who_says_no_name_is_asked_again(browser, said, message):
    form = field(browser.get("/").text, "form")
    sent = browser.post("/begin", data={"form": form, "voter": "V", "role": "other"} | said)
    assert sent.status_code == 400
    assert message in sent.text


def test_a_fifth_answer_is_refused(browser, catalogue):
    html = sit_down(browser)
    assert answer(browser, html, "maybe").status_code == 400
    assert read_ballots(catalogue) == []


def test_a_form_that_is_too_long_is_refused(browser):
    assert browser.post("/begin", data={"voter": "x" * 10_000}).status_code == 413


def test_bytes_that_are_no_form_are_refused(browser):
    browser.get("/")
    assert browser.post("/begin", content=b"\xff\xfe").status_code == 400
    assert browser.post("/begin", content="&".join("a=1" for _ in range(50))).status_code == 400


def test_the_first_page_suggests_a_name(browser):
    assert 'value="A. Suggested"' in browser.get("/").text


def test_a_fill_that_vanished_is_said_in_one_sentence(browser, folder):
    html = sit_down(browser)
    for path in folder.glob("fills/*/*/*.png"):
        path.unlink()
    sent = browser.get(sources(html)[0])
    assert sent.status_code == 503
    assert "cannot be read as a picture" in sent.text
