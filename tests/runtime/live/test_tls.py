"""The certificate that the page makes for itself: kept, renewed, with all names; its library named where it is not."""

from __future__ import annotations

import datetime
import sys
from pathlib import Path

import pytest
from cryptography import x509

from cgan_runtime.errors import ConfigError
from cgan_runtime.live import tls
from cgan_runtime.live.tls import context_of, own_certificate


def names_in(path: Path) -> set[str]:
    certificate = x509.load_pem_x509_certificate(path.read_bytes())
    held = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return {str(name.value) for name in held}


def test_certificate_is_kept(tmp_path: Path) -> None:
    first = own_certificate("0.0.0.0", ("Box.example",), tmp_path)
    assert own_certificate("0.0.0.0", (), tmp_path) == first
    assert {"localhost", "127.0.0.1", "::1", "box.example"} <= names_in(first.path)
    assert "0.0.0.0" not in names_in(first.path)
    assert len(first.fingerprint.split(":")) == 32
    context_of(first.path, first.path)


def test_new_one_for_a_new_name_before_its_end_and_when_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = own_certificate("127.0.0.1", (), tmp_path)
    second = own_certificate("127.0.0.1", ("other.example",), tmp_path)
    assert second != first
    second.path.write_bytes(second.path.read_bytes()[:-100])
    third = own_certificate("127.0.0.1", (), tmp_path)
    assert third != second
    context_of(third.path, third.path)

    class Later(datetime.datetime):
        """A year later."""

        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> datetime.datetime:
            return datetime.datetime.now(tz) + datetime.timedelta(days=370)

    monkeypatch.setattr(tls, "datetime", Later)
    assert own_certificate("127.0.0.1", (), tmp_path) != third


def test_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cryptography", None)
    with pytest.raises(ConfigError, match=r"pip install 'cgan\[https\]'"):
        own_certificate("127.0.0.1")


def test_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="give one with --cert and --key"):
        own_certificate("127.0.0.1", (), tmp_path / "file")
