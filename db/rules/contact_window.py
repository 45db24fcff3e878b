"""Days and hours that somebody chose for a campaign or a batch of messages: they must lie within the rules of contact."""

from collections.abc import Collection, Iterator
from datetime import time

from db.rules.eligibility import ContactPolicy


def window_problems(
    days: Collection[int], opens: time, closes: time, policy: ContactPolicy
) -> Iterator[tuple[str, str]]:
    """What is wrong, as field and sentence. `days`: weekdays, Monday is 0."""
    if not days:
        yield "days", "曜日を1つ以上選んでください。"
    elif not policy.closed_days and {5, 6}.intersection(days):
        yield "days", "催告ルールで閉庁日の連絡が認められていないため、土日は選べません。"
    if opens >= closes:
        yield "closes", "終了時刻は開始時刻より後にしてください。"
    if opens < policy.opens:
        yield "opens", f"催告ルールの連絡時間（{policy.opens:%H:%M}から）より早い時刻です。"
    if closes > policy.closes:
        yield "closes", f"催告ルールの連絡時間（{policy.closes:%H:%M}まで）より遅い時刻です。"
