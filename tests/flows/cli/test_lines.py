from flows.cli.lines import lines


def test_what_says_nothing_is_left_out_and_units_are_named():
    said = list(lines({"name": "x", "paper": "", "config": {}, "memory": 221.5}))
    assert said == ["name: x", "live memory, bytes per pixel: 221.5"]


def test_a_short_table_is_one_line_and_a_long_one_several():
    short, long = {"a": 1, "b": 2}, {f"key {i}": "word " * 4 for i in range(6)}
    assert list(lines({"short": short})) == ["short: a 1, b 2"]
    said = list(lines({"long": long}))
    assert said[0] == "long:"
    assert len(said) == 7
    assert all(line.startswith("  key ") for line in said[1:])


def test_tables_in_tables_and_lists_of_tables_are_indented():
    said = list(lines({"deep": {"thick": {"one": {"psnr": 3}}}, "files": [{"file": "a"}]}))
    assert said == ["deep:", "  thick:", "    one: psnr 3", "files:", "  1: file a"]


def test_plain_lists_are_one_line():
    assert list(lines({"classes": ("mural", "print"), "none": ()})) == ["classes: mural, print"]
