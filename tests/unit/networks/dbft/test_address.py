from __future__ import annotations

import pytest

from headway.networks.dbft.address import ADDRESS_LENGTH, address_of, script_hash_from
from tests.neodata import vectors

LEGACY, N3 = 23, 53
BURN = bytes(20)


@pytest.mark.parametrize(("generation", "version"), [("legacy", LEGACY), ("n3", N3)])
def test_addresses_of_known_networks_are_read_and_written(generation: str, version: int) -> None:
    networks = vectors(generation)["networks"]
    assert len(networks) == 4
    for network in networks.values():
        script_hash = bytes.fromhex(network["next_consensus_le"])
        assert address_of(script_hash, version) == network["address"]
        assert script_hash_from(network["address"], version) == script_hash


def test_hex_is_the_reversed_form_in_which_people_see_it() -> None:
    wire = bytes(range(20))
    shown = wire[::-1].hex()
    assert [script_hash_from(text, N3) for text in (shown, shown.upper(), "0x" + shown)] == [wire] * 3


@pytest.mark.parametrize("script_hash", [BURN, b"\xff" * 20])
@pytest.mark.parametrize("version", [LEGACY, N3])
def test_every_hash_has_an_address_of_one_length(script_hash: bytes, version: int) -> None:
    address = address_of(script_hash, version)
    assert len(address) == ADDRESS_LENGTH
    assert script_hash_from(address, version) == script_hash


def test_an_address_of_the_other_generation_is_refused() -> None:
    with pytest.raises(ValueError, match="another chain: its version is 23, not 53"):
        script_hash_from(address_of(BURN, LEGACY), N3)


def test_a_misread_address_is_refused() -> None:
    address = address_of(BURN, N3)
    for at in range(1, len(address)):
        misread = address[:at] + ("2" if address[at] != "2" else "3") + address[at + 1 :]
        with pytest.raises(ValueError, match="its checksum is wrong"):
            script_hash_from(misread, N3)


@pytest.mark.parametrize(
    "text",
    ["", "N", "0" * 39, "0" * 41, "g" * 40, "0x", " " + "0" * 39, "0OIl" * 8 + "NN", "N" * 33, "é" * 34, "٣" * 40],
)
def test_other_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="neither an address nor 40 hex digits"):
        script_hash_from(text, N3)


def test_the_largest_number_of_that_many_characters_is_refused() -> None:
    with pytest.raises(ValueError, match="its checksum is wrong"):
        script_hash_from("z" * ADDRESS_LENGTH, N3)
