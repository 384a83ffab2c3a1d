"""The file of OpenID Connect providers: what is in it, and clear errors for what is wrong."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

import pytest

from otel_fmd import config
from otel_fmd.config import oidc_file as module
from otel_fmd.config.oidc_file import Provider, login_providers, read_oidc_file
from otel_fmd.config.settings import Settings
from otel_fmd.errors import ConfigurationError
from otel_fmd.mount import MountedDashboard
from tests.support.requirements import ROOT

LEAST = 'issuer = "https://id.example.com/realms/a"\nclient_id = "fmd"\n'
GUESTS = f'{LEAST}default_role = "guest"\n'


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where the file is."""
    return tmp_path / "oidc.toml"


def test_everything_that_can_be_said_of_a_provider(file: Path) -> None:
    """In the order of the buttons."""
    (file.parent / "secret").write_text("of a file\n")
    file.write_text(
        f"""
[zeta]
{LEAST}
client_secret = "s"
label = "Mit Zeta anmelden"
scopes = ["openid", "groups"]
role_claim = ["realm_access.roles", "email"]
admin_values = ["admin", "ana@example.com"]
guest_values = ["staff"]
default_role = "guest"
username_claim = "login"

[alpha]
issuer = "http://127.0.0.1:8080/"
client_id = "b"
client_secret_file = "secret"
role_claim = "roles"
admin_values = ["x"]

[beta]
issuer = "http://localhost:8080"
client_id = "c"
client_secret_env = "BETA"
default_role = "guest"
""",
        encoding="utf-8-sig",
    )
    zeta, alpha, beta = read_oidc_file(str(file), {"BETA": "of a variable"})
    assert zeta == Provider(
        name="zeta",
        issuer="https://id.example.com/realms/a",
        client_id="fmd",
        client_secret="s",
        label="Mit Zeta anmelden",
        scopes=("openid", "groups"),
        role_claims=("realm_access.roles", "email"),
        admin_values=("admin", "ana@example.com"),
        guest_values=("staff",),
        default_role="guest",
        username_claim="login",
    )
    assert (alpha.name, alpha.issuer, alpha.client_secret, alpha.label) == (
        *("alpha", "http://127.0.0.1:8080/", "of a file"),
        "Log in with Alpha",
    )
    assert beta.client_secret == "of a variable"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "expected a table for each provider, such as [google]"),
        ("[a", "not a TOML file: "),
        ("a = 1", "a=1: expected a table, [a]"),
        ("[Acme]", "[Acme]: expected a name of 1 to 30 lower-case letters"),
        ('["a/b"]', "[a/b]: expected a name"),
        ("[a]", "[a] issuer is missing: expected a URL such as"),
        (f"[a]\n{LEAST.splitlines()[0]}", "[a] client_id is missing: expected the id"),
        (f"[a]\n{GUESTS}colour = 1", "[a] colour: unknown key; expected one of issuer, client_id"),
        (
            f"[a]\n{GUESTS}".replace("https:", "http:"),
            "[a] issuer='http://id.example.com/realms/a': expected a URL such as "
            "https://accounts.google.com, https except on this machine",
        ),
        (f"[a]\n{GUESTS}".replace("https:", "ftp:"), "[a] issuer='ftp://"),
        (f"[a]\n{GUESTS}".replace("id.", "u:p@id."), "[a] issuer='https://u:p@"),
        (f"[a]\n{GUESTS}".replace("/realms/a", "/?x=1"), "[a] issuer="),
        (f"[a]\n{GUESTS}".replace("id.example.com", "[bad"), "[a] issuer="),
        (f"[a]\n{GUESTS}".replace('"fmd"', "7"), "[a] client_id=7: expected a text of 1 to 500"),
        (f"[a]\n{GUESTS}client_secret = 7", "[a] client_secret=(hidden): expected a text"),
        (f'[a]\n{GUESTS}label = ""', "[a] label='': expected a text"),
        (f'[a]\n{GUESTS}scopes = "openid"', "[a] scopes='openid': expected a list of"),
        (f'[a]\n{GUESTS}scopes = ["email"]', 'expected a list of scopes with "openid"'),
        (f"[a]\n{GUESTS}role_claim = 1", "[a] role_claim=1: expected the path of a claim"),
        (f"[a]\n{LEAST}admin_values = []", "[a] admin_values=[]: expected a list of texts"),
        (f'[a]\n{LEAST}default_role = "admin"', "[a] default_role='admin': expected \"guest\""),
        (f"[a]\n{LEAST}", "[a]: nobody could log in; expected role_claim"),
        (f'[a]\n{LEAST}role_claim = "r"', "[a] role_claim='r': expected admin_values"),
        (f'[a]\n{LEAST}guest_values = ["r"]', "[a] guest_values: expected role_claim beside it"),
        (
            f'[a]\n{LEAST}role_claim = "r"\nadmin_values = ["x"]\nguest_values = ["x"]',
            "[a] guest_values=['x']: expected no values of admin_values",
        ),
        (
            f'[a]\n{GUESTS}client_secret = "hunter2"\nclient_secret_env = "B"',
            "[a] client_secret and client_secret_env: expected only one of them",
        ),
        (f'[a]\n{GUESTS}client_secret_env = "B"', "[a] client_secret_env='B': expected the name"),
        (f'[a]\n{GUESTS}client_secret_file = "no"', "[a] client_secret_file='no': expected the p"),
        (f"[a]\n{GUESTS}[b]\n{GUESTS}", "[b] issuer='https://id.example.com/realms/a': expected a"),
    ],
)
def test_what_is_wrong_is_named(file: Path, text: str, words: str) -> None:
    """File, table, key, value, and what was expected; a secret is not shown."""
    file.write_text(text)
    with pytest.raises(ConfigurationError) as caught:
        read_oidc_file(str(file), {"B": ""})
    assert str(caught.value).startswith(f"{file}: ")
    assert words in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """At the start, not at the first login."""
    with pytest.raises(ConfigurationError, match=r"none\.toml: cannot be read: No such file"):
        login_providers(Settings(oidc_file=str(tmp_path / "none.toml")))


def test_somebody_must_be_able_to_log_in(file: Path) -> None:
    """With passwords switched off, there must be a provider."""
    off = config.load({"OTEL_FMD_PASSWORD_LOGIN": "off"})
    with pytest.raises(ConfigurationError, match="password_login=False: nobody could log in"):
        login_providers(off)
    assert login_providers(Settings()) == ()
    file.write_text(f"[a]\n{GUESTS}")
    (found,) = login_providers(Settings(password_login=False, oidc_file=str(file)))
    assert found.name == "a"


def test_a_mounted_dashboard_does_not_start_with_a_wrong_file(file: Path) -> None:
    """Although it is made with the first look at it."""
    file.write_text("[a]")
    settings = Settings(dashboard_path="/dashboard", oidc_file=str(file))
    with pytest.raises(ConfigurationError, match="issuer is missing"):
        MountedDashboard(lambda *_: [], settings)


def test_without_its_packages_the_setting_says_what_to_install(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the name of the extra."""
    file.write_text(f"[a]\n{GUESTS}")
    monkeypatch.setattr(
        module, "find_spec", lambda name: None if name == "authlib" else find_spec(name)
    )
    with pytest.raises(
        ConfigurationError, match=r"needs 'authlib': pip install 'otel-fmd\[oidc\]'"
    ):
        login_providers(Settings(oidc_file=str(file)))


PAGE = (ROOT / "docs" / "oidc.md").read_text()


@pytest.mark.parametrize("text", re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL))
def test_the_examples_of_the_documentation_can_be_used(text: str, file: Path) -> None:
    """As they stand there."""
    file.write_text(text)
    (file.parent / "company.secret").write_text("x")
    secrets = dict.fromkeys(re.findall(r'client_secret_env = "(\w+)"', text), "x")
    (found,) = read_oidc_file(str(file), secrets)
    assert found.client_secret == "x"


def test_every_key_is_documented() -> None:
    """In the table of keys, and no other."""
    keys = re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)
    assert keys == list(module._KEYS)
