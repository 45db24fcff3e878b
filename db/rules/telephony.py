"""States of attempts, calls, operators and recordings."""

from db.rules.terms import Term


class Direction(Term):
    """Who called whom."""

    OUT = "out", "発信"
    IN = "in", "着信"


class DialMode(Term):
    """What placed an attempt."""

    CLICK = "click", "クリック発信"
    MANUAL = "manual", "手動"
    PREVIEW = "preview", "プレビュー"
    PROGRESSIVE = "progressive", "プログレッシブ"
    PREDICTIVE = "predictive", "プレディクティブ"


class AttemptState(Term):
    """How far a dial has come. UNKNOWN is for a person to settle; it is never dialled again by itself."""

    PREPARED = "prepared", "発信準備"
    SENT = "sent", "発信中"
    RINGING = "ringing", "呼出中"
    ANSWERED = "answered", "応答"
    ENDED = "ended", "終了"
    REFUSED = "refused", "発信中止"
    UNKNOWN = "unknown", "結果不明"


class AttemptResult(Term):
    """What came of a dial, from the cause of the hang-up (ITU-T Q.850)."""

    ANSWERED = "answered", "応答"
    BUSY = "busy", "話中"
    NO_ANSWER = "no_answer", "不在"
    REJECTED = "rejected", "着信拒否"
    UNALLOCATED = "unallocated", "欠番"
    CHANGED = "changed", "番号変更"
    BAD_NUMBER = "bad_number", "番号形式誤り"
    TRUNK_FAULT = "trunk_fault", "回線障害"
    CANCELLED = "cancelled", "発信取消"
    FAILED = "failed", "その他の失敗"


OPEN_ATTEMPTS = frozenset({AttemptState.PREPARED, AttemptState.SENT, AttemptState.RINGING, AttemptState.ANSWERED})


class CallState(Term):
    """What an operator's call is doing."""

    PLACING = "placing", "発信中"
    RINGING = "ringing", "呼出中"
    TALKING = "talking", "通話中"
    HELD = "held", "保留中"
    PARTED = "parted", "電話機切断"
    ENDED = "ended", "終了"
    UNKNOWN = "unknown", "結果不明"


LIVE_CALLS = frozenset({CallState.PLACING, CallState.RINGING, CallState.TALKING, CallState.HELD, CallState.PARTED})


class EndedBy(Term):
    """Who put the receiver down, as far as it is known."""

    PERSON = "person", "相手"
    SCREEN = "screen", "画面操作"
    PHONE = "phone", "電話機"
    SYSTEM = "system", "システム"


class DutyState(Term):
    """What an operator is doing."""

    CALLING_PHONE = "calling_phone", "電話機呼出中"
    READY = "ready", "待機"
    BUSY = "busy", "通話"
    CONSULTING = "consulting", "転送の相談"
    MONITORING = "monitoring", "モニタリング"
    WRAP_UP = "wrap_up", "後処理"
    PAUSED = "paused", "離席"
    PHONE_LOST = "phone_lost", "電話機切断"


class MonitorMode(Term):
    """How a supervisor takes part in an operator's call: unheard, heard by the operator only, or heard by both."""

    LISTEN = "listen", "モニタリング"
    WHISPER = "whisper", "ささやき"
    BARGE = "barge", "三者通話"


class AfterCall(Term):
    """What follows for an operator when nothing of a call is left open, because a supervisor has asked for it meanwhile."""

    PAUSE = "pause", "離席"
    END = "end", "業務終了"


class TransferState(Term):
    """How far a call's transfer to an officer has come. LEAVING: the operator is on the way out of the officer's room."""

    CONSULTING = "consulting", "相談中"
    LEAVING = "leaving", "引継ぎ中"
    DONE = "done", "引継ぎ済み"
    CANCELLED = "cancelled", "取りやめ"


class RecordingState(Term):
    """What is known of a recording's file."""

    RUNNING = "running", "録音中"
    KEPT = "kept", "保存済み"
    MISSING = "missing", "ファイルなし"
    ERASED = "erased", "消去済み"


class IncomingState(Term):
    """What became of a call that came in. GIVEN: an operator is reserved for it, or talks. CLOSED: nobody takes calls
    now, it hears why. ASKED_BACK: whoever called wishes to be called back."""

    WAITING = "waiting", "待機中"
    CLOSED = "closed", "時間外案内中"
    GIVEN = "given", "応対"
    ENDED = "ended", "終了"
    MISSED = "missed", "不在着信"
    ASKED_BACK = "asked_back", "折返し依頼"


UNSERVED_INCOMING = frozenset({IncomingState.WAITING, IncomingState.CLOSED})
"""Nobody of the office is there for the caller yet."""
OPEN_INCOMING = UNSERVED_INCOMING | {IncomingState.GIVEN}
