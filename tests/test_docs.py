"""What the documentation says is true."""

import re
from pathlib import Path

import pytest
from live import ROOT

README = (ROOT / "README.md").read_text()
HTTP = (ROOT / "docs" / "http.md").read_text()


def test_every_command_is_in_the_readme(app):
    commands = set(app.cli.list_commands(None)) - {"run", "shell", "routes"}
    described = set(re.findall(r"^\| `flask ([a-z-]+)", README, re.MULTILINE)) | {"demo"}
    assert commands == described


def test_every_command_and_option_explains_itself(app):
    for name, command in app.cli.commands.items():
        assert command.help, name
        for option in command.params:
            if option.param_type_name == "option" and option.name not in ("seed", "port"):
                assert option.help, (name, option.name)


def test_every_address_of_the_quiz_is_documented(app):
    rules = {rule.rule for rule in app.url_map.iter_rules() if rule.endpoint.startswith("observer.")} - {"/"}
    wanted = {
        re.sub(r"<(\w+:)?(\w+)>", lambda m: {"token": "LINK", "index": "N"}.get(m[2], m[2].upper()), rule)
        for rule in rules
    }
    assert {address.replace("/NAME", "/NAME.webp") if "/images/" in address else address for address in wanted} <= set(
        re.findall(r"(?:GET|POST|PUT) (/\S+?)`", HTTP)
    )


def test_every_error_code_of_the_calls_is_documented():
    source = "".join(path.read_text() for path in sorted((ROOT / "app").glob("*.py")))
    codes = set(re.findall(r'CallError\(\s*\d+,\s*"([a-z-]+)"', source)) | {"too-large", "store-away"}
    assert codes == set(re.findall(r"^\| \d+ \| `([a-z-]+)`", HTTP, re.MULTILINE))


@pytest.mark.parametrize(
    "document", ["README.md", *(f"docs/{path.name}" for path in sorted((ROOT / "docs").glob("*.md")))]
)
def test_every_link_in_the_documentation_leads_somewhere(document):
    folder = (ROOT / document).parent
    for target in re.findall(r"\]\(([^)#]+)\)", (ROOT / document).read_text()):
        if not target.startswith("http"):
            assert (folder / target).exists(), target


def test_the_settings_file_of_the_readme_works(flask, tmp_path):
    settings = re.search(r"```toml\n(.*?)```", README, re.DOTALL)[1]
    settings = settings.replace('"hospital"', '"cases"').replace('"generated"', '"fakes"').replace("= 200", "= 4")
    path = Path(tmp_path / "reading.toml")
    path.write_text(settings)
    done = flask("create-study", "reading", "--settings", path)
    assert done.exit_code == 0, done.output
