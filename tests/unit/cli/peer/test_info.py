"""`headway peer info`: what it prints about a peer, and what it says where there is none."""

from __future__ import annotations

import json
import socket
import threading

import pytest

from headway.cli import main
from headway.cli.output import Exit
from tests.loopback import listen
from tests.unit.cli.conftest import Served

GETPEERINFO = (
    "id addr addrbind addrlocal network services servicesnames relaytxes lastsend lastrecv last_transaction last_block "
    "bytessent bytesrecv conntime timeoffset pingtime minping version subver inbound bip152_hb_to bip152_hb_from "
    "startingheight presynced_headers synced_headers synced_blocks inflight addr_relay_enabled addr_processed "
    "addr_rate_limited permissions minfeefilter bytessent_per_msg bytesrecv_per_msg connection_type "
    "transport_protocol_type session_id headway"
)


def test_it_prints_what_it_learnt_with_the_names_of_getpeerinfo(
    served: Served, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["peer", served.address, "--network", "regtest", "--json"]) == Exit.DONE
    printed = capsys.readouterr()
    info = json.loads(printed.out)
    assert " ".join(info) == GETPEERINFO + " headers"
    assert info["addr"] == served.address
    assert info["startingheight"] == info["synced_headers"] == info["headers"] == served.height
    assert info["servicesnames"] == ["NETWORK", "WITNESS"]
    assert 0 < info["minping"] <= info["pingtime"]
    assert printed.err == ""


def test_it_prints_lines_for_people(served: Served, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["peer", served.address, "--network", "regtest"]) == Exit.DONE
    lines = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines() if len(line.split()) > 1)
    assert lines["headers"] == str(served.height)
    assert lines["subver"].startswith("/headway:")


def test_trace_of_the_protocol_goes_to_stderr(served: Served, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["peer", served.address, "--network", "regtest", "--json", "-v"]) == Exit.DONE
    printed = capsys.readouterr()
    assert printed.out.count("\n") == 1
    assert [sign for sign in ("> version", "< verack", "= READY", "< headers [60]") if sign not in printed.err] == []


def test_port_where_nothing_listens_is_exit_3_with_the_reason(capsys: pytest.CaptureFixture[str]) -> None:
    listener, address = listen()
    listener.close()
    assert main(["peer", str(address), "--network", "regtest", "--json"]) == Exit.NO_PEERS
    printed = capsys.readouterr()
    assert f"error: cannot connect to {address}: connection refused. Is a node of regtest running there" in printed.err
    assert "connection refused" in json.loads(printed.out)["error"]


def test_remote_that_hangs_up_is_exit_3_with_the_reason(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def hang_up() -> None:
            listener.accept()[0].close()

        hanging_up = threading.Thread(target=hang_up)
        hanging_up.start()
        address = "{}:{}".format(*listener.getsockname())
        assert main(["peer", address, "--network", "regtest"]) == Exit.NO_PEERS
        hanging_up.join()
    assert "before its version" in capsys.readouterr().err


def test_wrong_network_is_exit_3_with_the_reason(served: Served, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["peer", served.address, "--network", "testnet4"]) == Exit.NO_PEERS
    assert "error: " in capsys.readouterr().err


def test_word_that_is_no_address_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["peer", "host:port"]) == Exit.USAGE
    assert "HOST:PORT" in capsys.readouterr().err
