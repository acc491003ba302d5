"""What children bind, kept while their parent is read."""

from framework.extract.lists import parent_child as kept
from framework.extract.lists.parent_child import ParentValues, SpilledList


def test_all_come_back_in_order_as_often_as_asked_for(monkeypatch):
    monkeypatch.setattr(kept, "BATCH", 7)
    monkeypatch.setattr(kept, "IN_MEMORY", 100)
    values = SpilledList()
    bounds = [ParentValues({"id": number}, {"deep": [number]}) for number in range(50)]
    for bound in bounds:
        values.add(bound)
    assert len(values) == 50
    assert list(values) == bounds
    assert values.first(9) == bounds[:9]
    assert list(zip(values, values, strict=True)) == list(zip(bounds, bounds, strict=True))


def test_many_are_on_disk_and_few_are_objects(monkeypatch):
    monkeypatch.setattr(kept, "BATCH", 10)
    monkeypatch.setattr(kept, "IN_MEMORY", 1000)
    values = SpilledList()
    assert list(values) == []
    for number in range(1004):
        values.add(ParentValues({"id": "x" * 50 + str(number)}))
    assert values._file._rolled
    assert len(values._last) == 4
    assert len(values) == 1004
