"""What the worker has on its bench: the pages whose tiles or strips it is decoding."""

from __future__ import annotations

from collections import OrderedDict
from itertools import accumulate
from pathlib import Path
from typing import Any, Final

import numpy as np

from heritage.tiff.codec import DECODER_FAULTS, Codec
from heritage.tiff.decoding import fingerprint, read_page
from heritage.tiff.sharing import SharedMemory

PAGES: Final = 4
"""Of which the decoders are kept for the next request."""


class Bench:
    """Decodes tiles and strips from shared memory into shared memory.

    Args:
        descriptor: Of the shared memory.
    """

    def __init__(self, descriptor: int) -> None:
        self._memory = SharedMemory(descriptor)
        self._codecs: OrderedDict[int, Codec] = OrderedDict()

    def decode(self, request: dict[str, Any]) -> list[list[int] | str]:
        """Replace the bytes of tiles or strips by their pixels.

        Returns:
            The shape of each, or why it cannot be decoded.

        Raises:
            MemoryError: If the limit is reached.
            ValueError: If the file is another one now.
            OSError: If the file is gone.
        """
        codec = self._codec(request)
        shared = self._memory.attach(request["area"])
        stops = list(accumulate(request["bytes"]))
        data = [bytes(shared[a:b]) for a, b in zip([0, *stops], stops, strict=False)]
        answers: list[list[int] | str] = []
        for number, (segment, one) in enumerate(zip(request["segments"], data, strict=True)):
            try:
                pixels = codec.decode(segment, one)
            except DECODER_FAULTS as error:
                if isinstance(error, MemoryError):
                    raise
                answers.append(str(error))
                continue
            if pixels.nbytes > request["room"]:
                answers.append("it decodes to more pixels than its tags say")
                continue
            at = number * request["room"]
            place = np.frombuffer(shared, pixels.dtype, pixels.size, at).reshape(pixels.shape)
            np.copyto(place, pixels)
            answers.append(list(pixels.shape))
        return answers

    def _codec(self, request: dict[str, Any]) -> Codec:
        key = request["opening"]
        if key in self._codecs:
            self._codecs.move_to_end(key)
            return self._codecs[key]
        if len(self._codecs) >= PAGES:
            self._codecs.popitem(last=False)
        page = read_page(Path(request["open"]), request["at"], request["index"])
        if fingerprint(page.parent.filehandle.fileno()) != request["file"]:
            page.parent.close()
            raise ValueError("the file was replaced while it was being read; run again")
        self._codecs[key] = Codec(page)
        page.parent.close()  # a share that is to be taken away must not be held
        return self._codecs[key]
