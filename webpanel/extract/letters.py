"""文書の宛名 of a list of targets: how many may be written to, and the files for mail merge.

The rule is asked portion by portion, and again for the file; everybody in a part of a file stands in the log before it is sent.
"""

from typing import Final

from aiohttp import web

from db.rules.viewer import Viewer
from db.usecases import target_letters, targets
from db.usecases.target_checks import Tally
from db.usecases.target_letters import LetterPart
from db.usecases.targets import Listed
from webpanel import forms
from webpanel.extract import export
from webpanel.extract.forms import path_uuid
from webpanel.extract.views import COUNTING
from webpanel.keys import CLOCK, DATABASE, OFFICE
from webpanel.render import fragment, page
from webpanel.sessions import request_viewer

HEADINGS: Final = ("宛名番号", "氏名", "カナ", "業務区分", "郵便番号", "住所", "本税")
LEFT_OUT: Final = ("宛名番号", "氏名", "業務区分", "理由")


async def show(request: web.Request) -> web.StreamResponse:
    """What can be done; the numbers are fetched afterwards."""
    fixed = await _list(request)
    return await page(request, "extract/letters.html", fixed=fixed)


async def count(request: web.Request) -> web.StreamResponse:
    """How many may be written to now, and why the others may not.

    The largest list takes half a minute and more, so something is sent with each portion: nobody in between gives up waiting.
    """
    viewer, fixed, tally = request_viewer(request), await _list(request), Tally()
    response = web.StreamResponse()
    response.content_type, response.charset = "text/html", "utf-8"
    await response.prepare(request)
    after: int | None = 0
    while after is not None:
        async with request.app[COUNTING]:
            part = await _part(request, viewer, fixed, after)
        tally.add(part.judged)
        after = part.after
        await response.write(b"\n")
    now = request.app[CLOCK].now()
    await request.app[DATABASE].run(target_letters.log_count, viewer, fixed, tally, now)
    shown = fragment(request, "extract/tally.html", fixed=fixed, tally=tally, act="文書を送付")
    await response.write((shown.text or "").encode())
    await response.write_eof()
    return response


async def take_out(request: web.Request) -> web.StreamResponse:
    """The addresses, as CSV."""
    return await _file(request, left_out=False)


async def take_out_left_out(request: web.Request) -> web.StreamResponse:
    """Who is left out and why, as CSV."""
    return await _file(request, left_out=True)


async def _file(request: web.Request, *, left_out: bool) -> web.StreamResponse:
    encoding = export.encoding_of(await forms.fields(request))
    viewer, fixed = request_viewer(request), await _list(request)
    database, now = request.app[DATABASE], request.app[CLOCK].now()
    what, name = ("除外した人", "letters-left-out") if left_out else ("宛名", "letters")
    await database.run(target_letters.log_export, viewer, fixed, what, encoding, now)
    response = await export.started(request, f"{name}-{request.app[OFFICE].today(now):%Y%m%d}.csv", encoding)
    await response.write(export.begin(encoding, LEFT_OUT if left_out else HEADINGS))
    after: int | None = 0
    while after is not None:
        part, at = await _part(request, viewer, fixed, after), request.app[CLOCK].now()
        await database.run(target_letters.log_part, viewer, part, at, left_out=left_out)
        await response.write(export.table(_left_out(part) if left_out else _addressed(part), encoding))
        after = part.after
    await response.write_eof()
    return response


async def _list(request: web.Request) -> Listed:
    return await request.app[DATABASE].ask(targets.one, request_viewer(request), path_uuid(request))


async def _part(request: web.Request, viewer: Viewer, fixed: Listed, after: int) -> LetterPart:
    now, office = request.app[CLOCK].now(), request.app[OFFICE]
    return await request.app[DATABASE].ask(target_letters.read_part, viewer, fixed.id, after, now, office)


def _addressed(part: LetterPart) -> list[list[str]]:
    rows = []
    for case in (one.case for one in part.addressed):
        place = part.addresses[case.debtor_id]
        code = place.postal_code
        postal = f"{code[:3]}-{code[3:]}" if len(code) == 7 and code.isdigit() else code
        address = f"{place.town}{place.block}{' ' if place.building else ''}{place.building}"
        rows.append(
            [
                case.number, export.safe(case.name), export.safe(case.kana), case.area.label, export.safe(postal),
                export.safe(address), str(case.principal),
            ]
        )  # fmt: skip
    return rows


def _left_out(part: LetterPart) -> list[list[str]]:
    return [
        [one.case.number, export.safe(one.case.name), one.case.area.label, " ".join(one.reasons)]
        for one in part.left_out
    ]
