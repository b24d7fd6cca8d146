"""Telling people what happened: by mail, chat or whatever else Apprise has an address for."""

from __future__ import annotations

import logging

from heritage.settings import Settings

LOG = logging.getLogger("heritage")


def notify(settings: Settings, title: str, body: str) -> bool:
    """Send a message to everybody whom the setting ``notify`` names.

    A message that cannot be sent disturbs no work; that is on the log.

    Args:
        settings: Of the site.
        title: In a few words.
        body: In Markdown.

    Returns:
        Whether there is somebody to tell, and all were told.
    """
    if not settings.notify:
        return False
    from apprise import Apprise, NotifyFormat

    told = True
    for number, address in enumerate(settings.notify.split(), 1):
        people = Apprise()
        # An address holds a password as a rule, so it is named by its number.
        if not people.add(address):
            LOG.warning("notify: address %d is none that Apprise understands", number)
            told = False
        elif not people.notify(title=title, body=body, body_format=NotifyFormat.MARKDOWN):
            LOG.warning("notify: address %d could not be told %r", number, title)
            told = False
    return told
