"""What the C2PA library finds in a record, in sentences.

Codes are those of the C2PA specification 2.x, section "Validation".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

UNTRUSTED: Final = "signingCredential.untrusted"
STAMP_UNTRUSTED: Final = "timeStamp.untrusted"
NOT_FAULTS: Final = frozenset({UNTRUSTED, STAMP_UNTRUSTED})
"""That nobody known vouches for somebody: a note, for the record is as it was signed."""
MEANINGS: Final = {
    "assertion.dataHash.mismatch": "the picture is not the one that was signed: its bytes changed",
    "assertion.hashedURI.mismatch": "the record was changed after it was signed",
    "assertion.missing": "a part of the record is missing",
    "claim.missing": "the record holds no claim",
    "claimSignature.mismatch": "the signature does not fit the record: one of them was changed",
    "claimSignature.missing": "the record is not signed",
    "claimSignature.outsideValidity": "the certificate was not valid when the record was signed",
    "signingCredential.expired": "the certificate has expired, and no time stamp of a trusted "
    "authority proves that the record was signed before; that alone is no sign of a change",
    "signingCredential.invalid": "the certificate is not of a kind that may sign such records",
    "signingCredential.ocsp.revoked": "the certificate was revoked by its issuer",
    "timeStamp.mismatch": "the time stamp does not fit the signature",
}


def findings_in(results: Mapping[str, Any]) -> tuple[str, ...]:
    """What is wrong, each thing once.

    Args:
        results: The ``validation_results`` of the library.
    """
    faults = (one for one in _statuses(results, "failure") if one["code"] not in NOT_FAULTS)
    return tuple(dict.fromkeys(_meaning(one) for one in faults))


def notes_in(results: Mapping[str, Any], signature: Mapping[str, str]) -> Iterator[str]:
    """What a reader should know though nothing is wrong.

    Args:
        results: The ``validation_results`` of the library.
        signature: Its ``signature_info``.
    """
    kinds = ("failure", "informational")
    codes = {one["code"] for kind in kinds for one in _statuses(results, kind)}
    if UNTRUSTED in codes:
        yield (
            "nobody that is trusted here vouches for the signer: the record is as it was signed, "
            "by whom is not proven"
        )
    if "time" not in signature:
        yield "carries no time stamp: it can be checked until the certificate expires, not longer"
    elif STAMP_UNTRUSTED in codes:
        yield "nobody that is trusted here vouches for the time stamp"


def _statuses(results: Mapping[str, Any], kind: str) -> Iterator[Mapping[str, str]]:
    """What the library says of the record, and of those of its ingredients."""
    yield from results.get("activeManifest", {}).get(kind, [])
    for ingredient in results.get("ingredientDeltas", []):
        yield from ingredient.get("validationDeltas", {}).get(kind, [])


def _meaning(failure: Mapping[str, str]) -> str:
    code = failure["code"]
    return MEANINGS.get(code) or f"{failure.get('explanation', 'does not hold')} ({code})"
