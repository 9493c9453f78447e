"""What is vendored is what its publisher published."""

import hashlib
import re
from pathlib import Path

import katydid.report

VENDOR = Path(katydid.report.__file__).parent / "vendor"
README = (VENDOR / "README.md").read_text(encoding="utf-8")


def test_echarts_is_the_file_that_the_readme_names():
    digest = hashlib.sha256((VENDOR / "echarts.min.js").read_bytes()).hexdigest()
    assert f"`{digest}`" in README
    version = re.search(r"npm package `echarts` \| ([0-9.]+) \|", README)[1]
    assert f'"{version}"' in (VENDOR / "echarts.min.js").read_text(encoding="utf-8")


def test_its_licence_and_notice_come_with_it():
    assert "Apache License" in (VENDOR / "LICENSE").read_text(encoding="utf-8")
    assert "Apache ECharts" in (VENDOR / "NOTICE").read_text(encoding="utf-8")


def test_it_can_stand_in_a_script_element_unchanged():
    text = (VENDOR / "echarts.min.js").read_text(encoding="utf-8")
    assert not re.search(r"</script|<!--|\r", text, re.IGNORECASE)
