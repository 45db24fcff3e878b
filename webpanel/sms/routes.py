"""Routes of messages to phones."""

from typing import Final

from db.rules.terms import Right
from db.usecases import sms_batch_desk
from webpanel.routing import Route, action, fragment, page
from webpanel.sms import batches, texts, views

_DEBTOR: Final = "/debtors/{id}"
_TEMPLATES: Final = "/sms/templates"
_BATCHES: Final = "/sms/batches"

ROUTES: Final[tuple[Route, ...]] = (
    fragment(f"{_DEBTOR}/sms-form", views.form, Right.SMS),
    action(f"{_DEBTOR}/sms-preview", views.preview, Right.SMS),
    action(f"{_DEBTOR}/sms", views.send, Right.SMS),
    action(f"{_DEBTOR}/sms-refuse", views.refuse, Right.RESULT_RECORD),
    action(f"{_DEBTOR}/sms-allow", views.allow, Right.SMS),
    action(f"{_DEBTOR}/sms-number", views.number_works, Right.SMS),
    action("/sms/messages/{id}/cancel", views.cancel, Right.SMS),
    action("/sms/messages/{id}/decide", views.decide, Right.RESULT_RECORD),
    page(_BATCHES, batches.show, Right.SMS_BATCH),
    fragment(f"{_BATCHES}/list", batches.listed, Right.SMS_BATCH),
    fragment("/live/sms-approvals", batches.approvals, Right.SMS_BATCH),
    page(f"{_BATCHES}/new", batches.new, Right.SMS_BATCH),
    action(_BATCHES, batches.make, Right.SMS_BATCH),
    page(f"{_BATCHES}/{{id}}", batches.one, Right.SMS_BATCH),
    fragment(f"{_BATCHES}/{{id}}/progress", batches.progress, Right.SMS_BATCH),
    fragment(f"{_BATCHES}/{{id}}/sample", batches.sample, Right.SMS_BATCH),
    fragment(f"{_BATCHES}/{{id}}/results", batches.results, Right.SMS_BATCH),
    action(f"{_BATCHES}/{{id}}/begin", batches.acting(sms_batch_desk.begin), Right.SMS_BATCH),
    action(f"{_BATCHES}/{{id}}/approve", batches.acting(sms_batch_desk.approve), Right.SMS_BATCH),
    action(f"{_BATCHES}/{{id}}/pause", batches.acting(sms_batch_desk.pause), Right.SMS_BATCH),
    action(f"{_BATCHES}/{{id}}/resume", batches.acting(sms_batch_desk.resume), Right.SMS_BATCH),
    action(f"{_BATCHES}/{{id}}/pace", batches.set_pace, Right.SMS_BATCH),
    action(f"{_BATCHES}/{{id}}/stop", batches.stop, Right.SMS_BATCH),
    page(_TEMPLATES, texts.show, Right.RULES_EDIT),
    action(f"{_TEMPLATES}/{{area}}", texts.make, Right.RULES_EDIT),
    action(f"{_TEMPLATES}/{{area}}/words", texts.set_words, Right.RULES_EDIT),
    action(f"{_TEMPLATES}/{{area}}/preview", texts.preview, Right.RULES_EDIT),
    action(f"{_TEMPLATES}/{{area}}/{{id}}", texts.change, Right.RULES_EDIT),
    action(f"{_TEMPLATES}/{{area}}/{{id}}/retire", texts.retire, Right.RULES_EDIT),
)
