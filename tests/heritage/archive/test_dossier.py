"""What a dossier says of a restoration."""

import pytest

from heritage.archive.dossier import percent


@pytest.mark.parametrize(
    ("share", "said"),
    [(0.0123456, "1.23 %"), (4e-6, "0.0004 %"), (0.5, "50 %"), (1, "100 %"), (0, "0 %")],
)
def test_percent_never_rounds_a_little_to_nothing(share, said):
    assert percent(share) == said


def test_the_statement_says_how_much_by_what_and_who_accepted(dossier):
    said = dossier.statement
    assert dossier.filled == 60 * 80 + 60 * 100
    assert "2.25 %" in said
    assert "10,800 pixels in 2 places" in said
    assert "telea" in said
    assert "Ava Approver" in said
