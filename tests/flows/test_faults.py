import errno

import pytest

from flows.faults import is_transient
from heritage.errors import HeritageError, MasterRefused, StorageFailed
from heritage.restore.storage import storage


def _fault(number: int) -> HeritageError:
    with pytest.raises(StorageFailed) as caught, storage("x.tif"):  # type: ignore[arg-type]
        raise OSError(number, "as the system says")
    return caught.value


@pytest.mark.parametrize("number", [errno.EIO, errno.ESTALE, errno.ETIMEDOUT])
def test_a_bad_moment_of_disk_or_share_is_worth_another_try(number: int) -> None:
    assert is_transient(_fault(number))


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES, errno.EROFS, errno.ENOENT])
def test_what_needs_a_person_is_not(number: int) -> None:
    assert not is_transient(_fault(number))


def test_a_file_that_is_no_master_stays_none() -> None:
    assert not is_transient(MasterRefused("is not a TIFF"))
