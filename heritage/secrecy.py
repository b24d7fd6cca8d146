"""What must not stand in a log: passwords, keys, addresses that hold them."""

from __future__ import annotations

import os
import re
from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from heritage.settings import Settings

HIDDEN = "***"
SHORTEST = 4
"""Letters from which on a secret is looked for wherever it may stand."""

# Addresses that travel as paths have lost a stroke.
WITH_PASSWORD = re.compile(r"(:/{1,2}[^\s:/@]*):\S*@")
WITH_KEY = re.compile(r"(:/{1,2})[^\s:/@]+@")
IN_QUERY = re.compile(
    r"([?&;][^=&;\s]*(?:sig|signature|token|secret|password|passwd|key|credential)[^=&;\s]*=)[^&;\s]+",
    re.IGNORECASE,
)
NAMED = re.compile(r"password|passwd|secret|token|authorization|api_?key|cookie", re.IGNORECASE)
VARIABLES = ("PREFECT_API_AUTH_STRING", "PREFECT_API_KEY", "PGPASSWORD", "AWS_SECRET_ACCESS_KEY")


@dataclass(frozen=True)
class Secrecy:
    """Hides secrets in what is to be written.

    Attributes:
        words: Secrets of this site, hidden wherever they stand.
    """

    words: tuple[str, ...] = ()

    @classmethod
    def of(cls, settings: Settings) -> Secrecy:
        """Those that the settings and the environment hold."""
        given = [settings.review_oidc_secret, *map(os.environ.get, VARIABLES)]
        try:
            password = urlsplit(settings.database_url).password
        except ValueError:
            password = None
        given += [password, None if password is None else unquote(password)]
        for address in str(getattr(settings, "notify", None) or "").split():
            given += [address, address.partition("://")[2].partition("?")[0]]
        known = {word for word in given if word and len(word) >= SHORTEST}
        return cls(tuple(sorted(known, key=len, reverse=True)))

    def hide(
        self, _logger: object, _method: str, facts: MutableMapping[str, Any]
    ) -> MutableMapping[str, Any]:
        """The same facts without secrets."""
        for name, value in facts.items():
            if NAMED.search(name):
                facts[name] = HIDDEN
            elif isinstance(value, str):
                facts[name] = self.hidden(value)
        return facts

    def hidden(self, text: str) -> str:
        """A text without secrets."""
        for word in self.words:
            text = text.replace(word, HIDDEN)
        text = WITH_PASSWORD.sub(rf"\1:{HIDDEN}@", text)
        text = WITH_KEY.sub(rf"\1{HIDDEN}@", text)
        return IN_QUERY.sub(rf"\1{HIDDEN}", text)
