"""Links of the Link header, as RFC 8288 and real servers write them."""

import pytest

from framework.http.link_header import links_by_relation

NEXT = {"next": "/p2"}


@pytest.mark.parametrize(
    ("header", "links"),
    [
        ("", {}),
        ('</p2>; rel="next"', NEXT),
        ("</p2>;rel=next", NEXT),
        ("</p2>; REL=Next; rel=prev", NEXT),
        ("</p2>; rel='next'", NEXT),
        ("/p2; rel=next", NEXT),
        ('</p2>; title="a=b"; rel="next"', NEXT),
        ('</p2>; title="a, b; rel=x"; rel="next"', NEXT),
        ('</p2>; title="q\\"; rel=x"; rel="next"', NEXT),
        ("</p2>; title*=UTF-8''x%3b; rel=next", NEXT),
        ("</p1>, </p2>; rel=next", NEXT),
        (" , ,</p2>;;rel=next,", NEXT),
        ('</i;v=1?a=1&f=a;b,c>; rel="next"', {"next": "/i;v=1?a=1&f=a;b,c"}),
        ('<?f=a, b>; rel="next"', {"next": "?f=a, b"}),
        ('</p1>; rel="first prev",</p2>; rel="next"', {"first": "/p1", "prev": "/p1", **NEXT}),
        ('</p2>; rel="next" junk, </p9>; rel=last', {**NEXT, "last": "/p9"}),
        ('</p2>; rel="https://x.example/rel next"', {"https://x.example/rel": "/p2", **NEXT}),
        ("</p2>; rel=next, </p3>; rel=next", NEXT),
        ("</p2", {}),
        ("</p2>; rel", {}),
        ("; rel=next", {}),
    ],
)
def test_links_are_found_by_relation(header, links):
    assert links_by_relation(header) == links
