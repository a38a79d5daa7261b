import pytest

from vlmteach.views.ledger import ChangesView, ClaimView, GlossaryView, LedgerView, SentencesView

CLAIM = {
    "title": "Convolution is local",
    "japanese": "畳み込みはローカルな操作である。",
    "english": "Convolution is a local operation.",
    "measured": ["It reaches 0.97.", "Guessing gives 0.50."],
    "facts": [
        {"says": "it answers", "told": "0.97, should be at least 0.9", "holds": True},
        {"says": "it is quick", "told": "900 steps, should be at most 500", "holds": False},
    ],
    "cited": [("A field is larger than what counts.", "1701.04128, abstract")],
    "verdict": "half true",
    "because": "A layer is local.",
    "change": "A system that is.",
}
STANDING = {**CLAIM, "title": "A second claim", "facts": CLAIM["facts"][:1]}
VIEWS = [
    *(view([CLAIM, STANDING]) for view in (SentencesView, LedgerView, ChangesView)),
    *(ClaimView(CLAIM), GlossaryView([("cell", "セル", "one position")])),
]
EACH = pytest.mark.parametrize("view", VIEWS, ids=lambda view: type(view).__name__)


@EACH
def test_a_view_is_html_and_says_in_words_what_it_is(view):
    bundle = view._repr_mimebundle_()

    assert bundle["text/html"] == view.to_html()
    assert bundle["text/plain"] == repr(view)


@EACH
def test_a_table_has_a_caption_and_heads_that_say_what_they_head(view):
    page = view.to_html()

    assert page.count("<caption>") == page.count("<table") == 1
    assert 'scope="row"' in page
    assert page.count("<tr>") == page.count("</tr>")
    assert page.count("<td") == page.count("</td>")


@pytest.mark.parametrize("view", [SentencesView([CLAIM]), ClaimView(CLAIM), LedgerView([CLAIM])])
def test_the_japanese_sentence_is_marked_as_such(view):
    assert '<p lang="ja" style="font-weight: normal">「畳み込みはローカルな操作である。」</p>' in view.to_html()


def test_a_claim_shows_each_part():
    page = ClaimView(CLAIM).to_html()

    for part in ("It reaches 0.97.", "1701.04128, abstract", "half true.", "A layer is local.", "A system that is."):
        assert part in page
    assert "it answers: <strong>yes</strong>" in page
    assert "it is quick: <strong>no</strong>" in page


def test_a_ledger_says_which_verdicts_the_record_bears_out():
    view = LedgerView([CLAIM, STANDING])

    assert "no longer bears it out: it is quick." in view.to_html()
    assert "Borne out by the record in 1 of 1 points." in view.to_html()
    assert repr(view) == "LedgerView(2 claims, 1 verdicts borne out by the record)"


def test_sentences_come_without_a_verdict():
    page = SentencesView([CLAIM, STANDING]).to_html()

    assert "half true" not in page
    assert "Convolution is a local operation." in page


@pytest.mark.parametrize("view", [SentencesView, LedgerView, ChangesView, lambda claims: ClaimView(claims[0])])
def test_text_cannot_become_markup(view):
    evil = "<script>alert(1)</script>"
    claim = {key: evil if isinstance(value, str) else value for key, value in CLAIM.items()}
    claim |= {"measured": [evil], "cited": [(evil, evil)], "facts": [{"says": evil, "told": evil, "holds": False}]}

    assert "<script" not in view([claim]).to_html()
