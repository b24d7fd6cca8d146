"""``heritage detect``: look for damage, propose masks."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from flows.cli.answers import AsJson, console, percent, say_json
from flows.report import ALL_DONE, NOTHING_DONE, SOME_FAILED
from heritage.errors import BadSetting, HeritageError
from heritage.restore.names import NamedSource

if TYPE_CHECKING:
    from heritage.damage.detect import Detector
    from heritage.damage.detect.search import Search
    from heritage.damage.policy import Policy


@dataclass(frozen=True)
class _Wish:
    """What the command line asks for, checked."""

    detectors: list[Detector]
    threshold: float | None
    policy: Policy | None
    protect: Path | None
    preview: bool
    page: int | None
    memory: int
    formats: list[str]


def detect(
    sources: Annotated[
        list[Path], typer.Argument(metavar="SOURCE…", help="Masters, and folders of masters.")
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder that receives NAME/ for each NAME.tif.")
    ],
    preview: Annotated[
        bool, typer.Option("--preview", help="Write a small picture with the damage marked.")
    ] = False,
    detectors: Annotated[
        str | None, typer.Option(help="Which detectors look, such as cracks,learned; else learned.")
    ] = None,
    threshold: Annotated[
        float | None, typer.Option(help="How sure one must be of a pixel, 0 to 1; else 0.5.")
    ] = None,
    policy: Annotated[
        str | None,
        typer.Option(help="Say what is to be filled: painting, mural, manuscript, print, …"),
    ] = None,
    policies: Annotated[
        Path | None, typer.Option(help="TOML file with policies of your own.")
    ] = None,
    fill: Annotated[
        list[str] | None,
        typer.Option(metavar="CLASS", help="Fill this class, too, such as CRACKS; repeatable."),
    ] = None,
    protect: Annotated[
        Path | None, typer.Option(help="Areas never filled: a mask, or GeoJSON polygons.")
    ] = None,
    formats: Annotated[
        str | None,
        typer.Option("--format", help="Write it as well as png, geojson, annotations."),
    ] = None,
    page: Annotated[
        int | None, typer.Option(min=0, help="Which page is the picture, counted from 0.")
    ] = None,
    memory: Annotated[
        str | None, typer.Option(help="Memory that one search may use, such as '2 GiB'.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Find the damage of masters, and propose a mask for each.

    Each NAME.tif gives OUTPUT/NAME/NAME.mask.tif and NAME.damage.json; with --policy also
    NAME.fill.tif and NAME.policy.json, what of it is to be filled and why. Masters stay untouched.
    """
    from flows.sources import find_masters
    from heritage.damage.propose import named_detectors
    from heritage.restore.names import plan_names
    from heritage.settings import load_settings

    settings = load_settings(memory=memory)
    chosen = _policy(policy, policies, fill or [])
    if protect is not None and chosen is None:
        raise BadSetting("--protect says what is not filled: give a --policy, too")
    wish = _Wish(
        named_detectors(_names(detectors)),
        threshold,
        chosen,
        protect,
        preview,
        page,
        settings.memory,
        _names(formats) or [],
    )
    found = find_masters(sources, leave_out=(output,))
    answers: list[dict[str, Any]] = [
        {"source": str(refused.source), "failed": refused.reason} for refused in found.refused
    ]
    for master in plan_names(found.masters, output):
        answers.append(_one(master, output, wish))
        if not as_json:
            _tell(answers[-1])
    if as_json:
        say_json(answers)
    if not answers:
        console(stderr=True).print("heritage: no TIFF there that could be a master")
    good = sum("failed" not in answer for answer in answers)
    if not good:
        raise typer.Exit(NOTHING_DONE)
    raise typer.Exit(ALL_DONE if good == len(answers) else SOME_FAILED)


def _names(listed: str | None) -> list[str] | None:
    return None if listed is None else [name.strip() for name in listed.split(",")]


def _policy(name: str | None, path: Path | None, fill: list[str]) -> Policy | None:
    """The policy asked for, with the classes to be filled besides."""
    from heritage.damage.classes import DamageClass
    from heritage.damage.policy import Action, find_policy, read_policies, with_actions

    if name is None:
        if fill or path is not None:
            raise BadSetting("--fill and --policies change a policy: give a --policy, too")
        return None
    known = [each.name for each in DamageClass if each]
    unknown = [each for each in fill if each not in known]
    if unknown:
        raise BadSetting(f"{unknown[0]!r} is no class of damage; there are {', '.join(known)}")
    chosen = find_policy(read_policies(path), name)
    return with_actions(chosen, {DamageClass[each]: Action.FILL for each in fill})


def _one(master: NamedSource, output: Path, wish: _Wish) -> dict[str, Any]:
    """What was found in one master, for JSON; or why it was not searched."""
    try:
        if master.name is None:
            return {"source": str(master.source), "failed": master.reason}
        return {"source": str(master.source)} | _searched(
            master.source, output / master.name, master.name, wish
        )
    except BadSetting:
        raise
    except HeritageError as error:
        elsewhere = error.path not in (None, master.source)
        return {"source": str(master.source), "failed": str(error) if elsewhere else error.reason}


def _searched(source: Path, folder: Path, name: str, wish: _Wish) -> dict[str, Any]:
    from heritage.damage.interchange.exporting import export_damage
    from heritage.damage.policy.apply import apply_policy
    from heritage.damage.policy.protect import find_protected
    from heritage.damage.propose import search_within

    screen = Console(stderr=True)
    with screen.status(f"{source.name}: searching") as shown:
        quiet = not screen.is_terminal

        def tell(done: int, total: int) -> None:
            if not quiet:
                shown.update(f"{source.name}: searching, {100 * done // total} %")

        found = search_within(
            wish.memory, source, folder, name, wish.detectors, wish.threshold,
            preview=wish.preview, page=wish.page, tell=tell,
        )  # fmt: skip
    _record(source, found, wish.page)
    said: dict[str, Any] = {
        "mask": str(found.mask),
        "damage": str(found.damage),
        "preview": None if found.preview is None else str(found.preview),
        "regions": len(found.regions),
        "pixels": found.pixels,
        "share": found.pixels / (found.height * found.width),
        "classes": dict(Counter(region.kind.name for region in found.regions).most_common()),
    }
    exported = export_damage(found.mask, found.damage, folder, name, wish.formats)
    said |= {each: str(path) for each, path in exported.items()}
    if wish.policy is not None:
        protect = wish.protect or find_protected(source)
        applied = apply_policy(source, found, wish.policy, folder, name, protect, wish.page)
        said["policy"] = wish.policy.name
        said["fill"], said["decisions"] = str(applied.mask), str(applied.record)
        said["filled"], said["documented"] = applied.filled, applied.documented
    return said


def _record(source: Path, found: Search, page: int | None) -> None:
    """Put the proposed mask into the catalogue."""
    from flows.records import catalogue
    from heritage.damage.detect.reading import read_damage
    from heritage.tiff import inspect, sha256_file

    with catalogue() as open_:
        number = open_.record_master(inspect(source, page), read_damage(found.damage).sha256)
        if found.pixels:
            digest = sha256_file(found.mask)
            open_.record_mask(number, sha256=digest, pixels=found.pixels, origin="detected")


def _tell(answer: dict[str, Any]) -> None:
    if "failed" in answer:
        console(stderr=True).print(f"heritage: {answer['source']}: {answer['failed']}")
        return
    kinds = ", ".join(f"{count} {name}" for name, count in answer["classes"].items())
    regions = f"{answer['regions']} regions, {percent(answer['share'])} of the picture"
    console().print(f"{answer['mask']}: {regions}" + (f": {kinds}" if kinds else ""))
    if "policy" in answer:
        console().print(
            f"  policy {answer['policy']}: {answer['filled']} to be filled, "
            f"{answer['documented']} documented"
        )
