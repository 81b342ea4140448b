"""A whole project: what is loaded, in which order, and the mistakes that need more than one edit to make."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from config.files.stack_file import before_the_engine, decoded
from config.mistakes import Mistakes
from manifests import platform
from tests import config_from_file
from tests.config.files import FILES, MCD, SHOP, STACK, edited, load, mistakes, write


def test_a_good_project_is_loaded_sorted_with_its_static_files(tmp_path: Path) -> None:
    plan = load(write(tmp_path, edited("Pulumi.home.yaml", ("[mcd, shop]", "[shop, mcd]"))))
    assert [workspace.name for workspace in plan.workspaces] == ["mcd", "shop"]
    assert plan.hosts == ("mcd.example.com", "shop.example.com")
    assert [route.url for route in plan.routes] == [
        "https://mcd.example.com/",
        "https://mcd.example.com/hello",
        "https://shop.example.com/",
    ]
    assert plan.static["mcd"]["landing"].files == (("index.html", b"<h1>mcd</h1>"),)
    assert plan.static["shop"] == {}


def test_all_mistakes_of_all_files_come_together_sorted(tmp_path: Path) -> None:
    files = {
        **FILES,
        "Pulumi.home.yaml": STACK.replace("traefik", "trafik").replace("[mcd, shop]", "[mcd, shop, mcd]"),
        "workspaces/mcd.yaml": MCD.replace("port: 8000", "port: 80800"),
        "workspaces/shop.yaml": SHOP.replace("routes: [/]", "routes: [{ path: /, port: admin }]"),
    }
    assert mistakes(tmp_path, files) == [
        "Pulumi.home.yaml:11: ingress.controller: is not one of traefik, nginx, did you mean traefik?",
        "Pulumi.home.yaml:12: workspaces[2]: mcd is listed twice, first as workspaces[0]; keep one",
        "workspaces/mcd.yaml:16: apps.hello.port: 80800 is not a port (1-65535)",
        "workspaces/shop.yaml:9: apps.web.routes[0].port: 'admin' is not a port of this app; it has http",
    ]


def test_a_missing_token_prints_the_command_that_sets_it(tmp_path: Path) -> None:
    assert mistakes(tmp_path, FILES, cloudflare_token=False) == [
        "Pulumi.home.yaml: cloudflare:apiToken: is missing; run: make secret NAME=cloudflare:apiToken STACK=home "
        "(or pulumi config set --secret cloudflare:apiToken --stack home)"
    ]


def test_a_sandbox_needs_no_token(tmp_path: Path) -> None:
    files = edited("Pulumi.home.yaml", ("config:\n", "config:\n  warren:sandbox: true\n"))
    assert load(write(tmp_path, files), cloudflare_token=False).stack.sandbox


def test_nothing_is_protected_in_a_sandbox_unless_its_own_file_says_so(tmp_path: Path) -> None:
    sandbox = ("config:\n", "config:\n  warren:sandbox: true\n")
    protected = ("config:\n", "config:\n  warren:protectData: true\n")

    def protects(*changes: tuple[str, str]) -> bool:
        files = edited("Pulumi.home.yaml", *changes)
        root = write(tmp_path, files)
        written, secrets = config_from_file(root / "Pulumi.home.yaml")
        # The engine hands out the default of Pulumi.yaml as if the file said it.
        return platform.load(root, "home", {"protectData": "true", **written}, secrets=secrets).stack.protectData

    assert protects()
    assert not protects(sandbox)
    assert protects(sandbox, protected)


def _listed(name: str, text: str) -> dict[str, str]:
    return {
        **edited("Pulumi.home.yaml", ("[mcd, shop]", f"[mcd, shop, {name}]")),
        f"workspaces/{name}.yaml": text,
    }


SYSTEM = ["kube-web", "kube-system", "kubernetes-dashboard", "warren-web", "warren-ingress", "openshift-x", "default"]
SERVICES = """
    metallb-system cert-manager step-ca longhorn-system traefik-public traefik-private ingress-nginx external-dns pihole
    pocket-id tinyauth cnpg-system databases arc-systems arc-runners headlamp monitoring knative-operator keda kubero
    gatekeeper-system openbao external-secrets gitlab-agent velero argocd flux-system linkerd security any-system
""".split()
RESERVED = {**dict.fromkeys(SYSTEM, "the system"), **dict.fromkeys(SERVICES, "a platform service")}


@pytest.mark.parametrize(("name", "whose"), RESERVED.items())
def test_rule_59_a_workspace_cannot_take_a_namespace_of_the_system_or_of_a_service(
    name: str, whose: str, tmp_path: Path
) -> None:
    files = _listed(name, SHOP.replace("name: shop", f"name: {name}").replace("host: shop", "host: other"))
    assert mistakes(tmp_path, files) == [
        f"workspaces/{name}.yaml:1: name: {name!r} is a namespace of {whose}; choose another name"
    ]


@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize(
    "label",
    ["www", "mta-sts", "autodiscover", "autoconfig", "wpad", "isatap", "openpgpkey", "localhost", "_dmarc", "_acme"],
)
def test_rule_59_a_host_that_programs_ask_by_themselves_is_refused(label: str, own: bool, tmp_path: Path) -> None:
    change = ("routes: [/]\n", f"routes: [/]\n    host: {label}\n") if own else ("host: shop", f"host: {label}")
    [told] = mistakes(tmp_path, edited("workspaces/shop.yaml", change))
    assert told.startswith(f"workspaces/shop.yaml:{10 if own else 2}: {'apps.web.host' if own else 'host'}: {label!r} ")
    assert told.endswith("another label")


@pytest.mark.parametrize(
    ("label", "redirect", "said"),
    [
        ("www", ", redirect: /y", "leads back to www.example.com/y"),
        ("www", "", "'www' is what people type"),
        ("mta-sts", ", redirect: /x", "'mta-sts' tells mail servers"),
    ],
)
def test_rule_59_www_may_lead_elsewhere_and_no_other_such_host_may(
    label: str, redirect: str, said: str, tmp_path: Path
) -> None:
    """What is wrong with the first one is not its host."""
    route = f"{{ path: /y, host: {label}{redirect} }}"
    [found] = mistakes(tmp_path, edited("workspaces/shop.yaml", ("routes: [/]\n", f"routes: [/, {route}]\n")))
    assert said in found


@pytest.mark.parametrize("label", ["wpad.shop", "www.shop", "_x.shop"])
def test_rule_59_a_host_is_refused_at_every_depth(label: str, tmp_path: Path) -> None:
    files = edited("Pulumi.home.yaml", ("config:\n", "config:\n  warren:advancedCertificates: true\n"))
    files["workspaces/shop.yaml"] = SHOP.replace("host: shop", f"host: {label}")
    assert len(mistakes(tmp_path, files)) == 1


@pytest.mark.parametrize("owner", ["/oauth2", "/dex"])
@pytest.mark.parametrize("rest", ["", "/x", "/callback"])
def test_rule_65_nobody_routes_or_denies_a_path_of_the_sign_in(owner: str, rest: str, tmp_path: Path) -> None:
    words = f"{owner}{rest} belongs to the sign-in, which owns {owner} in this workspace; choose another path"
    for routes, route in (
        (f"[{owner}{rest}]", "apps.hello"),
        (f"[{{ path: /, deny: [{owner}{rest}] }}]", "apps.landing"),
    ):
        old = "routes: [/hello]" if route == "apps.hello" else "routes: [/]"
        assert mistakes(tmp_path, edited("workspaces/mcd.yaml", (old, f"routes: {routes}"))) == [
            f"workspaces/mcd.yaml:{17 if route == 'apps.hello' else 13}: {route}.routes[0]: {words}"
        ]


@pytest.mark.parametrize("role", ["edit", "view"])
@pytest.mark.parametrize("group", ["system:masters", "system:authenticated", "system:serviceaccounts", "*", " ", ""])
def test_rule_65_no_group_of_the_cluster_is_let_in(group: str, role: str, tmp_path: Path) -> None:
    people = "config:\n  warren:people: { issuer: 'https://id.example.com', clientId: kubectl }\n"
    files = edited("Pulumi.home.yaml", ("config:\n", people))
    files["workspaces/shop.yaml"] = SHOP.replace("auth: none", f"auth: none\naccess: {{ {role}: ['{group}'] }}")
    assert mistakes(tmp_path, files) == [
        f"workspaces/shop.yaml:5: access.{role}[0]: is not a group of your people; name one as the issuer does"
    ]


def test_an_empty_workspace_file_says_what_the_smallest_one_has(tmp_path: Path) -> None:
    assert mistakes(tmp_path, _listed("blog", "# later\n")) == [
        "workspaces/blog.yaml:1: is empty; the smallest workspace has name, host, quota, auth and apps"
    ]


def test_the_same_host_and_path_of_two_apps_hosts_in_two_files_is_told_once_per_host(tmp_path: Path) -> None:
    blog = SHOP.replace("name: shop", "name: blog").replace("host: shop", "host: blog")
    files = _listed("blog", blog.replace("    routes: [/]\n", "    routes: [/]\n    host: shop\n"))
    assert mistakes(tmp_path, files) == [
        "workspaces/shop.yaml:2: host: shop.example.com belongs to the workspace blog (workspaces/blog.yaml:10); "
        "a host has one workspace"
    ]


def test_a_host_two_levels_deep_is_right_with_advanced_certificates(tmp_path: Path) -> None:
    files = edited("Pulumi.home.yaml", ("config:\n", "config:\n  warren:advancedCertificates: true\n"))
    files["workspaces/shop.yaml"] = SHOP.replace("host: shop", "host: api.shop")
    assert "api.shop.example.com" in load(write(tmp_path, files)).hosts
    files["workspaces/shop.yaml"] = SHOP.replace("host: shop", "host: a.api.shop")
    assert len(mistakes(tmp_path, files)) == 1


def test_a_secret_that_several_places_lack_is_told_once(tmp_path: Path) -> None:
    old, new = "env: { COLOUR: green }", "env: { A: { secret: shop-other }, B: { secret: shop-other } }"
    assert mistakes(tmp_path, edited("workspaces/shop.yaml", (old, new))) == [
        "workspaces/shop.yaml:10: apps.web.env.A: the stack has no secret 'shop-other'; "
        "run: make secret NAME=shop-other STACK=home "
        "(or pulumi config set --secret --path 'secrets.shop-other' --stack home)"
    ]


def test_a_name_that_only_looks_like_a_secret_is_written_as_a_value(tmp_path: Path) -> None:
    old, new = "COLOUR: green", "PUBLIC_TOKEN: { value: abc }, DB_URL: 'postgres://shop:$(DB_PASSWORD)@db/shop'"
    assert load(write(tmp_path, edited("workspaces/shop.yaml", (old, new)))).stack.domain == "example.com"


@pytest.mark.parametrize("pasted", ["hunter2-S3cret~value", "deadbeefdeadbeefdeadbeefdeadbeef"])
@pytest.mark.parametrize("place", ["clientSecret: {}", "clientSecret: {{ secret: {} }}", "clientSecret: [{}]"])
def test_a_pasted_secret_is_never_repeated(pasted: str, place: str, tmp_path: Path) -> None:
    change = ("clientSecret: { secret: mcd-entra }", place.format(pasted))
    said = mistakes(tmp_path, edited("workspaces/mcd.yaml", change))
    assert len(said) == 1
    assert pasted not in said[0]


def test_groups_need_providers_that_know_groups(tmp_path: Path) -> None:
    github = "    - { type: github, id: gh, clientId: a, clientSecret: { secret: mcd-entra } }\n"
    google = github.replace("github, id: gh", "google, id: goo")
    change = ("  allow: { emailDomains: [example.com] }", f"{github}{google}  allow: {{ groups: [ops] }}")
    assert mistakes(tmp_path, edited("workspaces/mcd.yaml", change)) == [
        "workspaces/mcd.yaml:12: auth.providers[2]: never says which groups its people are in, so allow.groups keeps "
        "all of them out; add serviceAccount and domainToAdminEmail"
    ]


@pytest.mark.parametrize("option", ["allowFrom: [198.51.100.0/24]", "basicAuth: { secret: mcd-entra }"])
def test_rule_53_whoever_lets_in_some_people_only_may_say_that_other_pages_write(option: str, tmp_path: Path) -> None:
    change = ("routes: [/hello]", f"routes: [{{ path: /hello, public: true, crossOrigin: true, {option} }}]")
    [row] = [each for each in load(write(tmp_path, edited("workspaces/mcd.yaml", change))).routes if each.path != "/"]
    assert row.rule.crossOrigin


def test_a_name_that_no_file_can_have_is_no_name(tmp_path: Path) -> None:
    long = "x" * 5000
    [told] = mistakes(tmp_path, edited("Pulumi.home.yaml", ("[mcd, shop]", f"[mcd, shop, {long}]")))
    assert told.startswith(f"Pulumi.home.yaml:12: workspaces[2]: '{long}' is not a name: ")


# Files that lead elsewhere


def _link(target: str, name: str) -> Callable[[Path], None]:
    def prepare(root: Path) -> None:
        path = root / name
        path.unlink(missing_ok=True)
        path.symlink_to(root / target)

    return prepare


def test_a_workspace_file_may_not_be_a_link_out_of_the_folder(tmp_path: Path) -> None:
    files = {**FILES, "elsewhere.yaml": SHOP}
    said = mistakes(tmp_path, files, prepare=_link("elsewhere.yaml", "workspaces/shop.yaml"))
    assert said == [
        "Pulumi.home.yaml:12: workspaces[1]: workspaces/shop.yaml leads outside workspaces/; "
        "copy the file instead of linking it"
    ]


def test_a_static_folder_may_not_be_a_link_out_of_the_folder(tmp_path: Path) -> None:
    files = {**edited("workspaces/mcd.yaml", ("mcd/landing", "mcd/linked")), "home/index.html": "mine"}
    assert mistakes(tmp_path, files, prepare=_link("home", "workspaces/mcd/linked")) == [
        "workspaces/mcd.yaml:13: apps.landing.static: 'mcd/linked' leads outside workspaces/; "
        "name a folder inside it, such as mcd/landing"
    ]


@pytest.mark.parametrize("written", ["mcd/landing", "mcd", "shop/../mcd/landing", "shop/linked", "MCD/landing"])
def test_rule_49_a_workspace_publishes_no_folder_of_another_one(written: str, tmp_path: Path) -> None:
    """It may lie behind sign-in there; mcd's does."""
    web = "image: ghcr.io/example/web:1.2.3\n    port: 8000\n    routes: [/]"
    rest = "\n    env: { COLOUR: green }\n    volumes: { data: { mount: /data, size: 5Gi } }"
    files = edited("workspaces/shop.yaml", (web + rest, f"static: {written}\n    routes: [/]"))
    for folder in ("shop", "mcd", "MCD/landing"):
        files[f"workspaces/{folder}/index.html"] = "x"
    [said] = mistakes(tmp_path, files, prepare=_link("workspaces/mcd/landing", "workspaces/shop/linked"))
    assert said == (
        f"workspaces/shop.yaml:7: apps.web.static: {written!r} is the workspace mcd's; name a folder of this one, such "
        "as shop/web"
    )


@pytest.mark.parametrize("written", ["x" * 5000, '"a\\0b"', "mcd/circle"])
def test_what_can_be_no_static_folder_is_a_mistake(written: str, tmp_path: Path) -> None:
    files = edited("workspaces/mcd.yaml", ("mcd/landing", written))
    [said] = mistakes(tmp_path, files, prepare=_link("workspaces/mcd/circle", "workspaces/mcd/circle"))
    assert said.startswith("workspaces/mcd.yaml:13: apps.landing.static: ")


def test_a_file_in_a_static_folder_may_not_be_a_link_out_of_it(tmp_path: Path) -> None:
    files = {**FILES, "secret.txt": "mine"}
    assert mistakes(tmp_path, files, prepare=_link("secret.txt", "workspaces/mcd/landing/a.txt")) == [
        "workspaces/mcd.yaml:13: apps.landing.static: workspaces/mcd/landing: a.txt is a link that leads out of the "
        "folder; copy the file into it"
    ]


def test_a_static_folder_without_an_index_is_refused(tmp_path: Path) -> None:
    files = {**edited("workspaces/mcd.yaml", ("mcd/landing", "mcd/empty")), "workspaces/mcd/empty/a.txt": "x"}
    assert mistakes(tmp_path, files) == [
        "workspaces/mcd.yaml:13: apps.landing.static: workspaces/mcd/empty: has no index.html; that is what its routes "
        "show"
    ]


def test_a_static_folder_that_is_too_large_is_refused(tmp_path: Path) -> None:
    files = {**FILES, "workspaces/mcd/landing/big.txt": "x" * 1_000_000}
    assert mistakes(tmp_path, files) == [
        "workspaces/mcd.yaml:13: apps.landing.static: workspaces/mcd/landing: is more than 900 KiB or 500 files; build "
        "an image that serves it, or move large files elsewhere"
    ]


# The engine's side


def test_config_is_decoded_as_the_engine_writes_it() -> None:
    assert decoded(
        {
            "domain": "example.com",
            "sandbox": "true",
            "protectData": "false",
            "workspaces": '["mcd"]',
            "ingress": "{}",
            "people": {},
            "cloudflare": "{}",
            "cluster": '{"apiPort": 6443}',
            "tunnel": "{broken",
        }
    ) == {
        "domain": "example.com",
        "sandbox": True,
        "protectData": False,
        "workspaces": ["mcd"],
        "cloudflare": {},
        "cluster": {"apiPort": 6443},
        "tunnel": "{broken",
    }


def test_without_a_stack_file_mistakes_have_no_line(tmp_path: Path) -> None:
    with pytest.raises(Mistakes) as refused:
        platform.load(tmp_path, "ci", {"domain": "example"}, secrets=["b", "a"])
    assert [str(mistake) for mistake in refused.value.mistakes] == [
        "Pulumi.ci.yaml: cloudflare: is missing; add cloudflare: the account and zone",
        "Pulumi.ci.yaml: cluster: is missing; add cluster: the Kubernetes cluster and its machines",
        "Pulumi.ci.yaml: domain: 'example' is not a domain name such as example.com",
    ]


def test_a_secret_that_is_one_encrypted_object_is_not_plain_text(tmp_path: Path) -> None:
    files = edited(
        "Pulumi.home.yaml", ("warren:secrets:\n    mcd-entra: { secure: AAAA }", "warren:secrets: { secure: A }")
    )
    write(tmp_path, files)
    config, _ = config_from_file(tmp_path / "Pulumi.home.yaml")
    assert platform.load(tmp_path, "home", config, secrets=["mcd-entra"]).stack.secrets == {"mcd-entra"}


PLAIN = [
    "warren:secrets: { mcd-entra: hunter2 }",
    "secrets: { mcd-entra: hunter2 }",
    "warren:config:secrets: { mcd-entra: hunter2 }",
    "warren:secrets: { mcd-entra: { secure: { deeper: hunter2 } } }",
    "warren:secrets: { mcd-entra: { secure: AAAA, and: hunter2 } }",
    "warren:secrets: { mcd-entra: [hunter2] }",
    'warren:secrets: \'{"mcd-entra": "hunter2"}\'',
    "warren:secrets: [hunter2]",
    "warren:secrets: hunter2",
    "cloudflare:apiToken: hunter2",
    "cloudflare:config:apiToken: hunter2",
    "cloudflare:apiToken: { secure: [hunter2] }",
    "cloudflare:apiToken: ''",
    "cloudflare:apiKey: hunter2",
    "cloudflare:email: ann@example.com",
    "cloudflare:apiUserServiceKey: { secure: AAAA }",
    "kubernetes:kubeconfig: hunter2",
]


@pytest.mark.parametrize("line", PLAIN)
def test_rule_62_a_secret_in_plain_text_is_refused_with_its_line_and_not_repeated(line: str, tmp_path: Path) -> None:
    old = "warren:secrets:\n    mcd-entra: { secure: AAAA }"
    write(tmp_path, edited("Pulumi.home.yaml", (old, line if "secrets" in line else f"{line}\n  {old}")))
    config, _ = config_from_file(tmp_path / "Pulumi.home.yaml")
    with pytest.raises(Mistakes) as refused:
        platform.load(tmp_path, "home", config, secrets=["mcd-entra"])
    [told] = refused.value.mistakes
    assert told.line == 13
    assert "hunter2" not in str(told)


@pytest.mark.parametrize("line", ["cloudflare:apiToken: { secure: AAAA }", "cloudflare:config:apiToken: { secure: A }"])
def test_rule_62_an_encrypted_token_is_right(line: str, tmp_path: Path) -> None:
    assert load(write(tmp_path, edited("Pulumi.home.yaml", ("config:\n", f"config:\n  {line}\n")))).hosts


def test_rule_62_a_sandbox_keeps_no_token_in_plain_text_either(tmp_path: Path) -> None:
    lines = "config:\n  warren:sandbox: true\n  cloudflare:apiToken: hunter2\n"
    [told] = mistakes(tmp_path, edited("Pulumi.home.yaml", ("config:\n", lines)))
    assert told.endswith("revoke it at Cloudflare, then take the line out: a sandbox uses none")


def test_rule_62_plain_text_that_is_not_in_the_stacks_file_is_refused_and_told_once(tmp_path: Path) -> None:
    write(tmp_path, edited("Pulumi.home.yaml", ("config:\n", "config:\n  cloudflare:apiToken: hunter2\n")))
    config, secrets = config_from_file(tmp_path / "Pulumi.home.yaml")
    with pytest.raises(Mistakes) as refused:
        platform.load(tmp_path, "home", config, secrets=secrets, plain=["cloudflare:apiToken"])
    assert len(refused.value.mistakes) == 1
    write(tmp_path, FILES)
    with pytest.raises(Mistakes) as refused:
        platform.load(tmp_path, "home", config, secrets=secrets, plain=["cloudflare:apiToken"])
    assert [str(mistake) for mistake in refused.value.mistakes] == [
        "Pulumi.home.yaml: cloudflare:apiToken: is in plain text in Pulumi.yaml, or wherever else the engine has its "
        "config from; revoke it, take it out there, and set it with --secret for Pulumi.home.yaml alone"
    ]


@pytest.mark.parametrize(("written", "right"), [('["*"]', True), ("'[\"*\"]'", True), ("[]", False), ("'*'", False)])
def test_default_providers_are_off_as_a_person_or_as_the_engine_writes_it(
    written: str, right: bool, tmp_path: Path
) -> None:
    files = edited("Pulumi.home.yaml", ('providers: ["*"]', f"providers: {written}"))
    if right:
        assert load(write(tmp_path, files)).hosts
    else:
        assert len(mistakes(tmp_path, files)) == 1


@pytest.mark.parametrize("stack", ["home", "me/warren/home"])
@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("config:\n\twarren:domain: example.com\n", "Pulumi.home.yaml:2: "),
        ("config:\n  a: { secure: 'v1:A:B' }\n", "Pulumi.home.yaml:2: encryptionsalt: is lost"),
    ],
)
def test_what_the_engine_would_refuse_in_its_own_words_is_told_before(
    text: str, told: str, stack: str, tmp_path: Path
) -> None:
    (tmp_path / "Pulumi.home.yaml").write_text(text, "utf-8")
    [mistake] = before_the_engine(tmp_path, stack)
    assert str(mistake).startswith(told)


@pytest.mark.parametrize("value", ["hunter2", "hunter2hunter2hunter2hunter2", "v1:hunter2", "v1:h u:nter2"])
def test_rule_62_what_looks_encrypted_and_is_not_is_told_with_its_line_and_not_repeated(
    value: str, tmp_path: Path
) -> None:
    text = f"config:\n  cloudflare:apiToken:\n    secure: {value}\nencryptionsalt: v1:x\n"
    (tmp_path / "Pulumi.home.yaml").write_text(text, "utf-8")
    [told] = before_the_engine(tmp_path, "home")
    assert (told.line, told.where) == (3, "cloudflare:apiToken.secure")
    assert "is nothing that Pulumi encrypted" in told.what
    assert "hunter2" not in str(told)


def test_before_the_engine_nothing_is_said_of_a_file_that_is_right_or_not_there(tmp_path: Path) -> None:
    assert before_the_engine(tmp_path, "home") == []
    write(tmp_path, FILES)
    assert before_the_engine(tmp_path, "home") == []
    (tmp_path / "Pulumi.home.yaml").write_text("config:\n  a: { secure: 'v1:A:B' }\nencryptionsalt: v1:x\n", "utf-8")
    assert before_the_engine(tmp_path, "home") == []
    (tmp_path / "Pulumi.home.yaml").rename(tmp_path / "Pulumi.home.yml")
    assert "rename it to Pulumi.home.yaml" in str(before_the_engine(tmp_path, "home")[0])


def test_a_workspace_file_with_another_ending_or_behind_a_broken_link_is_found(tmp_path: Path) -> None:
    write(tmp_path, FILES)
    file = tmp_path / "workspaces" / "shop.yaml"
    file.rename(file.with_suffix(".yml"))
    assert mistakes(tmp_path, {}) == [
        "Pulumi.home.yaml:12: workspaces[1]: workspaces/shop.yaml is called shop.yml; nobody reads .yml here, so "
        "rename it to shop.yaml"
    ]
    file.symlink_to("gone.yaml")
    assert mistakes(tmp_path, {}) == [
        "Pulumi.home.yaml:12: workspaces[1]: workspaces/shop.yaml is a link to gone.yaml, where nothing is; mend or "
        "delete it"
    ]


def test_files_that_are_wrong_in_themselves_are_still_held_against_the_others(tmp_path: Path) -> None:
    files = edited(
        "workspaces/mcd.yaml", ("port: 8000", "port: 80800"), ("{ secret: mcd-entra }", "{ secret: mcd-other }")
    )
    files["workspaces/shop.yaml"] = SHOP.replace("host: shop", "host: mcd").replace("auth: none", "auth: maybe")
    files["Pulumi.home.yaml"] = STACK.replace("role: worker", "role: drone")
    told = "\n".join(mistakes(tmp_path, files))
    assert "cluster.nodes[1].role" in told
    assert "80800 is not a port" in told
    assert "pulumi config set --secret --path 'secrets.mcd-other' --stack home" in told
    assert "mcd.example.com belongs to the workspace mcd" in told
    assert "workspaces/shop.yaml:4: auth" in told


def test_a_pasted_token_is_not_repeated_as_the_name_of_a_missing_secret(tmp_path: Path) -> None:
    token = "ghp_0123456789abcdefghijABCDEFGHIJ012345"
    files = edited("workspaces/mcd.yaml", ("{ secret: mcd-entra }", f"{{ secret: {token} }}"))
    told = mistakes(tmp_path, files)
    assert len(told) == 1
    assert token not in told[0]
