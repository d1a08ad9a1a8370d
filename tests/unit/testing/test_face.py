"""What a test peer is and does without waiting: names of networks and addresses as users write them."""

from __future__ import annotations

import pytest

from headway.errors import ConfigError, LocalProtocolError
from headway.networks.bitcoin import REGTEST
from headway.testing.face import Face, address_of, network_of
from headway.testing.serving import ServedChain
from headway.types import Address
from headway.wire import messages as m
from tests.farend import leaving_nothing, socket_pair


def test_a_network_is_a_value_or_a_name() -> None:
    assert network_of(REGTEST) is network_of("regtest") is REGTEST
    with pytest.raises(ConfigError, match="no network is named 'bitcon'"):
        network_of("bitcon")


def test_an_address_is_a_value_or_as_people_write_it() -> None:
    assert address_of("127.0.0.1:5", REGTEST) == address_of(Address("127.0.0.1", 5), REGTEST)
    assert address_of("127.0.0.1", REGTEST).port == REGTEST.port
    with pytest.raises(ConfigError, match="not a port"):
        address_of("127.0.0.1:x", REGTEST)


def test_what_it_is_and_that_it_ends_without_a_wait() -> None:
    with leaving_nothing():
        dialled, far = socket_pair()
        with far:
            face = Face(dialled, network="regtest", inbound=True)
            assert (face.network, face.their_version, face.closed) == (REGTEST, None, None)
            assert face.address == Address(*far.getsockname())
            assert face.version(nonce=3).nonce == 3
            far.sendall(b"".join(map(bytes, REGTEST.codec.open(inbound=False).encode(m.GetAddr()))))
            while not (heard := face.heard()):
                pass
            assert heard == [m.GetAddr()]
            assert face.transcript.lines[-1] == "< getaddr"
            face.close()
            face.drop()
            assert str(face.closed) == "closed by us"


def test_a_chain_that_is_served_again_has_its_faults_already() -> None:
    dialled, far = socket_pair()
    with far:
        face = Face(dialled)
        served = ServedChain(REGTEST, [])
        assert face._served(served, {}) is served
        assert face._served([], {"withheld": {1}}).height == 0
        with pytest.raises(LocalProtocolError, match="said where it is made"):
            face._served(served, {"withheld": {1}})
        face.close()
