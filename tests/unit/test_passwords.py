"""What a password that leaked with the tables costs whoever guesses at it."""

from argon2 import PasswordHasher, Type, extract_parameters

from app.services import passwords


def test_a_password_is_kept_as_rfc_9106_recommends_second(strong_passwords: PasswordHasher) -> None:
    made = extract_parameters(strong_passwords.hash("a long enough password"))
    assert (made.type, made.memory_cost) == (Type.ID, 64 * 1024)
    assert (made.time_cost, made.parallelism) == (3, 4)


def test_a_hash_that_cost_less_is_made_anew(strong_passwords: PasswordHasher) -> None:
    kept = passwords.hash_password("a long enough password")
    assert strong_passwords.check_needs_rehash(kept)
    assert not passwords.is_outdated(kept)
