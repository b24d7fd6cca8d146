"""One master whose source or target is a URL: fetched before, restored as any other, sent after."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from flows.progress import Progress, tell
from flows.records import recorded
from flows.report import Fate, Outcome
from flows.share import work
from heritage.care.stages import stage
from heritage.damage.masks import find_mask
from heritage.errors import HeritageError, NothingToRestore
from heritage.remote.address import Address, local_path, parse_address
from heritage.remote.known import Verdict, in_the_way, judge, record_at, sha256_of_origin
from heritage.remote.origin import Origin, write_origin
from heritage.remote.publish import publish, require_target
from heritage.remote.staging import Berth, RemoteMaster, berth, bring_file, remote_master
from heritage.remote.store import Stamp
from heritage.restore.options import Options
from heritage.restore.provenance import file_names
from heritage.settings import load_settings
from heritage.tiff.fixity import sha256_file

Restore = Callable[..., Outcome]
TO_COME = Stamp(0)


def restore_remote(
    restore: Restore,
    source: Path,
    output: Path,
    name: str,
    mask: Path | None = None,
    **settings: Any,  # noqa: ANN401 - passed on
) -> Outcome:
    """Restore one master of which the source, the target or both are URLs.

    What is complete at the target is found there and nothing is fetched for it. What was fetched
    stays in the workspace until the restoration is where it belongs.

    Args:
        restore: The flow ``restore_image``.
        source: The master, or its URL as it travels.
        output: The folder that receives ``NAME/``, or its URL.
        name: ``NAME``.
        mask: The mask, or its URL; None: the one beside the master.
        settings: Further parameters of the flow.

    Returns:
        What became of it, told with the URLs.

    Raises:
        HeritageError: One of its kinds; it is on record in the catalogue.
    """
    with ExitStack() as stack:
        try:
            with work():
                trip = _Trip(stack, source, output, name, mask, settings)
                done = trip.is_complete() or (trip.bring() and trip.is_complete())
        except NothingToRestore as nothing:
            return Outcome(source, Fate.LEFT_ALONE, nothing.reason)
        except HeritageError as error:
            with work():
                known = recorded(error, source)
            raise known from error.__cause__
        if not done:
            trip.outcome = trip.run(restore)
        with work():
            if trip.outcome.fate.is_done:
                trip.send()
                trip.clear()
        return trip.told()


class _Trip:
    """A master on its way here, through its restoration, and on to its target."""

    def __init__(
        self,
        stack: ExitStack,
        source: Path,
        output: Path,
        name: str,
        mask: Path | None,
        settings: dict[str, Any],
    ) -> None:
        self._source, self._name, self._settings = source, name, settings
        self._home = load_settings().home
        self._berths: list[Berth] = []
        self.outcome = Outcome(source, Fate.FAILED)
        self._place_results(stack, output)
        self._place_master(stack, source)
        self._given = mask is not None
        self._mask = self._found_mask() if mask is None else self._given_mask(stack, mask)

    def is_complete(self) -> bool:
        """Whether the target has this restoration; a master far away is not fetched for it.

        Raises:
            OutputInTheWay: If it has another one.
        """
        record = record_at(self._target)
        if record is None:
            return False
        named = {key: self._settings[key] for key in ("memory", "batch", "grain")}
        mask, model = sha256_file(self._mask), self._settings.get("model")
        verdict = judge(record, self._master_sha256(record), mask, model, Options(**named))
        if verdict is Verdict.OTHER:
            raise in_the_way(self._target)
        if verdict is Verdict.SAME:
            self.outcome = _recorded(self._source, record)
        return verdict is Verdict.SAME

    def bring(self) -> bool:
        """The master, if it is far away and may be one; whether that was so."""
        if self._far is None:
            return False
        self._far.require_restorable()
        with stage("fetch", self._source):
            self._far.bring(
                lambda done, total: tell(
                    Progress(self._source, "fetching", done >> 20, total >> 20)
                )
            )
        return True

    def run(self, restore: Restore) -> Outcome:
        """The restoration, from local file to local folder."""
        if self._results is not None:
            # By this note its place is recorded as where it is going to be.
            note = Origin(str(self._results.address), TO_COME)
            write_origin(self._output / self._name, note)
        mask = self._mask if self._given else None
        return restore(
            source=self._master, output=self._output, name=self._name, mask=mask, **self._settings
        )

    def send(self) -> None:
        """The result to its target, if that is far away and has it not."""
        folder = self._output / self._name
        if self._results is not None and folder.is_dir():
            tell(Progress(self._source, "sending"))
            with stage("send", self._source):
                sent = publish(folder, self._results.address)
            if sent:
                self.outcome = replace(self.outcome, fate=Fate.RESTORED)

    def clear(self) -> None:
        """Take away what lies in the workspace, unless the site keeps what was fetched."""
        if self._results is not None:
            self._results.clear()
        if not getattr(load_settings(), "keep_staged", False):
            for place in self._berths:
                place.clear()

    def told(self) -> Outcome:
        """What became of it, with the places that a person knows."""
        if not self.outcome.fate.is_done:
            return replace(self.outcome, source=self._source)
        target = self._target if isinstance(self._target, Path) else self._target.travelling
        restored = target / file_names(self._name)["restored"]
        return replace(self.outcome, source=self._source, folder=target, restored=restored)

    def _place_results(self, stack: ExitStack, output: Path) -> None:
        self._results: Berth | None = None
        self._target: Path | Address
        here = local_path(output)
        if here is not None:
            self._output, self._target = here, here / self._name
            return
        address = parse_address(output)
        require_target(address)
        self._target = address.below(self._name)
        self._results = stack.enter_context(berth(self._target, self._home))
        self._output = self._results.folder

    def _place_master(self, stack: ExitStack, source: Path) -> None:
        self._far: RemoteMaster | None = None
        here = local_path(source)
        if here is not None:
            self._master = here
            return
        self._far = stack.enter_context(remote_master(parse_address(source), self._home))
        self._master = self._far.berth.master
        self._berths.append(self._far.berth)

    def _given_mask(self, stack: ExitStack, mask: Path) -> Path:
        here = local_path(mask)
        if here is not None:
            return here
        self._berths.append(stack.enter_context(berth(parse_address(mask), self._home)))
        return bring_file(self._berths[-1])

    def _found_mask(self) -> Path:
        found = find_mask(self._master) if self._far is None else self._far.bring_mask()
        if found is None:
            raise NothingToRestore(
                f"has no mask; put {self._name}.mask.tif beside it or give one", self._master
            )
        return found

    def _master_sha256(self, record: dict[str, Any]) -> str | None:
        if self._far is None or self._far.is_here():
            return sha256_file(self._master)
        return sha256_of_origin(record, self._far.berth.address, self._far.stamp)


def _recorded(source: Path, record: dict[str, Any]) -> Outcome:
    """What a provenance record says of a restoration that was found complete."""
    pixels = record["master"]["height"] * record["master"]["width"]
    return Outcome(
        source=source,
        fate=Fate.ALREADY,
        model=record["model"]["name"],
        regions=record["regions"]["count"],
        damaged_pixels=record["mask"]["pixels"],
        share=record["mask"]["pixels"] / pixels,
        seconds=float(record["times"]["seconds"]),
        remark=record["restored"]["reencoded"] or "",
    )
