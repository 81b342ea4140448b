"""What an editor marks: files that ship, every key and its examples, and the mistakes that people make."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from config.files.editors import FOLDER, stack_schema, texts, workspace_schema
from config.files.stack_file import stack_document
from config.load import parse_yaml, read, validate
from config.mistakes import Mistake, Mistakes
from config.stack import Stack
from tests import REFERENCE, config_from_file
from tests.config.editors import (
    APP,
    CLIENT,
    GOOGLE,
    OIDC,
    ROOT,
    SAML,
    STACK,
    STACKS,
    WORKSPACE,
    WORKSPACES,
    Data,
    Editor,
    beyond,
    marks,
    policy,
    refused,
    shop,
    signing_in,
)
from tests.config.files import FILES
from tests.config.mistakes import Case, cases

# The files


def test_the_checked_in_schemas_are_current() -> None:
    for file, text in texts().items():
        assert file.read_text("utf-8") == text, "run: make generate"


@pytest.mark.parametrize("editor", [WORKSPACE, STACK], ids=["workspace", "stack"])
def test_a_schema_is_one(editor: Any) -> None:
    Draft202012Validator.check_schema(editor.schema)


@pytest.mark.parametrize("file", WORKSPACES, ids=lambda file: file.stem)
def test_an_editor_has_no_mark_in_a_workspace_that_ships(file: Path) -> None:
    assert marks(WORKSPACE, read(file, file.name).data) == []


@pytest.mark.parametrize("file", STACKS, ids=lambda file: file.name)
def test_an_editor_has_no_mark_in_a_stack_that_ships(file: Path) -> None:
    assert marks(STACK, read(file, file.name).data) == []


def test_every_file_that_ships_points_editors_at_its_schema() -> None:
    schemas = {file: FOLDER / "schema.json" for file in WORKSPACES if "real" not in file.parts}
    schemas |= dict.fromkeys(REFERENCE.glob("Pulumi.*.yaml"), FOLDER / "stack-schema.json")
    assert len(schemas) >= 6
    for path, schema in schemas.items():
        comment = path.read_text("utf-8").splitlines()[0]
        shipped = ROOT / path.relative_to(REFERENCE) if path.is_relative_to(REFERENCE) else path
        assert (shipped.parent / comment.removeprefix("# yaml-language-server: $schema=")).resolve() == schema, path


def keys() -> list[Any]:
    """Every key of both schemas, with its schema and the one that its references are in."""
    found = []
    for root in (workspace_schema(), stack_schema()):
        config = root["properties"].get("config", {})
        for name, part in [(root["title"], root), ("config", config), *root["$defs"].items()]:
            for key, field in part.get("properties", {}).items():
                found.append(pytest.param(root, field, id=f"{root['title']}-{name}.{key}"))
    return found


@pytest.mark.parametrize(("root", "field"), keys())
def test_every_key_has_a_description_and_examples_that_are_right(root: Data, field: Data) -> None:
    assert field["description"].strip()
    assert field["examples"]
    editor = Editor({**field, "$defs": root["$defs"]})
    assert [marks(editor, value) for value in field["examples"] if not editor.is_valid(value)] == []


# Wrong files


@pytest.mark.parametrize(
    ("app", "where", "words"),
    [
        ({"static": "site"}, "static", "exactly one of image and static"),
        ({"image": None}, "", "exactly one of image and static"),
        ({"image": "web:latest"}, "image", "never latest"),
        ({"image": "web"}, "image", "a tag or digest"),
        ({"ports": {"http": 80}}, "ports", "port or ports, not both"),
        ({"port": None}, "", "which does the app listen on"),
        ({"port": None, "routes": None, "schedule": "60 * * * *"}, "schedule", "five cron fields"),
        ({"schedule": "0 3 * * *"}, "port", "on a schedule"),
        ({"routes": [{"path": "/", "rateLimit": "20"}]}, "routes[0].rateLimit", "such as 20/s"),
        ({"routes": [{"path": "/", "allowFrom": ["lan"]}]}, "routes[0].allowFrom[0]", "such as 10.0.0.0/24"),
        ({"routes": [{"path": "/", "auth": "none"}]}, "routes[0].auth", "not one of ['page', 'api']"),
        ({"volumes": {"a": {"mount": "/", "size": "1Gi"}}}, "volumes.a.mount", "not / itself"),
        ({"volumes": {"a": {"mount": "/a"}}}, "volumes.a", "needs a size"),
        ({"volumes": {"Data": {"mount": "/a", "size": "1Gi"}}}, "volumes", "a letter, then a-z"),
        ({"host": "Web_1"}, "host", "one label under the domain"),
        ({"host": "web", "routes": None}, "", "a host needs routes"),
        ({"health": {"http": "/", "tcp": True}}, "health.tcp", "exactly one of http, tcp, exec"),
        ({"autoscale": {"max": 3}, "replicas": 2}, "replicas", "replicas or autoscale"),
        ({"gracePeriod": "10m"}, "gracePeriod", "at most 590s"),
        ({"env": {"A-B": "x"}}, "env", "environment variable"),
        ({"env": {"A": 1}}, "env.A", "write numbers and booleans in quotes"),
        ({"nodeSelector": {"a b": "x"}}, "nodeSelector", "Kubernetes label"),
        ({"requests": {"memory": "64"}}, "requests.memory", "a number with a unit"),
    ],
)  # fmt: skip
def test_a_wrong_app_is_marked_where_it_is_wrong_with_words_that_help(app: Data, where: str, words: str) -> None:
    data = shop(**app)
    assert refused(data)
    found = marks(WORKSPACE, data)
    place = f"$.apps.web.{where}".rstrip(".")
    assert [(at, said) for at, said in found if at == place and words in said], found


@pytest.mark.parametrize("name", ["Web", "2web", "a" * 41, "web\n", "a.b"])
def test_a_wrong_name_of_an_app_is_marked(name: str) -> None:
    data = {**shop(), "apps": {name: APP}}
    assert refused(data)
    assert marks(WORKSPACE, data)


def test_a_mistake_in_a_provider_is_told_as_one_of_that_provider() -> None:
    assert marks(WORKSPACE, policy()) == []
    [(where, said)] = marks(WORKSPACE, policy(org="a"))
    assert (where, "'org' was unexpected" in said) == ("$.auth.providers[0]", True)
    [(where, said)] = marks(WORKSPACE, policy(type="githab"))
    assert (where, said.partition(",")[0]) == ("$.auth.providers[0].type", "must be one of gitea")


@pytest.mark.parametrize(
    ("data", "where", "words"),
    [
        (signing_in("allow", {}), "allow", "nobody comes in by omission"),
        (signing_in("allow", {"groups": []}), "allow.groups", "nobody comes in by omission"),
        (signing_in("allow", {"groups": ["*"]}), "allow.groups[0]", "such as ops"),
        (signing_in("allow", {"emails": ["a@b.co"], "emailDomains": ["b.co"]}), "allow.emailDomains", "one of them"),
        (signing_in("allow", {"emailDomains": ["*"]}), "allow.emailDomains[0]", "what follows the @"),
        (signing_in("allow", {"emails": ["Ann@b.co"]}), "allow.emails[0]", "in lower case"),
        (signing_in("session", "13h"), "session", "at most 12h"),
        (signing_in("providers", []), "providers", "non-empty"),
        (policy(**{**CLIENT, "type": "microsoft", "tenant": "Common"}), "providers[0].tenant", "never that of every"),
        (policy(**GOOGLE, serviceAccount={"secret": "k"}), "providers[0]", "need both"),
        (policy(**GOOGLE, domainToAdminEmail={"b.co": "a@b.co"}), "providers[0].domainToAdminEmail", "need both"),
        (policy(**GOOGLE, fetchTransitiveGroupMembership=True), "providers[0]", "needs a serviceAccount"),
        (policy(**OIDC, allowedGroups=["ops"]), "providers[0]", "insecureEnableGroups: true only"),
        (policy(**{**OIDC, "issuer": "http://id.example.com"}), "providers[0].issuer", "starts with https://"),
        (policy(**{**OIDC, "userIDKey": "${x}"}), "providers[0].userIDKey", "without {{ and $"),
        (
            signing_in("providers", [{**SAML, "groupsAttr": None, "allowedGroups": ["ops"]}]),
            "providers[0].groupsAttr",
            "says where groups are",
        ),
    ],
)  # fmt: skip
def test_a_wrong_sign_in_is_marked_where_it_is_wrong_with_words_that_help(data: Data, where: str, words: str) -> None:
    assert refused(data)
    found = marks(WORKSPACE, data)
    assert [(at, said) for at, said in found if at == f"$.auth.{where}" and words in said], found


def case_data(case: Case) -> Any:
    """What is in the file of a row of mistakes.txt; nothing where that is no YAML."""
    try:
        return parse_yaml(FILES[case.file].replace(case.old, case.new, 1), case.file).data
    except Mistakes:
        return None


TABLE = [case for case in cases() if case.file.startswith("workspaces") and case_data(case) is not None]


@pytest.mark.parametrize("case", TABLE, ids=lambda case: case.title)
def test_an_editor_marks_the_mistakes_of_the_table(case: Case) -> None:
    found = beyond(refused(case_data(case)))
    assert bool(marks(WORKSPACE, case_data(case))) or not found, found


# Stack files


def home(change: Callable[[Data], object]) -> Data:
    """A right stack file, with a change to its config."""
    data: Data = copy.deepcopy(parse_yaml(FILES["Pulumi.home.yaml"], "Pulumi.home.yaml").data)
    change(data["config"])
    return data


RIGHT_STACKS: list[Callable[[Data], object]] = [
    lambda config: None,
    lambda config: config.update({"warren:sandbox": "true"}),
    lambda config: config.update({"warren:people": {}}),
    lambda config: config.update({"cloudflare:apiToken": {"secure": "AAAA"}}),
    lambda config: config.update({"pulumi:template": "x"}),
]
WRONG_STACKS: list[tuple[str, Callable[[Data], object]]] = [
    ("$.config", lambda config: config.pop("pulumi:disable-default-providers")),
    ("$.config", lambda config: config.pop("warren:domain")),
    ("$.config", lambda config: config.update({"cloudflare:apiKey": "x"})),
    ("$.config", lambda config: config.update({"warren:nodes": []})),
    ("$.config['pulumi:disable-default-providers']", lambda c: c.update({"pulumi:disable-default-providers": []})),
    ("$.config['cloudflare:apiToken']", lambda config: config.update({"cloudflare:apiToken": "abc"})),
    ("$.config['warren:secrets'].a", lambda config: config.update({"warren:secrets": {"a": "plain"}})),
    ("$.config['warren:domain']", lambda config: config.update({"warren:domain": "example"})),
    ("$.config['warren:sandbox']", lambda config: config.update({"warren:sandbox": "yes"})),
    ("$.config['warren:ingress'].controller", lambda c: c.update({"warren:ingress": {"controller": "kong"}})),
    ("$.config['warren:cluster'].podCidr", lambda config: config["warren:cluster"].update(podCidr="10.0.0.0/7")),
    ("$.config['warren:cluster'].podCidr", lambda config: config["warren:cluster"].update(podCidr="fd00::/8")),
    ("$.config['warren:cluster'].kubeconfig", lambda c: c["warren:cluster"].update(kubeconfig="apiVersion: v1")),
    ("$.config['warren:cluster'].nodes[0]", lambda c: c["warren:cluster"]["nodes"][0].update(memroy="8Gi")),
    ("$.config['warren:cluster'].nodes[0].ip", lambda c: c["warren:cluster"]["nodes"][0].update(ip="10.0.0.256")),
]


def refused_stack(data: Data, root: Path) -> list[Mistake]:
    (root / "Pulumi.home.yaml").write_text(json.dumps(data), "utf-8")
    config, secrets = config_from_file(root / "Pulumi.home.yaml")
    document, found = stack_document(root, "home", config, secrets)
    try:
        validate(Stack, document)
    except Mistakes as more:
        found += more.mistakes
    return found


@pytest.mark.parametrize("change", RIGHT_STACKS)
def test_an_editor_accepts_a_stack_that_the_program_accepts(change: Callable[[Data], object], tmp_path: Path) -> None:
    assert refused_stack(home(change), tmp_path) == []
    assert marks(STACK, home(change)) == []


@pytest.mark.parametrize(("where", "change"), WRONG_STACKS)
def test_a_wrong_stack_is_marked_where_it_is_wrong(
    where: str, change: Callable[[Data], object], tmp_path: Path
) -> None:
    assert refused_stack(home(change), tmp_path)
    assert where in [at for at, _ in marks(STACK, home(change))], marks(STACK, home(change))


def test_a_key_that_was_not_indented_below_config_is_marked(tmp_path: Path) -> None:
    data = {**home(lambda config: None), "warren:tunnel": {}}
    assert refused_stack(data, tmp_path)
    assert [where for where, _ in marks(STACK, data)] == ["$"]
