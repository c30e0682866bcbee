"""This file is where an operator says how many leading bits of an address make one network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from web_people import Host, People, opened

from grid.settings import Settings


def host_at(people: People, address: str) -> Host:
    body: dict[str, Any] = {"protocol": 1, "kind": "browser", "engine": "x/1", "capabilities": {}}
    answer = people.post("/hosts", body, headers={"X-Forwarded-For": address})
    assert answer.status_code == 201, answer.text
    return Host(people, answer.json())


def asks(host: Host, address: str) -> int:
    body = {"protocol": 1, "token": host.token, "want": 1, "reports": [], "renew": []}
    answer = host.people.post("/work", body, headers={"X-Forwarded-For": address})
    return len(answer.json()["assignments"])


@pytest.mark.parametrize(("bits", "second"), [("16", 0), ("24", 1)])
def test_hosts_of_one_network_as_the_operator_sees_it_get_no_second_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bits: str, second: int
) -> None:
    monkeypatch.setenv("GRID_IPV4_PREFIX_BITS", bits)
    assert Settings(data_dir=tmp_path).ipv4_prefix_bits == int(bits)
    proxies = {"trusted_proxies": ("testclient",)}
    with opened(tmp_path, run_daemons=False, **proxies) as people:
        people.job(dataset=people.dataset("id,name,score\n1,Suyash,2\n"))
        one, other = host_at(people, "8.8.4.1"), host_at(people, "8.8.5.1")
        assert asks(one, "8.8.4.1") == 1
        assert asks(other, "8.8.5.1") == second
