"""Names of the invented city's people and companies, with their readings and search forms.

Common family and given names are combined at random, so that no row is about anybody. Search forms are computed once
a name part and joined, because folding a joined name equals joining the folded parts (a test holds this).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from db.reference.kana import fold_kana, fold_name

Random = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a name as written and as read, each with its search form."""

    text: str
    kana: str
    text_folded: str
    kana_folded: str


@dataclass(frozen=True, slots=True)
class Name:
    """A whole name, as the register keeps it."""

    text: str
    kana: str
    text_folded: str
    kana_folded: str


_FAMILY: Final = """
佐藤 サトウ 鈴木 スズキ 高橋 タカハシ 田中 タナカ 伊藤 イトウ 渡辺 ワタナベ 山本 ヤマモト 中村 ナカムラ 小林 コバヤシ 加藤 カトウ
吉田 ヨシダ 山田 ヤマダ 佐々木 ササキ 山口 ヤマグチ 松本 マツモト 井上 イノウエ 木村 キムラ 林 ハヤシ 斎藤 サイトウ 清水 シミズ
山崎 ヤマザキ 森 モリ 池田 イケダ 橋本 ハシモト 阿部 アベ 石川 イシカワ 山下 ヤマシタ 中島 ナカジマ 石井 イシイ 小川 オガワ
前田 マエダ 岡田 オカダ 長谷川 ハセガワ 藤田 フジタ 後藤 ゴトウ 近藤 コンドウ 村上 ムラカミ 遠藤 エンドウ 青木 アオキ 坂本 サカモト
斉藤 サイトウ 福田 フクダ 太田 オオタ 西村 ニシムラ 藤井 フジイ 金子 カネコ 岡本 オカモト 藤原 フジワラ 三浦 ミウラ 中野 ナカノ
中川 ナカガワ 原田 ハラダ 松田 マツダ 竹内 タケウチ 小野 オノ 田村 タムラ 中山 ナカヤマ 和田 ワダ 石田 イシダ 森田 モリタ
上田 ウエダ 原 ハラ 内田 ウチダ 柴田 シバタ 酒井 サカイ 宮崎 ミヤザキ 横山 ヨコヤマ 高木 タカギ 安藤 アンドウ 宮本 ミヤモト
大野 オオノ 小島 コジマ 谷口 タニグチ 工藤 クドウ 今井 イマイ 高田 タカダ 増田 マスダ 丸山 マルヤマ 杉山 スギヤマ 村田 ムラタ
大塚 オオツカ 新井 アライ 藤本 フジモト 小山 コヤマ 平野 ヒラノ 河野 コウノ 上野 ウエノ 野口 ノグチ 武田 タケダ 松井 マツイ
千葉 チバ 菅原 スガワラ 岩崎 イワサキ 久保 クボ 木下 キノシタ 佐野 サノ 野村 ノムラ 松尾 マツオ 菊地 キクチ 市川 イチカワ
杉本 スギモト 古川 フルカワ 大西 オオニシ 島田 シマダ 水野 ミズノ 桜井 サクライ 高野 タカノ 吉川 ヨシカワ 渡部 ワタナベ 山内 ヤマウチ
西田 ニシダ 飯田 イイダ 菊池 キクチ 小松 コマツ 西川 ニシカワ 安田 ヤスダ 五十嵐 イガラシ 北村 キタムラ 川口 カワグチ 平田 ヒラタ
関 セキ 中田 ナカタ 久保田 クボタ 服部 ハットリ 東 ヒガシ 岩田 イワタ 土屋 ツチヤ 川崎 カワサキ 福島 フクシマ 本田 ホンダ
辻 ツジ 樋口 ヒグチ 秋山 アキヤマ 田口 タグチ 永井 ナガイ 山中 ヤマナカ 中西 ナカニシ 吉村 ヨシムラ 川上 カワカミ 石原 イシハラ
大橋 オオハシ 松岡 マツオカ 馬場 ババ 浜田 ハマダ 森本 モリモト 星野 ホシノ 矢野 ヤノ 浅野 アサノ 大島 オオシマ 松下 マツシタ
吉岡 ヨシオカ 小池 コイケ 野田 ノダ 荒木 アラキ 熊谷 クマガイ 松浦 マツウラ 大久保 オオクボ 内藤 ナイトウ 黒田 クロダ 尾崎 オザキ
永田 ナガタ 川村 カワムラ 望月 モチヅキ 荒井 アライ 田辺 タナベ 堀 ホリ 松村 マツムラ 早川 ハヤカワ 西山 ニシヤマ 広瀬 ヒロセ
菅野 カンノ 岩本 イワモト 堀内 ホリウチ 片山 カタヤマ 栗原 クリハラ 篠原 シノハラ 須藤 スドウ 岡崎 オカザキ 小沢 オザワ 富田 トミタ
平井 ヒライ 関口 セキグチ 大谷 オオタニ 田島 タジマ 小西 コニシ 成田 ナリタ 岡 オカ 三宅 ミヤケ 上村 ウエムラ 南 ミナミ
今村 イマムラ 川田 カワダ 白石 シライシ 福井 フクイ 坂口 サカグチ 天野 アマノ 大山 オオヤマ 児玉 コダマ 落合 オチアイ 奥村 オクムラ
永野 ナガノ 桑原 クワバラ 本間 ホンマ 小田 オダ 大川 オオカワ 榎本 エノモト 鎌田 カマタ 吉野 ヨシノ 米田 ヨネダ 根本 ネモト
飯塚 イイヅカ 窪田 クボタ 小泉 コイズミ 稲垣 イナガキ 滝沢 タキザワ 相沢 アイザワ 戸田 トダ 庄司 ショウジ 真鍋 マナベ 長田 オサダ
"""

# Characters that core systems write and keyboards do not give: variants, and variation selectors of the Hanyo-Denshi set.
_VARIANT_FAMILY: Final = """
髙橋 タカハシ 髙木 タカギ 山﨑 ヤマザキ 宮﨑 ミヤザキ 﨑山 サキヤマ 渡邉 ワタナベ 渡邊 ワタナベ 齋藤 サイトウ 齊藤 サイトウ
濵田 ハマダ 櫻井 サクライ 黒澤 クロサワ 廣瀬 ヒロセ 嶋田 シマダ 葛\U000e0100城 カツラギ 辻\U000e0100本 ツジモト 𠮷野 ヨシノ
"""

_MALE: Final[Sequence[str]] = (
    """
清 キヨシ 勇 イサム 茂 シゲル 勝 マサル 実 ミノル 進 ススム 正 タダシ 弘 ヒロシ 博 ヒロシ 昭 アキラ 三郎 サブロウ 一郎 イチロウ
和夫 カズオ 正夫 マサオ 武夫 タケオ 幸雄 ユキオ 義雄 ヨシオ 昭二 ショウジ 邦夫 クニオ 敏夫 トシオ 光男 ミツオ 辰雄 タツオ
忠 タダシ 隆 タカシ 稔 ミノル 功 イサオ 満 ミツル 豊 ユタカ 修一 シュウイチ 孝 タカシ 久雄 ヒサオ 信夫 ノブオ 英夫 ヒデオ
秀雄 ヒデオ 文雄 フミオ 哲夫 テツオ 政雄 マサオ 良一 リョウイチ 貞夫 サダオ 富雄 トミオ 喜一 キイチ 善次 ゼンジ
""",
    """
誠 マコト 浩 ヒロシ 浩二 コウジ 健一 ケンイチ 健二 ケンジ 大輔 ダイスケ 哲也 テツヤ 英樹 ヒデキ 直樹 ナオキ 和也 カズヤ 達也 タツヤ
剛 ツヨシ 聡 サトシ 学 マナブ 淳 ジュン 亮 リョウ 智 サトシ 隆之 タカユキ 雅彦 マサヒコ 秀樹 ヒデキ 裕二 ユウジ 洋一 ヨウイチ
修 オサム 徹 トオル 剛志 ツヨシ 伸一 シンイチ 浩之 ヒロユキ 博之 ヒロユキ 俊介 シュンスケ 正樹 マサキ 孝之 タカユキ 康弘 ヤスヒロ
信也 シンヤ 拓也 タクヤ 慎一 シンイチ 雄介 ユウスケ 貴史 タカシ 智也 トモヤ 勝也 カツヤ 孝太郎 コウタロウ 洋平 ヨウヘイ 真一 シンイチ
""",
    """
翔太 ショウタ 拓海 タクミ 健太 ケンタ 大樹 ダイキ 翔 ショウ 蓮 レン 大翔 ヒロト 陸 リク 海斗 カイト 駿 シュン 悠斗 ユウト 颯太 ソウタ
涼太 リョウタ 優太 ユウタ 雄大 ユウダイ 智樹 トモキ 圭吾 ケイゴ 祐樹 ユウキ 裕太 ユウタ 和樹 カズキ 亮太 リョウタ 航 ワタル 匠 タクミ
直人 ナオト 隼人 ハヤト 一輝 カズキ 湊 ミナト 樹 イツキ 蒼 アオイ 陽翔 ハルト 悠真 ユウマ 翼 ツバサ 龍之介 リュウノスケ 啓太 ケイタ
""",
)
_FEMALE: Final[Sequence[str]] = (
    """
和子 カズコ 幸子 サチコ 節子 セツコ 洋子 ヨウコ 弘子 ヒロコ 恵子 ケイコ 文子 フミコ 美代子 ミヨコ 久子 ヒサコ 千代子 チヨコ
敏子 トシコ 京子 キョウコ 信子 ノブコ 光子 ミツコ 良子 ヨシコ 悦子 エツコ 昭子 アキコ 栄子 エイコ 静子 シズコ 澄子 スミコ
トミ子 トミコ 貞子 サダコ 富子 トミコ 初枝 ハツエ 芳子 ヨシコ 春子 ハルコ 秋子 アキコ 君江 キミエ すみ江 スミエ みつ ミツ
雪江 ユキエ 敬子 ケイコ 勝子 カツコ 礼子 レイコ 玲子 レイコ 順子 ジュンコ 典子 ノリコ 千鶴 チヅル 綾子 アヤコ
""",
    """
由美子 ユミコ 真由美 マユミ 明美 アケミ 直美 ナオミ 智子 トモコ 久美子 クミコ 裕子 ユウコ 美香 ミカ 陽子 ヨウコ 恵 メグミ
香織 カオリ 理恵 リエ 美穂 ミホ 愛 アイ 麻衣 マイ 真理子 マリコ 美紀 ミキ 純子 ジュンコ 千春 チハル 綾 アヤ 奈緒子 ナオコ
めぐみ メグミ かおり カオリ ゆかり ユカリ さおり サオリ 亜希子 アキコ 友美 トモミ 由香 ユカ 瞳 ヒトミ 由紀 ユキ 典子 ノリコ 幸恵 ユキエ
恵美 エミ 麻美 アサミ 仁美 ヒトミ 絵里 エリ 優子 ユウコ 佳代 カヨ 真紀 マキ 礼子 レイコ 朋子 トモコ
""",
    """
美咲 ミサキ 葵 アオイ 彩 アヤ 七海 ナナミ 愛美 マナミ 萌 モエ 美優 ミユ 桃子 モモコ 結衣 ユイ 陽菜 ヒナ さくら サクラ 遥 ハルカ
彩花 アヤカ 千尋 チヒロ 未来 ミク 莉子 リコ 優花 ユウカ 楓 カエデ 凛 リン 美月 ミヅキ 真央 マオ 沙織 サオリ 春菜 ハルナ 菜摘 ナツミ
咲良 サクラ 琴音 コトネ 茜 アカネ 詩織 シオリ 花音 カノン 明日香 アスカ 栞 シオリ 瑞希 ミズキ 理沙 リサ 希 ノゾミ ひかり ヒカリ
""",
)

# language, family, its reading, given, its reading: combined within one language
_FOREIGN: Final = {
    "en": "O'Brien オブライエン O'Connor オコナー D'Angelo ダンジェロ Smith スミス Miller ミラー Santos サントス Reyes レイエス|"
    "Liam リアム Emma エマ Grace グレース Noah ノア Olivia オリビア Maria マリア",
    "vi": "NGUYEN グエン TRAN チャン LE レ PHAM ファム HOANG ホアン VO ヴォ|"
    "VAN+AN ヴァンアン THI+HOA ティホア MINH+DUC ミンドゥック THU+HA トゥハ QUANG+HUY クアンフイ",
    "zh": "王 オウ 李 リ 張 チョウ 劉 リュウ 陳 チン 楊 ヨウ|偉 イ 芳 ホウ 娜 ナ 秀英 シュウエイ 敏 ビン 静怡 セイイ",
    "pt": "SILVA シルバ SANTOS サントス OLIVEIRA オリベイラ SOUZA ソウザ COSTA コスタ|"
    "JOAO ジョアン MARIA マリア LUCAS ルーカス ANA アナ PEDRO ペドロ",
}
LANGUAGES: Final = ("vi", "zh", "pt", "en", "vi", "zh")

_COMPANY_WORDS: Final = """
青波 アオナミ 潮見 シオミ みなと野 ミナトノ 白浜 シラハマ 灯台 トウダイ 海鳥 ウミドリ 松風 マツカゼ 三笠山 ミカサヤマ 朝凪 アサナギ
夕凪 ユウナギ 大潮 オオシオ 千鳥 チドリ 岬 ミサキ 港南 コウナン 港北 コウホク 丘上 オカウエ 若草 ワカクサ 双葉 フタバ 東雲 シノノメ 八重 ヤエ
"""
_COMPANY_TRADES: Final = """
建設 ケンセツ 商事 ショウジ 運輸 ウンユ 製作所 セイサクショ 水産 スイサン 食品 ショクヒン 不動産 フドウサン 電機 デンキ 工務店 コウムテン
サービス サービス 物流 ブツリュウ 青果 セイカ 印刷 インサツ 自動車 ジドウシャ 介護 カイゴ
"""
_COMPANY_FORMS: Final = ("株式会社{}", "有限会社{}", "{}株式会社", "合同会社{}")

_VARIANT_SHARE: Final = 0.02
_BORN_OLD: Final = 1960
_BORN_YOUNG: Final = 1990


def part(text: str, kana: str) -> Part:
    """Make a name part; folding is the costly step, so parts are made once."""
    return Part(text, kana, fold_name(text), fold_kana(kana))


@cache
def _parts(words: str) -> tuple[Part, ...]:
    fields = words.split()
    return tuple(part(text.replace("+", " "), kana) for text, kana in zip(fields[::2], fields[1::2], strict=True))


def family_name(random: Random) -> Part:
    """A Japanese family name: common ones more often, now and then one with a variant character."""
    if random() < _VARIANT_SHARE:
        variants = _parts(_VARIANT_FAMILY)
        return variants[int(len(variants) * random())]
    families = _parts(_FAMILY)
    return families[int(len(families) * random() * random())]


def given_name(random: Random, *, male: bool, born: int) -> Part:
    """A given name of the years around `born`."""
    age = 0 if born < _BORN_OLD else 1 if born < _BORN_YOUNG else 2
    names = _parts((_MALE if male else _FEMALE)[age])
    return names[int(len(names) * random())]


def foreign_name(random: Random, language: str) -> tuple[Part, Part]:
    """Family and given name of a resident whose language is en, vi, zh or pt."""
    families, givens = (_parts(words) for words in _FOREIGN[language].split("|"))
    return families[int(len(families) * random())], givens[int(len(givens) * random())]


def joined(family: Part, given: Part) -> Name:
    """A person's name: family name first, a full-width space between, as the resident register prints it."""
    return Name(
        f"{family.text}　{given.text}",
        f"{family.kana}　{given.kana}",
        family.text_folded + given.text_folded,
        family.kana_folded + given.kana_folded,
    )


@cache
def _companies() -> tuple[Name, ...]:
    made = []
    for word in _parts(_COMPANY_WORDS):
        for trade in _parts(_COMPANY_TRADES):
            for form in _COMPANY_FORMS:
                text, kana = form.format(word.text + trade.text), word.kana + trade.kana
                made.append(Name(text, kana, fold_name(text), fold_kana(kana)))
    return tuple(made)


def company_name(random: Random) -> Name:
    """A company's name; several companies may share one, as in life."""
    companies = _companies()
    return companies[int(len(companies) * random())]
