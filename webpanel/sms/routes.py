"""Routes of messages to phones."""

from typing import Final

from db.rules.terms import Right
from webpanel.routing import Route, action, fragment, page
from webpanel.sms import texts, views

_DEBTOR: Final = "/debtors/{id}"
_TEMPLATES: Final = "/sms/templates"

ROUTES: Final[tuple[Route, ...]] = (
    fragment(f"{_DEBTOR}/sms-form", views.form, Right.SMS),
    action(f"{_DEBTOR}/sms-preview", views.preview, Right.SMS),
    action(f"{_DEBTOR}/sms", views.send, Right.SMS),
    action(f"{_DEBTOR}/sms-refuse", views.refuse, Right.RESULT_RECORD),
    action(f"{_DEBTOR}/sms-allow", views.allow, Right.SMS),
    action(f"{_DEBTOR}/sms-number", views.number_works, Right.SMS),
    action("/sms/messages/{id}/cancel", views.cancel, Right.SMS),
    action("/sms/messages/{id}/decide", views.decide, Right.RESULT_RECORD),
    page(_TEMPLATES, texts.show, Right.RULES_EDIT),
    action(f"{_TEMPLATES}/{{area}}", texts.make, Right.RULES_EDIT),
    action(f"{_TEMPLATES}/{{area}}/words", texts.set_words, Right.RULES_EDIT),
    action(f"{_TEMPLATES}/{{area}}/preview", texts.preview, Right.RULES_EDIT),
    action(f"{_TEMPLATES}/{{area}}/{{id}}", texts.change, Right.RULES_EDIT),
    action(f"{_TEMPLATES}/{{area}}/{{id}}/retire", texts.retire, Right.RULES_EDIT),
)
