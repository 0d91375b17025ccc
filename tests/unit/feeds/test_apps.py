import pytest

from feeds.apps import Platform, app_links
from feeds.errors import ImpossibleValue

TOKEN = "abcdefghijklmnopqrstuvwxyz234567abcdefgh"
BARE = f"cadans.example/f/{TOKEN}.xml"


def links(feed_url: str) -> dict[str, str]:
    return {
        f"{link.code} {platform}": link.url
        for link in app_links(feed_url)
        for platform in link.platforms
    }


def test_every_app_gets_the_link_that_it_opens() -> None:
    assert links(f"https://{BARE}") == {
        "apple ios": f"podcast://{BARE}",
        "apple desktop": f"podcast://{BARE}",
        "overcast ios": "overcast://x-callback-url/add?url="
        f"https%3A%2F%2Fcadans.example%2Ff%2F{TOKEN}.xml",
        "pocketcasts android": f"pktc://subscribehttps/{BARE}",
        "pocketcasts ios": f"pktc://subscribe/https://{BARE}",
        "castro ios": f"castros://subscribe/{BARE}",
        "antennapod android": f"antennapod-subscribe://https://{BARE}",
        "podcastaddict android": f"podcastaddict://{BARE}",
        "gpodder desktop": f"gpodder:https://{BARE}",
    }


def test_loopback_over_http_stays_http_where_the_app_can() -> None:
    bare = f"127.0.0.1:8000/f/{TOKEN}.xml"
    assert links(f"http://{bare}") == {
        "apple ios": f"podcast://{bare}",
        "apple desktop": f"podcast://{bare}",
        "overcast ios": "overcast://x-callback-url/add?url="
        f"http%3A%2F%2F127.0.0.1%3A8000%2Ff%2F{TOKEN}.xml",
        "pocketcasts android": f"pktc://subscribe/{bare}",
        "pocketcasts ios": f"pktc://subscribe/http://{bare}",
        "castro ios": f"castro://subscribe/{bare}",
        "antennapod android": f"antennapod-subscribe://http://{bare}",
        "podcastaddict android": f"podcastaddict://{bare}",
        "gpodder desktop": f"gpodder://{bare}",
    }


def test_no_link_goes_through_a_site_of_somebody_else() -> None:
    assert not [link for link in app_links(f"https://{BARE}") if link.url.startswith("http")]


def test_each_platform_has_one_link_per_app() -> None:
    for platform in Platform:
        codes = [each.code for each in app_links(f"https://{BARE}") if platform in each.platforms]
        assert codes
        assert len(codes) == len(set(codes))


@pytest.mark.parametrize("address", ["", BARE, "feed://x.example/f", "https://"])
def test_incomplete_address_is_refused(address: str) -> None:
    with pytest.raises(ImpossibleValue):
        app_links(address)
