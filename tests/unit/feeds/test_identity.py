from uuid import UUID

from feeds.identity import life_cycle_guid, public_feed_guid, subscription_guid

ALICE, BOB = UUID(int=1), UUID(int=2)


def test_public_guid_is_the_one_of_the_podcast_namespace() -> None:
    # The example in the definition of podcast:guid.
    expected = UUID("917393e3-1b1e-5cef-ace4-edaa54e1f810")
    assert public_feed_guid("https://mp3s.nashownotes.com/pc20rss.xml") == expected


def test_public_guid_is_the_same_without_scheme_and_trailing_slashes() -> None:
    same = {
        public_feed_guid(address)
        for address in ("https://x.example/p/a", "http://x.example/p/a//", "x.example/p/a")
    }
    assert len(same) == 1


def test_subscriptions_have_guids_of_their_own_that_stay() -> None:
    assert subscription_guid(ALICE) == subscription_guid(UUID(int=1))
    assert subscription_guid(ALICE) != subscription_guid(BOB)
    assert subscription_guid(ALICE).version == 5


def test_guid_does_not_give_away_the_id_it_was_made_from() -> None:
    assert str(ALICE) not in str(subscription_guid(ALICE))


def test_messages_have_one_guid_per_subscription_kind_and_turn() -> None:
    guids = [
        life_cycle_guid(ALICE, "welcome"),
        life_cycle_guid(BOB, "welcome"),
        life_cycle_guid(ALICE, "address-changed"),
        life_cycle_guid(ALICE, "address-changed", 2),
    ]
    assert len(set(guids)) == 4
    assert life_cycle_guid(ALICE, "welcome") == guids[0]
