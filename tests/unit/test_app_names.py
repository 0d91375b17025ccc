import tracemalloc

from app.services.apps import app_named, subscribers_reported


def test_long_header_is_not_remembered() -> None:
    tracemalloc.start()
    for number in range(50):
        said = f"AntennaPod/{number} 3 subscribers; " + "x" * 1_000_000
        assert (app_named(said), subscribers_reported(said)) == ("AntennaPod", 3)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert held < 5_000_000
