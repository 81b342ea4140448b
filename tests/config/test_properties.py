"""What holds for every valid platform, whatever its files say."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from config import reserved
from config.checks.capacity import capacity
from config.checks.usage import at_least, at_most, workspace_pods
from config.load import parse_yaml, validate
from config.mistakes import Document, Mistakes
from config.routes import hosts_of, route_table
from config.workspace import Workspace
from tests.config.strategies import Project, loaded, projects, shuffled

few = settings(max_examples=25, deadline=None)


@few
@given(projects())
def test_a_random_valid_project_has_no_mistakes(project: Project) -> None:
    assert loaded(project)[2] == []


@few
@given(projects(min_size=2))
def test_no_two_routes_share_a_host_and_path_and_no_two_workspaces_a_host(project: Project) -> None:
    stack, workspaces, _ = loaded(project)
    rows = [(row.host, row.path) for row in route_table(stack, workspaces)]
    assert len(rows) == len(set(rows))
    hosts = [host for workspace in workspaces for host in hosts_of(stack, workspace)]
    assert len(hosts) == len(set(hosts))
    assert {host for host, _ in rows} <= set(hosts)


@few
@given(projects())
def test_every_host_is_one_label_under_the_domain(project: Project) -> None:
    stack, workspaces, _ = loaded(project)
    for workspace in workspaces:
        for host in hosts_of(stack, workspace):
            assert host.removesuffix(stack.domain).count(".") <= 1


@few
@given(projects())
def test_no_route_of_a_signed_in_workspace_lies_on_a_path_of_the_sign_in(project: Project) -> None:
    stack, workspaces, _ = loaded(project)
    signed_in = {workspace.name for workspace in workspaces if workspace.auth != "none"}
    for row in route_table(stack, workspaces):
        if row.workspace in signed_in:
            assert not any(row.path == path or row.path.startswith(f"{path}/") for path in reserved.SIGN_IN_PATHS)


@few
@given(projects(min_size=2), st.integers(0, 1000))
def test_the_plan_does_not_depend_on_the_order_of_files_or_keys(project: Project, seed: int) -> None:
    other = Project(shuffled(project.stack, seed), shuffled(dict(project.workspaces), seed))
    stack, workspaces, _ = loaded(project)
    other_stack, other_workspaces, _ = loaded(other)
    assert other_stack == stack
    assert sorted(other_workspaces, key=lambda w: w.name) == sorted(workspaces, key=lambda w: w.name)
    assert route_table(other_stack, other_workspaces) == route_table(stack, workspaces)
    assert capacity(other_stack, other_workspaces) == capacity(stack, workspaces)


@few
@given(projects())
def test_the_most_that_runs_is_never_less_than_the_least(project: Project) -> None:
    stack, workspaces, _ = loaded(project)
    for workspace in workspaces:
        pods = workspace_pods(stack, workspace)
        least, most = at_least(pods), at_most(pods)
        assert (least.cpu, least.memory, least.pods) <= (most.cpu, most.memory, most.pods)
        assert most.memory <= most.memory_limit


@few
@given(projects(max_size=1))
def test_yaml_written_as_json_reads_as_the_same_workspace(project: Project) -> None:
    for name, data in project.workspaces.items():
        read = parse_yaml(json.dumps(data), f"workspaces/{name}.yaml")
        assert read.data == data
        assert validate(Workspace, read).model == validate(Workspace, Document("x", data)).model


_junk = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=5), children, max_size=3),
    max_leaves=5,
)
_PYDANTIC = ("Input should", "Value error", "Tuple should", "valid ", "pydantic", "Traceback")


@settings(max_examples=100, deadline=None)
@given(projects(max_size=1), _junk, st.integers(0, 10**6))
def test_whatever_is_written_anywhere_the_words_are_ours(project: Project, junk: object, seed: int) -> None:
    data = json.loads(json.dumps(next(iter(project.workspaces.values()))))
    part = data
    while True:
        keys = list(part) if isinstance(part, dict) else list(range(len(part)))
        key = keys[seed % len(keys)]
        seed //= 3
        if seed % 4 == 0 or not isinstance(part[key], dict | list) or not part[key]:
            part[key] = junk
            break
        part = part[key]
    try:
        validate(Workspace, Document("x.yaml", data))
    except Mistakes as refused:
        for mistake in refused.mistakes:
            assert not any(word in mistake.what for word in _PYDANTIC), mistake


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet=" \n\t:-[]{}&*!|>'\"#%@,?abc01~<", max_size=40))
def test_any_text_is_either_read_or_refused_as_a_mistake(text: str) -> None:
    outcome: object
    try:
        outcome = validate(Workspace, parse_yaml(text, "x.yaml"))
    except Mistakes as refused:
        outcome = refused.mistakes
    assert outcome
