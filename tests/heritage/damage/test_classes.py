from heritage.damage.classes import DamageClass

WRITTEN = {
    0: "none", 1: "material loss", 2: "peel", 3: "dust", 4: "scratch", 5: "hair", 6: "dirt",
    7: "fold", 8: "writing", 9: "cracks", 10: "staining", 11: "stamp", 12: "sticker",
    13: "puncture", 14: "burn mark", 15: "lightleak", 16: "fading", 17: "lacuna",
}  # fmt: skip


def test_the_values_in_class_maps_never_change():
    found = {member.value: member.name.lower().replace("_", " ") for member in DamageClass}
    assert found == WRITTEN


def test_every_class_says_in_one_line_what_it_is():
    for member in DamageClass:
        assert member.definition.endswith(".")
        assert "\n" not in member.definition
        assert len(member.definition) < 100


def test_a_class_is_found_by_its_value():
    assert DamageClass(9) is DamageClass.CRACKS
    assert int(DamageClass.FADING) == 16
