import json

import models


def test_every_inpainter_is_listed(run) -> None:
    names = [card.name for card in models.available()]
    table = run("models")
    assert table.exit_code == 0
    assert all(name in table.stdout for name in names)
    assert [one["name"] for one in json.loads(run("models", "--json").stdout)] == names
