"""A network that damages, loses, duplicates and delays: data arrives correct, or is refused in one line."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from bluegrid_registry import (
    BluegridError,
    Checksum,
    IntegrityError,
    ModelType,
    PushReport,
    SourceModel,
    Store,
    StoreError,
    StoreUnreachable,
    VersionConflict,
    fetch_bytes,
    open_store,
    push,
)
from tests.integration.stores.faults import (
    Swapped,
    at,
    flip_down,
    flip_up,
    harmed,
    numbers_until_enough,
    requests_of,
    reset_before,
    silent,
    status,
    truncated,
)
from tests.integration.stores.versions import (
    check_is_one_line,
    contents,
    models,
    small_packs,
    version,
    visible_models,
)
from tests.support.endurance import scale
from tests.support.stores import delete_copies, flipped

if TYPE_CHECKING:
    from tests.integration.stores.conftest import Place
    from tests.integration.stores.faulty_proxy import Exchange, Fault, FaultyProxy


pytestmark = [
    pytest.mark.usefixtures("patient"),
    # The fault may also flip a byte of a time zone's name.
    pytest.mark.filterwarnings("ignore::dateutil.parser.UnknownTimezoneWarning"),
]


@pytest.fixture
def wired(wired_url: str) -> Store:
    return open_store(wired_url)


@pytest.mark.parametrize("way", ["up", "down"])
def test_whatever_byte_of_a_push_is_flipped_readers_see_it_whole_and_right_or_not_at_all(
    way: str, proxy: FaultyProxy, wired_url: str, s3_store: Store, model_type: ModelType
) -> None:
    kind = flip_up if way == "up" else flip_down
    source = random.Random(way)
    refused = 0
    base = version(push(s3_store, "g1", "v0", models(0), model_type=model_type))
    for number in range(1, scale(125, 2500)):
        name, changed = f"v{number}", models(number, 2)
        if number % 10 == 1:
            wired = open_store(wired_url)

        def act(store: Store = wired, name: str = name, changed: list[SourceModel] = changed) -> PushReport:
            return push(store, "g1", name, changed, model_type=model_type, base=base)

        if number == 1:
            sizes = requests_of(proxy, act)
            continue
        proxy.forget(harmed(source, [pair[way == "down"] for pair in sizes], kind))
        try:
            act()
        except BluegridError as error:
            check_is_one_line(error)
            refused += 1
            proxy.forget()
            assert visible_models(s3_store, name) in (None, contents(models(0)) | contents(changed))
            act()
        assert visible_models(s3_store, name) == contents(models(0)) | contents(changed)
    assert refused < scale(125, 2500) / 2


def test_whatever_byte_of_a_fetch_is_flipped_its_models_are_right_or_refused(
    proxy: FaultyProxy, wired_url: str, s3_store: Store, model_type: ModelType
) -> None:
    report = push(s3_store, "g1", "v1", models(1, 20), model_type=model_type)
    source = random.Random(3)
    for number in range(scale(250, 5000)):
        if number % 10 == 0:
            wired = open_store(wired_url)

        def act(store: Store = wired) -> dict[str, bytes]:
            return dict(fetch_bytes(store, "g1", "v1", report.manifest))

        if number == 0:
            sizes = [answer for _, answer in requests_of(proxy, act)]
        proxy.forget(harmed(source, sizes, flip_down))
        try:
            assert act() == contents(models(1, 20))
        except BluegridError as error:
            check_is_one_line(error)


def test_whatever_byte_rots_at_rest_is_never_served(
    place: Place, store: Store, model_type: ModelType
) -> None:
    report = push(store, "g1", "v1", models(1, 20), model_type=model_type)
    # A fetch reads a sound copy of a rotten pack; see test_early_packs.py.
    delete_copies(store, "g1")
    paths = sorted(path for path in place.folder.rglob("*") if path.is_file() and path.name != "probe")
    source = random.Random(4)
    for _ in range(scale(100, 2500)):
        path = source.choices(paths, [path.stat().st_size for path in paths])[0]
        sound = path.read_bytes()
        path.write_bytes(flipped(sound, source.randrange(len(sound)), source.randrange(1, 256)))
        with pytest.raises(IntegrityError, match=r"^set g1 version v1: .* push ") as caught:
            fetch_bytes(store, "g1", "v1", report.manifest)
        check_is_one_line(caught.value)
        path.write_bytes(sound)


def test_a_fault_that_passes_is_not_noticed_at_any_request_of_a_push(
    passing: Fault,
    proxy: FaultyProxy,
    wired_url: str,
    s3_store: Store,
    model_type: ModelType,
) -> None:
    base = version(push(s3_store, "g1", "v0", models(0, 9), model_type=model_type))
    for number in numbers_until_enough(proxy):
        name, changed = f"v{number + 1}", models(number + 1)
        proxy.forget(at(number, passing))
        report = push(open_store(wired_url), "g1", name, changed, model_type=model_type, base=base)
        assert not report.already_there
        assert visible_models(s3_store, name) == contents(models(0, 9)) | contents(changed)


def test_a_fault_that_passes_is_not_noticed_at_any_request_of_a_fetch(
    passing: Fault,
    proxy: FaultyProxy,
    wired_url: str,
    s3_store: Store,
    model_type: ModelType,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    small_packs(monkeypatch)
    wired = open_store(wired_url)
    report = push(s3_store, "g1", "v1", models(1, 200), model_type=model_type)
    for number in range(2 + report.packs):
        proxy.forget(at(number, passing))
        assert dict(fetch_bytes(wired, "g1", "v1", report.manifest)) == contents(models(1, 200))
        assert len(proxy.requests) > number


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (reset_before, "no answer: Connection was closed"),
        (status(500), "InternalError: no"),
        (status(503), "SlowDown: no"),
        (status(400), r"refused \(ExpiredToken\); check AWS_ACCESS_KEY_ID"),
        (status(403), r"refused \(AccessDenied\); check AWS_ACCESS_KEY_ID"),
        (truncated, r"no answer|: \d{3}: "),
    ],
)
def test_a_fault_that_stays_ends_everything_in_one_line(
    fault: Fault, message: str, proxy: FaultyProxy, wired: Store, s3_store: Store, model_type: ModelType
) -> None:
    report = push(s3_store, "g1", "v1", models(1), model_type=model_type)
    s3_store.put("x", b"0123456789", Checksum.of(b"0123456789"))
    proxy.forget(fault)
    for act in (
        lambda: push(wired, "g1", "v2", models(2), model_type=model_type),
        lambda: fetch_bytes(wired, "g1", "v1", report.manifest),
        lambda: list(wired.keys("")),
        lambda: wired.get_range("x", 0, 8),
    ):
        with pytest.raises(StoreError, match=message) as caught:
            act()
        check_is_one_line(caught.value)
    assert visible_models(s3_store, "v2") is None


def test_a_server_that_never_answers_is_given_up(
    proxy: FaultyProxy, wired_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bluegrid_registry.stores.s3.READ_TIMEOUT", 0.05)
    proxy.forget(silent)
    with pytest.raises(StoreUnreachable, match=r"no answer: Read timeout.* \(is the server running"):
        open_store(wired_url).get("x")
    assert len(proxy.requests) == 3


def test_answers_that_are_swapped_are_found_out(
    proxy: FaultyProxy, wired: Store, s3_store: Store, model_type: ModelType, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_packs(monkeypatch)
    report = push(s3_store, "g1", "v1", models(1, 200), model_type=model_type)
    assert report.packs > 2
    swapped = Swapped("/packs/")
    proxy.forget(swapped)
    try:
        assert dict(fetch_bytes(wired, "g1", "v1", report.manifest)) == contents(models(1, 200))
    except IntegrityError as error:
        check_is_one_line(error)
    assert swapped.count > 0


def test_a_refusal_that_arrives_as_a_success_is_none(
    proxy: FaultyProxy, wired: Store, s3_store: Store, model_type: ModelType
) -> None:
    push(s3_store, "g1", "v1", models(1), model_type=model_type)
    wired.probe()

    def lies(exchange: Exchange) -> None:
        answer = exchange.forward()
        exchange.answer(answer.replace(b"HTTP/1.1 412 ", b"HTTP/1.1 200 "))

    proxy.forget(lies)
    with pytest.raises((IntegrityError, VersionConflict)) as caught:
        push(wired, "g1", "v1", models(2), model_type=model_type)
    check_is_one_line(caught.value)
    assert visible_models(s3_store, "v1") == contents(models(1))


def test_a_list_that_is_cut_short_is_told(proxy: FaultyProxy, wired: Store, s3_place: Place) -> None:
    folder = s3_place.folder / "sets"
    folder.mkdir(parents=True)
    for number in range(1001):
        (folder / f"{number:04}").touch()
    assert len(list(wired.keys("sets/"))) == 1001
    for old, new in (
        (b"<IsTruncated>true", b"<IsTruncated>frue"),
        (b"NextContinuationT", b"NextConuinuationT"),
    ):

        def cuts(exchange: Exchange, old: bytes = old, new: bytes = new) -> None:
            exchange.answer(exchange.forward().replace(old, new))

        proxy.forget(cuts)
        with pytest.raises(StoreError, match="the list is cut short"):
            list(wired.keys("sets/"))


def test_a_put_whose_answer_is_anothers_is_not_believed(proxy: FaultyProxy, wired: Store) -> None:
    wired.put("a", b"a", Checksum.of(b"a"))
    answers: list[bytes] = []

    def keeps(exchange: Exchange) -> None:
        answers.append(exchange.forward())
        exchange.answer(answers[-1])

    def replays(exchange: Exchange) -> None:
        exchange.answer(answers[0] if exchange.what.startswith("PUT") else exchange.forward())

    proxy.forget(keeps)
    wired.put("a", b"a", Checksum.of(b"a"))
    proxy.forget(replays)
    with pytest.raises(IntegrityError, match="the server holds other bytes than were sent"):
        wired.put("b", b"b", Checksum.of(b"b"))
