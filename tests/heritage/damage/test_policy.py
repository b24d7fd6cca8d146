import pytest

from heritage.damage.classes import DamageClass
from heritage.damage.detect.proposal import FoundRegion
from heritage.damage.policy import Action, Policy, Rule, decide, read_policies, with_actions
from heritage.errors import BadSetting
from heritage.geometry import Box

CRACKS, SCRATCH, FOLD = DamageClass.CRACKS, DamageClass.SCRATCH, DamageClass.FOLD


def region(kind, area=100, confidence=0.9):
    return FoundRegion(1, Box(0, 0, 1000, 1000), area, kind, confidence, "d")


def own(tmp_path, text):
    path = tmp_path / "own.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_shipped_policies_speak_of_every_class():
    policies = read_policies()
    assert list(policies) == ["painting", "mural", "manuscript", "print", "photograph"]
    for policy in policies.values():
        assert set(policy.rules) == set(DamageClass) - {DamageClass.NONE}
        filled = [rule for rule in policy.rules.values() if rule.action is Action.FILL]
        assert filled
        assert all(rule.largest and rule.confidence >= 0.5 for rule in filled)
    assert [name for name, policy in policies.items() if policy.spares_ink] == ["manuscript"]


def test_cracks_of_paintings_are_filled_only_when_asked():
    painting = read_policies()["painting"]
    said = decide(painting, region(CRACKS))
    assert said.action is Action.DOCUMENT
    assert said.reason == "documented: craquelure is not filled unless asked (policy painting)"
    asked = with_actions(painting, {CRACKS: Action.FILL})
    assert decide(asked, region(CRACKS)).reason == "filled"
    assert painting.rule(CRACKS).action is Action.DOCUMENT


def test_scratches_and_folds_of_photographs_are_filled():
    photograph = read_policies()["photograph"]
    for kind in (SCRATCH, FOLD):
        assert decide(photograph, region(kind)).action is Action.FILL


@pytest.mark.parametrize(
    ("found", "protected", "ink", "reason", "filled"),
    [
        (region(SCRATCH, 48210), 0, False, "documented: 48 210 pixels, more than 20 000", 0),
        (region(SCRATCH, 20000), 0, False, "filled", 20000),
        (region(SCRATCH, 9, 0.5999), 0, False, "documented: confidence 0.5999, less than 0.6", 0),
        (region(SCRATCH, 9, 0.6), 0, False, "filled", 9),
        (region(SCRATCH, 9), 0, True, "documented: touches ink", 0),
        (region(SCRATCH, 9), 9, False, "documented: lies in a protected area", 0),
        (region(SCRATCH, 9), 4, False, "filled, except 4 pixels in a protected area", 5),
        (
            region(DamageClass.DUST),
            0,
            False,
            "documented: dust is not filled unless asked (policy x)",
            0,
        ),
    ],
)
def test_reasons(found, protected, ink, reason, filled):
    policy = Policy("x", {SCRATCH: Rule(Action.FILL, 20000, 0.6)}, spares_ink=True)
    said = decide(policy, found, protected, ink)
    assert (said.reason, said.filled) == (reason, filled)
    assert said.action is (Action.FILL if filled else Action.DOCUMENT)


def test_ink_matters_only_where_the_policy_spares_it():
    policy = Policy("x", {SCRATCH: Rule(Action.FILL)})
    assert decide(policy, region(SCRATCH), ink=True).action is Action.FILL


def test_a_museum_changes_and_adds_policies(tmp_path):
    path = own(
        tmp_path,
        '[painting]\nCRACKS = { action = "fill", largest = 7, confidence = 1 }\n'
        '[glass]\nspares_ink = true\nDUST = { action = "fill" }\n',
    )
    policies = read_policies(path)
    assert policies["painting"].rule(CRACKS) == Rule(Action.FILL, 7, 1.0)
    assert policies["painting"].rule(SCRATCH) == read_policies()["painting"].rule(SCRATCH)
    assert policies["glass"].spares_ink
    assert policies["glass"].rule(DamageClass.DUST) == Rule(Action.FILL)
    assert policies["glass"].rule(CRACKS).action is Action.DOCUMENT


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[p]\nCRAKS = { action = "fill" }', "p.CRAKS is no class of damage; did you mean CRACKS?"),
        ('[p]\nNONE = { action = "fill" }', "p.NONE is no class"),
        ('[p]\nDUST = { action = "erase" }', "p.DUST.action is 'erase'"),
        ("[p]\nDUST = { largest = 5 }", "p.DUST.action is missing"),
        ('[p]\nDUST = { action = "fill", size = 5 }', "p.DUST.size is unknown"),
        ('[p]\nDUST = { action = "fill", largest = 0 }', "p.DUST.largest must be"),
        ('[p]\nDUST = { action = "fill", largest = 1.5 }', "p.DUST.largest must be"),
        ('[p]\nDUST = { action = "fill", largest = true }', "p.DUST.largest must be"),
        ('[p]\nDUST = { action = "fill", confidence = 1.5 }', "p.DUST.confidence must be"),
        ('[p]\nDUST = { action = "fill", confidence = nan }', "p.DUST.confidence must be"),
        ('[p]\nDUST = "fill"', "p.DUST must look like"),
        ("[p]\nspares_ink = 1", "p.spares_ink must be true or false"),
        ("p = 1", "p is no policy"),
        ("[p", "is no TOML file"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_line(tmp_path, text, said):
    path = own(tmp_path, text)
    with pytest.raises(BadSetting) as refused:
        read_policies(path)
    assert str(refused.value).startswith(f"{path}: ")
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(BadSetting, match=r"own\.toml: there is no such file"):
        read_policies(tmp_path / "own.toml")
