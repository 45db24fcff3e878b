"""The words for what stands in the access log."""

from collections.abc import Mapping
from typing import Final

ACTIONS: Final[Mapping[str, str]] = {
    "login": "ログイン",
    "login.refused": "ログイン拒否",
    "logout": "ログアウト",
    "today.view": "本日の画面を表示",
    "search": "検索",
    "debtor.view": "対象者を表示",
    "call.place": "発信",
    "call.hangup": "切断",
    "call.hold": "保留",
    "call.resume": "保留解除",
    "call.identity": "本人確認",
    "contact.record": "交渉記録を登録",
    "contact.correct": "交渉記録を訂正",
    "promise.approve": "分納を承認",
    "promise.cancel": "納付約束を取消",
    "recording.play": "録音を再生",
    "recording.unplayable": "録音を再生できず",
    "recording.hold": "録音を保全",
    "recording.unhold": "録音の保全を解除",
    "recording.erase": "録音を消去",
    "rules.change": "催告ルールを変更",
    "office.stop": "緊急停止",
    "office.resume": "緊急停止を解除",
    "duty.start": "業務開始",
    "duty.end": "退席",
    "user.list": "利用者一覧を表示",
    "user.add": "利用者を登録",
    "user.grant": "権限を付与",
    "user.revoke": "権限を取消",
    "user.password": "パスワードを変更",
    "user.disable": "利用を停止",
    "user.enable": "利用を再開",
    "group.add": "グループを登録",
    "group.grant": "グループに権限を付与",
    "group.join": "グループに追加",
    "audit.view": "閲覧ログを表示",
}
"""An action that is not here is shown by its code."""
