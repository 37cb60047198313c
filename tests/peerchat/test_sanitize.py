"""Texts that the server shows keep a little mark-up and nothing that acts."""

import re

import pytest

from peerchat.sanitize import clean_markup, plain_text


def test_plain_marks_and_safe_links_stay() -> None:
    text = '<p>Call <strong>now</strong>: <a href="tel:988">988</a> or <em>later</em></p><ul><li>a</li></ul>'
    cleaned = clean_markup(text)
    assert cleaned == text.replace('href="tel:988"', 'href="tel:988" rel="noreferrer nofollow"')


HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '<a href="javascript:alert(1)">x</a>',
    '<a href="JaVaScRiPt:alert(1)">x</a>',
    '<a href="java\tscript:alert(1)">x</a>',
    '<a href="&#106;avascript:alert(1)">x</a>',
    '<a href="data:text/html,<script>alert(1)</script>">x</a>',
    '<a href="http://tracker.example/">x</a>',
    '<a href="//tracker.example/">x</a>',
    '<a href="https://ok.example" onclick="alert(1)" style="color:red" target="_blank">x</a>',
    "<p style='background:url(https://tracker.example)'>x</p>",
    "<svg><script>alert(1)</script></svg>",
    "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror=alert(1)&gt;'>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'></noscript>",
    "<svg></p><style><a id='</style><img src=1 onerror=alert(1)>'>",
    "<iframe src=https://tracker.example></iframe>",
    "<form action=https://tracker.example><input name=q></form>",
    "<meta http-equiv=refresh content='0;url=https://tracker.example'>",
    "<base href=https://tracker.example>",
    "<!--><img src=x onerror=alert(1)>-->",
    "<<script>script>alert(1)<</script>/script>",
    "<p\x00 onclick=alert(1)>x</p>",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_that_acts_or_calls_out_comes_through(text: str) -> None:
    cleaned = clean_markup(text)
    tags = re.findall(r"<[^>]*>", cleaned)
    for tag in tags:
        assert re.fullmatch(
            r"</?(em|li|ol|p|strong|ul)>|</a>|<a( href=\"(https|sms|tel):[^\"]*\")? rel=\"noreferrer nofollow\">",
            tag,
        ), tag
    assert re.findall(r"<[^>]*>", plain_text(text)) == []


def test_a_text_too_long_to_clean_is_refused() -> None:
    with pytest.raises(ValueError, match="too long"):
        clean_markup("<p>" * 10_000)
