"""Settings: where they come from, and what is said about one that cannot be."""

from pathlib import Path
from typing import Any

import pytest

from zhiyin import cloud
from zhiyin.cloud.settings_file import (
    NoSettingsFile,
    UnknownSetting,
    UnreadableSettings,
    WrongSetting,
)
from zhiyin.kernel import CallerFault


def written(folder: Path, text: str) -> Path:
    file = folder / "zhiyin.toml"
    file.write_text(text, encoding="utf-8")
    return file


def refused(file: Path | None, kind: type[CallerFault], **more: Any) -> CallerFault:
    with pytest.raises(kind) as caught:
        cloud.load(file, **{"environ": {}, **more})
    return caught.value


def test_without_a_file_every_setting_has_its_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cloud.load(environ={}) == cloud.Settings()


def test_the_command_line_goes_before_the_environment_before_the_file(tmp_path: Path) -> None:
    file = written(tmp_path, '[web]\nport = 1\nhost = "::1"\n[mqtt]\nport = 3\nbatch = 7\n')
    environ = {"ZHIYIN_WEB__PORT": "11", "ZHIYIN_MQTT__PORT": "13"}
    settings = cloud.load(file, environ, {"web": {"port": 21}})
    assert (settings.web.port, settings.web.host) == (21, "::1")
    assert (settings.mqtt.port, settings.mqtt.batch) == (13, 7)


def test_the_environment_names_the_file_and_lists_with_commas(tmp_path: Path) -> None:
    file = written(tmp_path, 'data_folder = "there"')
    environ = {"ZHIYIN_SETTINGS": str(file), "ZHIYIN_PACKS__ONLY": "one, two"}
    settings = cloud.load(environ=environ)
    assert settings.data_folder == "there"
    assert settings.packs.only == ("one", "two")


def test_an_unknown_key_names_the_nearest(tmp_path: Path) -> None:
    file = written(tmp_path, "[web]\nprot = 80\n")
    fault = refused(file, UnknownSetting)
    assert fault.text("en") == (
        f"{file}: There is no setting web.prot; the nearest is web.port."
        " Rename or remove it; docs/reference/settings.md lists them all."
    )
    assert fault.text("zh").startswith(f"{file}: 没有叫 web.prot 的设置,最接近的是 web.port。")


def test_an_unknown_table_names_the_nearest(tmp_path: Path) -> None:
    fault = refused(written(tmp_path, "[lakes]\ncommit = '2s'\n"), UnknownSetting)
    assert "lakes; the nearest is lake." in fault.text("en")


def test_an_unknown_variable_is_refused_by_its_name(tmp_path: Path) -> None:
    file = written(tmp_path, "")
    fault = refused(file, UnknownSetting, environ={"ZHIYIN_LAKE__COMIT": "2s"})
    assert fault.where == "ZHIYIN_LAKE__COMIT"
    assert "the nearest is lake.commit" in fault.text("en")


@pytest.mark.parametrize(
    ("text", "zh", "en"),
    [
        ("[web]\nport = 'a'", "是 'a',应为整数,0 到 65535。", "a whole number, 0 to 65535."),
        ("[web]\nport = 65536", "web.port 是 65536,应为整数", "web.port is 65536; it should be"),
        ("[mqtt]\nbatch = 0", "应为整数,1 到 20000。", "a whole number, 1 to 20000."),
        ("[bus]\nstream_mib = 1", "应为整数,至少 16。", "a whole number, at least 16."),
        ("[log]\nlevel = 'loud'", "应为其中之一:debug", "one of debug, error, info, warning."),
        ("web = 3", "web 是 3,应为一个表", "web is 3; it should be a table such as [web]."),
        ("[packs]\nonly = 'x'", "应为一列文字。", "a list of texts."),
        ("[packs]\nonly = [3, 'x']", "packs.only 是 [3, 'x']", "packs.only is [3, 'x']"),
        ("data_folder = []", "data_folder 是 [],应为文字。", "it should be a text."),
        ("[lake]\ncommit = '1 second'", "应为时长,例如 90s", "a duration such as 90s"),
        ("[lake]\ncommit = 's'", "lake.commit 是 's'", "lake.commit is 's'"),
        ("[lake]\nretention = '-3d'", "应为时长", "a duration such as"),
        ("clock = 'tomorrow'", "clock 是 'tomorrow',应为 system", "it should be system, or start"),
    ],
)  # fmt: skip
def test_a_value_that_cannot_be_says_what_should_be(
    tmp_path: Path, text: Any, zh: Any, en: Any
) -> None:
    file = written(tmp_path, text)
    fault = refused(file, WrongSetting)
    assert fault.where == str(file)
    assert zh in fault.text("zh").replace("应为system", "应为 system")
    assert "改这个值" in fault.text("zh")
    assert en in fault.text("en")
    assert "Change the value" in fault.text("en")


def test_a_wrong_value_is_laid_where_it_came_from(tmp_path: Path) -> None:
    file = written(tmp_path, "[web]\nport = 80\n")
    variable = refused(file, WrongSetting, environ={"ZHIYIN_WEB__PORT": "x"})
    line = refused(file, WrongSetting, given={"web": {"port": -1}})
    assert (variable.where, line.where) == ("ZHIYIN_WEB__PORT", "command line")


def test_a_file_that_is_no_toml_is_refused_with_its_line(tmp_path: Path) -> None:
    file = written(tmp_path, "[web]\nport = \n")
    fault = refused(file, UnreadableSettings)
    assert fault.text("zh").startswith(f"{file}: 这个文件不是 TOML")
    assert "line 2" in fault.text("en")
    assert "zhiyin.example.toml" in fault.text("en")


def test_a_file_that_was_named_has_to_be_there(tmp_path: Path) -> None:
    file = tmp_path / "nowhere.toml"
    for fault in (
        refused(file, NoSettingsFile),
        refused(None, NoSettingsFile, environ={"ZHIYIN_SETTINGS": str(file)}),
        refused(tmp_path, NoSettingsFile),
    ):
        assert "cannot be read" in fault.text("en")
        assert "改正路径" in fault.text("zh")
