"""This file is where it is tested how people put jobs together: on a page, without scripts."""

from __future__ import annotations

import json
import re
from html import unescape
from typing import Any

import pytest
from test_deeds import signed_in
from test_signing_in import Browser
from web_people import People

from grid.db import apply as writes
from grid.db.tables import JobTypeSpeedRow

NASTY = '<script>alert(1)</script>"&' + "x" * 10_000


@pytest.fixture(scope="module")
def ann(crowd: People) -> Browser:
    """The requester, who has signed in."""
    return signed_in(crowd, "ann", "requester")


def fill(browser: Browser, **fields: Any) -> Any:
    """Fill in the page's form as a browser would."""
    page = f"/jobs/new?type={fields.get('type', 'filterBy')}"
    given = {"csrf": browser.csrf(page), "type": "filterBy", **fields}
    return browser.http.post("/jobs/new", data=given, follow_redirects=False)


def part(text: str, name: str) -> str:
    """The words of a marked part."""
    found = re.search(rf'data-part="{name}"[^>]*>(.*?)</(?:dd|p)>', text, re.DOTALL)
    assert found is not None, name
    return re.sub(r"<[^>]+>", "", found[1])


def test_whoever_has_not_signed_in_is_sent_to_sign_in(crowd: People) -> None:
    answer = crowd.http.get("/jobs/new", follow_redirects=False)
    assert answer.status_code == 303 and "/login" in answer.headers["location"]


def test_every_enabled_job_type_has_a_card_with_examples(ann: Browser) -> None:
    text = ann.page("/jobs/new")
    for name in ("filterBy", "SUM", "MIN"):
        assert f"Use {name}" in text and f"README of {name}" in text
    assert "example=0" in text


def test_a_job_is_put_together_previewed_and_submitted(crowd: People, ann: Browser) -> None:
    dataset = crowd.dataset(chunk_rows=4)
    spec = json.dumps({"where": "score > 5"})
    seen = fill(ann, dataset=dataset, spec=spec)
    assert seen.status_code == 200
    for shown in ("What it will take", 'class="program"', "grid submit", "httpx.post", "curl -H"):
        assert shown in seen.text
    answer = fill(ann, dataset=dataset, spec=spec, name="high scores", description="above five",
                  mode="fixed", min_quorum="1", topics="games", do="submit")  # fmt: skip
    assert answer.status_code == 303, answer.text
    job_id = answer.headers["location"].rpartition("/")[2]
    view = crowd.get(f"/jobs/{job_id}").json()
    assert view["name"] == "high scores" and view["metadata"] == {"description": "above five"}
    assert view["policy"]["min_quorum"] == 1 and view["topics"] == ["games"]
    done = crowd.finish(job_id, [crowd.host()])
    assert done["state"] == "completed"


def test_a_clone_submits_the_same_again(crowd: People, ann: Browser) -> None:
    first = crowd.job(name="once", metadata={"description": "as it was"}, policy={"min_quorum": 3})
    text = ann.page(f"/jobs/new?clone={first}").partition('id="job"')[2]
    fields = dict(re.findall(r'<input name="(\w+)"[^>]*?value="([^"]*)"', text))
    spec = re.search(r'<textarea id="spec"[^>]*>(.*?)</textarea>', text, re.DOTALL)
    chosen = re.search(r'<option value="(data_\w+)" selected', text)
    assert spec is not None and chosen is not None
    fields |= {"dataset": chosen[1], "spec": unescape(spec[1])}
    answer = fill(ann, **fields, mode="fixed", do="submit")
    again = crowd.get(f"/jobs/{answer.headers['location'].rpartition('/')[2]}").json()
    before = crowd.get(f"/jobs/{first}").json()
    for name in ("spec", "name", "metadata", "dataset", "policy", "job_type"):
        assert again[name] == before[name], name


@pytest.mark.parametrize(
    ("fields", "code", "said"),
    [
        ({"spec": '{"where": "scroe > 5"}'}, 200, "did you mean 'score'?"),
        ({"spec": '{"where": "scroe > 5"}', "do": "submit"}, 400, "did you mean 'score'?"),
        ({"spec": "{", "do": "submit"}, 400, "the spec is not JSON"),
        ({"spec": "[" * 2_000, "do": "submit"}, 400, "the spec is not JSON"),
        ({"spec": "", "do": "submit"}, 400, "the spec is empty"),
        ({"spec": '{"where": "id > 5"}', "priority": "x", "do": "submit"}, 400, "/policy/priority"),
        ({"spec": '{"where": "score > 5"}', "priority": "5", "do": "submit"}, 403, "admin"),
        ({"spec": '{"where": "score > 5"}', "target_error": "7"}, 200, "/policy/target_error"),
        ({"spec": "{}", "dataset": "data_nothing"}, 200, "there is no such data set"),
        ({"spec": "{}", "type": "nothing"}, 404, ""),
        ({"spec": "{}", "odd": "1"}, 400, "odd"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_beside_what_was_typed(
    crowd: People, ann: Browser, fields: dict[str, str], code: int, said: str
) -> None:
    given = {"dataset": crowd.dataset(), **fields}
    given["csrf"] = ann.csrf("/jobs/new?type=filterBy")
    answer = ann.http.post("/jobs/new", data={"type": "filterBy", **given})
    assert answer.status_code in (code, 400 if code == 403 else code)
    assert said in unescape(answer.text)
    if "scroe" in fields["spec"]:
        line, caret = re.search(r"data-caret>(.*?)\n(.*?)</pre>", answer.text, re.DOTALL).groups()
        assert unescape(line)[caret.index("^") :].startswith("scroe")


def test_columns_show_their_types_first_values_and_missing_ones(
    crowd: People, ann: Browser
) -> None:
    dataset = crowd.dataset("a,b\n1,x\n,y\n,\n4,z\n", header="true")
    text = ann.page(f"/jobs/new?type=filterBy&dataset={dataset}")
    rows = re.findall(r"<tr><td><code>(\w)</code>.*?data-type>(\w+)<.*?number\">(\d+)<", text)
    assert rows == [("a", "int64", "2"), ("b", "text", "1")]


def upload(browser: Browser, text: str, **fields: str) -> Any:
    page = "/jobs/new?type=filterBy"
    data = {"csrf": browser.csrf(page), "name": "mine", "next": f"{page}&dataset=", **fields}
    files = {"file": ("mine.csv", text.encode(), "text/csv")}
    return browser.http.post("/datasets/new", data=data, files=files, follow_redirects=False)


def test_a_file_is_uploaded_by_form_and_its_types_corrected(ann: Browser) -> None:
    first = upload(ann, "price\n1.10\n2.20\n", header="true")
    assert first.status_code == 303, first.text
    assert "data-type>double" in ann.page(first.headers["location"])
    types = '{"price": "decimal(18,2)"}'
    second = upload(ann, "price\n1.10\n2.20\n", header="true", types=types)
    assert "data-type>decimal<" in ann.page(second.headers["location"])


@pytest.mark.parametrize(
    ("fields", "said"),
    [({"types": "x"}, "types"), ({"types": '{"no": "int64"}'}, "no"), ({"name": "\n"}, "name"),
     ({"delimiter": "ab"}, "delimiter"), ({"odd": "1"}, "odd"), ({"csrf": "x"}, "not ours")],
)  # fmt: skip
def test_a_bad_upload_is_refused_by_name(ann: Browser, fields: dict[str, str], said: str) -> None:
    answer = upload(ann, "a\n1\n", **fields)
    assert answer.status_code in (400, 403) and said in answer.text


def test_more_bytes_than_the_server_takes_are_refused_before_they_come(ann: Browser) -> None:
    assert upload(ann, "a\n" + "1\n" * 150_000).status_code == 413


def test_hostile_words_are_text_on_the_page(crowd: People, ann: Browser) -> None:
    cell = NASTY.replace('"', '""')
    dataset = crowd.dataset(f'"{cell[:150]}"\n"{cell}"\n', header="true", name=NASTY[:150])
    answer = fill(ann, dataset=dataset, spec=json.dumps({"where": NASTY}), name=NASTY[:150])
    for text in (answer.text, ann.page(f"/jobs/new?type=filterBy&dataset={dataset}")):
        assert "<script>alert" not in text and "&lt;script&gt;alert" in text


def test_an_estimate_moves_with_what_was_measured(crowd: People, ann: Browser) -> None:
    dataset = crowd.dataset("n\n" + "".join(f"{n}\n" for n in range(2_000)), header="true")
    spec = json.dumps({"column": "n"})
    unknown = fill(ann, type="SUM", dataset=dataset, spec=spec)
    assert "no time is known" in unknown.text
    blobs = crowd.get(f"/datasets/{dataset}/chunks").json()["items"]
    size = sum(column["bytes"] for chunk in blobs for column in chunk["columns"])
    assert part(unknown.text, "bytes") == f"{size:,}"
    crowd.host().ask()
    said = []
    for row_ns in (1_000_000, 10_000_000):
        row = JobTypeSpeedRow(job_type="SUM", row_ns=row_ns, measured_at=1)
        crowd.store.write(lambda tx, row=row: writes.set_speeds(tx.connection, [row], {}))
        said.append(fill(ann, type="SUM", dataset=dataset, spec=spec))
    assert "about 2 s;" in part(said[0].text, "core")
    assert "about 20 s;" in part(said[1].text, "core")
    assert part(said[0].text, "seconds") != part(said[1].text, "seconds")
