"""The kernel begins to stamp a moment after it was asked to, and no machine is called worse for that."""

from katydid.transport import timing


def test_reads_before_the_kernel_has_begun_to_stamp_do_not_count(monkeypatch):
    ages = iter([None] * 3 + [1000] * (timing.STAMPS + 1))
    monkeypatch.setattr(timing, "_stamp_age", lambda *_: next(ages))
    assert timing._stamp_ages() == [1000] * timing.STAMPS


def test_a_kernel_that_never_stamps_is_told_so(monkeypatch):
    monkeypatch.setattr(timing, "_stamp_age", lambda *_: None)
    monkeypatch.setattr(timing, "SWITCH_ON", 0.01)
    assert timing._stamp_ages() == []
