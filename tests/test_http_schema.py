"""The written schema of the HTTP interface, docs/openapi.json, is what the application does and docs/http.md says."""

import json
import re

import pytest
from attack import Attack, build_target, hail
from conftest import Clock
from live import ROOT, Server
from schema import SCHEMA, operations, problems, resolved

from app.fields import MEASURES
from app.study import RATINGS, ROLES

HTTP = (ROOT / "docs" / "http.md").read_text()
NAMES = {"token": "link", "index": "trial"}  # of the application's variables where the schema's say more
KINDS = {"flag": "boolean", "integer": "integer", "number": "number", "time": "number"}
REQUESTS = 200


def table_of_errors() -> set[tuple[str, str]]:
    return set(re.findall(r"^\| (\d+) \| `([a-z-]+)`", HTTP, re.MULTILINE))


def test_the_schema_has_every_address_and_method_of_the_application(app):
    served = {
        (re.sub(r"<(?:\w+:)?(\w+)>", lambda found: f"{{{NAMES.get(found[1], found[1])}}}", rule.rule), method)
        for rule in app.url_map.iter_rules()
        if rule.endpoint != "static"
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }
    # On the research pages, `name` is that of a study.
    served = {(re.sub(r"(/research/)\{name\}", r"\1{study}", path), method) for path, method in served}
    served = {(path.replace("{session_id}", "{session}"), method) for path, method in served}
    assert {(one.path, one.method) for one in operations()} == served


def test_every_address_of_the_written_documentation_is_in_the_schema():
    documented = re.findall(r"(GET|POST|PUT) (/\S+?)`", HTTP)
    assert len(documented) >= 7
    for method, address in documented:
        path = address.replace("LINK", "{link}").replace("/N", "/{trial}", "trials" in address)
        path = path.replace("FOLDER", "{folder}").replace("NAME.webp", "{name}")
        assert (method, path) in {(one.method, one.path) for one in operations()}, address


def test_the_schema_knows_every_documented_error_where_it_can_happen():
    described = {
        (status, code)
        for one in operations()
        for status, response in one.responses.items()
        for code in re.findall(r"`([a-z-]+)`", response["description"])
    }
    # A page of its own tells what is not found on the other addresses.
    assert described == table_of_errors() - {("404", "not-found")}
    assert {code for _, code in table_of_errors()} <= set(
        SCHEMA["components"]["schemas"]["Error"]["properties"]["error"]["enum"]
    )


def test_the_measures_ratings_and_roles_of_the_schema_are_the_application_s():
    measures = SCHEMA["components"]["schemas"]["Measures"]["properties"]
    assert {name: field["type"] for name, field in measures.items()} == {
        name: KINDS[field.kind] for name, field in MEASURES.items()
    }
    for name, field in MEASURES.items():
        if field.kind != "flag":
            assert (measures[name]["minimum"], measures[name]["maximum"]) == (field.low, field.high)
    rating = SCHEMA["components"]["schemas"]["Rating"]["properties"]["rating"]
    assert range(rating["minimum"], rating["maximum"] + 1) == range(min(RATINGS), max(RATINGS) + 1)
    profile = next(one for one in operations() if one.path.endswith("/profile"))
    assert profile.form["role"]["enum"] == list(ROLES)


def test_every_reference_of_the_schema_leads_somewhere():
    references = re.findall(r'"\$ref": "([^"]+)"', (ROOT / "docs" / "openapi.json").read_text())
    assert references
    for reference in references:
        assert resolved({"$ref": reference}), reference


def test_the_examples_of_the_written_documentation_fit_the_schema():
    state, saved = re.findall(r"```json\n(.*?)```", HTTP, re.DOTALL)
    shortened = re.sub(r'"/images/[^"]*…[^"]*"', f'"/images/{"0" * 16}/{"0" * 32}.webp"', state)
    assert not list(problems(json.loads(shortened), {"$ref": "#/components/schemas/State"}))
    assert not list(problems(json.loads(saved), {"$ref": "#/components/schemas/Rating"}))


@pytest.mark.parametrize(
    ("value", "wrong"),
    [
        ({"trial": -1, "elapsed_ms": 0}, "out of bounds"),
        ({"trial": True, "elapsed_ms": 0}, "is no integer"),
        ({"trial": 1}, "is missing"),
        ({"trial": 1, "elapsed_ms": 0, "truth": "real"}, "is not described"),
    ],
)
def test_a_reply_that_does_not_fit_is_noticed(value, wrong):
    (found,) = problems(value, {"$ref": "#/components/schemas/Shown"})
    assert wrong in found


def test_every_reply_of_a_session_fits_the_schema(player, clock: Clock):
    state, shown, saved = ({"$ref": f"#/components/schemas/{name}"} for name in ("State", "Shown", "Saved"))
    error = {"$ref": "#/components/schemas/Error"}
    while player.current:
        assert not list(problems(player.load(), state))
        assert not list(problems(player.show().get_json(), shown))
        assert not list(problems(player.rate(9).get_json(), error))
        assert not list(problems(player.rate(2, trial=99).get_json(), error))
        clock.move(3)
        assert not list(problems(player.rate(2, next_shown=True).get_json(), saved))
    assert not list(problems(player.load(), state))
    assert not list(problems(player.client.get("/health/ready").get_json(), {"$ref": "#/components/schemas/Ready"}))


def test_hostile_requests_to_every_address_and_field_get_no_5xx_no_trace_and_no_truth(tmp_path):
    """The same few of what `make benchmark-fuzz` sends by the thousand."""
    target = build_target(tmp_path)

    with Server(target.data) as server:
        attack = Attack(server.port, target)
        hail(attack, REQUESTS, 8)
    assert attack.statuses.total() >= REQUESTS
    assert attack.statuses[200] > REQUESTS / 10
    assert not attack.failures, attack.failures[0]
