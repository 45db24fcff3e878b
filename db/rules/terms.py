"""The words of the field, as enumerations: what is stored, compared and sent, each with its Japanese `label`.

Values are short ASCII codes because they stand in database columns and URLs; a value, once released, is never reused
with another meaning.
"""

from enum import StrEnum
from typing import Self


class Term(StrEnum):
    """A stored code with the word an officer would write for it."""

    label: str

    def __new__(cls, code: str, label: str = "") -> Self:
        """Make the member whose value is `code` and whose Japanese is `label`."""
        term = str.__new__(cls, code)
        term._value_ = code
        term.label = label
        return term


class Area(Term):
    """Business area: the walls inside the office. A viewer sees people and money only of areas they are cleared for."""

    TAX = "tax", "税"
    PUBLIC = "public", "公債権"
    PRIVATE = "private", "私債権"
    HEALTH = "health", "特定健診"
    SURVEY = "survey", "アンケート"


class LegalClass(Term):
    """The legal basis of a claim, which decides who may see it and how it may be collected."""

    TAX = "tax", "市税"
    COMPULSORY_PUBLIC = "compulsory_public", "強制徴収公債権"
    OTHER_PUBLIC = "other_public", "非強制徴収公債権"
    PRIVATE = "private", "私債権"


class PersonKind(Term):
    """A natural person or a company."""

    PERSON = "person", "個人"
    COMPANY = "company", "法人"


class AddressKind(Term):
    """What an address is for."""

    REGISTERED = "registered", "住民登録地"
    MAILING = "mailing", "送付先"
    WORKPLACE = "workplace", "勤務先"
    FORMER = "former", "前住所"


class PhoneKind(Term):
    """What kind of number it is under the Japanese numbering plan."""

    MOBILE = "mobile", "携帯"
    LANDLINE = "landline", "固定"
    IP = "ip", "IP電話"
    TOLL_FREE = "toll_free", "フリーダイヤル"
    SHARED_COST = "shared_cost", "ナビダイヤル"
    FOREIGN = "foreign", "国外"
    OTHER = "other", "その他"


class PhoneStatus(Term):
    """Whether a number may be used. Only USABLE and UNVERIFIED numbers are ever dialled or texted."""

    USABLE = "usable", "有効"
    UNVERIFIED = "unverified", "未確認"
    UNALLOCATED = "unallocated", "欠番"
    WRONG_PERSON = "wrong_person", "他人の番号"
    REFUSED = "refused", "架電拒否"
    WITHDRAWN = "withdrawn", "取込元で削除"


class PhoneOwner(Term):
    """Whose phone it is, seen from the debtor."""

    SELF = "self", "本人"
    SPOUSE = "spouse", "配偶者"
    FAMILY = "family", "家族"
    WORKPLACE = "workplace", "勤務先"
    OTHER = "other", "その他"


class FlagKind(Term):
    """A circumstance of a person that limits what the office may do or show."""

    PROTECTED = "protected", "支援措置"
    LAWYER = "lawyer", "弁護士介入"
    BANKRUPT = "bankrupt", "破産"
    DECEASED = "deceased", "死亡"
    DEFERRED = "deferred", "徴収猶予"
    SUSPENDED = "suspended", "執行停止"
    WRITTEN_OFF = "written_off", "不納欠損"
    EXCLUDED = "excluded", "催告除外"
    NO_CALLS = "no_calls", "架電禁止"
    NO_SMS = "no_sms", "SMS拒否"
    INTERPRETER = "interpreter", "通訳要"
    CAUTION = "caution", "対応注意"


class Channel(Term):
    """How the office and a person met."""

    CALL_OUT = "call_out", "架電"
    CALL_IN = "call_in", "返電"
    SMS = "sms", "SMS"
    LETTER = "letter", "文書"
    VISIT = "visit", "訪問"
    COUNTER = "counter", "窓口"


class AnsweredBy(Term):
    """Who was reached."""

    SELF = "self", "本人"
    SPOUSE = "spouse", "配偶者"
    FAMILY = "family", "家族"
    THIRD_PARTY = "third_party", "第三者"
    UNKNOWN = "unknown", "不明"
    NOBODY = "nobody", "応答なし"


class Retry(Term):
    """What a result means for the next attempt; the times behind each are settings."""

    NONE = "none", "再架電なし"
    SOON = "soon", "短時間後"
    LATER = "later", "時間をおいて"
    OTHER_BAND = "other_band", "別の曜日・時間帯"
    NUMBER_RESEARCH = "number_research", "番号調査"


class CaseState(Term):
    """Where a person stands in one business area. Derived, never typed in."""

    PAID = "paid", "完納"
    EXCLUDED = "excluded", "除外"
    BROKEN = "broken", "約束不履行"
    PROMISED = "promised", "納付約束"
    NO_PROMISE = "no_promise", "未約束"
    NOT_CONTACTED = "not_contacted", "未交渉"


class TaskKind(Term):
    """What somebody has to look at, and why."""

    PROMISE_BROKEN = "promise_broken", "約束不履行の確認"
    PROMISE_OFFERED = "promise_offered", "分納の承認"
    RETURNED_MAIL = "returned_mail", "返戻の確認"
    NUMBER_RESEARCH = "number_research", "電話番号の調査"
    RECALL_EXPIRED = "recall_expired", "再コールの時間超過"
    CALL_BACK = "call_back", "折返し依頼"
    CALL_MISSED = "call_missed", "不在着信の折返し"
    CALL_UNKNOWN = "call_unknown", "発信結果の確認"
    ERRAND = "errand", "依頼"
    SMS_UNKNOWN = "sms_unknown", "SMS結果の確認"
    SMS_REPLY = "sms_reply", "SMS返信の確認"
    VISIT = "visit", "訪問"


class PairState(Term):
    """What the office has made of two people who may be one (名寄せ)."""

    OFFERED = "offered", "候補"
    MERGED = "merged", "名寄せ済"
    REJECTED = "rejected", "別人"


class PairAct(Term):
    """A decision on two people who may be one."""

    MERGE = "merge", "名寄せする"
    REJECT = "reject", "別人とする"
    PART = "part", "名寄せを解除する"
    REOPEN = "reopen", "候補に戻す"


class Right(Term):
    """What a user may do. Rights are granted per business area through a level, to a person or to a group."""

    DEBTOR_VIEW = "debtor.view", "対象者の閲覧"
    ARREARS_VIEW = "arrears.view", "滞納額の閲覧(通話外)"
    PROTECTED_VIEW = "protected.view", "支援措置対象者の住所閲覧"
    CALL = "call", "架電"
    SMS = "sms.send", "SMSの送信"
    SMS_BATCH = "sms.batch", "SMS一括送信"
    RESULT_RECORD = "result.record", "結果の登録"
    PROMISE_OFFER = "promise.offer", "納付約束の申出受付"
    PROMISE_DECIDE = "promise.decide", "分納の承認"
    RECALL_ANYONE = "recall.anyone", "他者の再コール予約の操作"
    PERSON_MERGE = "person.merge", "名寄せ"
    RECORDING_PLAY = "recording.play", "録音の再生"
    RECORDING_HOLD = "recording.hold", "録音の保全"
    DOCUMENT_MAKE = "document.make", "文書作成"
    FLOOR_VIEW = "floor.view", "フロアの閲覧"
    FLOOR_ACT = "floor.act", "フロアの操作"
    CALL_MONITOR = "call.monitor", "通話のモニタリング"
    CAMPAIGN_RUN = "campaign.run", "キャンペーンの運用"
    RULES_EDIT = "rules.edit", "催告ルールの変更"
    WORKFLOW_VIEW = "workflow.view", "業務ワークフローの閲覧"
    REPORT_VIEW = "report.view", "帳票の閲覧"
    EXTRACT = "extract", "条件抽出"
    ASSIGN = "case.assign", "案件・タスクの割当"
    EXPORT = "export", "データ出力"
    IMPORT = "import", "データ取込"
    USER_ADMIN = "user.admin", "利用者管理"
    AUDIT_VIEW = "audit.view", "ログの閲覧"
    PBX_ADMIN = "pbx.admin", "PBXの管理"


class ImportKind(Term):
    """What a file of the core system holds."""

    PEOPLE = "people", "宛名"
    ASSESSMENTS = "assessments", "賦課・滞納"
    PAYMENTS = "payments", "収納"
    HOUSEHOLDS = "households", "世帯"
    PHONES = "phones", "電話番号"
    FLAGS = "flags", "注意情報"


class Load(Term):
    """Whether a file holds everything there is, so that what it lacks has ended, or only what is new."""

    FULL = "full", "全件"
    DELTA = "delta", "差分"


class ImportState(Term):
    """How far an import has come. Until APPLYING nothing of the file counts; from then on all of it will, whatever breaks."""

    WAITING = "waiting", "待機中"
    READING = "reading", "読込・検査中"
    CHECKED = "checked", "検査済"
    HELD = "held", "確認待ち"
    APPLYING = "applying", "反映中"
    DONE = "done", "完了"
    SAME = "same", "取込済み（同じファイル）"
    CANCELLED = "cancelled", "取消"
    FAILED = "failed", "失敗"


class ExportKind(Term):
    """What goes back to the core system."""

    CONTACTS = "contacts", "交渉記録"
    PROMISES = "promises", "納付約束"
    RESULTS = "results", "発信結果"
