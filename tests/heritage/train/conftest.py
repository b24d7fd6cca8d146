import dataclasses

import numpy as np
import pytest
from PIL import Image

from heritage.train.recipe import read_recipe


@pytest.fixture
def recipe(tmp_path, monkeypatch):
    """A training that takes seconds: a tiny network, a handful of painted pictures."""
    monkeypatch.setattr("heritage.train.validation.PICTURES", 2)
    rng = np.random.default_rng(3)
    for name, count in (("pictures", 4), ("validation", 3)):
        (tmp_path / name).mkdir()
        for number in range(count):
            small = rng.integers(0, 255, (12, 16, 3), dtype=np.uint8)
            picture = Image.fromarray(small).resize((400, 300), Image.Resampling.BICUBIC)
            picture.save(tmp_path / name / f"{number}.png")
    path = tmp_path / "tiny.toml"
    path.write_text(
        'name = "tiny"\npictures = "pictures"\nvalidation = "validation"\n'
        "config = { ngf = 8, n_downsampling = 2, n_blocks = 1, activation = 'none', shuffle = 2 }\n"
        "crop = 64\nbatch = 2\nsteps = 6\nwarmup = 2\nr1_interval = 2\n"
        "precision = '32-true'\ndiscriminator = { ndf = 8, n_layers = 2 }\n"
    )
    return dataclasses.replace(read_recipe(path))
